"""What linear operators, pooling and ReLU make of values that spikes carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from snnc.frontends.onnx.graph import GraphMaker
from snnc.frontends.onnx.model import Array, OperatorError, Shape
from snnc.frontends.onnx.signals import (
    Activation,
    Convolved,
    Mapped,
    Part,
    Sent,
    Signal,
    Term,
    added,
    by_channel,
    compact,
    embedded,
    fresh,
    plain,
    scaled,
    ungrouped,
)
from snnc.frontends.onnx.windows import Windows

ZERO, ONE = np.array(0.0), np.array(1.0)


@dataclass(frozen=True, eq=False)
class _Ahead:
    """A max pool that is taken before the neurons.

    Attributes:
        part: The currents, with their activation.
        windows: Of the pool on these.
        factor: What the maximum of the activations is multiplied by, of each channel.
        shift: What is added then.
    """

    part: Part
    windows: Windows
    factor: Array
    shift: Array


class Linear:
    """Applies operators to signals.

    Args:
        maker: Where nodes go that have to be made on the way.

    Attributes:
        remarks: What a user should know of how the model is taken.
    """

    def __init__(self, maker: GraphMaker) -> None:
        self._maker = maker
        self.remarks: list[str] = []

    def convolve(
        self,
        name: str,
        signal: Signal,
        weight: Array,
        bias: Array | None,
        windows: Windows,
        groups: int,
    ) -> Signal:
        """Give the convolution of a value; the weights of a concatenation are split."""
        channels = signal.channels
        weight = weight.astype(np.float64)
        parts = self._fired(signal)
        if len(parts) > 1 or not np.array_equal(channels, np.arange(len(channels))):
            native = np.zeros((len(weight), sum(p.shape[0] for p in parts), *weight.shape[2:]))
            native[:, channels] = ungrouped(weight, groups)
            weight, groups = native, 1
        rest = np.zeros(len(weight)) if bias is None else bias.astype(np.float64)
        terms: list[Term] = []
        for part, own in zip(parts, _split(weight, parts), strict=True):
            for term in part.terms:
                source, kernel, pads = self._taken(term, part.shape, own, groups, windows.pads)
                after = [
                    (b, max(r - n - b, 0))
                    for r, n, (b, _) in zip(
                        windows.reach, self._maker.shapes[source][1:], pads, strict=True
                    )
                ]
                terms.append(
                    Convolved(
                        source,
                        kernel,
                        rest,
                        windows.stride,
                        tuple(after),
                        windows.dilation,
                        groups,
                        (name,),
                    )
                )
                rest = np.zeros_like(rest)
        shape = (len(weight), *windows.positions)
        return fresh(len(signal.index), (Part(shape, tuple(terms)),))

    def _taken(
        self,
        term: Term,
        shape: Shape,
        weight: Array,
        groups: int,
        pads: tuple[tuple[int, int], ...],
    ) -> tuple[str, Array, tuple[tuple[int, int], ...]]:
        """Give source, weights and padding of a convolution that takes up ``term``."""
        if isinstance(term, Sent) and not term.shift.any():
            factor = by_channel(term.factor, shape)
            if factor is not None:
                return term.source, _times_inputs(weight, factor, groups), pads
        if isinstance(term, Convolved) and term.is_padding:
            merged = tuple(
                (a + c, b + d) for (a, b), (c, d) in zip(term.padding, pads, strict=True)
            )
            return term.source, _times_inputs(weight, term.weight.reshape(-1), groups), merged
        return self._maker.emitted(term, shape), weight, pads

    def multiply(self, name: str, signal: Signal, weight: Array, bias: Array | None) -> Signal:
        """Give ``weight @ x + bias`` of a value of one axis."""
        order = signal.order
        if order.ndim != 1 or weight.shape[1] != order.size:
            found = f"a matrix {list(weight.T.shape)} on values of shape {list(order.shape)}"
            raise OperatorError(found, "one axis beside the batch")
        native = np.zeros((len(weight), signal.size))
        np.add.at(native.T, order, weight.T.astype(np.float64))
        rest = np.zeros(len(weight)) if bias is None else bias.astype(np.float64)
        parts = self._fired(signal)
        ends = list(accumulate(p.size for p in parts))
        terms: list[Mapped] = []
        for part, end in zip(parts, ends, strict=True):
            own = native[:, end - part.size : end]
            for term in part.terms:
                source, rows = term.source, own
                if isinstance(term, Sent):
                    rows = own * np.broadcast_to(term.factor, part.shape).reshape(-1)
                    rest = rest + own @ np.broadcast_to(term.shift, part.shape).reshape(-1)
                else:
                    source = self._maker.emitted(term, part.shape)
                terms.append(Mapped(source, rows, np.zeros(len(weight)), (name,)))
        first = replace(terms[0], bias=rest)
        shape = (len(weight),)
        return fresh(len(signal.index), (Part(shape, (first, *terms[1:])),))

    def affine(self, signal: Signal, factor: Array, shift: Array) -> Signal:
        """Give ``factor * x + shift``, both broadcast to the value's shape."""
        factors = self._spread(signal, factor)
        shifts = self._spread(signal, shift)
        parts: list[Part] = []
        for part, f, s in zip(self._fired(signal), factors, shifts, strict=True):
            terms: list[Term] = []
            rest: Array = s
            for term in part.terms:
                folded = scaled(term, f, rest, part.shape)
                if folded is None:
                    sent = plain(self._maker.emitted(term, part.shape))
                    folded = Sent(sent.source, compact(f, part.shape), compact(rest, part.shape))
                terms.append(folded)
                rest = ZERO
            parts.append(Part(part.shape, tuple(terms)))
        return Signal(signal.index, tuple(parts))

    def add(self, signals: Sequence[Signal]) -> Signal:
        """Give the sum of values of one shape."""
        shapes = [s.shape for s in signals]
        if any(shape != shapes[0] for shape in shapes):
            found = " + ".join(str(list(s)) for s in shapes)
            raise OperatorError(f"values of shape {found}", "values of one shape")
        first = signals[0]
        if any(_layout(s) != _layout(first) for s in signals) or any(
            not np.array_equal(s.index, first.index) for s in signals
        ):
            signals = [self.merged(s) for s in signals]
        groups = zip(*(self._fired(s) for s in signals), strict=True)
        parts = [
            Part(group[0].shape, added((t for p in group for t in p.terms), group[0].shape))
            for group in groups
        ]
        return Signal(signals[0].index, tuple(parts))

    def merged(self, signal: Signal) -> Signal:
        """Give a value as one part, in the order of its own elements."""
        channels = signal.channels
        parts = self._fired(signal)
        if not np.array_equal(channels, np.arange(len(channels))):
            raise OperatorError("channels in another order", "channels as they were made")
        if len(parts) == 1:
            return Signal(signal.index, parts)
        total = len(channels)
        ends = list(accumulate(p.shape[0] for p in parts))
        terms = [
            term
            for part, end in zip(parts, ends, strict=True)
            for term in embedded(part, end - part.shape[0], total)
        ]
        shape = (total, *parts[0].shape[1:])
        return Signal(signal.index, (Part(shape, tuple(terms)),))

    def average(self, name: str, signal: Signal, windows: Windows, *, include_pad: bool) -> Signal:
        """Give the average under a window: of every summand, as averaging is linear."""

        def pool(part: Part, shape: Shape) -> Iterator[Term]:
            for term in part.terms:
                factor, source = ONE, ""
                if isinstance(term, Sent) and not term.shift.any():
                    channels = by_channel(term.factor, part.shape)
                    if channels is not None:
                        factor, source = compact(term.factor, part.shape), term.source
                source = source or self._maker.emitted(term, part.shape)
                sent = self._maker.average_pool(
                    name, source, shape, windows, include_pad=include_pad
                )
                yield replace(sent, factor=factor)

        parts = [
            Part(shape, tuple(pool(part, shape)))
            for part in self._fired(signal)
            for shape in [(part.shape[0], *windows.positions)]
        ]
        return _in_order(signal, parts)

    def largest(self, name: str, signal: Signal, windows: Windows) -> Signal:
        """Give the largest under a window, of currents where neurons follow.

        ``max`` commutes with ``min(max(x, 0), threshold)`` and with a factor above 0: the currents
        are pooled and the neurons behind the pool are made, so that a window of neurons becomes
        one. Where spikes stay under the window, that is a remark.
        """
        channels = signal.channels
        del channels  # checked: a window moves over whole channels
        parts: list[Part] = []
        for part in signal.parts:
            way = self._before_neurons(part, windows)
            parts.append(
                self._pooled(name, part, windows) if way is None else self._ahead(name, way)
            )
        return _in_order(signal, parts)

    def _pooled(self, name: str, part: Part, windows: Windows) -> Part:
        shape = (part.shape[0], *windows.positions)
        if any(
            self._maker.sends_spikes(term.source)
            for term in part.terms
            if isinstance(term, Sent) or (isinstance(term, Convolved) and term.is_padding)
        ):
            self.remarks.append(
                f"max pooling {name} takes the maximum of spikes, which is larger than that of the "
                "rates"
            )
        sources = self._maker.sources(part)
        sent = self._maker.max_pool(name, sources, shape, windows)
        return Part(shape, (sent,), part.activation)

    def _ahead(self, name: str, way: _Ahead) -> Part:
        """Give the pool of the currents, then the neurons, then the rest."""
        pooled = self._pooled(name, way.part, way.windows)
        if (way.factor == 1).all() and not way.shift.any():
            return pooled
        fired = self._maker.fired(pooled)
        axes = (1,) * (len(fired.shape) - 1)
        factor, shift = way.factor.reshape(-1, *axes), way.shift.reshape(-1, *axes)
        terms = [scaled(term, factor, shift, fired.shape) for term in fired.terms]
        return Part(fired.shape, tuple(t for t in terms if t is not None))

    def _before_neurons(self, part: Part, windows: Windows) -> _Ahead | None:
        """Give what a pool can take in place of the activations that ``part`` is made of."""
        channels = part.shape[0]
        if part.activation is not None:
            return _Ahead(part, windows, np.ones(channels), np.zeros(channels))
        term = part.terms[0]
        before = self._maker.activations.get(term.source)
        if len(part.terms) > 1 or before is None or before.activation is None:
            return None
        threshold = by_channel(before.activation.threshold, before.shape)
        factor = shift = None
        if isinstance(term, Sent):
            factor, shift = by_channel(term.factor, part.shape), by_channel(term.shift, part.shape)
        elif isinstance(term, Convolved) and term.is_padding:
            factor, shift = term.weight.reshape(-1), term.bias
            windows = windows.around(before.shape[1:], term.padding)
            if not windows.meets_everywhere:
                return None
        if threshold is None or factor is None or shift is None or not (factor > 0).all():
            return None
        return _Ahead(before, windows, factor / threshold, shift)

    def pad(self, name: str, signal: Signal, padding: tuple[tuple[int, int], ...]) -> Signal:
        """Give a value with zeros around each channel."""
        axes = len(padding)
        parts: list[Part] = []
        for part in self._fired(signal):
            shape = (
                part.shape[0],
                *(n + sum(p) for n, p in zip(part.shape[1:], padding, strict=True)),
            )
            terms: list[Term] = []
            for term in part.terms:
                factor, source = np.ones(part.shape[0]), term.source
                known = None
                if isinstance(term, Sent) and not term.shift.any():
                    known = by_channel(term.factor, part.shape)
                if known is None:
                    source = self._maker.emitted(term, part.shape)
                else:
                    factor = known
                weight = factor.reshape(-1, *(1,) * (axes + 1))
                ones = (1,) * axes
                bias = np.zeros(len(factor))
                terms.append(
                    Convolved(source, weight, bias, ones, padding, ones, len(factor), (name,))
                )
            parts.append(Part(shape, tuple(terms)))
        return _in_order(signal, parts)

    def activate(self, name: str, signal: Signal, threshold: Array) -> Signal:
        """Give ``min(max(x, 0), threshold)``, by neurons that are made when they are needed.

        Args:
            name: Name of the node.
            signal: The value.
            threshold: Broadcasts to its shape; infinite where there is no bound.
        """
        parts: list[Part] = []
        for part, bound in zip(signal.parts, self._spread(signal, threshold), strict=True):
            before = part.activation or Activation(name, np.array(np.inf))
            least = compact(np.minimum(bound, before.threshold), part.shape)
            activation = Activation(before.name, least)
            parts.append(Part(part.shape, part.terms, activation))
        return Signal(signal.index, tuple(parts))

    def is_input(self, signal: Signal) -> bool:
        """Tell whether a value is an input of the model as it is."""
        return all(
            part.activation is None
            and all(isinstance(t, Sent) and self._maker.is_input(t.source) for t in part.terms)
            for part in signal.parts
        )

    def _fired(self, signal: Signal) -> tuple[Part, ...]:
        return tuple(self._maker.fired(part) for part in signal.parts)

    def _spread(self, signal: Signal, values: Array) -> Iterator[Array]:
        """Yield ``values``, of the value's shape, as arrays of the parts' shapes."""
        order = signal.order
        if values.ndim == order.ndim + 1:
            if values.shape[0] != 1:
                found = f"numbers of shape {list(values.shape)}, one for each sample"
                raise OperatorError(found, "the same numbers for all samples")
            values = values[0]
        native = np.ones(signal.size)
        native[order] = np.broadcast_to(values, order.shape)
        end = 0
        for part in signal.parts:
            yield native[end : end + part.size].reshape(part.shape)
            end += part.size


def _layout(signal: Signal) -> list[Shape]:
    return [part.shape for part in signal.parts]


def _split(weight: Array, parts: Sequence[Part]) -> Iterable[Array]:
    if len(parts) == 1:
        return [weight]
    ends = list(accumulate(p.shape[0] for p in parts))
    return [weight[:, end - p.shape[0] : end] for p, end in zip(parts, ends, strict=True)]


def _times_inputs(weight: Array, factor: Array, groups: int) -> Array:
    """Give weights for inputs that are ``factor`` times as large, one factor a channel."""
    c_out, c_in = weight.shape[:2]
    rows = np.repeat(factor.reshape(groups, c_in), c_out // groups, axis=0)
    return np.asarray(weight * rows.reshape(c_out, c_in, *(1,) * (weight.ndim - 2)))


def _in_order(signal: Signal, parts: Sequence[Part]) -> Signal:
    """Give channels that were made of those of ``signal`` in their order."""
    made = fresh(len(signal.index), tuple(parts))
    return Signal(made.index[:, signal.channels], made.parts)
