"""What rounding does to the spikes of typical data: to each population by itself, and to all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import STATE_LIMIT, FixedNetwork, FixedPopulation
from snnc.compiler.network import Network, Population

MOST_CHANGE = 0.2
"""Change of a population's spikes, as a share of them, above which a user is warned."""
FEW_SPIKES = 50
"""Spikes below which a change of their number says little: its spread is a seventh of them."""
SATURATED = 0.95
"""Share of all possible spikes from which a population counts as saturated."""


class Signals(Protocol):
    """What a run recorded of each population, by name: arrays ``[steps, batch, n]``."""

    @property
    def spikes(self) -> Mapping[str, npt.NDArray[np.uint8]]:
        """1 where a neuron spiked."""
        ...

    @property
    def u(self) -> Mapping[str, npt.NDArray[Any]]:
        """The synaptic current."""
        ...

    @property
    def v(self) -> Mapping[str, npt.NDArray[Any]]:
        """The membrane potential."""
        ...


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One population of the integers beside the same of the float network, on typical data.

    Attributes:
        samples: Samples of the data.
        possible: Spikes that there could be: neurons x samples x steps, less those in which
            neurons are refractory; 0 of a read-out.
        reference: Spikes in the float network.
        spikes: Spikes in the integer network.
        spikes_local: Spikes of the integers of this population alone: all that it receives is
            what the float network sends.
        error: ``sum |n_i - m_i| / sum n_i`` over the spike counts of neurons and samples; of a
            read-out the root mean square error of the potential as a share of its root mean
            square. None where the float network has neither.
        error_local: The same of this population alone.
        u_seen: Largest ``|u|`` as a share of its range.
        v_seen: The same of ``v``.
    """

    samples: int
    possible: int
    reference: int
    spikes: int
    spikes_local: int
    error: float | None
    error_local: float | None
    u_seen: float
    v_seen: float

    def as_json(self) -> dict[str, Any]:
        """Give the fields as JSON values."""
        return asdict(self)


def observe(
    network: Network, fixed: FixedNetwork, real: Signals, integers: Signals, local: Signals
) -> dict[str, Observed]:
    """Compare runs of the same data, population by population.

    Args:
        network: The float network.
        fixed: Its integers, not retimed.
        real: The run of ``network``.
        integers: The run of ``fixed``.
        local: The run of ``fixed`` in which every population receives what ``real`` sent.
    """
    return {
        p.name: _observe(p, fixed.population(p.name), real, integers, local)
        for p in network.populations
    }


def _observe(
    p: Population, q: FixedPopulation, real: Signals, integers: Signals, local: Signals
) -> Observed:
    steps, samples = integers.v[p.name].shape[:2]
    error = _count_error if p.spiking else _potential_error
    wanted, spikes, spikes_local = (
        int(run.spikes[p.name].sum()) if p.spiking else 0 for run in (real, integers, local)
    )
    return Observed(
        samples=samples,
        possible=p.size * samples * ceil(steps / (1 + p.refractory)) if p.spiking else 0,
        reference=wanted,
        spikes=spikes,
        spikes_local=spikes_local,
        error=error(q, real, integers),
        error_local=error(q, real, local),
        u_seen=_largest(integers.u[p.name]),
        v_seen=_largest(integers.v[p.name]),
    )


def _largest(values: npt.NDArray[Any]) -> float:
    return float(np.abs(values.astype(np.float64)).max(initial=0)) / STATE_LIMIT


def _count_error(q: FixedPopulation, real: Signals, run: Signals) -> float | None:
    n, m = (r.spikes[q.name].sum(axis=0, dtype=np.int64) for r in (real, run))
    return float(np.abs(n - m).sum() / n.sum()) if n.sum() else None


def _potential_error(q: FixedPopulation, real: Signals, run: Signals) -> float | None:
    wanted = real.v[q.name].astype(np.float64)
    power = float(np.square(wanted).sum())
    error = run.v[q.name] / q.scale + q.offset - wanted
    return float(np.sqrt(np.square(error).sum() / power)) if power else None


def rate_problems(origin: str, seen: Observed) -> Iterator[Diagnostic]:
    """Yield that a population spikes far more or less often than it should.

    Args:
        origin: Where it is in the user's model.
        seen: Of it.
    """
    found = _found(seen)
    if found is None:
        return
    by_itself = abs(seen.spikes_local - seen.reference) > MOST_CHANGE * seen.reference
    yield Diagnostic(
        rule=rules.RATES_KEPT,
        node=origin,
        found=f"{found}; {seen.spikes_local:,} where it receives the spikes of the float network",
        limit=f"{100 * MOST_CHANGE:g} % more or fewer, on {seen.samples} samples of the "
        "calibration data",
        remedy="its own rounding does it: give it wider weights, or train with smaller ones "
        "against its threshold"
        if by_itself
        else "it is right by itself: look at what it receives, from populations before it",
    )


def _found(seen: Observed) -> str | None:
    wanted, spikes = seen.reference, seen.spikes
    if wanted and not spikes:
        return f"no spike, {wanted:,} in the float network"
    if spikes and spikes >= SATURATED * seen.possible > wanted:
        return f"{spikes:,} of {seen.possible:,} possible spikes, {wanted:,} in the float network"
    if max(wanted, spikes) >= FEW_SPIKES and abs(spikes - wanted) > MOST_CHANGE * wanted:
        return f"{spikes:,} spikes, {wanted:,} in the float network"
    return None
