"""What is counted anew is what the ledger counts, and what is wrong is seen."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedReset
from snnc.compiler.mapping.checker import recounted
from snnc.compiler.mapping.demand import Meter, combine
from snnc.compiler.mapping.hardware import Certainty, Hardware, Limit
from snnc.compiler.mapping.ledger import Resource, uses
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.mapping.room import Room
from snnc.targets.hardware.load import load_hardware
from tests.drawn.deployed import deployed_networks
from tests.drawn.mapped import mapped_networks

LIMITS = (
    "neurons",
    "synapse_memory",
    "words_per_axon",
    "input_axons",
    "output_axons",
    "parameter_sets",
    "thresholds",
    "synapse_formats",
    "populations",
    "fan_in",
    "fan_out",
    "destinations",
)


def limit(value: int) -> Limit:
    return Limit(value, "a test", Certainty.CHOSEN)


def roomy(name: str) -> Hardware:
    """Give hardware that does all, and that nothing here can fill."""
    hardware = load_hardware(name)
    return replace(
        hardware,
        encodings=tuple(
            replace(e, delay_bits=(*e.delay_bits, 9)) for e in hardware.encodings
        ),  # every delay that is drawn
        resets={reset: 1 + k % 2 for k, reset in enumerate(FixedReset)},
        spike_bits=limit(32),
        **dict.fromkeys(LIMITS, limit(10**9)),
    )


HARDWARE = [*map(roomy, ("loihi1", "loihi2", "spinnaker2"))]
AT_MOST = {
    Resource.FAN_IN,
    Resource.SYNAPSE_FORMATS,
    Resource.OUTPUT_AXONS,
    Resource.DESTINATIONS,
}
"""Where the ledger may count more: the largest of each projection; projections without synapses
there; and sources whose kernels are all 0."""


@st.composite
def encoded(draw: st.DrawFn) -> MappedNetwork:
    """Draw a network over cores with limits that nothing reaches, and the ledger's encodings."""
    mapped = draw(deployed_networks().flatmap(mapped_networks))
    hardware = draw(st.sampled_from(HARDWARE))
    meter = Meter(mapped.fixed, hardware)
    cores = tuple(
        replace(
            core,
            encodings={
                p.projection: p.encoding
                for part in core.parts
                for p in meter.demand(part).projections
            },
        )
        for core in mapped.cores
    )
    return replace(mapped, hardware=hardware, cores=cores)


@settings(max_examples=60)
@given(encoded())
def test_the_ledger_counts_the_same(mapped: MappedNetwork) -> None:
    room = Room(Meter(mapped.fixed, mapped.hardware), {})
    for core in mapped.cores:
        for i, part in enumerate(core.parts):
            room.receive(core.parts[:i], part)
    for core, anew in zip(mapped.cores, recounted(mapped), strict=True):
        needed = combine([room.meter.demand(part) for part in core.parts])
        for use in uses(needed, room.sent(core.parts), mapped.hardware):
            if use.resource in AT_MOST:
                assert anew[use.resource] <= use.used, use.resource
            elif use.resource is not Resource.FAN_OUT:  # which nobody asks for before
                assert anew[use.resource] == use.used, use.resource
