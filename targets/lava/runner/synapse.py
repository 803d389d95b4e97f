"""The arithmetic of a projection: one step of its operators in integers.

The same as ``docs/arithmetic.md`` of snnc. Every value is an integer below ``2**53``: ``float64``
holds it exactly, so sums may be left to BLAS, whatever order it adds in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Shape = tuple[int, ...]
Record = Mapping[str, Any]
"""An operator as ``program.json`` has it, with its ``kind``, and its weights in their place."""
Stage = Callable[[Floats], Floats]


class Synapses:
    """What a projection makes of what its source sends, but for the delay."""

    def __init__(self, operators: Sequence[Record], shape: Shape, weight_exp: int) -> None:
        """Take the operators, applied one after the other.

        Args:
            operators: Records of ``FixedDense``, ``FixedConvolution``, ``FixedScaling``,
                ``SumPooling`` and ``MaxPooling``.
            shape: Of what the source sends.
            weight_exp: Exponent of the sum, -7 to 14.
        """
        self.stages: list[Stage] = []
        for record in operators:
            stage, shape = _STAGES[record["kind"]](record, shape)
            self.stages.append(stage)
        self.weight_exp = weight_exp
        self.nothing = np.zeros(prod(shape), np.int32)

    def step(self, x: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        """Give the synaptic input, shape ``[n_target]``, for ``x`` of shape ``[n_source]``.

        Of zeros, every operator makes zeros.
        """
        if not x.any():
            return self.nothing
        y: Floats = x.astype(np.float64)
        for stage in self.stages:
            y = stage(y)
        total = y.astype(np.int64).reshape(-1)
        if self.weight_exp >= 0:
            return (total << self.weight_exp).astype(np.int32)
        return (total >> -self.weight_exp).astype(np.int32)


def _dense(record: Record, _: Shape) -> tuple[Stage, Shape]:
    weight: Floats = record["weight"].astype(np.float64)

    def multiply(x: Floats) -> Floats:
        return weight @ x.reshape(-1)

    return multiply, weight.shape[:1]


def _convolution(record: Record, shape: Shape) -> tuple[Stage, Shape]:
    """Give cross-correlation as one product of matrices for each group."""
    view = WindowView(record["window"], shape, 0)
    axes = len(view.kernel)
    under = np.moveaxis(view.elements, axes, 0)  # [c_in, *kernel, *positions]
    groups, weight = record["groups"], record["weight"].astype(np.float64)
    columns = (groups, prod(view.kernel) * shape[0] // groups, prod(view.positions))
    matrices = weight.reshape(groups, weight.shape[0] // groups, columns[1])

    def correlate(x: Floats) -> Floats:
        view.fill(x)
        y: Floats = matrices @ under.reshape(columns)
        return y

    return correlate, (weight.shape[0], *view.positions)


def _scaling(record: Record, shape: Shape) -> tuple[Stage, Shape]:
    weight: Floats = record["weight"].astype(np.float64)

    def scale(x: Floats) -> Floats:
        return weight * x.reshape(-1)

    return scale, shape


def _pooling(record: Record, shape: Shape) -> tuple[Stage, Shape]:
    """Give the sum or the largest under the window: whole arrays, one element of it at a time."""
    combine, padding = _POOLING[record["kind"]]
    view = WindowView(record["window"], shape, padding)
    under = [view.elements[k] for k in np.ndindex(*view.kernel)]

    def pool(x: Floats) -> Floats:
        view.fill(x)
        return reduce(combine, under)

    return pool, (shape[0], *view.positions)


_POOLING: dict[str, tuple[Callable[[Floats, Floats], Floats], float]] = {
    "SumPooling": (np.add, 0),
    "MaxPooling": (np.maximum, -np.inf),
}
"""How two elements under a window become one, and what the padding holds."""
_STAGES: dict[str, Callable[[Record, Shape], tuple[Stage, Shape]]] = {
    "FixedDense": _dense,
    "FixedConvolution": _convolution,
    "FixedScaling": _scaling,
    "SumPooling": _pooling,
    "MaxPooling": _pooling,
}


class WindowView:
    """A padded value in memory, and a view of what lies under a window at all its positions.

    Attributes:
        kernel: Elements under the window on each axis.
        positions: Positions of the window on each axis.
        elements: The view, shape ``[*kernel, c, *positions]``.
    """

    def __init__(self, window: Record, shape: Shape, padding: float) -> None:
        """Lay out the memory for values of ``shape``, ``[c, *extent]``.

        Args:
            window: ``kernel``, ``stride``, ``padding`` and ``dilation``, an entry for each axis.
            shape: Of the value.
            padding: What stands around it.
        """
        self.kernel = tuple(window["kernel"])
        edges = [(0, 0), *window["padding"]]
        extents = [n + before + after for n, (before, after) in zip(shape, edges, strict=True)]
        memory = np.full(extents, padding, np.float64)
        inside = (slice(before, before + n) for n, (before, _) in zip(shape, edges, strict=True))
        self.value = memory[tuple(inside)]
        axes = tuple(range(1, len(shape)))
        reach = [d * (k - 1) + 1 for k, d in zip(self.kernel, window["dilation"], strict=True)]
        view = np.lib.stride_tricks.sliding_window_view(memory, reach, axes)
        steps = [slice(None), *(slice(None, None, s) for s in window["stride"])]
        steps += [slice(None, None, d) for d in window["dilation"]]
        view = view[tuple(steps)]
        self.positions = view.shape[1 : len(shape)]
        self.elements = np.moveaxis(view, [a + len(axes) for a in axes], [a - 1 for a in axes])

    def fill(self, x: Floats) -> None:
        """Put ``x``, of any shape with as many elements, under the windows."""
        self.value[...] = x.reshape(self.value.shape)
