"""Which scale each neuron gets: counts of the threshold's mantissa for a unit of its potential."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import (
    ALIGN_BITS,
    DECAY_BITS,
    MAX_BIAS_EXP,
    MAX_BIAS_MANT,
    MAX_DU,
    MAX_THRESHOLD,
    MAX_WEIGHT_BITS,
    MAX_WEIGHT_EXP,
    STATE_LIMIT,
    FixedInput,
    SignMode,
    exponent_limits,
    largest_weight,
    sign_mode_of,
)
from snnc.compiler.linear import (
    Doubles,
    Factors,
    Kernels,
    Matrix,
    Numbers,
    apply,
    row_chunks,
)
from snnc.compiler.operators import Reals, Shape, SumPooling
from snnc.compiler.quantization.decays import current_decay_of, decay_of
from snnc.compiler.quantization.grouping import shared_levels
from snnc.compiler.quantization.limits import NO_LIMITS, Limits
from snnc.compiler.quantization.lower import Lowered, over_groups, shares_weights, weights_of
from snnc.compiler.quantization.overflow import bound_potential, drive
from snnc.compiler.quantization.paths import Path

Ints = npt.NDArray[np.int32]
Drive: TypeAlias = tuple[Doubles, Doubles]
"""Largest input of a step and largest negative one as a magnitude, shape ``[n]``."""

ONE = 2**DECAY_BITS
UNIT = 2**ALIGN_BITS
HEADROOM = 1 - 2.0**-6
"""Part of the state's range that real bounds may fill; the rest is for rounding to integers."""
ROOM_STEPS = 256
"""Steps of the largest drive that a state has room for where nothing bounds it."""
SAMPLES = 64
"""Samples of data that are sent through a path at a time."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Scalable:
    """One population, and what its scale has to respect; arrays of shape ``[n]``.

    Attributes:
        lowered: The population, in real numbers.
        du: Decay of the current, 0 to 4095.
        dv: Decay of ``v``, 0 to 4096.
        base: What errors of ``v`` are measured by: the threshold; of a read-out the largest ``v``
            of its group.
        limit: Largest scale that threshold, bias and the overflow proof allow.
        largest: Largest weight of paths of each sign mode; what one integer of a source adds to
            ``v`` through it.
        fan_in: How many weights.
    """

    lowered: Lowered
    du: Ints
    dv: Ints
    base: Doubles
    limit: Doubles
    largest: Mapping[SignMode, Doubles]
    fan_in: Doubles

    def counts(self, weight_bits: int, exponent: int) -> Doubles:
        """Give ``scale * base`` at the largest scale where weights have ``exponent``."""
        return self._limited(weight_bits, exponent) * self.base

    def scale(self, weight_bits: int, max_thresholds: int | None = None) -> Doubles:
        """Give the scale of each neuron, the same in each group, at the exponent that errs least.

        ``scale * threshold`` is an integer for the smallest threshold of each group.

        Args:
            weight_bits: Width of a weight with its sign.
            max_thresholds: Different integers that thresholds may become, where they can.
        """
        exponent = self.best_exponent(weight_bits)
        largest = self._limited(weight_bits, exponent)
        if not self.lowered.population.spiking:
            return largest
        smallest = self._least(self.lowered.threshold)
        counts = np.floor(largest * smallest)
        if max_thresholds is not None:
            counts = self.few_counts(counts, smallest, exponent, max_thresholds)
        return counts / smallest

    def few_counts(self, counts: Doubles, smallest: Doubles, exponent: int, most: int) -> Doubles:
        """Lower ``counts`` of the smallest threshold of each group until few are different.

        Where the thresholds of a group differ, it takes several with every level.

        Args:
            counts: The most that each neuron may have, whole, the same in each group.
            smallest: Threshold of the group.
            exponent: Of the weights.
            most: Different thresholds.
        """
        groups, theta = self.lowered.groups, self.lowered.threshold
        costs = np.zeros(groups.size)
        np.add.at(costs, groups, self._noise(exponent) * np.square(smallest / self.base))
        firsts = np.unique(groups)
        levels = counts.copy()
        for n in range(most, 0, -1):
            levels[firsts] = shared_levels(counts[firsts], costs[firsts], n)
            levels = levels[groups]
            if len(np.unique(np.rint(levels * theta / smallest))) <= most:
                break
        return levels

    def best_exponent(self, weight_bits: int) -> int:
        """Give the weight exponent with the least expected error of ``v`` against ``base``.

        A large exponent gives large scales, which refine threshold and decay; where the limit of
        the scale binds it wastes bits of the weights. Errors per neuron, as variances in units of
        ``c = scale * base`` counts: rounding of ``m`` weights ``m (2**exponent / c)**2 / 12``,
        truncation of the decay ``(4096 / dv / (128 c))**2``, rounding of a threshold to whole
        counts ``1 / (12 c**2)``. Of a current with memory the truncation comes beside that of
        ``v``, which sums it up: ``4096 / (du + 1)`` times as much.
        An exponent that leaves less than a count is out.
        """

        def cost(exponent: int) -> float:
            counts = self.counts(weight_bits, exponent)
            if (counts < 1).any():
                return math.inf
            return float((self._noise(exponent) / counts**2).mean())

        low, high = exponent_limits(weight_bits)
        return min(range(low, high + 1), key=lambda e: (cost(e), -e))

    def _noise(self, exponent: int) -> Doubles:
        """Give the variance of ``v`` in square counts of the threshold, shape ``[n]``."""
        memory = np.where(self.dv > 0, ONE / np.maximum(self.dv, 1), 0.0)
        summed = memory_of_current(self.du) * ONE / np.maximum(self.dv, ONE / ROOM_STEPS)
        of_u = np.where(self.du < MAX_DU, summed, 0.0)
        truncation = (memory**2 + of_u**2) / (2 * UNIT) ** 2
        rounding = self.fan_in * 4.0**exponent / 12
        return np.asarray(rounding + truncation + 1 / 12)

    def _limited(self, weight_bits: int, exponent: int) -> Doubles:
        limit = self.limit
        for mode, largest in self.largest.items():
            top = largest_weight(weight_bits, mode) * 2.0**exponent
            with np.errstate(divide="ignore"):
                limit = np.minimum(limit, top / largest)
        return self._least(limit)

    def _least(self, values: Doubles) -> Doubles:
        """Give each neuron the smallest number of its group."""
        return over_groups(np.minimum, self.lowered.groups, values)


class Extent(NamedTuple):
    """Weights of a path, by rows of those that share a scale, shape ``[rows]``.

    Attributes:
        largest: Largest magnitude.
        acting: How many are not zero, each as often as sums take it up.
        mode: Their signs.
    """

    largest: Doubles
    acting: Doubles
    mode: SignMode


def scalable(
    lowered: Lowered,
    inputs: Mapping[str, FixedInput],
    data: Mapping[str, Reals] | None = None,
    limits: Limits = NO_LIMITS,
) -> Scalable:
    """Bound what arrives at a population, and give what its scale may be.

    Where nothing bounds ``v`` (an integrator under inhibition) the proof is left to calibration,
    and ``v`` gets room for 256 steps of the largest drive: of that which ``data`` show, as all
    inputs at their largest at once, each with the sign of its weight, are far from any data.

    Args:
        lowered: The population.
        inputs: By name.
        data: Of inputs by name, typical ones, shape ``[steps, batch, n]``.
        limits: Of the target.
    """
    p = lowered.population
    du, dv = current_decay_of(lowered), np.minimum(decay_of(lowered), limits.largest_dv)
    largest: dict[SignMode, Doubles] = {}
    fan_in, by_kernels = np.zeros(p.size), np.full(p.size, np.inf)
    for path in lowered.paths:
        extent = extent_of(path)
        most = _each(step_of(path, inputs) * extent.largest, p.size)
        largest[extent.mode] = np.maximum(largest.get(extent.mode, 0.0), most)
        fan_in += _each(extent.acting, p.size)
        if not limits.kernel_exponents and _is_kernels(path):
            with np.errstate(divide="ignore"):
                top = largest_weight(MAX_WEIGHT_BITS, extent.mode) / most
            by_kernels = np.minimum(by_kernels, top)
    up, down = _summed(lowered, du, (_possible(path, inputs) for path in lowered.arriving))
    v = _bound(lowered, dv.astype(np.float64), up, down)
    if np.isinf(v).any():
        seen = (_seen(path, inputs, data or {}) for path in lowered.arriving)
        room = np.maximum(dv, ONE / ROOM_STEPS)
        v = np.where(np.isinf(v), _bound(lowered, room, *_summed(lowered, du, seen)), v)
    base = lowered.threshold if p.spiking else over_groups(np.maximum, lowered.groups, v)
    base = np.where(base > 0, base, 1.0)  # a read-out that nothing drives
    return Scalable(
        lowered=lowered,
        du=du,
        dv=dv,
        base=base,
        limit=np.minimum(_limit(lowered, base, np.maximum(up, down), v), by_kernels),
        largest=largest,
        fan_in=fan_in,
    )


def _is_kernels(path: Path) -> bool:
    """Tell whether ``path`` is a convolution of two axes and nothing else, as chips may have it."""
    match path.steps:
        case (Kernels(window=window),) if len(window.kernel) == 2:
            return path.delay == 0 and all(before == after for before, after in window.padding)
        case _:
            return False


def _limit(lowered: Lowered, base: Doubles, u: Doubles, v: Doubles) -> Doubles:
    """Give the largest scale at which threshold, bias and states of these bounds fit.

    The weights of a constant have 8 bits and an exponent of their own.
    """
    room = HEADROOM * STATE_LIMIT / UNIT
    with np.errstate(divide="ignore"):
        by_bias = MAX_BIAS_MANT * 2.0**MAX_BIAS_EXP / (UNIT * np.abs(lowered.bias))
        by_state = np.minimum(room / u, room / v)
        limit: Doubles = np.minimum(np.minimum(MAX_THRESHOLD / base, by_bias), by_state)
        if lowered.constant is not None:
            carried = extent_of(lowered.constant)
            top = largest_weight(MAX_WEIGHT_BITS, carried.mode) * 2.0**MAX_WEIGHT_EXP
            limit = np.minimum(limit, top / carried.largest)
    return limit


def _bound(lowered: Lowered, dv: Doubles, up: Doubles, down: Doubles) -> Doubles:
    """Bound ``|v|`` under a drive of ``-down`` to ``up`` a step, the bias apart."""
    return bound_potential(
        lowered.reset,
        lowered.threshold,
        dv,
        np.abs(lowered.initial),
        up=np.maximum(up + lowered.bias, 0),
        down=np.maximum(down - lowered.bias, 0),
        unit=0.0,
    )


def _summed(lowered: Lowered, du: Ints, drives: Iterable[Drive]) -> Drive:
    """Give what all paths together drive ``v`` by, through the memory of the current."""
    up, down = np.zeros(lowered.population.size), np.zeros(lowered.population.size)
    for high, low in drives:
        up, down = up + high, down + low
    return up * memory_of_current(du), down * memory_of_current(du)


def _possible(path: Path, inputs: Mapping[str, FixedInput]) -> Drive:
    """Bound what ``path`` gives, from above and from below as a magnitude."""
    most = inputs[path.source].max_abs if path.source in inputs else None
    high, low = drive(path.steps, path.shape, most)
    return step_of(path, inputs) * high, step_of(path, inputs) * low


def _seen(path: Path, inputs: Mapping[str, FixedInput], data: Mapping[str, Reals]) -> Drive:
    """Give the same of ``data``; what is possible where they do not show its source."""
    if path.source not in data:
        return _possible(path, inputs)
    high = low = np.zeros(())
    for values in _different(data[path.source]):
        for start in range(0, len(values), SAMPLES):
            y = values[start : start + SAMPLES].astype(np.float64).reshape(-1, *path.shape)
            for step in path.steps:
                y = apply(step, y)
            high, low = np.maximum(high, y.max(axis=0)), np.maximum(low, -y.min(axis=0))
    return high.ravel(), low.ravel()


def _different(data: Reals) -> Iterator[Reals]:
    """Give the steps of ``data`` but those that repeat the one before, as a constant input does."""
    for t, values in enumerate(data):
        if t == 0 or (values != data[t - 1]).any():
            yield values


def step_of(path: Path, inputs: Mapping[str, FixedInput]) -> float:
    """Give the real value of the integer 1 that the source of ``path`` sends."""
    return inputs[path.source].step if path.source in inputs else 1.0


def weight_rows(path: Path) -> Doubles:
    """Give the weights of ``path``: a row for those that share a scale, shape ``[rows, m]``.

    Rows are in the order of neurons, and of as many neurons each. Those of a matrix may be many:
    ``chunks_of`` gives some at a time.
    """
    return _rows(path).astype(np.float64, copy=False)


def weights_at(path: Path, rows: npt.NDArray[np.intp], columns: slice) -> Doubles:
    """Give some of them, as ``weight_rows`` does."""
    return _rows(path)[:, columns][rows].astype(np.float64)


def chunks_of(path: Path) -> Iterator[tuple[slice, Doubles]]:
    """Give the same, some rows at a time, and where they stand."""
    return row_chunks(_rows(path))


def shape_of(path: Path) -> Shape:
    """Give how many rows there are, and of how many weights."""
    return _rows(path).shape


def _rows(path: Path) -> Numbers:
    weight = weights_of(path)
    match weight:
        case Matrix():
            return weight.weight
        case Kernels():
            return weight.weight.reshape(weight.weight.shape[0], -1)
        case Factors():
            n = weight.weight.shape[0] if shares_weights(path) else weight.weight.size
            return weight.weight.reshape(n, -1)


def extent_of(path: Path) -> Extent:
    """Give how large the weights of ``path`` are, how many, and of which signs."""
    n = shape_of(path)[0]
    high, low, acting = np.zeros(n), np.zeros(n), np.zeros(n)
    factors = isinstance(weights_of(path), Factors)
    for at, rows in chunks_of(path):
        high[at], low[at] = rows.max(axis=1, initial=0), rows.min(axis=1, initial=0)
        acting[at] = rows.any(axis=1) if factors else np.count_nonzero(rows, axis=1)
    sums = [math.prod(s.window.kernel) for s in path.steps if isinstance(s, SumPooling)]
    return Extent(
        largest=np.maximum(high, np.abs(low)),
        acting=acting * float(math.prod(sums)),
        mode=sign_mode_of(np.concatenate([high, low])),
    )


def _each(values: Doubles, n: int) -> Doubles:
    """Give every neuron the number of its row."""
    return np.repeat(values, n // values.size)


def memory_of_current(du: Ints) -> Doubles:
    """Give how often ``u`` takes up a constant input: ``4096 / (du + 1)``, shape ``[n]``.

    Where it hardly decays the proof is left to calibration, as with ``v``.
    """
    return np.where(du > 0, ONE / (du + 1.0), ROOM_STEPS)
