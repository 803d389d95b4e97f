"""Several operators in a row as one layer of weights with pooling before and behind it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import gcd, prod

import numpy as np

from snnc.compiler.linear import (
    Doubles,
    Factors,
    Kernels,
    Matrix,
    Reshape,
    Step,
    Weighted,
    adjoint,
    apply,
    is_linear,
    shape_after,
)
from snnc.compiler.operators import MaxPooling, Shape, Window

MAX_MATRIX = 2**24
"""Most weights of a matrix that several operators make together: 128 MiB in float64."""
_ROWS = 256
"""Rows of the identity that are sent through operators at a time."""
ONE_LAYER = "one layer of weights between two neurons, with pooling before and behind it"
"""What ``compose`` makes of all that can be executed."""

Steps = tuple[Step, ...]


class ComposeError(ValueError):
    """Steps do not make one layer of weights.

    Attributes:
        found: What stands in the way.
        limit: What could stand there.
    """

    def __init__(self, found: str, limit: str = ONE_LAYER) -> None:
        super().__init__(found)
        self.found = found
        self.limit = limit


def compose(steps: Steps, shape: Shape) -> Steps:
    """Give ``steps`` on values of ``shape`` as pooling, one ``Weighted``, pooling.

    Pooling stays where it is: it is exact in integers. Weights are brought together; the first of
    these that can be done is done until none can:

    1. Factors move to other weights, across pooling where a channel has one factor, and across
       max pooling where it is not negative.
    2. Two convolutions become one where one of them has a kernel of one element.
    3. A matrix takes up whatever linear stands before or behind it.
    4. Anything linear becomes a matrix of ``MAX_MATRIX`` weights at most.

    Where there are no weights, a factor of 1 for each element stands at the end.

    Raises:
        ComposeError: Weights stand on both sides of a max pooling, or a matrix would be too large.
    """
    steps = _without_reshapes(steps, shape)
    while (shorter := _joined(steps, shape)) is not None:
        steps = _without_reshapes(shorter, shape)
    if not any(isinstance(step, Weighted) for step in steps):
        steps = (*steps, Factors(np.ones(shape_after(steps, shape))))
    _ensure_one_layer(steps, shape)
    return steps


def per_channel(weight: Doubles) -> Doubles | None:
    """Give the number of each channel, the first axis; None where it differs within one."""
    rows = weight.reshape(weight.shape[0], -1)
    return rows[:, 0] if (rows == rows[:, :1]).all() else None


def _joined(steps: Steps, shape: Shape) -> Steps | None:
    for join in (_join_factors, _join_pointwise, _join_matrix, _join_densely):
        joined = join(steps, shape)
        if joined is not None:
            return joined
    return None


def _weighted_pairs(steps: Steps) -> Iterator[tuple[int, int]]:
    """Give the places of weights that follow one another."""
    return pairwise(i for i, step in enumerate(steps) if isinstance(step, Weighted))


def _without_reshapes(steps: Steps, shape: Shape) -> Steps:
    """Drop reshapes before a matrix, at the end, and those that change nothing."""
    kept: list[Step] = []
    for step in steps:
        last = kept[-1] if kept else None
        match step, last:
            case Factors(), Reshape():
                flat = step.weight.reshape(shape_after(tuple(kept[:-1]), shape))
                kept.insert(-1, Factors(flat))
                continue
            case ((Matrix() | Reshape()), Reshape()):
                kept.pop()
            case _:
                pass
        if not isinstance(step, Reshape) or step.shape != shape_after(tuple(kept), shape):
            kept.append(step)
    return tuple(kept[:-1] if kept and isinstance(kept[-1], Reshape) else kept)


# --- factors -----------------------------------------------------------------------------------


def _join_factors(steps: Steps, shape: Shape) -> Steps | None:
    for i, j in _weighted_pairs(steps):
        first, between, second = steps[i], steps[i + 1 : j], steps[j]
        if isinstance(first, Factors):
            factors = _across(first.weight, between, shape_after(steps[:j], shape))
            joined = None if factors is None else _after_factors(second, factors)
            if joined is not None:
                return *steps[:i], *between, joined, *steps[j + 1 :]
        if isinstance(second, Factors):
            factors = _across(second.weight, between, shape_after(steps[: i + 1], shape))
            joined = None if factors is None else _before_factors(first, factors)
            if joined is not None:
                return *steps[:i], joined, *between, *steps[j + 1 :]
    return None


def _across(factors: Doubles, between: Steps, shape: Shape) -> Doubles | None:
    """Give ``factors`` on the other side of pooling, where values have ``shape``."""
    if not between:
        return factors
    channels = per_channel(factors)
    if channels is None or any(isinstance(step, Reshape) for step in between):
        return None
    if channels.min() < 0 and any(isinstance(step, MaxPooling) for step in between):
        return None
    return np.broadcast_to(_along(channels, len(shape)), shape)


def _after_factors(step: Step, factors: Doubles) -> Weighted | None:
    """Give ``step`` of values that are multiplied by ``factors``."""
    match step:
        case Matrix():
            return Matrix(step.weight * factors.ravel())
        case Factors():
            return Factors(step.weight * factors)
        case Kernels():
            channels = per_channel(factors)
            if channels is None:
                return None
            n = step.weight.shape[0] // step.groups
            rows = np.repeat(channels.reshape(step.groups, -1), n, axis=0)
            return Kernels(
                step.weight * rows.reshape(*rows.shape, *(1 for _ in step.window.kernel)),
                step.window,
                step.groups,
            )
        case _:
            return None


def _before_factors(step: Step, factors: Doubles) -> Weighted | None:
    """Give ``step`` and the product of what it gives with ``factors``."""
    match step:
        case Matrix():
            return Matrix(step.weight * factors.reshape(-1, 1))
        case Factors():
            return Factors(step.weight * factors)
        case Kernels():
            channels = per_channel(factors)
            if channels is None:
                return None
            rows = _along(channels, step.weight.ndim)
            return Kernels(step.weight * rows, step.window, step.groups)
        case _:
            return None


def _along(channels: Doubles, ndim: int) -> Doubles:
    return channels.reshape(-1, *(1 for _ in range(ndim - 1)))


# --- convolutions ------------------------------------------------------------------------------


def _join_pointwise(steps: Steps, shape: Shape) -> Steps | None:
    del shape
    for i, (first, second) in enumerate(pairwise(steps)):
        if not (isinstance(first, Kernels) and isinstance(second, Kernels)):
            continue
        if _is_pointwise(second):
            stride = tuple(
                a * b for a, b in zip(first.window.stride, second.window.stride, strict=True)
            )
            outer = first.window
            window = Window(outer.kernel, stride, outer.padding, outer.dilation)
        elif _is_pointwise(first) and set(first.window.stride) == {1}:
            window = second.window
        else:
            continue
        product = np.einsum(
            "om...,mi...->oi...", _ungrouped(second), _ungrouped(first), optimize=True
        )
        return *steps[:i], _grouped(product, window), *steps[i + 2 :]
    return None


def _is_pointwise(step: Kernels) -> bool:
    return set(step.window.kernel) == {1} and set(step.window.padding) == {(0, 0)}


def _ungrouped(step: Kernels) -> Doubles:
    """Give the weight as of one group: 0 between channels of different ones."""
    g, (n_out, n_in) = step.groups, step.weight.shape[:2]
    whole = np.zeros((n_out, g * n_in, *step.window.kernel))
    for k in range(g):
        rows = slice(k * n_out // g, (k + 1) * n_out // g)
        whole[rows, k * n_in : (k + 1) * n_in] = step.weight[rows]
    return whole


def _grouped(weight: Doubles, window: Window) -> Kernels:
    """Give a convolution of as many groups as the zeros of ``weight`` allow."""
    n_out, n_in = weight.shape[:2]
    used = weight.reshape(n_out, n_in, -1).any(axis=2)
    most = gcd(n_out, n_in)
    for g in (d for d in range(most, 0, -1) if most % d == 0):
        a, b = n_out // g, n_in // g
        same = np.kron(np.eye(g, dtype=np.bool_), np.ones((a, b), np.bool_))
        if not (used & ~same).any():
            parts = [weight[k * a : (k + 1) * a, k * b : (k + 1) * b] for k in range(g)]
            return Kernels(np.concatenate(parts), window, g)
    return Kernels(weight, window, 1)


# --- matrices ----------------------------------------------------------------------------------


def _join_matrix(steps: Steps, shape: Shape) -> Steps | None:
    for i, j in _weighted_pairs(steps):
        second, run = steps[j], steps[i:j]
        before = shape_after(steps[:i], shape)
        if isinstance(second, Matrix) and _linear(run) and _fits(second.weight.shape[0], before):
            return *steps[:i], _behind(run, second, before), *steps[j + 1 :]
    for i, step in enumerate(steps):
        n = next((k for k, s in enumerate(steps[i + 1 :]) if not is_linear(s)), len(steps))
        run = steps[i + 1 : i + 1 + n]
        if isinstance(step, Matrix) and not all(isinstance(s, Reshape) for s in run):
            after = shape_after(run, step.weight.shape[:1])
            if _fits(step.weight.shape[1], after):
                return *steps[:i], _before(step, run), Reshape(after), *steps[i + 1 + n :]
    return None


def _join_densely(steps: Steps, shape: Shape) -> Steps | None:
    runs = [(i, j + 1) for i, j in _weighted_pairs(steps)]
    if any(isinstance(step, Reshape) for step in steps):
        runs.append((0, len(steps)))
    for i, j in runs:
        before, after = shape_after(steps[:i], shape), shape_after(steps[:j], shape)
        if _linear(steps[i:j]) and _fits(prod(before), after):
            return *steps[:i], _matrix(steps[i:j], before), Reshape(after), *steps[j:]
    return None


def _linear(run: Steps) -> bool:
    return all(is_linear(step) for step in run)


def _fits(n: int, shape: Shape) -> bool:
    return n * prod(shape) <= MAX_MATRIX


def _behind(run: Steps, matrix: Matrix, shape: Shape) -> Matrix:
    """Give ``matrix`` of what ``run`` makes of values of ``shape``: its rows, carried back."""
    shapes = [shape_after(run[:k], shape) for k in range(len(run))]
    rows = matrix.weight.astype(np.float64, copy=False)
    for step, before in zip(reversed(run), reversed(shapes), strict=True):
        rows = adjoint(step, rows, before)
    return Matrix(rows.reshape(rows.shape[0], -1))


def _before(matrix: Matrix, run: Steps) -> Matrix:
    """Give what ``run`` makes of the columns of ``matrix``."""
    columns = matrix.weight.astype(np.float64, copy=False).T
    for step in run:
        columns = apply(step, columns)
    return Matrix(columns.reshape(columns.shape[0], -1).T)


def _matrix(run: Steps, shape: Shape) -> Matrix:
    """Give the matrix of ``run``: what it makes of each element of a value of ``shape`` alone."""
    n = prod(shape)
    parts: list[Doubles] = []
    for start in range(0, n, _ROWS):
        m = min(_ROWS, n - start)
        x = np.zeros((m, n))
        x[np.arange(m), start + np.arange(m)] = 1
        x = x.reshape(m, *shape)
        for step in run:
            x = apply(step, x)
        parts.append(x.reshape(m, -1))
    return Matrix(np.concatenate(parts).T)


# --- what is left ------------------------------------------------------------------------------


def _ensure_one_layer(steps: Steps, shape: Shape) -> None:
    for i, j in _weighted_pairs(steps):
        between = steps[i + 1 : j]
        if _linear(between):
            before, after = shape_after(steps[:i], shape), shape_after(steps[: j + 1], shape)
            raise ComposeError(
                f"two layers of weights, together a matrix of {prod(after)} x {prod(before)}",
                f"{MAX_MATRIX} weights of a matrix",
            )
        if isinstance(steps[j], Factors):
            raise ComposeError(
                "factors behind a max pooling that are negative or differ within a channel"
            )
        raise ComposeError("weights on both sides of a max pooling")
    if any(isinstance(step, Reshape) for step in steps):
        raise ComposeError("a max pooling behind weights that are no convolution")
