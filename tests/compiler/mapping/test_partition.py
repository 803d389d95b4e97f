"""Whatever is partitioned lies on cores once, within every limit, and as told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from snnc.compiler import rules
from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.mapping.bounds import lower_bound
from snnc.compiler.mapping.demand import Meter, combine, demand
from snnc.compiler.mapping.hardware import Hardware, Layout
from snnc.compiler.mapping.ledger import Sent, uses
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.mapping.partition import Bundle, partition
from snnc.compiler.mapping.partitioners import Partitioner, Way
from snnc.compiler.mapping.pieces import elements_read
from snnc.compiler.mapping.room import Room
from snnc.compiler.mapping.traffic import HasParts, flows, km1
from snnc.compiler.mapping.violations import incapable
from snnc.compiler.operators import FixedSparse
from tests.benchmarks.mapping.networks import layered, mlp, oxford, pilotnet, sheet
from tests.builders import fixed_convolution, fixed_network, fixed_population, fixed_projection
from tests.compiler.mapping.limits import LOIHI, LOIHI2, able, limit, small_hardware
from tests.drawn.fixed import fixed_networks
from tests.drawn.mapped import mapped_networks

Cores = tuple[Bundle, ...]


def received(network: FixedNetwork, cores: Sequence[HasParts]) -> dict[tuple[str, int], set[int]]:
    """Give the cores that each neuron or element of an input sends to, one after the other."""
    found: dict[tuple[str, int], set[int]] = defaultdict(set)
    for index, core in enumerate(cores):
        for part in core.parts:
            whole = network.shapes[part.population]
            for q in network.incoming(part.population):
                shape = network.shapes[q.source]
                region = elements_read(q.operators, shape, part.region, whole)
                for element in () if region is None else region.indices(shape).tolist():
                    found[q.source, element].add(index)
    return found


def check(network: FixedNetwork, hardware: Hardware, cores: Cores) -> None:
    """Check that each neuron lies on one core and that no limit is broken."""
    for p in network.populations:
        parts = [c for core in cores for c in core.parts if c.population == p.name]
        neurons = np.concatenate([part.region.indices(p.shape) for part in parts])
        assert sorted(neurons.tolist()) == list(range(p.size))
    to = received(network, cores)
    for core in cores:
        names = [part.population for part in core.parts]
        assert names == [p.name for p in network.populations if p.name in names]
        sent = [
            len(to[part.population, neuron])
            for part in core.parts
            for neuron in part.region.indices(network.shapes[part.population]).tolist()
        ]
        needed = combine([demand(network, part, hardware) for part in core.parts])
        found = uses(needed, Sent(axons=sum(sent), destinations=max(sent)), hardware)
        assert [use for use in found if not use.fits] == []
        assert core.encodings == {p.projection: p.encoding for p in needed.projections}
    assert len(cores) >= lower_bound(network, hardware)


@settings(max_examples=60)
@given(fixed_networks(), small_hardware(), st.integers(0, 3))
def test_random(network: FixedNetwork, hardware: Hardware, seed: int) -> None:
    try:
        cores = partition(network, hardware, way=Way(seed))
    except InputError:
        return  # it does not fit, or not with these resets
    check(network, hardware, cores)


@settings(max_examples=20)
@given(fixed_networks())
def test_whatever_fits_neuron_by_neuron_is_partitioned(network: FixedNetwork) -> None:
    hardware = able(neurons=1)
    assume(not incapable(network, hardware))
    check(network, hardware, partition(network, hardware))


@pytest.mark.parametrize(
    ("network", "hardware", "most"),
    [
        (mlp(), able(LOIHI), 1),
        (oxford(), able(LOIHI), 1),
        (mlp(), able(LOIHI2), 3),
        (oxford(), able(LOIHI2), 3),
    ],
)
def test_named(network: FixedNetwork, hardware: Hardware, most: int) -> None:
    cores = partition(network, hardware)
    check(network, hardware, cores)
    assert len(cores) <= most
    assert len(cores) <= 1.25 * lower_bound(network, hardware)


@pytest.mark.slow
@pytest.mark.parametrize(("hardware", "most"), [(able(LOIHI2), 44), (able(LOIHI), 182)])
def test_pilotnet(hardware: Hardware, most: int) -> None:
    network = pilotnet()
    cores = partition(network, hardware)
    check(network, hardware, cores)
    assert len(cores) <= most
    assert len(cores) <= 1.25 * lower_bound(network, hardware)


def test_neurons_that_nothing_enters_lie_where_memory_is_full() -> None:
    """Eight that receive fill the memory of two cores; the others have room beside them, and more.

    Rows of 13 would leave room free on every core.
    """
    encoder = fixed_population("encoder", 91, shape=(1, 7, 13), bias_mant=1)
    network = fixed_network(
        [encoder, fixed_population("lif", 8)],
        [fixed_projection("encoder", "lif", np.ones((8, 91)))],
    )
    hardware = able(LOIHI, neurons=33, synapse_memory=91, output_axons=None)
    cores = partition(network, hardware)
    check(network, hardware, cores)
    assert len(cores) == lower_bound(network, hardware) == 3


def test_mtkahypar_cuts_where_it_is_asked_to() -> None:
    """What it proposes is repaired and refined as what METIS does, and is the same every time."""
    pytest.importorskip("mtkahypar")
    network, rates = sheet(30)
    hardware, way = able(LOIHI, neurons=250), Way(1, Partitioner.MTKAHYPAR)
    cores = partition(network, hardware, rates={"sheet": rates}, way=way)
    check(network, hardware, cores)
    assert len(cores) == lower_bound(network, hardware)
    again = partition(network, hardware, rates={"sheet": rates}, way=way)
    assert _neurons(again) == _neurons(cores)
    by_metis = partition(network, hardware, rates={"sheet": rates}, way=Way(1))
    assert _neurons(by_metis) != _neurons(cores)
    least = km1(flows(network, by_metis, {"sheet": rates}))
    assert km1(flows(network, cores, {"sheet": rates})) < 1.1 * least


def _neurons(cores: Cores) -> list[list[int]]:
    return [core.parts[0].region.indices((900,)).tolist() for core in cores]


@pytest.mark.parametrize(("neurons", "most"), [(None, 10), (250, 4)])
def test_a_sheet_is_cut_by_its_synapses(neurons: int | None, most: int) -> None:
    side = 100 if neurons is None else 30
    network, rates = sheet(side)
    hardware = able(LOIHI) if neurons is None else able(LOIHI, neurons=neurons)
    cores = partition(network, hardware, rates={"sheet": rates})
    assert len(cores) == lower_bound(network, hardware) == most
    if neurons:
        check(network, hardware, cores)
    n = side * side
    rows = np.arange(n) * len(cores) // n
    operator = network.projections[0].operators[0]
    assert isinstance(operator, FixedSparse)
    pairs = np.stack((operator.source, rows[operator.target]), axis=1)
    pairs = np.unique(pairs, axis=0)
    by_rows = rates[pairs[:, 0]] @ (rows[pairs[:, 0]] != pairs[:, 1])
    assert km1(flows(network, cores, {"sheet": rates})) < 0.95 * by_rows


def test_the_same_twice() -> None:
    network, rates = sheet(30)
    hardware = able(LOIHI, neurons=100)
    first, second = (partition(network, hardware, rates={"sheet": rates}) for _ in range(2))
    assert [core.encodings for core in first] == [core.encodings for core in second]
    for a, b in zip(first, second, strict=True):
        for x, y in zip(a.parts, b.parts, strict=True):
            assert np.array_equal(x.region.indices((900,)), y.region.indices((900,)))


def test_a_flat_population_behind_a_convolution_is_cut_as_its_windows_are() -> None:
    network = fixed_network(
        [fixed_population("c", 4 * 10 * 10)],
        [fixed_projection("x", "c", None, fixed_convolution(np.ones((4, 1, 3, 3)), padding=1))],
        inputs=[FixedInput("x", (1, 10, 10))],
    )
    hardware = able(LOIHI, neurons=50)
    cores = partition(network, hardware)
    check(network, hardware, cores)
    assert len(cores) == 8


def test_output_axons_make_cores_smaller() -> None:
    network = layered([10, 64, 64])
    loose = able(LOIHI, neurons=16, output_axons=None)
    tight = able(LOIHI, neurons=16, output_axons=20)
    assert len(partition(network, loose)) == 8
    cores = partition(network, tight)
    check(network, tight, cores)
    assert (
        max(part.region.size for c in cores for part in c.parts if part.population == "layer0") == 5
    )


def test_what_is_left_on_other_cores_is_used() -> None:
    network, hardware = layered([4, 60, 60, 60]), able(LOIHI, neurons=90)
    cores = partition(network, hardware)
    check(network, hardware, cores)
    assert len(cores) == 2


def test_parts_may_have_parameters_in_common() -> None:
    """A core that has as many parameter sets as it may is not full: neurons of these still fit."""
    network, hardware = layered([4, 60, 60, 60]), able(LOIHI, neurons=90, parameter_sets=1)
    cores = partition(network, hardware)
    check(network, hardware, cores)
    assert len(cores) == 2


def test_a_population_of_two_kinds_of_windows() -> None:
    """Neurons 0 to 11 are 3 rows of 4 for one convolution and 2 of 6 for the other."""
    network = fixed_network(
        [fixed_population("c", 12)],
        [
            fixed_projection("x", "c", None, fixed_convolution(np.ones((1, 1, 1, 1)))),
            fixed_projection("y", "c", None, fixed_convolution(np.ones((1, 1, 1, 1)))),
        ],
        inputs=[FixedInput("x", (1, 3, 4)), FixedInput("y", (1, 2, 6))],
    )
    hardware = able(LOIHI, neurons=7)
    check(network, hardware, partition(network, hardware))


def test_blocks_over_a_limit_give_neurons_away() -> None:
    network, rates = sheet(30)
    hardware = able(LOIHI, neurons=250, input_axons=720, output_axons=None)
    cores = partition(network, hardware, rates={"sheet": rates})
    check(network, hardware, cores)
    assert len(cores) == 4


@given(fixed_networks().flatmap(mapped_networks))
def test_receivers_are_counted_as_parts_come(mapped: MappedNetwork) -> None:
    room = Room(Meter(mapped.fixed, mapped.hardware), {})
    for core in mapped.cores:
        for i, part in enumerate(core.parts):
            room.receive(core.parts[:i], part)
    to = received(mapped.fixed, mapped.cores)
    for name, counts in room.receivers.items():
        assert counts.tolist() == [len(to[name, neuron]) for neuron in range(counts.size)]


ALONE = """\
error[SNN407]: a core has room for the smallest part of each population
  --> layer0
   found: 10 input axons: 10 of x->layer0
   limit: 5 on loihi1 (a test; chosen)
  remedy: prune what enters the population, or pool it before"""
SENT = """\
error[SNN411]: neurons are laid out so that each core sends and receives what it can
  --> layer0
   found: 4 output axons for 1 neuron
   limit: 3 on loihi1 (a test)
  remedy: prune or narrow the weights of what receives, so that it takes fewer cores"""
NOT_STORED = """\
error[SNN411]: neurons are laid out so that each core sends and receives what it can
  --> layer0
   found: synapses of x->layer0 that no encoding can keep
   limit: the encodings of loihi1
  remedy: add an encoding for them to the description (docs/hardware.md)"""


def test_a_neuron_that_fits_no_core() -> None:
    with pytest.raises(InputError) as fault:
        partition(layered([10, 3]), able(LOIHI, input_axons=5))
    assert str(fault.value) == ALONE


def test_neurons_that_send_to_too_many_cores() -> None:
    with pytest.raises(InputError) as fault:
        partition(layered([10, 2, 64]), able(LOIHI, neurons=16, output_axons=3))
    assert str(fault.value) == SENT


def test_synapses_that_nothing_can_store() -> None:
    kernels = tuple(e for e in LOIHI2.encodings if e.layout is Layout.SHARED)
    with pytest.raises(InputError) as fault:
        partition(layered([10, 3]), replace(able(LOIHI), encodings=kernels))
    assert str(fault.value) == NOT_STORED


def test_all_that_stands_against_it_at_once() -> None:
    network = layered([10, 3, 4])
    hardware = replace(able(LOIHI, input_axons=2), resets={FixedReset.NONE: 1})
    with pytest.raises(InputError) as fault:
        partition(network, hardware)
    codes = [d.rule.code for d in fault.value.diagnostics]
    assert codes == ["SNN409", "SNN409", "SNN407", "SNN407"]


def test_too_many_cores() -> None:
    with pytest.raises(InputError) as fault:
        partition(layered([4, 300]), replace(able(LOIHI, neurons=2), chips=limit(1)))
    assert [d.rule.code for d in fault.value.diagnostics] == ["SNN408"]


def test_a_neuron_with_too_many_synapses_is_told() -> None:
    network = layered([6, 8, 5])
    partition(network, able(LOIHI, fan_out=5))
    with pytest.raises(InputError) as raised:
        partition(network, able(LOIHI, fan_out=4))
    (told,) = raised.value.diagnostics
    assert (told.rule, told.found) == (rules.PART_FITS, "5 synapses of a neuron")
    assert told.remedy == "prune what the population feeds"
