"""The account of a quantization: what each population lost, in numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InternalError
from snnc.compiler.fixed import (
    ALIGN_BITS,
    DECAY_BITS,
    STATE_LIMIT,
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
)
from snnc.compiler.linear import Doubles, Factors, Kernels, Matrix, Weighted
from snnc.compiler.network import Network, Population
from snnc.compiler.operators import FixedConvolution, FixedDense, FixedScaling, Weights
from snnc.compiler.quantization.lower import Lowered, lower, over_groups, weights_of
from snnc.compiler.quantization.observed import Observed, rate_problems
from snnc.compiler.quantization.overflow import StateBounds, bound_states
from snnc.compiler.quantization.scale import step_of, weight_rows

LOOSE_TIME_CONSTANT = 0.05
"""Relative error of a time constant from which a user is warned."""
FEW_COUNTS = 32
"""Threshold mantissa below which a user is warned: 2.7 % spike-count error at tau/dt = 500
(measured on 200 random neurons; 0.4 % at 8192 counts)."""

MOST_WEIGHTS = 0.5
"""Share of lost weights above which a user is warned."""


@dataclass(frozen=True, kw_only=True)
class PopulationAccount:
    """What became of one population.

    Attributes:
        name: The population.
        origin: The modules of the user's model.
        neurons: How many.
        weight_bits: Bits that the largest weight needs, sign included.
        weight_exp: Of each incoming projection.
        threshold_min: Smallest threshold mantissa, in counts; 0 of a read-out.
        threshold_max: Largest.
        weights: Incoming weights that are not zero.
        weights_rounded_to_zero: Of those, how many became zero.
        weight_sqnr_db: Power of the weights over that of their rounding error, in decibel;
            None where nothing was lost.
        bias_error: Largest error of a bias against the neuron's threshold, of a read-out against
            its largest potential.
        threshold_error: Largest relative error of a threshold as it was rounded; 0 where each
            neuron has a scale of its own.
        thresholds_moved: Neurons whose threshold calibration data moved.
        threshold_move: Largest such move, as a share of the threshold.
        time_constant_error: Largest relative error of a time constant, of ``v`` or of ``u``; None
            where one became infinite.
        overflow: ``proven`` impossible, or ``not proven``.
        u_bound: Largest ``|u|`` possible as a share of its range; None where unbounded.
        v_bound: The same of ``v``.
        sources: Neurons and inputs, of a convolution channels, with a weight that is not zero.
        dead_sources: Of those, how many have no such weight any more.
        observed: What typical data showed; None without any.
    """

    name: str
    origin: tuple[str, ...]
    neurons: int
    weight_bits: int
    weight_exp: tuple[int, ...]
    threshold_min: int
    threshold_max: int
    weights: int
    weights_rounded_to_zero: int
    weight_sqnr_db: float | None
    bias_error: float
    time_constant_error: float | None
    overflow: str
    u_bound: float | None
    v_bound: float | None
    threshold_error: float = 0.0
    thresholds_moved: int = 0
    threshold_move: float = 0.0
    sources: int = 0
    dead_sources: int = 0
    observed: Observed | None = None

    def as_json(self) -> dict[str, Any]:
        """Give the fields as JSON values."""
        return asdict(self) | {"origin": list(self.origin), "weight_exp": list(self.weight_exp)}


def account_for(
    network: Network, fixed: FixedNetwork, observed: Mapping[str, Observed] | None = None
) -> tuple[PopulationAccount, ...]:
    """Compare each population of ``fixed`` with what it was in ``network``.

    Args:
        network: The float network.
        fixed: Its integers.
        observed: What typical data showed, by population.
    """
    bounds = bound_states(fixed)
    inputs = {i.name: i for i in fixed.inputs}
    made = {q.name: q for q in fixed.projections}
    populations = {p.name: p for p in fixed.populations}
    accounts = (
        _account(n, populations[n.population.name], made, inputs, bounds[n.population.name])
        for n in lower(network)
    )
    return tuple(replace(a, observed=(observed or {}).get(a.name)) for a in accounts)


def warnings_of(accounts: tuple[PopulationAccount, ...]) -> Iterator[Diagnostic]:
    """Yield what a user should know before trusting the integers."""
    for a in accounts:
        node = " + ".join(a.origin)
        error = a.time_constant_error
        if error is None or error > LOOSE_TIME_CONSTANT:
            yield Diagnostic(
                rule=rules.TIME_CONSTANT,
                node=node,
                found="no decay at all" if error is None else f"{100 * error:.1f} % off",
                limit=f"{100 * LOOSE_TIME_CONSTANT:g} %; the decay is a fraction of 4096",
                remedy="use a longer step, or a shorter time constant",
            )
        if 0 < a.threshold_min < FEW_COUNTS:
            yield Diagnostic(
                rule=rules.FEW_COUNTS,
                node=node,
                found=f"a threshold of {a.threshold_min} counts",
                limit=f"{FEW_COUNTS} counts",
                remedy="train with smaller weights against the threshold",
            )
        if a.weights_rounded_to_zero > MOST_WEIGHTS * a.weights:
            yield Diagnostic(
                rule=rules.WEIGHTS_KEPT,
                node=node,
                found=f"{a.weights_rounded_to_zero} of {a.weights} weights became zero",
                limit=f"{100 * MOST_WEIGHTS:g} %",
                remedy="allow wider weights with --weight-bits, or train with more even ones",
            )
        if a.dead_sources:
            yield Diagnostic(
                rule=rules.INPUTS_ACT,
                node=node,
                found=f"all weights of {a.dead_sources} of {a.sources} sources became zero",
                limit="one weight of each at least",
                remedy="allow wider weights with --weight-bits, or train with more even ones",
            )
        if a.observed is not None:
            yield from rate_problems(node, a.observed)
        if a.overflow != "proven":
            yield Diagnostic(
                rule=rules.NO_OVERFLOW,
                node=node,
                found=f"|u| up to {_share(a.u_bound)}, |v| up to {_share(a.v_bound)} of the range",
                limit="less than the range of 24 bits, whatever the input",
                remedy="verify on typical data; u would wrap and v stick at its limit, as on Loihi",
            )


def _share(bound: float | None) -> str:
    return "an unknown share" if bound is None else f"{100 * bound:.0f} %"


@dataclass
class _Weights:
    """Sums over the weights of several paths."""

    power: float = 0.0
    noise: float = 0.0
    present: int = 0
    lost: int = 0
    widest: int = 1
    sources: int = 0
    dead: int = 0

    def add(self, wanted: Doubles, integers: Weights, exponent: int, kind: Weighted) -> None:
        """Add weights of one path, in counts of the threshold's mantissa, and what they became.

        Args:
            wanted: A row for those that share a scale.
            integers: Of the same shape.
            exponent: Of the path.
            kind: What the weights are of.
        """
        error = wanted - integers * 2.0**exponent
        self.power += float(np.vdot(wanted, wanted))
        self.noise += float(np.vdot(error, error))
        self.present += int(np.count_nonzero(wanted))
        self.lost += int(np.count_nonzero((wanted != 0) & (integers == 0)))
        acted, acts = (_by_source(values != 0, kind) for values in (wanted, integers))
        self.sources += int(np.count_nonzero(acted))
        self.dead += int(np.count_nonzero(acted & ~acts))
        self.widest = max(self.widest, int(integers.max(initial=0)), -int(integers.min(initial=0)))

    @property
    def sqnr_db(self) -> float | None:
        """Power over noise in decibel; None where there is none of either."""
        both = self.noise and self.power
        return 10 * float(np.log10(self.power / self.noise)) if both else None


def _account(
    n: Lowered,
    integers: FixedPopulation,
    made: Mapping[str, FixedProjection],
    inputs: Mapping[str, FixedInput],
    bounds: StateBounds,
) -> PopulationAccount:
    p = n.population
    counts = integers.scale * n.unit / 2**ALIGN_BITS
    weights = _Weights()
    for path in n.paths:
        rows = weight_rows(path)
        each = counts[:: p.size // rows.shape[0], None] * step_of(path, inputs)
        q = made[path.name]
        integers_of_q = _integers_of(q).reshape(rows.shape)
        weights.add(each * rows, integers_of_q, q.weight_exp, weights_of(path))
    base = _base(n, integers, bounds)
    rounded = np.rint(counts * n.threshold)
    move = np.abs(integers.threshold - rounded)
    return PopulationAccount(
        name=p.name,
        origin=p.origin,
        neurons=p.size,
        weight_bits=weights.widest.bit_length() + 1,
        weight_exp=tuple(made[path.name].weight_exp for path in n.arriving),
        threshold_min=int(integers.threshold.min()),
        threshold_max=int(integers.threshold.max()),
        weights=weights.present,
        weights_rounded_to_zero=weights.lost,
        weight_sqnr_db=weights.sqnr_db,
        sources=weights.sources,
        dead_sources=weights.dead,
        bias_error=float((_bias_error(n, integers, made, counts) / base).max(initial=0)),
        threshold_error=float((np.abs(rounded / counts - n.threshold) / base).max()),
        thresholds_moved=int(np.count_nonzero(move)),
        threshold_move=float((move / np.maximum(rounded, 1)).max()),
        time_constant_error=_worst_time_constant(p, integers),
        overflow="proven" if bool(bounds.proven.all()) else "not proven",
        u_bound=_largest_share(bounds.u),
        v_bound=_largest_share(bounds.v),
    )


def _by_source(present: npt.NDArray[np.bool_], kind: Weighted) -> npt.NDArray[np.bool_]:
    """Say which sources have a weight: of a matrix its columns, of kernels the input channels.

    Args:
        present: Where a weight is not zero, a row for those that share a scale.
        kind: What the weights are of.
    """
    match kind:
        case Matrix():
            return np.asarray(present.any(axis=0))
        case Kernels():
            channels = kind.weight.shape[1]
            return np.asarray(
                present.reshape(kind.groups, -1, channels, math.prod(kind.weight.shape[2:])).any(
                    axis=(1, 3)
                )
            )
        case Factors():
            return present


def _integers_of(q: FixedProjection) -> Weights:
    """Give the weights of ``q``, of any shape."""
    for operator in q.operators:
        if isinstance(operator, FixedDense | FixedConvolution | FixedScaling):
            return operator.weight
    raise InternalError(f"{q.name}: no weights")


def _base(n: Lowered, integers: FixedPopulation, bounds: StateBounds) -> Doubles:
    """Give what errors are shares of: the threshold, of a read-out its group's largest ``v``."""
    if n.population.spiking:
        return n.threshold
    largest = np.where(np.isfinite(bounds.v), bounds.v, STATE_LIMIT) / integers.scale / n.unit
    largest = over_groups(np.maximum, n.groups, largest)
    return np.where(largest > 0, largest, 1.0)


def _bias_error(
    n: Lowered, integers: FixedPopulation, made: Mapping[str, FixedProjection], counts: Doubles
) -> Doubles:
    """Compare what enters a neuron in every step, in the register of ``v`` and beside it."""
    register = integers.bias_mant * 2.0**integers.bias_exp / 2**ALIGN_BITS / counts
    error: Doubles = np.abs(register - n.bias)
    if n.constant is not None:
        q = made[n.constant.name]
        carried = _integers_of(q)[:, 0] * 2.0**q.weight_exp / counts
        error += np.abs(carried - weight_rows(n.constant)[:, 0])
    return error


def _worst_time_constant(p: Population, integers: FixedPopulation) -> float | None:
    decay = p.decay.astype(np.float64)
    of_v = _time_constant_error(
        1 - decay if p.integration.is_euler else decay, 1 - integers.dv / 2.0**DECAY_BITS
    )
    if of_v is None or not p.integration.has_current:
        return of_v
    decay = p.current_decay.astype(np.float64)
    of_u = _time_constant_error(
        1 - decay if p.integration.is_euler else decay, 1 - (integers.du + 1) / 2.0**DECAY_BITS
    )
    return None if of_u is None else max(of_v, of_u)


def _time_constant_error(
    wanted: npt.NDArray[np.float64], got: npt.NDArray[np.float64]
) -> float | None:
    """Compare the times in which a state falls to 1/e, by its factor a step.

    0 where both keep or lose all, and 1 where only ``got`` decays.
    """
    changed = (wanted > 0) & (wanted < 1)
    if (changed & (got >= 1)).any():
        return None
    with np.errstate(divide="ignore"):
        steps_wanted, steps_got = -1 / np.log(wanted[changed]), -1 / np.log(got[changed])
    lost = float(((wanted == 1) & (got < 1)).any())
    return max(lost, float((np.abs(steps_got - steps_wanted) / steps_wanted).max(initial=0)))


def _largest_share(bound: npt.NDArray[np.float64]) -> float | None:
    largest = float(bound.max(initial=0))
    return largest / STATE_LIMIT if np.isfinite(largest) else None
