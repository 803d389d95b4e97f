"""The arithmetic of a projection: one step of its operators in integers.

The same as ``docs/arithmetic.md`` of snnc. Every value is an integer, kept as a float that holds it
exactly, so sums may be left to BLAS, whatever order it adds in: in single precision where no sum
can leave its ``2**24``, and else in double, where none leaves its ``2**53``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import inf, prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .kernels import Matrix, float_type, largest_of

Values = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Shape = tuple[int, ...]
Record = Mapping[str, Any]
"""An operator as ``program.json`` has it, with its ``kind``, and its weights in their place."""


class Stage(NamedTuple):
    """An operator, ready to be executed.

    Attributes:
        apply: Makes of the values of a batch others, ``[batch, *shape]``.
        shape: Of what it makes of a sample.
        largest: Bound of the magnitude in it.
        numbers: How many it keeps in memory for each sample.
    """

    apply: Callable[[Values], Values]
    shape: Shape
    largest: float
    numbers: int


class Synapses:
    """What a projection makes of what its source sends, but for the delay.

    Attributes:
        largest: Bound of the magnitude of the synaptic input.
        numbers: How many it keeps in memory for each sample.
    """

    def __init__(
        self, operators: Sequence[Record], shape: Shape, weight_exp: int, largest: float = inf
    ) -> None:
        """Take the operators, applied one after the other.

        Args:
            operators: Records of ``FixedDense``, ``FixedSparse``, ``FixedConvolution``,
                ``FixedScaling``, ``SumPooling`` and ``MaxPooling``.
            shape: Of what the source sends.
            weight_exp: Exponent of the sum, -7 to 14.
            largest: Bound of the magnitude of what the source sends.
        """
        stages: list[Stage] = []
        for record in operators:
            stages.append(_STAGES[record["kind"]](record, shape, largest))
            _, shape, largest, _ = stages[-1]
        self.stages = [stage.apply for stage in stages]
        self.factor = 2.0**weight_exp
        self.nothing = np.zeros(prod(shape))
        self.largest = max(largest * self.factor, 1)  # -1 is rounded to itself, however small
        self.numbers = prod(shape) + sum(stage.numbers for stage in stages)

    def step(self, x: Values) -> Floats:
        """Give the synaptic input, integers of shape ``[*batch, n_target]``.

        Of zeros, every operator makes zeros; where nothing else arrives, the shape has no batch.

        Args:
            x: Integers of shape ``[*batch, n_source]``; of type bool where it is spikes.
        """
        if not np.count_nonzero(x):
            return self.nothing
        y = x.reshape(-1, x.shape[-1])
        for stage in self.stages:
            y = stage(y)
        a = np.multiply(y.reshape(*x.shape[:-1], -1), self.factor, dtype=np.float64)
        return np.floor(a, out=a) if self.factor < 1 else a


def _dense(record: Record, shape: Shape, largest: float) -> Stage:
    weight = record["weight"]
    largest *= largest_of(weight) * prod(shape)
    matrix = Matrix(weight, largest)

    def multiply(x: Values) -> Values:
        return matrix.times(x.reshape(len(x), -1))

    return Stage(multiply, weight.shape[:1], largest, prod(shape) + len(weight))


def _sparse(record: Record, shape: Shape, largest: float) -> Stage:
    """Give the sums over the lists of the sources that sent."""
    weight, target, begin = (record[field] for field in ("weight", "target", "begin"))
    n = int(record["n_out"])
    largest *= float(np.bincount(target, np.abs(weight.astype(np.float64)), n).max(initial=0))
    lengths = np.diff(begin)

    def scatter(sample: Values) -> Floats:
        sources = np.flatnonzero(sample)
        each = lengths[sources]
        skipped = begin[sources] - (np.cumsum(each) - each)
        places: Values = np.arange(int(each.sum())) + np.repeat(skipped, each)
        products = weight[places] * np.repeat(sample[sources].astype(np.float64), each)
        return np.asarray(np.bincount(target[places], products, n), np.float64)

    def add(x: Values) -> Values:
        return np.stack([scatter(sample) for sample in x.reshape(len(x), -1)])

    return Stage(add, (n,), largest, prod(shape) + n)


def _convolution(record: Record, shape: Shape, largest: float) -> Stage:
    """Give cross-correlation as one product of matrices for each sample and group."""
    weight, groups = record["weight"], record["groups"]
    largest *= largest_of(weight) * prod(weight.shape[1:])
    view = WindowView(record["window"], shape, 0, float_type(largest))
    matrices = weight.reshape(groups, weight.shape[0] // groups, -1).astype(view.dtype)
    columns = (groups, matrices.shape[2], prod(view.positions))

    def correlate(x: Values) -> Values:
        elements = view.under(x)  # [*kernel, batch, c_in, *positions]
        axes = len(view.kernel)
        under = np.moveaxis(elements, (axes, axes + 1), (0, 1))
        y: Values = matrices @ under.reshape(len(x), *columns)
        return y

    result = (weight.shape[0], *view.positions)
    return Stage(correlate, result, largest, view.size + prod(columns) + prod(result))


def _scaling(record: Record, shape: Shape, largest: float) -> Stage:
    weight = record["weight"].astype(np.float64)

    def scale(x: Values) -> Values:
        y: Values = weight * x.reshape(len(x), -1)
        return y

    return Stage(scale, shape, largest * largest_of(weight), prod(shape))


def _pooling(record: Record, shape: Shape, largest: float) -> Stage:
    """Give the sum or the largest under the window: whole arrays, one element of it at a time."""
    combine, padding = _POOLING[record["kind"]]
    if combine is np.add:
        largest *= prod(record["window"]["kernel"])
    view = WindowView(record["window"], shape, padding, float_type(largest))

    def pool(x: Values) -> Values:
        elements = view.under(x)
        return reduce(combine, (elements[k] for k in np.ndindex(*view.kernel)))

    result = (shape[0], *view.positions)
    return Stage(pool, result, largest, view.size + prod(result))


_POOLING: dict[str, tuple[Callable[[Values, Values], Values], float]] = {
    "SumPooling": (np.add, 0),
    "MaxPooling": (np.maximum, -np.inf),
}
"""How two elements under a window become one, and what the padding holds."""
_STAGES: dict[str, Callable[[Record, Shape, float], Stage]] = {
    "FixedDense": _dense,
    "FixedSparse": _sparse,
    "FixedConvolution": _convolution,
    "FixedScaling": _scaling,
    "SumPooling": _pooling,
    "MaxPooling": _pooling,
}


class WindowView:
    """Padded values in memory, and a view of what lies under a window at all its positions.

    Attributes:
        kernel: Elements under the window on each axis.
        positions: Positions of the window on each axis.
        dtype: Type of the values in memory.
        size: Values in memory for each sample.
    """

    def __init__(self, window: Record, shape: Shape, padding: float, dtype: type[Any]) -> None:
        """Take a window over values of ``shape``, ``[c, *extent]``.

        Args:
            window: ``kernel``, ``stride``, ``padding`` and ``dilation``, an entry for each axis.
            shape: Of the value of a sample.
            padding: What stands around it.
            dtype: Type of float that holds all values.
        """
        self.kernel = tuple(window["kernel"])
        self.window, self.shape, self.padding, self.dtype = window, shape, padding, dtype
        self._lay_out(1)
        self.positions = self.elements.shape[len(self.kernel) + 2 :]

    def under(self, x: Values) -> Values:
        """Put ``x``, of any shape with as many elements for each sample, under the windows.

        Returns:
            The view, shape ``[*kernel, batch, c, *positions]``, until the next call.
        """
        if len(x) != len(self.values):
            self._lay_out(len(x))
        self.values[...] = x.reshape(self.values.shape)
        return self.elements

    def _lay_out(self, batch: int) -> None:
        """Make the memory for a batch, and the view of it."""
        edges = [(0, 0), *self.window["padding"]]
        spans = list(zip(self.shape, edges, strict=True))
        extents = [n + before + after for n, (before, after) in spans]
        memory = np.full((batch, *extents), self.padding, self.dtype)
        self.size = prod(extents)
        inside = (slice(before, before + n) for n, (before, _) in spans)
        self.values = memory[(slice(None), *inside)]
        axes = tuple(range(2, len(self.shape) + 1))
        dilation = self.window["dilation"]
        reach = [d * (k - 1) + 1 for k, d in zip(self.kernel, dilation, strict=True)]
        view = np.lib.stride_tricks.sliding_window_view(memory, reach, axes)
        steps = [slice(None), slice(None)]
        steps += (slice(None, None, s) for s in self.window["stride"])
        steps += (slice(None, None, d) for d in dilation)
        view = view[tuple(steps)]
        self.elements = np.moveaxis(view, [a + len(axes) for a in axes], [a - 2 for a in axes])
