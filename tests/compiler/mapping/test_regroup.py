"""Parts that send to each other come to lie together, within the limits."""

from __future__ import annotations

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork
from snnc.compiler.mapping.demand import Meter
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.metis import cut_graph
from snnc.compiler.mapping.partition import partition
from snnc.compiler.mapping.partitioners import Way
from snnc.compiler.mapping.regions import Box
from snnc.compiler.mapping.regroup import regrouped
from snnc.compiler.mapping.room import Room
from snnc.compiler.mapping.traffic import flows, km1
from tests.builders import fixed_network, fixed_population, fixed_projection
from tests.compiler.mapping.limits import LOIHI, able


def rings(n: int, size: int = 8) -> FixedNetwork:
    """Give ``n`` pairs of populations that send to each other; pairs are apart in the network."""
    weight = np.ones((size, size))
    names = [f"{side}{i}" for side in "ab" for i in range(n)]
    pairs = [(f"a{i}", f"b{i}") for i in range(n)]
    return fixed_network(
        [fixed_population(name, size) for name in names],
        [fixed_projection(s, t, weight) for a, b in pairs for s, t in ((a, b), (b, a))],
        inputs=[FixedInput("x", (1,))],
    )


@pytest.mark.parametrize("neurons", [16, 32, 40])
def test_pairs_come_together(neurons: int) -> None:
    network = rings(6)
    cores = partition(network, able(LOIHI, neurons=neurons))
    assert len(cores) == -(-6 * 16 // (neurons // 16 * 16 if neurons < 40 else 40))
    assert km1(flows(network, cores, {})) == 0


def test_limits_are_kept() -> None:
    network = rings(3)
    hardware = able(LOIHI, neurons=16, populations=2)
    room = Room(Meter(network, hardware), {})
    names = [p.name for p in network.populations]
    parts = [Part(name, Box((0,), (8,))) for name in names]
    cores = [[parts[0], parts[1]], [parts[2], parts[3]], [parts[4], parts[5]]]
    found = regrouped(room, cores, {}, Way())
    assert sorted(len(core) for core in found) == [2, 2, 2]
    together = {tuple(sorted(part.population for part in core)) for core in found}
    assert together == {("a0", "b0"), ("a1", "b1"), ("a2", "b2")}


def test_halves_of_a_population_stay_apart() -> None:
    network = fixed_network(
        [fixed_population("a", 8), fixed_population("b", 4)],
        [fixed_projection("a", "b", np.ones((4, 8))), fixed_projection("x", "a", np.ones((8, 1)))],
    )
    room = Room(Meter(network, able(LOIHI)), {})
    halves = [Part("a", Box((0,), (4,))), Part("a", Box((4,), (8,)))]
    cores = [[halves[0]], [halves[1], Part("b", Box((0,), (4,)))]]
    found = regrouped(room, cores, {}, Way())
    assert [len({part.population for part in core}) for core in found] == [len(c) for c in found]
    assert sum(map(len, found)) == 3


def test_metis_cuts_where_little_is_sent() -> None:
    from scipy import sparse

    weights = np.zeros((8, 8))
    weights[:4, :4] = weights[4:, 4:] = 10
    weights[3, 4] = weights[4, 3] = 1
    np.fill_diagonal(weights, 0)
    block = cut_graph(sparse.csr_array(weights), 2, np.full(8, 0.25), 0)
    assert len(set(block[:4].tolist())) == len(set(block[4:].tolist())) == 1
    assert block[0] != block[4]
    assert cut_graph(sparse.csr_array(weights), 1, np.full(8, 0.1), 0).tolist() == [0] * 8
