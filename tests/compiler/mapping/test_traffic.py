"""Flows are what neurons send, one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.pieces import elements_read
from snnc.compiler.mapping.regions import Box, Listed
from snnc.compiler.mapping.traffic import flows, km1
from tests.benchmarks.mapping.networks import layered
from tests.drawn.fixed import fixed_networks
from tests.drawn.mapped import mapped_networks


@dataclass(frozen=True)
class On:
    parts: Sequence[Part]


def one_by_one(
    network: FixedNetwork, cores: Sequence[On], rates: dict[str, np.ndarray]
) -> dict[tuple[int, tuple[int, ...]], float]:
    """Give the rate by core and targets, from each neuron and each part that reads it."""
    owner = {
        (part.population, neuron): index
        for index, core in enumerate(cores)
        for part in core.parts
        for neuron in part.region.indices(network.shapes[part.population]).tolist()
    }
    targets: dict[tuple[str, int], set[int]] = defaultdict(set)
    for index, core in enumerate(cores):
        for part in core.parts:
            for q in network.incoming(part.population):
                shape, whole = network.shapes[q.source], network.shapes[part.population]
                region = elements_read(q.operators, shape, part.region, whole)
                for element in () if region is None else region.indices(shape).tolist():
                    targets[q.source, element].add(index)
    found: dict[tuple[int, tuple[int, ...]], float] = defaultdict(float)
    for (source, element), to in targets.items():
        rate = rates[source][element] if source in rates else 1.0
        found[owner.get((source, element), -1), tuple(sorted(to))] += rate
    return found


@given(st.data())
def test_flows(data: st.DataObject) -> None:
    mapped = data.draw(fixed_networks().flatmap(mapped_networks))
    rng = np.random.default_rng(0)
    name = mapped.fixed.populations[0].name
    rates = {name: rng.random(mapped.fixed.population(name).size)}
    expected = one_by_one(mapped.fixed, [On(core.parts) for core in mapped.cores], rates)
    found = flows(mapped.fixed, mapped.cores, rates)
    given_ = {
        (int(source), tuple(found.target[begin:end].tolist())): rate
        for source, begin, end, rate in zip(
            found.source, found.begin, found.begin[1:], found.rate, strict=False
        )
    }
    assert given_.keys() == expected.keys()
    assert all(given_[key] == pytest.approx(expected[key]) for key in expected)
    assert km1(found) == pytest.approx(
        sum(rate * len(set(to) - {source}) for (source, to), rate in expected.items())
    )


def test_a_core_that_reads_a_source_twice_is_sent_to_once() -> None:
    network = layered([3, 4, 4, 4])
    cores = [
        On([Part("layer0", Box((0,), (4,)))]),
        On([Part("layer1", Listed(np.array([0, 2]))), Part("layer2", Box((0,), (4,)))]),
        On([Part("layer1", Listed(np.array([1, 3])))]),
    ]
    found = flows(network, cores, {"layer0": np.array(0.5)})
    assert found.source.tolist() == [-1, 0, 1, 2]
    assert np.split(found.target, found.begin[1:-1])[1].tolist() == [1, 2]
    assert found.rate.tolist() == [3.0, 2.0, 2.0, 2.0]
    assert km1(found) == 3 * 1 + 2 * 2 + 0 + 2
