"""What a step takes in energy and time: counts of events times what one of each costs.

Counts are averages over the firing rates that are given, costs those of the hardware's description
with the source of each. What the description does not know is left out of the sums, and named.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.mapping.hardware import Certainty, Coefficient, Layout
from snnc.compiler.mapping.mapped import Flows, MappedNetwork, Part
from snnc.compiler.mapping.operations import Counted, operations
from snnc.compiler.mapping.routes import Traffic
from snnc.compiler.mapping.traffic import Rates, rate_of, view

Reals = npt.NDArray[np.float64]

EVENTS = {
    Layout.DENSE: "synapse.dense",
    Layout.SPARSE: "synapse.sparse",
    Layout.RUN_LENGTH: "synapse.sparse",
    Layout.SHARED: "synapse.shared",
}
"""The event that a synapse of each layout is; a skip takes the place of an index."""
ON_CORES = (
    "synapse.dense",
    "synapse.sparse",
    "synapse.shared",
    "neuron.access",
    "neuron.update",
    "spike",
    "axon.out",
)
"""Events that a core does one after the other."""
LINKS = ("hop.x", "hop.y", "hop.chip")
BARRIER = "barrier"
_COUNTED = {
    "synapse.dense": Counted.ALL,
    "synapse.sparse": Counted.PRESENT,
    "synapse.shared": Counted.PRESENT,
}
_SURENESS = tuple(Certainty)
"""From the surest on."""


@dataclass(frozen=True)
class Event:
    """What happens so and so often in a step.

    Attributes:
        name: As in ``Hardware.costs``.
        count: In a step, all cores together; 0 or more.
        coefficient: What one costs; None where the description does not say.
    """

    name: str
    count: float
    coefficient: Coefficient | None

    @property
    def joules(self) -> float | None:
        """Energy of all of them, in J; None where unknown."""
        each = None if self.coefficient is None else self.coefficient.joules
        return None if each is None else self.count * each


@dataclass(frozen=True, eq=False)
class Estimate:
    """Energy and time of a step.

    Attributes:
        events: That happen.
        core_seconds: Work of each core in a step, in s, its events one after the other; shape
            ``[cores]``.
        link_seconds: Time in which the spikes of a step go over the busiest link, in s.
        barrier_seconds: Time that cores take to agree that a step has ended, in s.
    """

    events: tuple[Event, ...]
    core_seconds: Reals
    link_seconds: float
    barrier_seconds: float

    @property
    def joules(self) -> float | None:
        """Energy of a step in J, of all events whose energy is known; None where none is."""
        known = [event.joules for event in self.events if event.joules is not None]
        return sum(known) if known else None

    @property
    def seconds(self) -> float | None:
        """Time of a step in s: of the busiest core or link, and the barrier; None where unknown.

        That the slowest of cores and links decides is the model of arXiv:2601.10035, where it is a
        lower bound; that the barrier comes on top is SANA-FE's.
        """
        longest = max(float(self.core_seconds.max(initial=0)), self.link_seconds)
        total = longest + self.barrier_seconds
        return total if total > 0 else None

    @property
    def without_energy(self) -> tuple[str, ...]:
        """Events that happen, and whose energy is not known."""
        return tuple(event.name for event in self.events if event.joules is None)

    @property
    def without_time(self) -> tuple[str, ...]:
        """Events that happen, and whose time is not known."""
        known = ((e, e.coefficient) for e in self.events)
        return tuple(e.name for e, c in known if c is None or c.seconds is None)

    @property
    def certainty(self) -> Certainty | None:
        """How sure the least sure coefficient is; None where none is known."""
        known = [e.coefficient.certainty for e in self.events if e.coefficient is not None]
        return max(known, key=_SURENESS.index) if known else None


def estimate(mapped: MappedNetwork, flows: Flows, traffic: Traffic, rates: Rates) -> Estimate:
    """Estimate what a step of a mapped network takes.

    Every neuron is taken to be updated in every step, which is an upper bound.

    Args:
        mapped: The network on its cores.
        flows: Of the same, ``traffic.flows``.
        traffic: Of the same, ``routes.route``.
        rates: Spikes a step of inputs and populations; those not known of are 1.
    """
    costs, each = mapped.hardware.costs, core_counts(mapped, flows, rates)
    counts = {name: float(of_cores.sum()) for name, of_cores in each.items()}
    hops = traffic.hops
    counts |= {name: hops[name].total for name in LINKS} | {BARRIER: 1.0}
    work = [_seconds(costs, name) * of_cores for name, of_cores in each.items()]
    return Estimate(
        events=tuple(Event(name, n, costs.get(name)) for name, n in counts.items() if n),
        core_seconds=np.sum(work, axis=0),
        link_seconds=max(_seconds(costs, name) * hops[name].heaviest for name in LINKS),
        barrier_seconds=_seconds(costs, BARRIER),
    )


def core_counts(mapped: MappedNetwork, flows: Flows, rates: Rates) -> dict[str, Reals]:
    """Count the events ``ON_CORES`` of a step.

    Args:
        mapped: The network on its cores.
        flows: Of the same.
        rates: Spikes a step.

    Returns:
        For each event the count of each core, shape ``[cores]``.
    """
    counts = {name: np.zeros(len(mapped.cores)) for name in ON_CORES}
    _add_synapses(counts, mapped, rates)
    for k, core in enumerate(mapped.cores):
        for part in core.parts:
            _add_neurons(counts, k, part, mapped, rates)
    sent = flows.source >= 0
    messages = flows.rate * np.diff(flows.begin)
    n = len(mapped.cores)
    counts["axon.out"] += np.bincount(flows.source[sent], messages[sent], n)
    return counts


def _add_synapses(counts: dict[str, Reals], mapped: MappedNetwork, rates: Rates) -> None:
    """Count what spikes do at synapses, projection by projection."""
    fixed, shapes = mapped.fixed, mapped.fixed.shapes
    event = {e.name: EVENTS[e.layout] for e in mapped.hardware.encodings}
    for q in fixed.projections:
        there = [
            (k, part.region, event[core.encodings[q.name]])
            for k, core in enumerate(mapped.cores)
            for part in core.parts
            if part.population == q.target and q.name in core.encodings
        ]
        done = {
            name: operations(fixed, q, rates, _COUNTED[name])
            for name in {name for _, _, name in there}
        }
        for k, region, name in there:
            counts[name][k] += view(done[name], region, shapes[q.target]).sum()


def _add_neurons(
    counts: dict[str, Reals], k: int, part: Part, mapped: MappedNetwork, rates: Rates
) -> None:
    """Count what the neurons of a part do, on core ``k``."""
    population = mapped.fixed.population(part.population)
    each = mapped.hardware.resets.get(population.reset, 1) if population.spiking else 1
    for name in ("neuron.access", "neuron.update"):
        counts[name][k] += part.region.size * each
    if population.spiking:
        rate = rate_of(rates, population.name, population.size)
        spikes = float(view(rate, part.region, population.shape).sum())
        counts["spike"][k] += spikes
        # one compartment resets another through a synapse of its own
        counts["synapse.dense"][k] += spikes * (each - 1)


def _seconds(costs: dict[str, Coefficient], name: str) -> float:
    coefficient = costs.get(name)
    return (coefficient.seconds or 0.0) if coefficient else 0.0
