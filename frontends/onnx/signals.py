"""What stands for a value of an ONNX model while it is converted: how spikes make it.

A value is linear in what neurons send, until the next neuron: ``sum_k W_k s_k``. Each summand is
kept as the weights that are still to become a node, so that factors, shifts and the size of a
spike go into them, and one node is left for each way from neurons to neurons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import prod
from typing import TypeAlias

import numpy as np

from snnc.frontends.onnx.model import Array, OperatorError, Shape

BATCH = 2**40
"""Distance of the elements of one sample from those of the next in ``Signal.index``."""
CHANNELS_FIRST = "export the model with channels first: [batch, channels, *spatial]"


@dataclass(frozen=True, eq=False)
class Sent:
    """``factor * x + shift`` of what a node sends.

    Attributes:
        source: Name of the node.
        factor: One number, or an array that broadcasts to the value's shape.
        shift: The same.
    """

    source: str
    factor: Array
    shift: Array


@dataclass(frozen=True, eq=False)
class Convolved:
    """A convolution of what a node sends.

    Attributes:
        source: Name of the node.
        weight: Shape ``[c_out, c_in / groups, *kernel]``.
        bias: Shape ``[c_out]``.
        stride: One entry an axis.
        padding: Before and after each axis.
        dilation: One entry an axis.
        groups: Channels are convolved in so many independent groups.
        origin: The ONNX nodes that it came from.
    """

    source: str
    weight: Array
    bias: Array
    stride: Shape
    padding: tuple[tuple[int, int], ...]
    dilation: Shape
    groups: int
    origin: tuple[str, ...]

    @property
    def is_padding(self) -> bool:
        """Whether it does nothing but add zeros around each channel, and scale it."""
        alone = self.groups == len(self.weight) and prod(self.weight.shape[1:]) == 1
        return alone and not self.bias.any() and max(self.stride) == 1


@dataclass(frozen=True, eq=False)
class Mapped:
    """A matrix times what a node sends, flattened.

    Attributes:
        source: Name of the node.
        weight: Shape ``[n_out, n_in]``.
        bias: Shape ``[n_out]``.
        origin: The ONNX nodes that it came from.
    """

    source: str
    weight: Array
    bias: Array
    origin: tuple[str, ...]


Term: TypeAlias = Sent | Convolved | Mapped


@dataclass(frozen=True, eq=False)
class Activation:
    """``min(max(x, 0), threshold)``, to be made by neurons.

    Attributes:
        name: Name of the ONNX node.
        threshold: What one spike a step stands for; broadcasts to the shape of the part.
    """

    name: str
    threshold: Array


@dataclass(frozen=True, eq=False)
class Part:
    """A sum of terms, through neurons where there is an activation.

    Attributes:
        shape: Of the sum, without batch.
        terms: What is summed.
        activation: None where the sum itself is the value.
    """

    shape: Shape
    terms: tuple[Term, ...]
    activation: Activation | None = None

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)


@dataclass(frozen=True, eq=False)
class Signal:
    """A value of the model, as an arrangement of the elements of parts.

    Attributes:
        index: In the shape of the value, with batch: which element stands there. Elements are
            counted through all parts, each in C order; sample ``b`` begins at ``b * BATCH``.
        parts: What the value is made of.
    """

    index: Array
    parts: tuple[Part, ...]
    _cache: dict[str, Array] = field(default_factory=dict[str, Array], repr=False)

    @property
    def order(self) -> Array:
        """``index`` of one sample.

        Raises:
            OperatorError: The samples of a batch have been mixed.
        """
        if "order" not in self._cache:
            index = self.index
            samples, elements = index // BATCH, index % BATCH
            if index.ndim == 0 or any(
                (samples[b] != b).any() or (elements[b] != elements[0]).any()
                for b in range(len(index))
            ):
                raise OperatorError(
                    f"a value of shape {list(index.shape)} whose first axis is not the batch",
                    "the first axis of every value is the batch",
                )
            self._cache["order"] = index[0]
        return self._cache["order"]

    @property
    def shape(self) -> Shape:
        """Shape of one sample."""
        return self.order.shape

    @property
    def size(self) -> int:
        """Number of elements in all parts."""
        return sum(part.size for part in self.parts)

    @property
    def channels(self) -> Array:
        """Which channel, counted through all parts, each channel of the value is.

        Raises:
            OperatorError: The value is not one of whole channels.
        """
        order = self.order
        extent = order.shape[1:]
        spatial = prod(extent)
        if extent and self._is_crop:
            found = f"a part of {_shapes(self.parts)}, cropped to {list(order.shape)}"
            raise OperatorError(found, "whole channels: a crop is not supported")
        if order.ndim < 1 or any(p.shape[1:] != extent for p in self.parts):
            found = f"a value of shape {list(order.shape)} made of {_shapes(self.parts)}"
            raise OperatorError(found, "a value [channels, *spatial]", CHANNELS_FIRST)
        channels = order.reshape(len(order), -1)[:, 0] // spatial
        whole = channels.reshape(-1, *(1,) * len(extent)) * spatial
        if not np.array_equal(order, whole + np.arange(spatial).reshape(extent)):
            limit = "a value [channels, *spatial]"
            raise OperatorError("elements in another order", limit, CHANNELS_FIRST)
        return np.asarray(channels)

    @property
    def _is_crop(self) -> bool:
        """Whether elements were left out of channels, and the others are in their order."""
        (first, *others) = self.parts
        order = self.order
        if others or order.ndim != len(first.shape) or order.shape[1:] == first.shape[1:]:
            return False
        return bool((np.diff(order.reshape(-1)) > 0).all()) and all(
            n <= m for n, m in zip(order.shape, first.shape, strict=True)
        )


def _shapes(parts: Iterable[Part]) -> str:
    return ", ".join(str(list(p.shape)) for p in parts)


def fresh(batch: int, parts: tuple[Part, ...]) -> Signal:
    """Give the value that is made of ``parts`` along their first axis, in their order."""
    size = sum(part.size for part in parts)
    order = np.arange(size).reshape(sum(p.shape[0] for p in parts), *parts[0].shape[1:])
    starts = BATCH * np.arange(batch).reshape(-1, *(1,) * order.ndim)
    return Signal(starts + order, parts)


def joined(signals: Iterable[Signal]) -> tuple[tuple[Array, ...], tuple[Part, ...]]:
    """Give indices and parts of several values, counted through all of them."""
    indices: list[Array] = []
    parts: list[Part] = []
    for signal in signals:
        indices.append(signal.index + sum(p.size for p in parts))
        parts += signal.parts
    return tuple(indices), tuple(parts)


def compact(values: Array, shape: Shape) -> Array:
    """Give one number, or one a channel, where these are all that ``values`` says.

    Args:
        values: Broadcasts to ``shape``.
        shape: Channels first.
    """
    full = np.broadcast_to(values, shape).reshape(shape[0], -1)
    if not np.array_equal(full, np.broadcast_to(full[:, :1], full.shape), equal_nan=True):
        return np.asarray(np.broadcast_to(values, shape))
    channels = full[:, 0]
    if np.array_equal(channels, np.full_like(channels, channels[0]), equal_nan=True):
        return np.asarray(channels[0])
    return channels.reshape(-1, *(1,) * (len(shape) - 1))


def by_channel(values: Array, shape: Shape) -> Array | None:
    """Give one number for each channel, or None where ``values`` has more to say."""
    small = compact(values, shape)
    if small.size not in {1, shape[0]} or (small.size > 1 and small.shape[0] != shape[0]):
        return None
    return np.asarray(np.broadcast_to(small.reshape(-1), shape[:1]))


def scaled(term: Term, factor: Array, shift: Array, shape: Shape) -> Term | None:
    """Give ``factor * term + shift``, or None where weights cannot take it up.

    Args:
        term: A summand.
        factor: Broadcasts to ``shape``.
        shift: The same.
        shape: Of the term.
    """
    if isinstance(term, Sent):
        return Sent(
            term.source,
            compact(term.factor * factor, shape),
            compact(term.shift * factor + shift, shape),
        )
    factors, shifts = by_channel(factor, shape), by_channel(shift, shape)
    if factors is None or shifts is None:
        return None
    rows = factors.reshape(-1, *(1,) * (term.weight.ndim - 1))
    return replace(term, weight=term.weight * rows, bias=term.bias * factors + shifts)


def plain(source: str) -> Sent:
    """Give what a node sends as it is."""
    return Sent(source, np.array(1.0), np.array(0.0))


def added(terms: Iterable[Term], shape: Shape) -> tuple[Term, ...]:
    """Give the terms of a sum, what is in it twice as one of twice the size."""
    sent: dict[str, Sent] = {}
    weighted: dict[int, Convolved | Mapped] = {}
    counts: Counter[int] = Counter()
    for term in terms:
        if not isinstance(term, Sent):
            weighted[id(term)] = term
            counts[id(term)] += 1
        elif term.source in sent:
            other = sent[term.source]
            factor = compact(other.factor + term.factor, shape)
            shift = compact(other.shift + term.shift, shape)
            sent[term.source] = Sent(term.source, factor, shift)
        else:
            sent[term.source] = term
    times = [
        t if counts[i] == 1 else replace(t, weight=t.weight * counts[i], bias=t.bias * counts[i])
        for i, t in weighted.items()
    ]
    return (*times, *sent.values())


def embedded(part: Part, before: int, total: int) -> Iterator[Term]:
    """Yield the terms of ``part`` as channels ``before`` and on of ``total``, zeros elsewhere."""
    channels = part.shape[0]
    rows = (before, total - before - channels)
    for term in part.terms:
        placed = _weighted(term, part.shape)
        widths = [rows, *[(0, 0)] * (placed.weight.ndim - 1)]
        yield replace(placed, weight=np.pad(placed.weight, widths), bias=np.pad(placed.bias, rows))


def _weighted(term: Term, shape: Shape) -> Convolved | Mapped:
    """Give a term as weights, all of its channels in one group."""
    if isinstance(term, Mapped):
        return term
    if isinstance(term, Convolved):
        return replace(term, weight=ungrouped(term.weight, term.groups), groups=1)
    factor, shift = by_channel(term.factor, shape), by_channel(term.shift, shape)
    if factor is None or shift is None:
        raise OperatorError("values that are scaled one by one", "one factor for each channel")
    axes = len(shape) - 1
    if axes == 0:
        return Mapped(term.source, np.diag(factor), shift, ())
    weight = np.diag(factor).reshape(*np.diag(factor).shape, *(1,) * axes)
    ones, nothing = (1,) * axes, ((0, 0),) * axes
    return Convolved(term.source, weight, shift, ones, nothing, ones, 1, ())


def ungrouped(weight: Array, groups: int) -> Array:
    """Give the weights of a convolution in groups as those of one, with zeros between groups."""
    if groups == 1:
        return weight
    c_out, c_in = weight.shape[:2]
    full = np.zeros((c_out, c_in * groups, *weight.shape[2:]), weight.dtype)
    for g in range(groups):
        rows = slice(g * c_out // groups, (g + 1) * c_out // groups)
        full[rows, g * c_in : (g + 1) * c_in] = weight[rows]
    return full
