"""What does not fit is told in full: rule, place, number, limit with its source, remedy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.mapping.bounds import Bound
from snnc.compiler.mapping.demand import demand
from snnc.compiler.mapping.divide import split_fan_in
from snnc.compiler.mapping.hardware import Certainty, Limit
from snnc.compiler.mapping.ledger import Resource, Sent, fits
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.regions import Box
from snnc.compiler.mapping.violations import arithmetic, incapable, too_large, too_many_cores
from snnc.compiler.operators import MaxPooling
from snnc.targets.hardware.load import load_hardware
from tests.builders import (
    fixed_convolution,
    fixed_network,
    fixed_population,
    fixed_projection,
    window,
)

LOIHI1 = load_hardware("loihi1")
NARROW = replace(LOIHI1, weight_bits=(1, 2, 4))
ONE = Part("lif", Box((0,), (1,)))
PIXEL = Part("lif", Box((0, 0, 0), (1, 1, 1)))


def limit(value: int) -> Limit:
    return Limit(value, "a test", Certainty.CHOSEN)


def dense(inputs: int, **of_population: Any) -> FixedNetwork:
    q = fixed_projection("x", "lif", np.ones((2, inputs)), name="fc")
    return fixed_network([fixed_population(n=2, **of_population)], [q])


def delayed() -> FixedNetwork:
    q = fixed_projection("lif", "lif", np.ones((2, 2)), delay=9, name="fc")
    return fixed_network([fixed_population(n=2)], [q])


def convolution() -> FixedNetwork:
    lif = fixed_population("lif", 100, shape=(25, 2, 2))
    operator = fixed_convolution(np.ones((25, 3, 3, 3)))
    q = fixed_projection("x", "lif", None, operator, name="conv")
    return fixed_network([lif], [q], inputs=[FixedInput("x", (3, 4, 4))])


def two_formats() -> FixedNetwork:
    several = [
        fixed_projection("x", "lif", np.ones((2, 3)), weight_exp=e, name=f"fc{e}") for e in (0, 1)
    ]
    return fixed_network([fixed_population(n=2)], several)


SOFT = dense(5, reset=FixedReset.SUBTRACT)
BROKEN: dict[Resource, tuple[FixedNetwork, dict[str, Limit], Part, Sent | None]] = {
    Resource.NEURONS: (SOFT, {"neurons": limit(1)}, ONE, None),
    Resource.SYNAPSE_MEMORY: (SOFT, {"synapse_memory": limit(5)}, ONE, None),
    Resource.WORDS_PER_AXON: (delayed(), {"words_per_axon": limit(0)}, ONE, None),
    Resource.INPUT_AXONS: (SOFT, {"input_axons": limit(5)}, ONE, None),
    Resource.OUTPUT_AXONS: (SOFT, {"output_axons": limit(3)}, ONE, Sent(axons=3)),
    Resource.SYNAPSE_FORMATS: (two_formats(), {"synapse_formats": limit(1)}, ONE, None),
    Resource.FAN_IN: (dense(5), {"fan_in": limit(4)}, ONE, None),
    Resource.FAN_OUT: (dense(5), {"fan_out": limit(8)}, ONE, Sent(fan_out=9)),
    Resource.DESTINATIONS: (dense(5), {"destinations": limit(1)}, ONE, Sent(destinations=2)),
}


MESSAGES = {
    Resource.NEURONS: (
        "2 neurons: 1 and 1 compartments more to reset them",
        "1",
        "train with a reset to zero, which takes one compartment a neuron",
    ),
    Resource.SYNAPSE_MEMORY: (
        "6 words of synapse memory: 5 for 5 axons of fc + 1 for resets",
        "5",
        "prune what enters the population, or pool it before",
    ),
    Resource.WORDS_PER_AXON: (
        "1 words of an input axon: fc in the encoding dense, 8 bits a weight and 4 of delay",
        "0",
        "train with smaller kernels or fewer channels",
    ),
    Resource.INPUT_AXONS: (
        "6 input axons: 5 of fc + 1 of resets",
        "5",
        "prune what enters the population, or pool it before",
    ),
    Resource.OUTPUT_AXONS: (
        "4 output axons: 3 to other cores + 1 of resets",
        "3",
        "let the population feed smaller ones",
    ),
    Resource.SYNAPSE_FORMATS: (
        "2 synapse formats",
        "1",
        "give the weights into the population one width: --weight-bits 8",
    ),
    Resource.FAN_IN: (
        "5 synapses into a neuron",
        "4",
        "prune what enters the population, or pool it before",
    ),
    Resource.FAN_OUT: ("9 synapses of a neuron", "8", "prune what the population feeds"),
    Resource.DESTINATIONS: (
        "2 cores that a neuron sends to",
        "1",
        "let the population feed smaller ones",
    ),
}
"""Found, limit, remedy."""

TOO_LARGE = """\
error[SNN407]: a core has room for the smallest part of each population
  --> lif
   found: {}
   limit: {} on loihi1 (a test; chosen)
  remedy: {}"""


@pytest.mark.parametrize("resource", BROKEN)
def test_too_large(resource: Resource) -> None:
    network, limits, part, sent = BROKEN[resource]
    change: dict[str, Any] = limits
    said = [d.text() for d in too_large(network, part, replace(LOIHI1, **change), sent)]
    assert said == [TOO_LARGE.format(*MESSAGES[resource])]
    assert too_large(network, part, LOIHI1, sent) == ()


def test_all_that_is_too_large_is_told() -> None:
    hardware = replace(LOIHI1, neurons=limit(1), synapse_memory=limit(5), input_axons=limit(5))
    said = too_large(SOFT, ONE, hardware)
    assert [d.found.split(":")[0] for d in said] == [
        "2 neurons",
        "6 words of synapse memory",
        "6 input axons",
    ]


def test_narrower_weights_are_named_where_they_help() -> None:
    """Three kernels of 9 weights and a bit each: 3 words of 32 bits with 8 bits, 2 with 6."""
    hardware = replace(load_hardware("loihi2"), synapse_memory=limit(8))
    network = convolution()
    (said,) = too_large(network, PIXEL, hardware)
    assert said.found == "9 words of synapse memory: 9 for 27 axons of conv"
    assert said.remedy == "--weight-bits lif=6"
    for bits, enough in ((6, True), (7, False)):
        narrow = replace(
            network, projections=tuple(replace(q, weight_bits=bits) for q in network.projections)
        )
        assert fits(demand(narrow, PIXEL, hardware), Sent(), hardware) == enough


def test_the_weights_of_a_bias_stay_wide() -> None:
    bias = fixed_projection("lif.bias", "lif", np.ones((2, 1)), name="fc")
    neuron = fixed_population("lif.bias", origin=("fc",))
    network = fixed_network([neuron, fixed_population(n=2)], [bias])
    (said,) = too_large(network, ONE, replace(LOIHI1, synapse_memory=limit(0)))
    assert said.remedy == "prune what enters the population, or pool it before"
    (said,) = incapable(network, NARROW)
    assert (
        said.remedy
        == "name hardware with weights of 8 bits, as biases and sums that are divided have"
    )


def test_so_do_those_of_digits() -> None:
    """There are dozens of these projections, of one layer: it is told of once."""
    network, divisions = split_fan_in(dense(40), 30)
    assert divisions
    narrowed = replace(
        network,
        projections=tuple(
            replace(q, weight_bits=1) if q.source == "x" else q for q in network.projections
        ),
    )
    (said,) = incapable(narrowed, NARROW)
    assert (said.node, said.found) == ("fc", "weights of 8 bits")
    assert (
        said.remedy
        == "name hardware with weights of 8 bits, as biases and sums that are divided have"
    )


def test_no_arithmetic_of_what_has_none() -> None:
    found = demand(dense(5), ONE, LOIHI1)
    assert arithmetic(Resource.NEURONS, found, Sent()) == ""
    assert arithmetic(Resource.OUTPUT_AXONS, found, Sent()) == ""


# --- what the hardware cannot do ------------------------------------------------------------------


def foreign() -> FixedNetwork:
    """Make a network of all that a bare Loihi cannot do."""
    pooled = (MaxPooling(window=window(2, 2)), fixed_convolution(np.ones((1, 1, 1, 1))))
    return fixed_network(
        [
            fixed_population("a", 9, shape=(1, 3, 3), reset=FixedReset.ZERO_NEXT),
            fixed_population("b", 4, shape=(1, 2, 2), spiking=False, reset=FixedReset.ZERO_NEXT),
        ],
        [
            fixed_projection("x", "a", np.ones((9, 9)), delay=99),
            fixed_projection("a", "b", None, *pooled, delay=64, weight_bits=8),
            fixed_projection("a", "a", np.ones((9, 9)), delay=63, weight_bits=4),
        ],
        inputs=[FixedInput("x", (9,), 0.1, 127)],
    )


INCAPABLE = """\
error[SNN409]: the hardware can do all that the network does
  --> x
   found: spikes of 8 bits: integers up to 127 and their sign
   limit: 0 on loihi1 (Davies et al. 2018; spikes carry no payload; published)
  remedy: send spikes into the network: encode the input before it enters

error[SNN409]: the hardware can do all that the network does
  --> a
   found: the reset zero-next
   limit: none, subtract, subtract-delayed, zero on loihi1
  remedy: train with a reset that is there; --reset where a .nir file leaves it open

error[SNN409]: the hardware can do all that the network does
  --> x->a
   found: weights of 8 bits
   limit: 4 bits on loihi1
  remedy: --weight-bits a=4

error[SNN409]: the hardware can do all that the network does
  --> a->b
   found: weights of 8 bits
   limit: 4 bits on loihi1
  remedy: --weight-bits b=4

error[SNN409]: the hardware can do all that the network does
  --> a->b
   found: a delay of 64 steps
   limit: 63 on loihi1 (62 steps beyond the first, Davies et al. 2018 (IEEE Micro 38); recalled)
  remedy: shorten the delay, or take longer steps (--dt)

error[SNN409]: the hardware can do all that the network does
  --> a->b
   found: max pooling
   limit: sums of what arrives at a neuron on loihi1
  remedy: train with average pooling"""


def test_incapable() -> None:
    assert "\n\n".join(d.text() for d in incapable(foreign(), NARROW)) == INCAPABLE


@pytest.mark.parametrize("name", ["loihi2", "loihi2-nxcompiler", "spinnaker2"])
def test_graded_spikes_and_any_reset(name: str) -> None:
    """Programmable neurons do it all, but for the longest delay and the largest of several."""
    said = [d.found for d in incapable(foreign(), load_hardware(name))]
    late = ["a delay of 63 steps"] if name == "spinnaker2" else []
    assert sorted(said) == [*late, "a delay of 64 steps", "max pooling"]


def test_nothing_that_is_foreign() -> None:
    assert incapable(dense(5), LOIHI1) == ()


CORES = """\
error[SNN408]: the hardware has as many cores as the network needs
  --> --hardware loihi1
   found: 33 chips: 4097 cores, 128 a chip; no mapping has fewer than 4000, for neurons
   limit: 32 on loihi1 (a Nahuku board has 32 chips; that they stand 8 by 4 is chosen; recalled)
  remedy: name a description with more chips (docs/hardware.md)"""


def test_too_many_cores() -> None:
    least = Bound(Resource.NEURONS, 4_096_000, LOIHI1.neurons, 4000)
    assert too_many_cores(4097, LOIHI1, least).text() == CORES
