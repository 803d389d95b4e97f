"""What rounding does to the spikes of typical data: to each population by itself, and to all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import STATE_LIMIT, FixedNetwork, FixedPopulation
from snnc.compiler.network import Network, Population


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


class IntegerSignals(Signals, Protocol):
    """The same of integers, and how far they went."""

    @property
    def u_peak(self) -> Mapping[str, int]:
        """Largest ``|u|``, as it was before it wrapped."""
        ...

    @property
    def v_peak(self) -> Mapping[str, int]:
        """Largest ``|v|``, as it was before it was clipped."""
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
            read-out the root mean square error of the potential, averaged over time, as a share
            of its root mean square. None where the float network has neither.
        error_local: The same of this population alone.
        u_seen: Largest ``|u|`` before its wrap, as a share of its range.
        v_seen: Largest ``|v|`` before its clip, as a share of its range.
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

    @property
    def largest(self) -> float:
        """The larger share: from 1 on ``u`` wrapped or ``v`` was clipped."""
        return max(self.u_seen, self.v_seen)

    @property
    def rate_error(self) -> float | None:
        """Change of the number of spikes, as a share of them; None where there are none."""
        return self.spikes / self.reference - 1 if self.reference else None

    @property
    def rate_error_local(self) -> float | None:
        """The same of this population alone."""
        return self.spikes_local / self.reference - 1 if self.reference else None

    def as_json(self) -> dict[str, Any]:
        """Give the fields as JSON values."""
        rates = {"rate_error": self.rate_error, "rate_error_local": self.rate_error_local}
        return asdict(self) | rates


def observe(
    network: Network, fixed: FixedNetwork, real: Signals, integers: IntegerSignals, local: Signals
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
    p: Population, q: FixedPopulation, real: Signals, integers: IntegerSignals, local: Signals
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
        u_seen=integers.u_peak[p.name] / STATE_LIMIT,
        v_seen=integers.v_peak[p.name] / STATE_LIMIT,
    )


def _count_error(q: FixedPopulation, real: Signals, run: Signals) -> float | None:
    n, m = (r.spikes[q.name].sum(axis=0, dtype=np.int64) for r in (real, run))
    return float(np.abs(n - m).sum() / n.sum()) if n.sum() else None


def _potential_error(q: FixedPopulation, real: Signals, run: Signals) -> float | None:
    wanted = real.v[q.name].mean(axis=0, dtype=np.float64)
    power = float(np.square(wanted).sum())
    error = run.v[q.name].mean(axis=0, dtype=np.float64) / q.scale + q.offset - wanted
    return float(np.sqrt(np.square(error).sum() / power)) if power else None
