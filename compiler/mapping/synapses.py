"""The synapses of a projection into a part: which axons there are, and which neurons they reach.

Windows look the same wherever they are, so a box of a convolution has few kinds of axons: an axis
at a time, elements that reach neurons at the same distances are of one kind, and the kinds of an
element are those of its axes. Neurons of a box are counted place by place, channels fastest; those
of a list as they stand there.

Weights of a matrix that are zero are no synapses, and neither are kernels of zeros from a channel
to a channel. Other zeros, within a kernel or among factors, are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import product
from math import prod
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork, FixedProjection
from snnc.compiler.mapping.encodings import Counts, SynapseLists
from snnc.compiler.mapping.matrices import Sparse, pooling_matrices, scipy_sparse, unrolled
from snnc.compiler.mapping.regions import Box, Neurons, Region
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    MaxPooling,
    Shape,
    SumPooling,
    Window,
    result_shape,
)

Pooling: TypeAlias = SumPooling | MaxPooling


@dataclass(frozen=True)
class Axis:
    """How the elements of a source lie to the neurons of a box along one axis.

    Attributes:
        kinds: Neurons that an element of each kind reaches, from the first of them on.
        last: Where an element of each kind is that begins farthest behind.
        elements: How many there are of each kind.
        taps: Distinct distances from a neuron to its elements.
        fan_in: Most elements of one neuron.
    """

    kinds: tuple[tuple[int, ...], ...]
    last: tuple[int, ...]
    elements: tuple[int, ...]
    taps: int
    fan_in: int


@dataclass(frozen=True, eq=False)
class Synapses:
    """The synapses of a projection into a part.

    Attributes:
        lists: By kinds of axons.
        kernels: For the kinds of channels of a source of windows, the weights of one, which all
            its axons can share, and how many such channels there are; none where axons of a channel
            have weights of their own.
        fan_in: Synapses of a neuron, largest.
    """

    lists: SynapseLists
    kernels: tuple[tuple[int, int], ...]
    fan_in: int


class Wiring:
    """One projection, ready to be asked for any part of its target."""

    def __init__(self, network: FixedNetwork, projection: FixedProjection) -> None:
        shapes = network.shapes
        self.projection = projection
        self.source: Shape = shapes[projection.source]
        self.target: Shape = shapes[projection.target]
        self._before, self._weighted, self._behind = _sorted(projection.operators)
        self._axes: dict[tuple[int, int, int], Axis] = {}
        self._boxes: dict[tuple[Axis, ...], Synapses] = {}
        self._matrix: Sparse = None

    @property
    def has_windows(self) -> bool:
        """Whether boxes look the same wherever they are."""
        if not isinstance(self._weighted, FixedConvolution | FixedScaling) or len(self.target) < 2:
            return False
        return result_shape(self._operators, self.source) == self.target

    def into(self, region: Region) -> Synapses:
        """Give the synapses into ``region`` of the target."""
        if self.has_windows and isinstance(region, Box):
            axes = tuple(
                self._axis(i, b, e)
                for i, (b, e) in enumerate(zip(region.begin, region.end, strict=True))
            )
            if axes not in self._boxes:
                found = _of_box(axes, region.shape)
                self._boxes[axes] = found if self._shares else replace(found, kernels=())
            return self._boxes[axes]
        neurons = numbered(region, self.target)
        if isinstance(self._weighted, FixedDense) and not self._before:
            return _of_rows(self._weighted.weight[neurons] != 0)
        return _of_matrix(self._rows(neurons))

    @cached_property
    def _shares(self) -> bool:
        """Whether all pixels of a channel have the same weights; factors may differ."""
        if not isinstance(self._weighted, FixedScaling):
            return True
        factors = self._weighted.weight.reshape(self.source[0], -1)  # pooling keeps channels
        return bool((factors == factors[:, :1]).all())

    def _axis(self, axis: int, begin: int, end: int) -> Axis:
        key = axis, begin, end
        if key not in self._axes:
            targets = np.arange(begin, end)
            if axis == 0:
                self._axes[key] = _summary(*self._channels(targets), taps=1)
            else:
                self._axes[key] = self._along(axis - 1, targets)
        return self._axes[key]

    def _channels(self, targets: Neurons) -> tuple[Neurons, Neurons]:
        """Give pairs of a channel of the box and a channel of the source that reaches it."""
        if not isinstance(self._weighted, FixedConvolution):
            return np.arange(targets.size), targets
        weight, groups = self._weighted.weight[targets], self._weighted.groups
        row, column = np.nonzero(weight.reshape(*weight.shape[:2], -1).any(axis=2))
        per_group = self._weighted.weight.shape[0] // groups
        return row, column + targets[row] // per_group * weight.shape[1]

    def _along(self, axis: int, targets: Neurons) -> Axis:
        """Follow the windows back from the places of the box to those of the source."""
        place, element = np.arange(targets.size), targets
        windows = _windows(self._operators, self.source)
        for window, extent in reversed(windows):
            offset = np.arange(window.kernel[axis]) * window.dilation[axis]
            first = element * window.stride[axis] - window.padding[axis][0]
            under = (first[:, None] + offset).reshape(-1)
            place = np.repeat(place, offset.size)
            inside = (under >= 0) & (under < extent[axis])
            pairs = np.unique(np.stack((place[inside], under[inside])), axis=1)
            place, element = pairs
        stride = prod(window.stride[axis] for window, _ in windows)
        taps = np.unique(element - place * stride).size
        return _summary(place, element, taps=taps)

    @property
    def _operators(self) -> tuple[FixedOperator, ...]:
        return (*self._before, self._weighted, *self._behind)

    def _rows(self, neurons: Neurons) -> Sparse:
        """Give the synapses of ``neurons``: a matrix by columns, an axon each."""
        if isinstance(self._weighted, FixedDense):
            rows = scipy_sparse().csc_array(self._weighted.weight[neurons] != 0)
            for pooling in reversed(pooling_matrices(self._before, self.source)):
                rows = ((rows.astype(np.int32) @ pooling) != 0).tocsc()
            return rows
        if self._matrix is None:
            self._matrix = unrolled(self._operators, self.source).tocsr()
        return self._matrix[neurons].tocsc()


def numbered(region: Region, shape: Shape) -> Neurons:
    """Give the neurons of a part in the order in which its core counts them, shape ``[size]``."""
    neurons = region.indices(shape)
    if isinstance(region, Box) and len(shape) > 1:
        return np.moveaxis(neurons.reshape(region.shape), 0, -1).reshape(-1)
    return neurons


def _sorted(
    operators: tuple[FixedOperator, ...],
) -> tuple[tuple[Pooling, ...], FixedOperator, tuple[Pooling, ...]]:
    (at,) = (i for i, o in enumerate(operators) if not isinstance(o, SumPooling | MaxPooling))
    before = tuple(o for o in operators[:at] if isinstance(o, SumPooling | MaxPooling))
    behind = tuple(o for o in operators[at + 1 :] if isinstance(o, SumPooling | MaxPooling))
    return before, operators[at], behind


def _windows(operators: Sequence[FixedOperator], shape: Shape) -> list[tuple[Window, Shape]]:
    """Give the windows of ``operators`` and the extents that they move over."""
    found: list[tuple[Window, Shape]] = []
    for operator in operators:
        if isinstance(operator, FixedConvolution | SumPooling | MaxPooling):
            found.append((operator.window, shape[1:]))
        shape = operator.result_shape(shape)
    return found


def _summary(place: Neurons, element: Neurons, *, taps: int) -> Axis:
    """Sum up pairs of a neuron of the box and an element of the source, each given once."""
    order = np.lexsort((place, element))
    targets, elements = place[order], element[order]
    _, begin, counts = np.unique(elements, return_index=True, return_counts=True)
    found: dict[tuple[int, ...], list[int]] = {}
    for b, n in zip(begin.tolist(), counts.tolist(), strict=True):
        reached = targets[b : b + n]
        kind = tuple((reached - reached[0]).tolist())
        found.setdefault(kind, []).append(int(reached[0]))
    kinds = tuple(sorted(found))
    return Axis(
        kinds=kinds,
        last=tuple(max(found[k]) for k in kinds),
        elements=tuple(len(found[k]) for k in kinds),
        taps=taps,
        fan_in=int(np.bincount(place, minlength=1).max(initial=0)),
    )


def _of_box(axes: tuple[Axis, ...], shape: Shape) -> Synapses:
    """Put the axes of a box together: the channels first, which run fastest."""
    strides = [1, *(prod(shape[i + 1 :]) * shape[0] for i in range(1, len(shape)))]
    lists: list[Counts] = []
    axons: list[int] = []
    for kinds in product(*(range(len(a.kinds)) for a in axes)):
        places = [
            (np.asarray(a.kinds[k]) + a.last[k]) * stride
            for a, k, stride in zip(axes, kinds, strides, strict=True)
        ]
        lists.append(np.sort(reduce(np.add.outer, places).reshape(-1)))
        axons.append(prod(a.elements[k] for a, k in zip(axes, kinds, strict=True)))
    taps = prod(a.taps for a in axes)
    kernels = [(len(k) * taps, n) for k, n in zip(axes[0].kinds, axes[0].elements, strict=True)]
    return Synapses(_listed(lists, axons), tuple(kernels), prod(a.fan_in for a in axes))


def _listed(lists: list[Counts], axons: list[int]) -> SynapseLists:
    begin = np.cumsum([0, *(one.size for one in lists)])
    index = np.concatenate([*lists, np.zeros(0, np.int64)]).astype(np.int64)
    return SynapseLists(begin.astype(np.int64), index, np.asarray(axons, np.int64))


def _of_rows(used: npt.NDArray[np.bool_]) -> Synapses:
    """Give the lists of rows of a matrix, of which it is known what is not zero."""
    n, axons = used.shape
    if used.all():
        return Synapses(_listed([np.arange(n)], [axons]), (), axons)
    columns = np.ascontiguousarray(used.T)
    columns = columns[columns.any(axis=1)]
    index = (np.flatnonzero(columns) % n).astype(np.int64)
    begin = np.concatenate([[0], np.cumsum(np.count_nonzero(columns, axis=1))]).astype(np.int64)
    fan_in = int(np.count_nonzero(used, axis=1).max(initial=0))
    return Synapses(SynapseLists(begin, index, np.ones(len(columns), np.int64)), (), fan_in)


def _of_matrix(matrix: Sparse) -> Synapses:
    """Give the lists of a matrix by columns; those that are all zero are no axons."""
    matrix.sort_indices()
    begin = np.asarray(matrix.indptr, np.int64)
    index = np.asarray(matrix.indices, np.int64)
    fan_in = int(np.bincount(index, minlength=1).max(initial=0))
    used = np.diff(begin) > 0
    if used.any() and index.size == used.sum() * matrix.shape[0]:  # each reaches all
        every: list[Counts] = [np.arange(int(matrix.shape[0]))]
        return Synapses(_listed(every, [int(used.sum())]), (), fan_in)
    starts = np.append(begin[:-1][used], index.size)
    return Synapses(SynapseLists(starts, index, np.ones(starts.size - 1, np.int64)), (), fan_in)
