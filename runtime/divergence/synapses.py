"""Which synapses reach a neuron in a step, and what arrives over each of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    FixedWeighted,
    SumPooling,
    Window,
)
from snnc.runtime.divergence.evidence import MARGIN, Arrival, Place
from snnc.targets.integer.reference import Integers, operated

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Synapses:
    """The synapses of some elements, each of shape ``[m, synapses]``.

    Attributes:
        brought: What arrives over each; 0 where an element has fewer.
        index: Its weight, in C order of the operator's weights.
    """

    brought: Integers
    index: Indices


@dataclass(frozen=True)
class Way:
    """The operators of a projection, around the one that has weights.

    Attributes:
        before: In front of it.
        weighted: The one.
        behind: Behind it.
    """

    before: tuple[FixedOperator, ...]
    weighted: FixedWeighted
    behind: tuple[FixedOperator, ...]

    @property
    def linear(self) -> bool:
        """Whether what arrives is a sum over synapses: nothing but sums behind the weights."""
        return all(isinstance(o, SumPooling) for o in self.behind)


def way(operators: tuple[FixedOperator, ...]) -> Way:
    """Find the operator that has weights."""
    ((i, weighted),) = ((i, o) for i, o in enumerate(operators) if isinstance(o, FixedWeighted))
    return Way(operators[:i], weighted, operators[i + 1 :])


def synapses_of(arrival: Arrival, place: Place) -> Synapses | None:
    """Give the synapses of some elements; None where what arrives is no sum over them.

    Args:
        arrival: Of which projection.
        place: Steps of the window, samples and neurons, each of shape ``[m]``.
    """
    found = way(arrival.projection.operators)
    if not found.linear:
        return None
    steps, samples, neurons = place
    batch = arrival.sent.shape[1]
    moments, row = np.unique(steps * batch + samples, return_inverse=True)
    x = arrival.sent[moments // batch + MARGIN, moments % batch]
    x = x.reshape(len(moments), *arrival.shape)
    for operator in found.before:
        x = operated(operator, x)
    match found.weighted:
        case FixedDense(weight=weight):
            n_in = int(weight.shape[1])
            index = neurons[:, None] * n_in + np.arange(n_in)
            return Synapses(x.reshape(len(moments), -1)[row], index)
        case FixedSparse() as sparse:
            return _listed(sparse, x.reshape(len(moments), -1), row, neurons)
        case FixedScaling():
            places, inside = _behind(found, x.shape[1:], neurons)
            index = np.where(inside, places, 0)
            return Synapses(x.reshape(len(moments), -1)[row[:, None], index] * inside, index)
        case FixedConvolution() as convolution:
            return _windowed(convolution, found, x, row, neurons)


def _listed(sparse: FixedSparse, x: Integers, row: Indices, neurons: Indices) -> Synapses:
    """Give the synapses of a list, sorted by their targets."""
    order = np.argsort(sparse.target, kind="stable")
    begin = np.searchsorted(sparse.target[order], np.arange(sparse.n_out + 1))
    lengths = np.diff(begin)[neurons]
    offsets = np.arange(int(lengths.max(initial=0)))
    inside = offsets < lengths[:, None]
    index = order[np.where(inside, begin[neurons][:, None] + offsets, 0)] if order.size else offsets
    index = np.broadcast_to(index, inside.shape)
    return Synapses(np.where(inside, x[row[:, None], sparse.source[index]], 0), index)


def _behind(
    found: Way, shape: tuple[int, ...], neurons: Indices
) -> tuple[Indices, npt.NDArray[np.bool_]]:
    """Give the elements of the weighted operator's result that are pooled into each neuron.

    Returns:
        Their indices in C order, shape ``[m, pooled]``, and which of them exist.
    """
    sums = [o for o in found.behind if isinstance(o, SumPooling)]
    shapes = [found.weighted.result_shape(shape)]
    for operator in sums:
        shapes.append(operator.result_shape(shapes[-1]))
    places, inside = neurons[:, None], np.ones((len(neurons), 1), np.bool_)
    for operator, shape_in, shape_out in zip(
        sums[::-1], shapes[-2::-1], shapes[:0:-1], strict=True
    ):
        channel, at = np.divmod(places, prod(shape_out[1:]))
        under, there = _under(operator.window, at, shape_in[1:], shape_out[1:])
        places = (channel[..., None] * prod(shape_in[1:]) + under).reshape(len(neurons), -1)
        inside = (inside[..., None] & there).reshape(len(neurons), -1)
    return places, inside


def _under(
    window: Window, at: Indices, extent: tuple[int, ...], positions: tuple[int, ...]
) -> tuple[Indices, npt.NDArray[np.bool_]]:
    """Give what lies under the window at some of its positions.

    Args:
        window: Over the axes of ``extent``.
        at: Positions in C order, of any shape.
        extent: Of the value.
        positions: Of the window on each axis.

    Returns:
        Places in C order, of the shape of ``at`` and one axis more, of the kernel's elements; and
        which of them are no padding.
    """
    elements = np.indices(window.kernel).reshape(len(window.kernel), -1)
    place = np.zeros((*at.shape, elements.shape[1]), np.intp)
    inside = np.ones(place.shape, np.bool_)
    for axis in range(len(extent)):
        p = at // prod(positions[axis + 1 :]) % positions[axis]
        where = p[..., None] * window.stride[axis] - window.padding[axis][0]
        where = where + elements[axis] * window.dilation[axis]
        inside &= (where >= 0) & (where < extent[axis])
        place = place * extent[axis] + np.clip(where, 0, extent[axis] - 1)
    return place, inside


def _windowed(
    convolution: FixedConvolution, found: Way, x: Integers, row: Indices, neurons: Indices
) -> Synapses:
    """Give the synapses of a convolution, summed over what is pooled behind it."""
    weight, shape = convolution.weight, x.shape[1:]
    result = convolution.result_shape(shape)
    places, pooled = _behind(found, shape, neurons)
    channel, at = np.divmod(places, prod(result[1:]))
    under, there = _under(convolution.window, at, shape[1:], result[1:])
    there &= pooled[..., None]
    own = channel[:, 0]  # pooling leaves channels apart
    first = own // (weight.shape[0] // convolution.groups) * weight.shape[1]
    flat = x.reshape(len(x), shape[0], -1)
    brought = [
        (flat[row[:, None, None], first[:, None, None] + k, under] * there).sum(axis=1)
        for k in range(weight.shape[1])
    ]
    size = prod(weight.shape[1:])
    return Synapses(
        np.stack(brought, axis=1).reshape(len(neurons), size),
        own[:, None] * size + np.arange(size),
    )
