"""Kinds of axons stand for axons that reach neurons at the same distances, one by one."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given

from snnc.compiler.fixed import FixedInput, FixedNetwork
from snnc.compiler.mapping.demand import demand
from snnc.compiler.mapping.encodings import Counts, SynapseLists
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.regions import Box
from snnc.compiler.mapping.synapses import Wiring, numbered
from snnc.compiler.operators import FixedScaling
from snnc.targets.hardware.load import load_hardware
from tests.builders import (
    fixed_convolution,
    fixed_network,
    fixed_population,
    fixed_projection,
    integers,
)
from tests.compiler.mapping.plain import plain_lists, plain_words
from tests.compiler.mapping.test_demand import parts

LOIHI1, LOIHI2 = map(load_hardware, ("loihi1", "loihi2"))
Kinds: TypeAlias = Counter[tuple[int, ...]]


def kinds_of(lists: SynapseLists) -> Kinds:
    """Count axons by the distances of their neurons from the first."""
    found: Kinds = Counter()
    for i, axons in enumerate(lists.axons.tolist()):
        reached = lists.index[lists.begin[i] : lists.begin[i + 1]]
        found[tuple((reached - reached[0]).tolist())] += axons
    return found


def plain_kinds(lists: list[list[int]]) -> Kinds:
    return Counter(tuple(i - one[0] for i in one) for one in lists if one)


@given(parts())
def test_kinds(drawn: tuple[FixedNetwork, Part]) -> None:
    network, part = drawn
    neurons = numbered(part.region, network.population(part.population).shape)
    for q in network.incoming(part.population):
        found = Wiring(network, q).into(part.region)
        assert kinds_of(found.lists) == plain_kinds(plain_lists(network, q, neurons))


def convolution(stride: int, padding: int, groups: int = 1) -> FixedNetwork:
    weights = np.ones((6, 4 // groups, 3, 3))
    operator = fixed_convolution(weights, stride=stride, padding=padding, groups=groups)
    shape = operator.result_shape((4, 11, 12))
    lif = fixed_population("lif", prod(shape), shape=shape)
    q = fixed_projection("x", "lif", None, operator)
    return fixed_network([lif], [q], inputs=[FixedInput("x", (4, 11, 12))])


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 1)])
@pytest.mark.parametrize("box", [Box((0, 0, 0), (6, 5, 4)), Box((1, 1, 2), (5, 4, 5))])
def test_kinds_of_convolutions(box: Box, stride: int, padding: int, groups: int) -> None:
    network = convolution(stride, padding, groups)
    neurons = numbered(box, network.shapes["lif"])
    lists = plain_lists(network, network.projections[0], neurons)
    found = Wiring(network, network.projections[0]).into(box)
    assert kinds_of(found.lists) == plain_kinds(lists)
    expected = [plain_words(LOIHI1.encodings[i], one, 8) for i in range(4) for one in lists if one]
    axons = len(expected) // 4
    totals = [sum(expected[i * axons : (i + 1) * axons]) for i in range(4)]
    assert demand(network, Part("lif", box), LOIHI1).words == min(totals)


@pytest.mark.parametrize(
    ("factors", "kernels"),
    [
        (np.repeat([3, 5], 4), ((1, 2),)),  # one weight for each of the two channels
        (np.arange(1, 9), ()),
    ],
)
def test_factors_are_shared_where_a_channel_has_one(
    factors: Counts, kernels: tuple[tuple[int, int], ...]
) -> None:
    q = fixed_projection("x", "lif", None, FixedScaling(weight=integers(factors)))
    network = fixed_network(
        [fixed_population("lif", 8, shape=(2, 2, 2))], [q], inputs=[FixedInput("x", (2, 2, 2))]
    )
    found = Wiring(network, q).into(Box.whole((2, 2, 2)))
    assert found.kernels == kernels
    assert found.lists.axons.sum() == 8
    encoding = demand(network, Part("lif", Box.whole((2, 2, 2))), LOIHI2).projections[0].encoding
    assert (encoding == "kernels") == bool(kernels)


def test_groups_of_a_convolution_into_a_flat_population() -> None:
    """What is no box of windows is unrolled: two channels, each reaches its own."""
    operator = fixed_convolution(np.ones((2, 1, 1, 1)), groups=2)
    network = fixed_network(
        [fixed_population("lif", 8)],
        [fixed_projection("x", "lif", None, operator)],
        inputs=[FixedInput("x", (2, 2, 2))],
    )
    found = Wiring(network, network.projections[0]).into(Box((0,), (8,)))
    assert (found.lists.axons.sum(), found.lists.synapses, found.fan_in) == (8, 8, 1)


def test_numbers_run_over_the_channels_first() -> None:
    numbers = numbered(Box((1, 0, 2), (3, 2, 4)), (3, 2, 4))
    assert numbers.tolist() == [10, 18, 11, 19, 14, 22, 15, 23]
    assert numbered(Box((1,), (3,)), (4,)).tolist() == [1, 2]


def test_an_index_is_as_wide_as_that_of_the_last_axon_of_a_kind() -> None:
    """Where widths differ, a kind has the widest: more than is needed, and never less."""
    network = convolution(1, 0)
    box = Box((0, 0, 0), (6, 9, 10))
    (q,) = network.projections
    lists = [one for one in plain_lists(network, q, numbered(box, (6, 9, 10))) if one]
    found = Wiring(network, q).into(box).lists
    widest: dict[tuple[int, ...], int] = {}
    for one in lists:
        kind = tuple(i - one[0] for i in one)
        widest[kind] = max(widest.get(kind, 0), one[0])
    for i, begin in enumerate(found.begin[:-1].tolist()):
        reached = found.index[begin : found.begin[i + 1]]
        assert reached[0] >= widest[tuple((reached - reached[0]).tolist())]
