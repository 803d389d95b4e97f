"""Operators of a projection in float32, in the framework's order of operations where it matters."""

from __future__ import annotations

from functools import reduce, singledispatch
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fused import fused_multiply_add
from snnc.compiler.operators import (
    AveragePooling,
    Convolution,
    Dense,
    MaxPooling,
    Operator,
    Scaling,
    SumPooling,
    Window,
)
from snnc.compiler.sliding import elements, padded, sliding

Signal = npt.NDArray[Any]
"""float32, as all that is computed here: NumPy's annotations widen its products to float64."""

CHUNK = 2**24
"""Elements under all windows of a convolution that are laid out at once: 64 MiB."""


@singledispatch
def apply(operator: Operator, x: Signal) -> Signal:
    """Give what ``operator`` makes of ``x``.

    Args:
        operator: Of a real network.
        x: float32, shape ``[batch, *shape]``.
    """
    raise TypeError(f"{type(operator).__name__} on {x.shape}: no operator of a real network")


@apply.register
def _(operator: Dense, x: Signal) -> Signal:
    return x.reshape(len(x), -1) @ operator.weight.T + operator.bias


@apply.register
def _(operator: Scaling, x: Signal) -> Signal:
    """Multiply and add with one rounding.

    torch's batch norm does so in evaluation (ATen/native/cpu/batch_norm_kernel.cpp, built with
    fused multiply-add).
    """
    if not operator.shift.any():
        return x * operator.factor
    return fused_multiply_add(x, operator.factor, operator.shift)


@apply.register
def _(operator: Convolution, x: Signal) -> Signal:
    samples = max(1, CHUNK // (x[:1].size * prod(operator.window.kernel)))
    parts = [_convolve(operator, x[i : i + samples]) for i in range(0, len(x), samples)]
    return np.concatenate(parts)


def _convolve(operator: Convolution, x: Signal) -> Signal:
    """Convolve by one matrix product a group over what lies under each position."""
    axes, groups = len(operator.window.kernel), operator.groups
    under = sliding(
        padded(x, operator.window), operator.window
    )  # [batch, c_in, *positions, *kernel]
    batch, channels, *positions = under.shape[: 2 + axes]
    grouped = under.reshape(batch, groups, channels // groups, *under.shape[2:])
    rows = np.moveaxis(grouped, (1, 2), (0, 2 + axes))  # [groups, batch, *positions, c, *kernel]
    rows = rows.reshape(groups, batch * prod(positions), -1)
    columns = operator.weight.reshape(groups, len(operator.weight) // groups, -1)
    sums = rows @ columns.transpose(0, 2, 1)  # [groups, batch * positions, c_out / groups]
    sums = np.moveaxis(sums, 0, 1).reshape(batch, *positions, -1) + operator.bias
    return np.ascontiguousarray(np.moveaxis(sums, -1, 1))


@apply.register
def _(operator: AveragePooling, x: Signal) -> Signal:
    average = _sum_in_order(operator.window, x)
    for divisor in operator.divisors:
        average = average / divisor
    return average


@apply.register
def _(operator: SumPooling, x: Signal) -> Signal:
    return _sum_in_order(operator.window, x)


@apply.register
def _(operator: MaxPooling, x: Signal) -> Signal:
    seen = sliding(padded(x, operator.window, -np.inf), operator.window)
    return np.asarray(seen.max(axis=tuple(range(-len(operator.window.kernel), 0))))


def _sum_in_order(window: Window, x: Signal) -> Signal:
    """Add one element under the window after the other, from the first (torch's average pool)."""
    return reduce(np.add, elements(padded(x, window), window), np.zeros((), np.float32))
