"""Operators in float64 and without constants: applied forwards, backwards, and to bounds.

``apply`` executes a step of a path, ``adjoint`` carries weights back through it, and ``interval``
bounds what it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    Shape,
    SumPooling,
    Window,
)
from snnc.compiler.sliding import elements, padded

Doubles = npt.NDArray[np.float64]
Numbers: TypeAlias = Doubles | npt.NDArray[np.float32] | npt.NDArray[np.int8 | np.int16]
Product = Callable[[Doubles, Doubles], Doubles]

CHUNK = 2**16
"""Weights of a matrix that are taken to float64 at a time: 512 KiB, which a cache holds."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """``W x`` for a value of any shape.

    Attributes:
        weight: Shape ``[n_out, n_in]``; of any type, as a copy in float64 would be large. It is
            computed with in float64 alone.
    """

    weight: Numbers

    def result_shape(self, shape: Shape) -> Shape:
        """Give ``[n_out]``."""
        del shape
        return self.weight.shape[:1]


@dataclass(frozen=True, eq=False)
class Lists:
    """``W x`` of integers, few of which are not zero; a matrix of real numbers is a ``Matrix``.

    Attributes:
        weight: Shape ``[nnz]``.
        target: Row of each weight, shape ``[nnz]``.
        begin: Where those of a column begin, shape ``[n_in + 1]``.
        n_out: Rows.
    """

    weight: Doubles
    target: npt.NDArray[np.int32]
    begin: npt.NDArray[np.int64]
    n_out: int

    def result_shape(self, shape: Shape) -> Shape:
        """Give ``[n_out]``."""
        del shape
        return (self.n_out,)


@dataclass(frozen=True, eq=False)
class Kernels:
    """A convolution.

    Attributes:
        weight: Shape ``[c_out, c_in / groups, *kernel]``.
        window: Of the kernel's shape.
        groups: Independent groups of channels.
    """

    weight: Doubles
    window: Window
    groups: int

    def result_shape(self, shape: Shape) -> Shape:
        """Give ``[c_out, *positions]`` of ``[c_in, *extent]``."""
        return self.weight.shape[0], *self.window.positions(shape[1:])


@dataclass(frozen=True, eq=False)
class Factors:
    """A factor for each element.

    Attributes:
        weight: Of the value's shape.
    """

    weight: Doubles

    def result_shape(self, shape: Shape) -> Shape:
        """Give ``shape``."""
        return shape


@dataclass(frozen=True)
class Reshape:
    """The same elements in C order."""

    shape: Shape

    def result_shape(self, shape: Shape) -> Shape:
        """Give the new shape."""
        del shape
        return self.shape


Weighted: TypeAlias = Matrix | Kernels | Factors
Step: TypeAlias = Weighted | Lists | SumPooling | MaxPooling | Reshape


def as_steps(operators: tuple[FixedOperator, ...], shape: Shape) -> tuple[Step, ...]:
    """Give integer operators on values of ``shape`` as steps."""
    steps: list[Step] = []
    for operator in operators:
        match operator:
            case FixedDense():
                steps.append(Matrix(operator.weight))
            case FixedSparse():
                weight = operator.weight.astype(np.float64)
                steps.append(Lists(weight, operator.target, operator.begin, operator.n_out))
            case FixedConvolution():
                weight = operator.weight.astype(np.float64)
                steps.append(Kernels(weight, operator.window, operator.groups))
            case FixedScaling():
                steps.append(Factors(operator.weight.astype(np.float64).reshape(shape)))
            case _:
                steps.append(operator)
        shape = operator.result_shape(shape)
    return tuple(steps)


def shape_after(steps: tuple[Step, ...], shape: Shape) -> Shape:
    """Give the shape that ``steps``, one after the other, make of ``shape``."""
    return reduce(lambda s, step: step.result_shape(s), steps, shape)


def row_chunks(weight: Numbers) -> Iterator[tuple[slice, Doubles]]:
    """Give the rows of a matrix in float64, some at a time, and where they stand."""
    n = max(1, CHUNK // max(weight.shape[1], 1))
    for start in range(0, weight.shape[0], n):
        rows = slice(start, start + n)
        yield rows, weight[rows].astype(np.float64, copy=False)


def is_linear(step: Step) -> bool:
    """Say whether the step keeps sums: all do but a max pooling."""
    return not isinstance(step, MaxPooling)


def apply(step: Step, x: Doubles) -> Doubles:
    """Give what ``step`` makes of ``x``, shape ``[m, *shape]``."""
    match step:
        case Matrix():
            return _multiplied(step.weight, x.reshape(x.shape[0], -1), lambda x, w: x @ w.T)
        case Lists():
            return np.stack([_scattered(step, row) for row in x.reshape(x.shape[0], -1)])
        case Kernels():
            return _convolved(step, x)
        case Factors():
            return x * step.weight
        case Reshape():
            return x.reshape(x.shape[0], *step.shape)
        case SumPooling():
            return reduce(np.add, elements(padded(x, step.window), step.window))
        case MaxPooling():
            return reduce(np.maximum, elements(padded(x, step.window, -np.inf), step.window))


def adjoint(step: Step, y: Doubles, shape: Shape) -> Doubles:
    """Give ``y A`` for the linear map ``A`` of ``step``: weights of its result as of its source.

    Args:
        step: Any but a max pooling.
        y: Shape ``[m, *result]``.
        shape: Of what the step takes.
    """
    y = y.reshape(y.shape[0], *step.result_shape(shape))
    match step:
        case Matrix():
            return (y @ step.weight.astype(np.float64, copy=False)).reshape(-1, *shape)
        case Lists():
            return np.stack([_gathered(step, row) for row in y]).reshape(-1, *shape)
        case Factors():
            return y * step.weight
        case Kernels() | SumPooling():
            return _spread(step, y, shape)
        case _:
            return y.reshape(-1, *shape)


def magnitude(step: Step, x: Doubles) -> Doubles:
    """Bound ``|y|`` of a step whose input is at most ``x`` in magnitude, shape ``[1, *shape]``."""
    match step:
        case Matrix():
            flat = x.reshape(x.shape[0], -1)
            return _multiplied(step.weight, flat, lambda x, w: x @ np.abs(w).T)
        case Lists() | Kernels() | Factors():
            return apply(replace(step, weight=np.abs(step.weight)), x)
        case _:
            return apply(step, x)


def interval(steps: tuple[Step, ...], low: Doubles, high: Doubles) -> tuple[Doubles, Doubles]:
    """Bound what ``steps`` give of values from ``low`` to ``high``, both of one shape."""
    both = np.stack((low, high))
    for step in steps:
        match step:
            case Matrix():
                both = _multiplied(step.weight, both.reshape(2, -1), _interval)
            case Lists() | Kernels() | Factors():
                rising = replace(step, weight=np.maximum(step.weight, 0))
                falling = replace(step, weight=np.minimum(step.weight, 0))
                both = apply(rising, both) + apply(falling, both)[::-1]
            case _:
                both = apply(step, both)
    return both[0], both[1]


def _interval(x: Doubles, weight: Doubles) -> Doubles:
    """Bound ``x W^T`` from below and from above, where ``x`` has a row of each bound."""
    return x @ np.maximum(weight, 0).T + x[::-1] @ np.minimum(weight, 0).T


def _multiplied(weight: Numbers, x: Doubles, product: Product) -> Doubles:
    """Give what ``product`` makes of ``x`` and rows of ``weight``, without a copy of all of them.

    Args:
        weight: Shape ``[n_out, n_in]``.
        x: Shape ``[m, n_in]``.
        product: Gives ``[m, rows]``.
    """
    result = np.empty((x.shape[0], weight.shape[0]))
    for at, rows in row_chunks(weight):
        result[:, at] = product(x, rows)
    return result


def _scattered(step: Lists, x: Doubles) -> Doubles:
    """Give ``W x``, shape ``[n_out]``."""
    products = step.weight * np.repeat(x, np.diff(step.begin))
    return np.asarray(np.bincount(step.target, products, step.n_out), np.float64)


def _gathered(step: Lists, y: Doubles) -> Doubles:
    """Give ``y W``, shape ``[n_in]``."""
    sums = np.concatenate(([0.0], np.cumsum(step.weight * y[step.target])))
    return np.diff(sums[step.begin])


def _convolved(step: Kernels, x: Doubles) -> Doubles:
    m, g = x.shape[0], step.groups
    c_out, c_in = step.weight.shape[0] // g, step.weight.shape[1]
    kernels = step.weight.reshape(g, c_out, c_in, -1)
    result = step.result_shape(x.shape[1:])
    total = np.zeros((m, g, c_out, prod(result[1:])))
    for k, view in enumerate(elements(padded(x, step.window), step.window)):
        total += kernels[..., k] @ view.reshape(m, g, c_in, -1)
    return total.reshape(m, *result)


def _spread(step: Kernels | SumPooling, y: Doubles, shape: Shape) -> Doubles:
    """Add each weight of ``y`` to what lies under the window at its position."""
    window, m = step.window, y.shape[0]
    around = padded(np.zeros((m, *shape)), window)
    for k, view in enumerate(elements(around, window)):
        view += _through(step, k, y).reshape(view.shape)  # noqa: PLW2901  (a view of ``around``)
    inside: tuple[Any, ...] = tuple(
        slice(before, before + n) for (before, _), n in zip(window.padding, shape[1:], strict=True)
    )
    return around[(..., *inside)]


def _through(step: Kernels | SumPooling, k: int, y: Doubles) -> Doubles:
    """Give ``y`` as weights of the element ``k`` under the window."""
    if isinstance(step, SumPooling):
        return y
    m, g = y.shape[0], step.groups
    c_out, c_in = step.weight.shape[0] // g, step.weight.shape[1]
    kernel = step.weight.reshape(g, c_out, c_in, -1)[..., k]
    return kernel.transpose(0, 2, 1) @ y.reshape(m, g, c_out, -1)
