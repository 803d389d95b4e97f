"""A part of a network computes to the last bit what it does in the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.operators import (
    FixedDense,
    FixedScaling,
    FixedSparse,
    FixedWeighted,
    MaxPooling,
    weights_in_full,
)
from snnc.runtime.apart import Part, apart
from snnc.runtime.bisection.condense import condensed
from snnc.runtime.bisection.thinned import Inseparable, thinned
from snnc.targets.integer.reference import Recording, execute
from tests.builders import (
    fixed_network,
    fixed_population,
    fixed_projection,
    integers_for,
)
from tests.drawn.fixed import fixed_networks

STEPS = 8
Signals = Mapping[str, Mapping[str, npt.NDArray[Any]]]


def signals(network: FixedNetwork, recording: Recording) -> Signals:
    """Give every signal in the time of the model, ``[steps, batch, n]``."""
    return {
        p.name: {
            signal: of[p.name][p.lag : p.lag + STEPS]
            for signal, of in (
                ("spikes", recording.spikes),
                ("u", recording.u),
                ("v", recording.v),
            )
        }
        for p in network.populations
    }


def run(network: FixedNetwork, x: Mapping[str, npt.NDArray[np.int32]]) -> Signals:
    return signals(network, execute(network, x))


def sent_to(
    part: Part, x: Mapping[str, npt.NDArray[np.int32]], whole: Signals
) -> dict[str, npt.NDArray[np.int32]]:
    """Give what the inputs of a part take: what the whole sent there."""
    sent = dict(x) | {name: of["spikes"].astype(np.int32) for name, of in whole.items()}
    return {name: sent[of.source][..., of.elements] for name, of in part.lines.items()}


def assert_same(part: Part, found: Signals, whole: Signals) -> None:
    for name, of in found.items():
        for signal, values in of.items():
            wanted = whole[name][signal][..., part.neurons[name]]
            np.testing.assert_array_equal(values, wanted, err_msg=f"{name}.{signal}")


@settings(max_examples=15)
@given(st.data())
def test_some_populations(data: st.DataObject) -> None:
    network = data.draw(fixed_networks())
    names = [p.name for p in network.populations]
    live = data.draw(st.sets(st.sampled_from(names), min_size=1))
    x = integers_for(network, steps=STEPS, batch=2)
    whole = run(network, x)
    part = apart(network, live, forced=data.draw(st.booleans()))
    assert not tuple(check_fixed(part.network))
    assert {p.name for p in part.network.populations} == live
    assert_same(part, run(part.network, sent_to(part, x, whole)), whole)


@settings(max_examples=15)
@given(st.data())
def test_one_neuron_and_what_sends_to_it(data: st.DataObject) -> None:
    network = data.draw(fixed_networks())
    p = data.draw(st.sampled_from(network.populations))
    neuron = data.draw(st.integers(0, p.size - 1))
    x = integers_for(network, steps=STEPS, batch=2)
    whole = run(network, x)
    try:
        one = thinned(apart(network, [p.name], forced=True), {p.name: np.array([neuron])})
    except Inseparable:  # it reads nothing but padding
        return
    assert not tuple(check_fixed(one.network))
    given = sent_to(one, x, whole)
    assert_same(one, run(one.network, given), whole)
    _assert_condensed(one, given)


def _assert_condensed(part: Part, x: Mapping[str, npt.NDArray[np.int32]]) -> None:
    """What sends nothing can be left out, but for max pooling of negative integers."""
    keep = {name: np.flatnonzero(values.any(axis=(0, 1))) for name, values in x.items()}
    fewer = condensed(part, keep)
    pooled = any(isinstance(o, MaxPooling) for q in part.network.projections for o in q.operators)
    if fewer is None or pooled:
        return
    assert not tuple(check_fixed(fewer.network))
    sources = {
        name: np.searchsorted(part.lines[name].elements, of.elements)
        for name, of in fewer.lines.items()
    }
    given = {name: x[name][..., places] for name, places in sources.items()}
    found, wanted = run(fewer.network, given), run(part.network, x)
    for name, of in found.items():
        for signal, values in of.items():
            np.testing.assert_array_equal(values, wanted[name][signal], err_msg=signal)


def test_neurons_of_two_populations() -> None:
    """Rows and columns of what lies between them are left out."""
    random = np.random.default_rng(0)
    a, b = fixed_population("a", 6, lag=1), fixed_population("b", 5, lag=2)
    network = fixed_network(
        [a, b],
        [
            fixed_projection("x", "a", random.integers(-5, 20, (6, 4))),
            fixed_projection("a", "b", random.integers(-5, 20, (5, 6))),
            fixed_projection("b", "b", random.integers(-5, 20, (5, 5)), delay=2),
        ],
    )
    keep = {"a": np.array([1, 4, 5]), "b": np.array([0, 3])}
    part = thinned(apart(network, ["a", "b"], forced=False), keep)
    shapes = [q.operators[0].weight.shape for q in part.network.projections]  # type: ignore[union-attr]
    assert shapes == [(3, 4), (2, 3), (2, 2)]
    assert not tuple(check_fixed(part.network))


SPARSE = np.random.default_rng(4).integers(-3, 4, (5, 6)).astype(np.int8)
BETWEEN: dict[str, tuple[FixedWeighted, npt.NDArray[np.int8]]] = {
    "dense": (FixedDense(weight=SPARSE), SPARSE),
    "sparse": (FixedSparse.of(SPARSE), SPARSE),
    "scaling": (FixedScaling(weight=SPARSE[0, :5]), np.diag(SPARSE[0, :5])),
}


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN)
def test_rows_and_columns(between: tuple[FixedWeighted, npt.NDArray[np.int8]]) -> None:
    """Weights of what was left out go, whatever form the matrix has."""
    operator, matrix = between
    n_out, n_in = matrix.shape
    network = fixed_network(
        [fixed_population("a", n_in, lag=1), fixed_population("b", n_out, lag=2)],
        [
            fixed_projection("x", "a", np.ones((n_in, 2), int)),
            fixed_projection("a", "b", None, operator),
        ],
    )
    keep = {"a": np.array([1, 3, 4]), "b": np.array([0, 2, 4])}
    part = thinned(apart(network, ["a", "b"], forced=False), keep)
    (_, made) = part.network.projections
    assert not tuple(check_fixed(part.network))
    wanted = matrix[np.ix_(keep["b"], keep["a"])]
    np.testing.assert_array_equal(weights_in_full(made.operators), wanted)


def test_a_population_that_nothing_feeds_keeps_an_input() -> None:
    network = fixed_network(
        [fixed_population("bias", bias_mant=40), fixed_population("lif", lag=1)],
        [fixed_projection("bias", "lif", [[5]]), fixed_projection("x", "lif", [[5]])],
    )
    part = apart(network, ["bias"], forced=True)
    assert [i.name for i in part.network.inputs] == ["x"]
    assert not part.network.projections
