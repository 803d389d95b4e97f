"""Neurons that differ in their parameters are laid out by these where a core holds few kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork
from snnc.compiler.mapping.bounds import lower_bound
from snnc.compiler.mapping.checker import check_mapped
from snnc.compiler.mapping.cut import cut
from snnc.compiler.mapping.join import joined
from snnc.compiler.mapping.kinds import Kinds
from snnc.compiler.mapping.lay_out import lay_out
from snnc.compiler.operators import FixedDense, FixedSparse
from snnc.targets.integer.reference import execute
from tests.builders import (
    fixed_network,
    fixed_population,
    fixed_projection,
    integers,
    integers_for,
)
from tests.compiler.mapping.limits import LOIHI, able, limit

N = 48
ALTERNATING = np.arange(N) % 6
"""Six kinds, neuron by neuron."""


def two_layers(*, lists: bool = False, **fields: Any) -> FixedNetwork:
    """Make a population of such parameters between an input and another population."""
    rng = np.random.default_rng(0)
    weight = integers(rng.integers(1, 30, (N, 8)))
    operator = FixedSparse.of(weight) if lists else FixedDense(weight=weight)
    return fixed_network(
        [fixed_population("a", N, **fields), fixed_population("b", 3)],
        [
            fixed_projection("x", "a", None, operator),
            fixed_projection("a", "b", rng.integers(-9, 30, (3, N))),
        ],
        inputs=[FixedInput("x", (8,))],
    )


ALIKE = {
    "parameter sets": (two_layers(du=ALTERNATING), {"parameter_sets": 3}),
    "in two dimensions": (two_layers(shape=(6, 8), du=np.arange(N) % 7 % 6), {"parameter_sets": 3}),
    "thresholds": (two_layers(threshold=10 + ALTERNATING), {"thresholds": 3}),
    "both, together": (
        two_layers(du=ALTERNATING, threshold=10 + ALTERNATING),
        {"parameter_sets": 3, "thresholds": 4},
    ),
    "lists": (two_layers(lists=True, du=ALTERNATING), {"parameter_sets": 3}),
}


@pytest.mark.parametrize("name", ALIKE)
def test_as_few_cores_as_there_can_be(name: str) -> None:
    """Cut in their own order, three neurons would fill a core."""
    network, limits = ALIKE[name]
    hardware = able(LOIHI, neurons=30, **limits)
    mapped = lay_out(network, hardware)
    assert len(mapped.cores) <= lower_bound(network, hardware) + 1 <= 4
    assert [*map(str, check_mapped(mapped))] == []
    x = integers_for(network, steps=6, batch=2, seed=1)
    whole, parts = execute(network, x), execute(cut(mapped), x)
    assert whole.spikes["a"].any()
    for signal in ("spikes", "u", "v"):
        found = joined(getattr(parts, signal), mapped)
        for population, values in getattr(whole, signal).items():
            assert np.array_equal(found[population].reshape(values.shape), values)


def test_order() -> None:
    """The scarcer of two comes first, kinds as they occur, neurons of one kind as they stand."""
    kinds = Kinds(fixed_population("a", 6, du=[5, 2, 5, 2, 5, 2], threshold=[1, 1, 2, 2, 3, 3]))
    one, two = limit(1), limit(2)
    order = {
        "sets": (kinds.together(one, None), [0, 2, 4, 1, 3, 5]),
        "thresholds, and sets among them": (kinds.together(one, one), [0, 1, 2, 3, 4, 5]),
        "sets, and thresholds among them": (kinds.together(one, two), [0, 2, 4, 1, 3, 5]),
    }
    for name, (found, wanted) in order.items():
        assert (list(range(6)) if found is None else found.tolist()) == wanted, name


def test_what_needs_no_order_has_none() -> None:
    alternating = Kinds(fixed_population("a", N, du=ALTERNATING))
    assert alternating.together(limit(6), limit(1)) is None
    assert alternating.together(None, None) is None
    assert (
        Kinds(fixed_population("a", N, du=np.sort(ALTERNATING)[::-1])).together(limit(1), None)
        is None
    )
    silent = Kinds(fixed_population("a", N, threshold=10 + ALTERNATING, spiking=False))
    assert silent.together(limit(1), limit(1)) is None
