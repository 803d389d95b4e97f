"""How much of each resource of a core is used: what check, partitioner and report all ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from snnc.compiler.mapping.demand import Demand
from snnc.compiler.mapping.hardware import Hardware, Limit


class Resource(StrEnum):
    """What a core has, in the words of a report."""

    NEURONS = "neurons"
    SYNAPSE_MEMORY = "words of synapse memory"
    WORDS_PER_AXON = "words of an input axon"
    INPUT_AXONS = "input axons"
    OUTPUT_AXONS = "output axons"
    PARAMETER_SETS = "parameter sets"
    THRESHOLDS = "thresholds"
    SYNAPSE_FORMATS = "synapse formats"
    POPULATIONS = "populations"
    FAN_IN = "synapses into a neuron"
    FAN_OUT = "synapses of a neuron"
    DESTINATIONS = "cores that a neuron sends to"


ADDS_UP = {
    Resource.NEURONS,
    Resource.SYNAPSE_MEMORY,
    Resource.INPUT_AXONS,
    Resource.OUTPUT_AXONS,
    Resource.POPULATIONS,
}
"""What parts on a core take from each other; others they can have in common, or have each."""


@dataclass(frozen=True)
class Sent:
    """What the neurons of a core send.

    Attributes:
        axons: Output axons: for each neuron, or group, and each core that it sends to.
        fan_out: Synapses of one neuron, largest.
        destinations: Cores that one neuron sends to, most.
    """

    axons: int = 0
    fan_out: int = 0
    destinations: int = 0


class Use(NamedTuple):
    """How much of a resource is used.

    Attributes:
        resource: Of a core.
        used: 0 or more.
        limit: What there is.
    """

    resource: Resource
    used: int
    limit: Limit

    @property
    def fits(self) -> bool:
        """Whether it is no more than there is."""
        return self.used <= self.limit.value

    @property
    def share(self) -> float:
        """Part of the limit that is used; infinite where there is nothing to use."""
        if self.limit.value:
            return self.used / self.limit.value
        return float("inf") if self.used else 0.0


Count = Callable[[Demand, Sent], int]
Available = Callable[[Hardware], Limit | None]

_LEDGER: tuple[tuple[Resource, Count, Available], ...] = (
    (Resource.NEURONS, lambda d, _: d.compartments, lambda h: h.neurons),
    (Resource.SYNAPSE_MEMORY, lambda d, _: d.words, lambda h: h.synapse_memory),
    (Resource.WORDS_PER_AXON, lambda d, _: d.words_per_axon, lambda h: h.words_per_axon),
    (Resource.INPUT_AXONS, lambda d, _: d.input_axons, lambda h: h.input_axons),
    (Resource.OUTPUT_AXONS, lambda d, s: s.axons + d.resets, lambda h: h.output_axons),
    (Resource.PARAMETER_SETS, lambda d, _: len(d.parameter_sets), lambda h: h.parameter_sets),
    (Resource.THRESHOLDS, lambda d, _: len(d.thresholds), lambda h: h.thresholds),
    (Resource.SYNAPSE_FORMATS, lambda d, _: len(d.formats), lambda h: h.synapse_formats),
    (Resource.POPULATIONS, lambda d, _: d.parts, lambda h: h.populations),
    (Resource.FAN_IN, lambda d, _: d.fan_in, lambda h: h.fan_in),
    (Resource.FAN_OUT, lambda _, s: s.fan_out, lambda h: h.fan_out),
    (Resource.DESTINATIONS, lambda _, s: s.destinations, lambda h: h.destinations),
)


def uses(demand: Demand, sent: Sent, hardware: Hardware) -> tuple[Use, ...]:
    """Give the use of every resource that is limited.

    Args:
        demand: Of all parts of a core.
        sent: What they send.
        hardware: The limits.
    """
    return tuple(
        [
            Use(resource, count(demand, sent), limit)
            for resource, count, available in _LEDGER
            if (limit := available(hardware)) is not None
        ]
    )


def fits(demand: Demand, sent: Sent, hardware: Hardware) -> bool:
    """Say whether a core has room for it all."""
    return all(
        count(demand, sent) <= limit.value
        for _, count, available in _LEDGER
        if (limit := available(hardware)) is not None
    )
