"""The account of a quantization: what each population lost, in numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import (
    ALIGN_BITS,
    MAX_WEIGHT_BITS,
    STATE_LIMIT,
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    SignMode,
    bits_needed,
    largest_weight,
)
from snnc.compiler.linear import Doubles, Factors, Kernels, Matrix, Weighted
from snnc.compiler.network import Network
from snnc.compiler.operators import Weights, weights_in_full
from snnc.compiler.quantization.decays import (
    Decays,
    TimeConstants,
    errors_of_u,
    errors_of_v,
    lowered_for,
)
from snnc.compiler.quantization.lower import Lowered, over_groups, weights_of
from snnc.compiler.quantization.observed import Observed
from snnc.compiler.quantization.overflow import StateBounds, bound_states
from snnc.compiler.quantization.paths import Path
from snnc.compiler.quantization.scale import chunks_of, shape_of, step_of, weight_rows

ACCUMULATOR_LIMIT = 2**20
"""Magnitude that 21 bits with sign hold."""


class Overflow(StrEnum):
    """What is known of ``u`` and ``v`` leaving their 24 bits."""

    PROVEN = "proven"
    """They cannot, whatever the input."""
    OBSERVED = "observed"
    """They may, and did not on the calibration data."""
    NOT_PROVEN = "not proven"
    """They may, and nothing was observed."""
    VIOLATED = "violated"
    """They did on the calibration data."""


@dataclass(frozen=True, kw_only=True)
class Ungrouped:
    """What a population would be if its thresholds could all be different.

    Attributes:
        thresholds: Different ones.
        weight_sqnr_db: As of ``PopulationAccount``.
    """

    thresholds: int
    weight_sqnr_db: float | None


@dataclass(frozen=True, kw_only=True)
class PopulationAccount:
    """What became of one population.

    Attributes:
        name: The population.
        origin: The modules of the user's model.
        neurons: How many.
        weight_bits: Bits that the largest weight needs, its sign included where signs are mixed.
        weight_exp: Of each incoming projection.
        threshold_min: Smallest threshold mantissa, in counts; 0 of a read-out.
        threshold_max: Largest.
        weights: Incoming weights that are not zero.
        weights_rounded_to_zero: Of those, how many became zero.
        weights_clipped: How many are larger than the largest integer can be, and became that.
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
        overflow: Whether ``u`` or ``v`` can leave their range.
        u_bound: Largest ``|u|`` possible as a share of its range; None where unbounded.
        v_bound: The same of ``v``.
        input_bound: Largest synaptic input of a step, aligned by 6 bits, as a share of the 21 bits
            that Loihi's dendritic accumulator has (nengo-loihi, ``builder/discretize.py``,
            ``Q_BITS``). Lava has 32 bits (``compiler/check.py``), and no such limit.
        scale_min: Smallest scale: counts of the threshold's mantissa for a unit of the potential.
        scale_max: Largest.
        sources: Neurons and inputs, of a convolution channels, with a weight that is not zero.
        dead_sources: Of those, how many have no such weight any more.
        thresholds: Different thresholds; 1 of a read-out.
        biases: Different biases, mantissa and exponent together.
        tau_mem: Errors of the time constants of ``v``; None where an account is made by hand.
        tau_syn: The same of ``u``; None where it has no memory.
        ungrouped: What a bound of different thresholds costs; None without one.
        width: Width that its weights were given.
        sign_mode: Of each incoming projection.
        memory_bits: Bits of all incoming weights together, zeros too; kernels are counted once,
            and biases that a neuron carries are not.
        bias_mant_max: Largest magnitude of a bias's mantissa, 4095 at most.
        bias_exp_max: Largest exponent of a bias, 7 at most.
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
    overflow: Overflow
    u_bound: float | None
    v_bound: float | None
    threshold_error: float = 0.0
    weights_clipped: int = 0
    input_bound: float = 0.0
    scale_min: float = 0.0
    scale_max: float = 0.0
    thresholds_moved: int = 0
    threshold_move: float = 0.0
    sources: int = 0
    dead_sources: int = 0
    thresholds: int = 1
    biases: int = 1
    tau_mem: TimeConstants | None = None
    tau_syn: TimeConstants | None = None
    ungrouped: Ungrouped | None = None
    width: int = MAX_WEIGHT_BITS
    sign_mode: tuple[SignMode, ...] = ()
    memory_bits: int = 0
    bias_mant_max: int = 0
    bias_exp_max: int = 0
    observed: Observed | None = None

    @property
    def headroom(self) -> float | None:
        """Share of the range of ``u`` and ``v`` that is never used: proven, or else observed.

        Below 0 where they left it; None where nothing is known.
        """
        if self.overflow is Overflow.PROVEN:
            return 1 - max(self.u_bound or 0, self.v_bound or 0)
        return None if self.observed is None else 1 - self.observed.largest

    def as_json(self) -> dict[str, Any]:
        """Give the fields as JSON values."""
        lists = {name: list(getattr(self, name)) for name in ("origin", "weight_exp", "sign_mode")}
        observed = None if self.observed is None else self.observed.as_json()
        return asdict(self) | lists | {"headroom": self.headroom, "observed": observed}


def account_for(
    network: Network,
    fixed: FixedNetwork,
    observed: Mapping[str, Observed] | None = None,
    *,
    decays: Decays = Decays.NEAREST,
    ungrouped: FixedNetwork | None = None,
) -> tuple[PopulationAccount, ...]:
    """Compare each population of ``fixed`` with what it was in ``network``.

    Args:
        network: The float network.
        fixed: Its integers.
        observed: What typical data showed, by population.
        decays: What was kept of the decays.
        ungrouped: The integers without a bound of different thresholds, where there is one.
    """
    if ungrouped is not None:
        free = {a.name: a for a in account_for(network, ungrouped, decays=decays)}
        grouped = account_for(network, fixed, observed, decays=decays)
        return tuple(replace(a, ungrouped=_ungrouped(free[a.name])) for a in grouped)
    bounds = bound_states(fixed)
    inputs = {i.name: i for i in fixed.inputs}
    made = {q.name: q for q in fixed.projections}
    populations = {p.name: p for p in fixed.populations}
    accounts = (
        _account(n, populations[n.population.name], made, inputs, bounds[n.population.name])
        for n in lowered_for(network, decays)
    )
    return tuple(with_observed(a, (observed or {}).get(a.name)) for a in accounts)


def with_observed(account: PopulationAccount, seen: Observed | None) -> PopulationAccount:
    """Give ``account`` with what typical data showed, and what that says of overflow."""
    if seen is None or account.overflow is Overflow.PROVEN:
        return replace(account, observed=seen)
    overflow = Overflow.VIOLATED if seen.largest >= 1 else Overflow.OBSERVED
    return replace(account, observed=seen, overflow=overflow)


def _ungrouped(a: PopulationAccount) -> Ungrouped:
    return Ungrouped(thresholds=a.thresholds, weight_sqnr_db=a.weight_sqnr_db)


@dataclass
class _Weights:
    """Sums over the weights of several paths."""

    power: float = 0.0
    noise: float = 0.0
    present: int = 0
    lost: int = 0
    needed: int = 1
    memory: int = 0
    clipped: int = 0
    sources: int = 0
    dead: int = 0

    def add(self, path: Path, counts: Doubles, integers: Weights, q: FixedProjection) -> None:
        """Add weights of one path, and what they became.

        Args:
            path: Into the population.
            counts: Of the threshold's mantissa for a weight of 1, shape ``[rows]``.
            integers: A row for those that share a scale, shape ``[rows, m]``.
            q: What the path became.
        """
        acted, unit = np.empty(integers.shape, np.bool_), 2.0**q.weight_exp
        largest = (largest_weight(q.weight_bits, q.sign_mode) + 0.5) * unit
        for at, rows in chunks_of(path):
            wanted = counts[at, None] * rows
            error = wanted - integers[at] * unit
            self.power += float(np.vdot(wanted, wanted))
            self.noise += float(np.vdot(error, error))
            self.clipped += int(np.count_nonzero(np.abs(wanted) > largest))
            acted[at] = rows != 0
        acts = integers != 0
        self.present += int(np.count_nonzero(acted))
        self.lost += int(np.count_nonzero(acted & ~acts))
        before, after = (_by_source(present, weights_of(path)) for present in (acted, acts))
        self.sources += int(np.count_nonzero(before))
        self.dead += int(np.count_nonzero(before & ~after))

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
    weights = _weights(n, counts, made, inputs)
    arriving = [made[path.name] for path in n.arriving]
    base = _base(n, integers, bounds)
    tau_mem, tau_syn = errors_of_v(p, integers), errors_of_u(p, integers)
    rounded = np.rint(counts * n.threshold)
    move = np.abs(integers.threshold - rounded)
    return PopulationAccount(
        name=p.name,
        origin=p.origin,
        neurons=p.size,
        weight_bits=weights.needed,
        weight_exp=tuple(q.weight_exp for q in arriving),
        threshold_min=int(integers.threshold.min()),
        threshold_max=int(integers.threshold.max()),
        weights=weights.present,
        weights_rounded_to_zero=weights.lost,
        weights_clipped=weights.clipped,
        weight_sqnr_db=weights.sqnr_db,
        sources=weights.sources,
        dead_sources=weights.dead,
        width=max((made[path.name].weight_bits for path in n.paths), default=MAX_WEIGHT_BITS),
        sign_mode=tuple(q.sign_mode for q in arriving),
        memory_bits=weights.memory,
        bias_mant_max=int(np.abs(integers.bias_mant).max()),
        bias_exp_max=int(integers.bias_exp.max()),
        bias_error=float((_bias_error(n, integers, made, counts) / base).max(initial=0)),
        time_constant_error=_worst(tau_mem, tau_syn),
        thresholds=len(np.unique(integers.threshold)),
        biases=_biases(integers),
        tau_mem=tau_mem,
        tau_syn=tau_syn,
        overflow=Overflow.PROVEN if bool(bounds.proven.all()) else Overflow.NOT_PROVEN,
        threshold_error=float((np.abs(rounded / counts - n.threshold) / base).max()),
        thresholds_moved=int(np.count_nonzero(move)),
        threshold_move=float((move / np.maximum(rounded, 1)).max()),
        u_bound=_largest_share(bounds.u),
        v_bound=_largest_share(bounds.v),
        input_bound=float(bounds.a.max(initial=0)) * 2**ALIGN_BITS / ACCUMULATOR_LIMIT,
        scale_min=float(counts.min()),
        scale_max=float(counts.max()),
    )


def _weights(
    n: Lowered,
    counts: Doubles,
    made: Mapping[str, FixedProjection],
    inputs: Mapping[str, FixedInput],
) -> _Weights:
    """Sum up what became of the weights into a population of so many ``counts`` a unit."""
    weights = _Weights()
    for path in n.paths:
        shape, q = shape_of(path), made[path.name]
        each = counts[:: counts.size // shape[0]] * step_of(path, inputs)
        integers = weights_in_full(q.operators).reshape(shape)
        weights.add(path, each, integers, q)
        weights.needed = max(weights.needed, bits_needed(integers, q.sign_mode))
        weights.memory += integers.size * q.weight_bits
    return weights


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
        carried = weights_in_full(q.operators)[:, 0] * 2.0**q.weight_exp / counts
        error += np.abs(carried - weight_rows(n.constant)[:, 0])
    return error


def _worst(*errors: TimeConstants | None) -> float | None:
    """Give the worst of all; None where a time constant became infinite."""
    worst = [e.worst for e in errors if e is not None]
    return None if None in worst else max(w for w in worst if w is not None)


def _biases(integers: FixedPopulation) -> int:
    pairs = np.stack((integers.bias_mant, integers.bias_exp))
    return int(np.unique(pairs, axis=1).shape[1])


def _largest_share(bound: npt.NDArray[np.float64]) -> float | None:
    largest = float(bound.max(initial=0))
    return largest / STATE_LIMIT if np.isfinite(largest) else None
