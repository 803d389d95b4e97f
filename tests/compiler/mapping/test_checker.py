"""What is counted anew is what the ledger counts, and what is wrong is seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedInput, FixedReset
from snnc.compiler.mapping.checker import check_mapped, recounted
from snnc.compiler.mapping.demand import Meter, combine
from snnc.compiler.mapping.hardware import Certainty, Hardware, Limit
from snnc.compiler.mapping.ledger import Resource, uses
from snnc.compiler.mapping.mapped import Core, MappedNetwork, Part
from snnc.compiler.mapping.regions import Box, Listed
from snnc.compiler.mapping.room import Room
from snnc.compiler.operators import FixedScaling, MaxPooling
from snnc.targets.hardware.load import load_hardware
from tests.builders import (
    fixed_convolution,
    fixed_dense,
    fixed_network,
    fixed_population,
    fixed_projection,
    integers,
    window,
)
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
        **cast("dict[str, Any]", dict.fromkeys(LIMITS, limit(10**9))),
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


def text(node: str, found: str, limit: str) -> str:
    return f"""\
error[SNN412]: what lies on the cores, counted anew, is within every limit of the hardware
  --> {node}
   found: {found}
   limit: {limit}
  remedy: compile it anew; if that comes to the same, it is a fault of snnc: report it"""


def said(mapped: MappedNetwork) -> list[str]:
    return [str(d) for d in check_mapped(mapped)]


def core(slot: int, *parts: Part, **encodings: str) -> Core:
    return Core(parts=parts, chip=0, slot=slot, encodings=encodings)


LIF = [
    fixed_population("a", 3, du=[1, 2, 3], dv=9, threshold=[5, 6, 5], reset="subtract"),
    fixed_population("b", 2, shape=(1, 2), threshold=[8, 9]),
]
FIXED = fixed_network(
    LIF,
    [
        fixed_projection("x", "a", [[1, 0], [2, 3], [0, 4]], name="q"),
        fixed_projection("a", "b", [[1, 2, 3], [4, 0, 6]], delay=3, name="r"),
    ],
    inputs=[FixedInput("x", (2,))],
)
FIRST = core(
    4, Part("a", Listed(np.array([0, 2]))), Part("b", Box((0, 0), (1, 1))), q="dense", r="dense"
)
SECOND = core(
    7, Part("a", Listed(np.array([1]))), Part("b", Box((0, 1), (1, 2))), q="sparse", r="runs"
)
MAPPED = MappedNetwork(fixed=FIXED, hardware=load_hardware("loihi1"), cores=(FIRST, SECOND), seed=0)


def test_counts() -> None:
    """What the first core holds, counted by hand.

    Neurons 0 and 2 of ``a`` have two compartments each, so there are two resets, an axon and a word
    each. Neuron 1 of ``a`` sends to core 0 alone, 0 and 2 to both.
    """
    assert said(MAPPED) == []
    first, second = recounted(MAPPED)
    assert first == {
        "neurons": 5,
        "words of synapse memory": 2 + 2 + 3,
        "words of an input axon": 1,
        "input axons": 2 + 2 + 3,
        "output axons": 4 + 2,
        "parameter sets": 3,
        "thresholds": 2,
        "synapse formats": 3,
        "populations": 2,
        "synapses into a neuron": 3,
        "synapses of a neuron": 2,
        "cores that a neuron sends to": 2,
    }
    assert (second["input axons"], second["output axons"]) == (2 + 1 + 2, 1 + 1)


def test_a_core_that_hears_a_neuron_twice_counts_once() -> None:
    q, r = FIXED.projections
    more = fixed_projection("a", "b", [[0, 0, 1], [1, 1, 0]], delay=3, name="s")
    fixed = replace(FIXED, projections=(q, r, more))
    cores = tuple(replace(core, encodings={**core.encodings, "s": "runs"}) for core in MAPPED.cores)
    first, second = recounted(replace(MAPPED, fixed=fixed, cores=cores))
    assert (first["output axons"], second["output axons"]) == (4 + 2, 2 + 1)
    assert (first["input axons"], first["synapses of a neuron"]) == (2 + 2 + 3 + 1, 3)


FIELDS = dict(zip(recounted(MAPPED)[0], LIMITS, strict=True))


@pytest.mark.parametrize("what", FIELDS)
def test_a_limit_that_is_one_too_low(what: str) -> None:
    used = recounted(MAPPED)[0][what]
    least = max(used, recounted(MAPPED)[1][what])
    for value, wanted in ((least, []), (used - 1, [f"{used} {what}"])):
        hardware = replace(MAPPED.hardware, **cast("dict[str, Any]", {FIELDS[what]: limit(value)}))
        found = [d for d in check_mapped(replace(MAPPED, hardware=hardware)) if "core 0" in d.node]
        assert [d.found for d in found] == wanted
        assert [d.limit for d in found] == [f"{value} on loihi1 (a test)"] * len(wanted)


def test_message() -> None:
    hardware = replace(MAPPED.hardware, neurons=limit(4))
    assert said(replace(MAPPED, hardware=hardware)) == [
        text("core 0: chip 0, slot 4", "5 neurons", "4 on loihi1 (a test)")
    ]


ARRANGED: dict[str, tuple[tuple[Core, ...], list[tuple[str, str, str]]]] = {
    "a neuron on no core": (
        (replace(FIRST, parts=(Part("a", Listed(np.array([2]))), FIRST.parts[1])), SECOND),
        [("a", "1 neurons on no core, neuron 0 the first of them", "every neuron on one core")],
    ),
    "a neuron on two cores": (
        (replace(FIRST, parts=(Part("a", Box((0,), (3,))), FIRST.parts[1])), SECOND),
        [
            (
                "a",
                "1 neurons on several cores, neuron 1 the first of them",
                "every neuron on one core",
            )
        ],
    ),
    "two cores at one place": (
        (FIRST, replace(SECOND, slot=4)),
        [
            (
                "core 1: chip 0, slot 4",
                "a place that is not behind that of the core before",
                "by chip and slot, one core at each",
            )
        ],
    ),
    "a chip that is not there": (
        (FIRST, replace(SECOND, chip=32)),
        [("core 1: chip 32, slot 7", "a place that is not there", "32 chips of 128 cores")],
    ),
    "a core that is not there": (
        (FIRST, replace(SECOND, slot=128)),
        [("core 1: chip 0, slot 128", "a place that is not there", "32 chips of 128 cores")],
    ),
    "a core of nothing": (
        (core(0), FIRST, SECOND),
        [("core 0: chip 0, slot 0", "no neurons", "those that are used")],
    ),
    "parts in another order": (
        (replace(FIRST, parts=FIRST.parts[::-1]), SECOND),
        [
            (
                "core 0: chip 0, slot 4",
                "b, a",
                "each population once, in the order of the network",
            )
        ],
    ),
    "neurons in another order": (
        (replace(FIRST, parts=(Part("a", Listed(np.array([2, 0]))), FIRST.parts[1])), SECOND),
        [
            (
                "core 0: chip 0, slot 4",
                "neurons that a has not, or in another order",
                "neurons of [3], ascending",
            ),
            ("a", "2 neurons on no core, neuron 0 the first of them", "every neuron on one core"),
        ],
    ),
    "neurons that are not there": (
        (replace(FIRST, parts=(FIRST.parts[0], Part("b", Box((0, 0), (1, 3))))), SECOND),
        [
            (
                "core 0: chip 0, slot 4",
                "neurons that b has not, or in another order",
                "neurons of [1, 2], ascending",
            ),
            ("b", "1 neurons on no core, neuron 0 the first of them", "every neuron on one core"),
        ],
    ),
    "a population that is not there": (
        (replace(FIRST, parts=(*FIRST.parts, Part("c", Box((0,), (1,))))), SECOND),
        [
            (
                "core 0: chip 0, slot 4",
                "a, b, c",
                "each population once, in the order of the network",
            )
        ],
    ),
    "an encoding that is not there": (
        (replace(FIRST, encodings={"q": "dense"}), SECOND),
        [
            (
                "core 0: chip 0, slot 4",
                "synapses of r in the encoding None",
                "one that can hold them, of dense, sparse, run-length, runs",
            )
        ],
    ),
}


@pytest.mark.parametrize("case", ARRANGED)
def test_cores_and_neurons(case: str) -> None:
    cores, wanted = ARRANGED[case]
    assert said(replace(MAPPED, cores=cores)) == [text(*w) for w in wanted]


def test_what_windows_give_is_cut_as_boxes() -> None:
    fixed = fixed_network(
        [fixed_population("a", 6, shape=(2, 3))],
        [fixed_projection("x", "a", None, fixed_convolution(np.ones((2, 1, 1))), name="q")],
        inputs=[FixedInput("x", (1, 3))],
    )
    cores = [
        core(k, Part("a", Listed(np.array(n))), q="sparse")
        for k, n in enumerate(([0, 3], [1, 2, 4, 5]))
    ]
    assert said(replace(MAPPED, fixed=fixed, cores=tuple(cores))) == []
    cores = [
        core(k, Part("a", Listed(np.array(n))), q="sparse")
        for k, n in enumerate(([0, 4], [1, 2, 3, 5]))
    ]
    assert said(replace(MAPPED, fixed=fixed, cores=tuple(cores))) == [
        text(f"core {k}: chip 0, slot {k}", f"{n} neurons of a that are no box", "a box of [2, 3]")
        for k, n in enumerate((2, 4))
    ]


def changed(field: str, **fields: Any) -> MappedNetwork:
    """Change all populations, projections or inputs."""
    records = tuple(replace(record, **fields) for record in getattr(FIXED, field))
    return replace(MAPPED, fixed=replace(FIXED, **cast("dict[str, Any]", {field: records})))


INCAPABLE: dict[str, tuple[MappedNetwork, list[tuple[str, str]]]] = {
    "a reset": (
        changed("populations", reset=FixedReset.ZERO_NEXT),
        [("a", "the reset zero-next"), ("b", "the reset zero-next")],
    ),
    "wide weights": (
        replace(MAPPED, hardware=replace(MAPPED.hardware, weight_bits=(4,))),
        [("q", "weights of 8 bits"), ("r", "weights of 8 bits")],
    ),
    "a long delay": (changed("projections", delay=64), [("r", "a delay of 64 steps")]),
    "integers": (changed("inputs", max_abs=7), [("x", "spikes of 4 bits")]),
}


@pytest.mark.parametrize("case", INCAPABLE)
def test_what_the_hardware_cannot_do(case: str) -> None:
    mapped, wanted = INCAPABLE[case]
    found = [d for d in check_mapped(mapped) if "synapses of" not in d.found]
    assert [str(d) for d in found] == [text(*w, "what loihi1 can do") for w in wanted]


def test_largest_of_several() -> None:
    pooled = (MaxPooling(window=window(2)), fixed_dense([[1]]))
    fixed = fixed_network(
        [fixed_population("a", 1)],
        [fixed_projection("x", "a", None, *pooled, name="q")],
        inputs=[FixedInput("x", (1, 2))],
    )
    mapped = replace(MAPPED, fixed=fixed, cores=(core(0, Part("a", Box((0,), (1,))), q="dense"),))
    assert said(mapped) == [text("q", "max pooling", "what loihi1 can do")]


def test_factors_that_differ_are_no_kernel() -> None:
    fixed = fixed_network(
        [fixed_population("a", 2, shape=(1, 2))],
        [fixed_projection("x", "a", None, FixedScaling(weight=integers([1, 2])), name="q")],
        inputs=[FixedInput("x", (1, 2))],
    )
    on_one = core(0, Part("a", Box.whole((1, 2))), q="kernels")
    mapped = replace(MAPPED, fixed=fixed, cores=(on_one,), hardware=load_hardware("loihi2"))
    found, limit = (
        "synapses of q in the encoding kernels",
        "one that can hold them, of dense, sparse",
    )
    assert said(mapped) == [text("core 0: chip 0, slot 0", found, f"{limit}, kernels")]
