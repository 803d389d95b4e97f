"""What arrived over which synapse: compared with a second reading of the arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.linear import as_steps
from snnc.compiler.network import Junction, Network
from snnc.compiler.operators import MaxPooling
from snnc.runtime.divergence.operands import (
    acting_weights,
    fixed_ways,
    operands,
    real_ways,
)
from tests import oracle, real_oracle
from tests.builders import (
    fixed_dense,
    fixed_network,
    fixed_population,
    fixed_projection,
    network,
    population,
    projection,
    window,
)
from tests.drawn.fixed import fixed_networks
from tests.drawn.networks import networks


@settings(max_examples=30)
@given(fixed_networks(retimed=False), st.integers(0, 2**32 - 1))
def test_weights_of_integers_make_the_sum(fixed: FixedNetwork, seed: int) -> None:
    """Whatever the operators, pooling among them: the products add up to ``y``, shifted."""
    rng = np.random.default_rng(seed)
    for p in fixed.populations[-1:]:
        for q, way in zip(fixed.incoming(p.name), fixed_ways(fixed, p.name), strict=True):
            assert (way.name, way.source, way.delay) == (q.name, q.source, q.delay)
            x = rng.integers(-1, 2, way.shape)
            y = oracle.synaptic_input(q, x.ravel().tolist(), way.shape)
            neuron = int(rng.integers(p.size))
            weights = acting_weights(way.steps, x.astype(np.float64), neuron) * way.factor
            assert np.floor((weights * x).sum()) == y[neuron]


@settings(max_examples=30)
@given(networks(), st.integers(0, 2**32 - 1))
def test_weights_of_real_numbers_make_the_sum(real: Network, seed: int) -> None:
    """All ways into a population, through sums, and biases apart."""
    rng = np.random.default_rng(seed)
    shapes = real.shapes
    p = real.populations[-1]
    ways = real_ways(real, p.name)
    sent: dict[str, Any] = {w.source: rng.integers(0, 2, w.shape).astype(float) for w in ways}
    neuron = int(rng.integers(p.size))
    total = sum(
        (acting_weights(w.steps, sent[w.source], neuron) * sent[w.source]).sum() for w in ways
    )
    zeros = {name: np.zeros(shapes[name]) for name in sent}
    wanted = _arriving(real, p.name, sent)[neuron] - _arriving(real, p.name, zeros)[neuron]
    assert total == pytest.approx(wanted, rel=1e-6, abs=1e-9)


def _arriving(real: Network, place: str, sent: dict[str, npt.NDArray[Any]]) -> list[float]:
    """Add up what arrives at a place, one value at a time; spikes have their size."""
    sizes = {p.name: p.spike for p in real.populations}
    total = [0.0] * int(np.prod(real.shapes[place]))
    for q in real.incoming(place):
        shape = real.shapes[q.source]
        if q.source in sent:
            value = (sent[q.source].ravel() * sizes.get(q.source, 1)).tolist()
        else:
            value = _arriving(real, q.source, sent)
        for operator in q.operators:
            value = real_oracle.applied(operator, value, shape, float)
            shape = operator.result_shape(shape)
        total = [a + b for a, b in zip(total, value, strict=True)]
    return total


def test_what_is_told_of_each() -> None:
    fixed = fixed_network(
        [fixed_population("a", 2), fixed_population("b")],
        [
            fixed_projection("x", "a", [[9, 3, -4], [2, 8, 0]], weight_exp=1, delay=0),
            fixed_projection("a", "b", [[6, 7]], delay=0),
            fixed_projection("x", "b", [[1, 1, 1]], delay=2),
        ],
    )
    x = np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1]])
    a = np.array([[0, 0], [0, 0], [1, 0]])
    other = np.array([[0, 0], [0, 0], [0, 1]])
    found = operands(fixed_ways(fixed, "a"), 2, 0, {"x": x, "a": a}, {"x": x, "a": a})
    assert [(o.source, o.neuron, o.sent, o.sent_other, o.weight, o.step) for o in found] == [
        ("x", (2,), 1, None, -8, 2),
        ("x", (1,), 1, None, 6, 2),
    ]
    found = operands(fixed_ways(fixed, "b"), 2, 0, {"x": x, "a": a}, {"x": x, "a": other})
    assert [(o.source, o.neuron, o.sent, o.sent_other, o.weight, o.step) for o in found] == [
        ("a", (0,), 1, 0, 6, 2),
        ("x", (0,), 1, None, 1, 0),
        ("x", (2,), 1, None, 1, 0),
        ("a", (1,), 0, 1, 7, 2),
    ]
    assert operands(fixed_ways(fixed, "b"), 0, 0, {"x": x, "a": a}, {}) == ()


def test_of_a_max_pooling_the_winner_alone() -> None:
    pooled = MaxPooling(window=window(2, stride=2))
    steps = as_steps((pooled, fixed_dense([[5, 7]])), (1, 4))
    weights = acting_weights(steps, np.array([[0.0, 1.0, 0.0, 0.0]]), 0)
    assert weights.tolist() == [[0, 5, 7, 0]]  # the second, and of equals the first


def test_a_network_that_cannot_be_followed() -> None:
    """A loop of sums has no ways: nothing is told, and nothing fails."""
    real = network(
        [population("a", 1)],
        [
            projection("x", "s", [[1]], name="in"),
            projection("s", "s", None, delay=1, name="loop"),
            projection("s", "a", None, name="out"),
        ],
        junctions=[Junction(name="s", origin=("s",), shape=(1,))],
    )
    assert real_ways(real, "a") == ()
