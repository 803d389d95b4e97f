"""``float -> integer``: which rounded number makes the first difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snnc.compiler.fixed import FixedNetwork, FixedReset
from snnc.runtime.divergence.explanation import Cause, Explanation
from snnc.runtime.divergence.parted import Parted
from tests import oracle
from tests.runtime.divergence.rounded import (
    COUNTS,
    Change,
    Pair,
    X,
    explained,
    numbers,
    one_off,
    population_of,
    projection_of,
    weights,
)


def in_population(name: str, **fields: Any) -> Change:
    """Change fields of a population of whichever network."""

    def change(fixed: FixedNetwork) -> FixedNetwork:
        return population_of(fixed, name, **fields)

    return change


ROUNDED: list[tuple[str, Cause, Change]] = [
    ("a", Cause.WEIGHT_ROUNDING, weights("fc1", one_off(2, 3, 1))),
    ("a", Cause.WEIGHT_ROUNDING, weights("fc1", one_off(0, 1, -1))),
    ("b", Cause.WEIGHT_ROUNDING, weights("fc2", one_off(1, 4, 1))),
    ("b", Cause.WEIGHT_ROUNDING, weights("rec", one_off(0, 1, -4))),
    ("a", Cause.WEIGHT_ROUNDING, weights("fc1", lambda w: w // 2 * 2)),
    ("b", Cause.WEIGHT_ROUNDING, weights("fc2", lambda w: w // 3 * 3)),
    ("a", Cause.WEIGHT_CLIP, weights("fc1", lambda w: np.clip(w, -15, 15))),
    ("b", Cause.WEIGHT_CLIP, weights("fc2", lambda w: np.clip(w, -10, 10))),
    ("b", Cause.WEIGHT_CLIP, weights("rec", lambda w: np.clip(w, -7, 7))),
    ("a", Cause.BIAS_OR_THRESHOLD_ROUNDING, numbers("a", "threshold", 1)),
    ("a", Cause.BIAS_OR_THRESHOLD_ROUNDING, numbers("a", "threshold", 0, 0, -1, 0, 0, 0)),
    ("b", Cause.BIAS_OR_THRESHOLD_ROUNDING, numbers("b", "threshold", -1)),
    ("a", Cause.BIAS_OR_THRESHOLD_ROUNDING, numbers("a", "bias_mant", 64)),
    ("b", Cause.BIAS_OR_THRESHOLD_ROUNDING, numbers("b", "bias_mant", 0, -64, 0, 0)),
    ("a", Cause.BIAS_OR_THRESHOLD_ROUNDING, numbers("a", "initial", 3000)),
    ("a", Cause.DECAY_ROUNDING, numbers("a", "dv", 40)),
    ("b", Cause.DECAY_ROUNDING, numbers("b", "dv", -40, -40, -40, -40)),
    ("b", Cause.DECAY_ROUNDING, numbers("b", "dv", 200, 0, 0, 0)),
    ("b", Cause.DELAY, projection_of("fc2", delay=1)),
    ("b", Cause.DELAY, projection_of("rec", delay=3)),
    ("a", Cause.DELAY, projection_of("fc1", delay=2)),
    ("b", Cause.RESET, in_population("b", reset=FixedReset.SUBTRACT)),
    ("a", Cause.RESET, in_population("a", reset=FixedReset.ZERO_NEXT)),
    ("a", Cause.RESET, in_population("a", reset=FixedReset.NONE)),
    ("b", Cause.RESET, in_population("b", refractory=2)),
]


@pytest.mark.parametrize(("name", "cause", "change"), ROUNDED)
def test_the_item_that_was_changed_is_found(name: str, cause: Cause, change: Change) -> None:
    pair = Pair()
    fixed = change(pair.fixed)
    found, parted = explained(pair.network, fixed, X)
    assert (found.divergence.population, found.cause) == (name, cause)
    assert found.candidates[0].explains > 0.5
    check_numbers(found, parted, fixed)


def check_numbers(found: Explanation, parted: Parted, fixed: FixedNetwork) -> None:
    """Compare states and operands with another execution of the integers, neuron by neuron."""
    assert found.states is not None
    at, (real, rounded) = found.divergence, found.states
    (neuron,) = at.neuron
    x = parted.inputs["x"].astype(np.int64)
    signals = oracle.as_arrays(oracle.run(fixed, {"x": x}))
    v = signals["v"][at.population][at.step, 0, neuron] / (64 * COUNTS)
    assert signals["spikes"][at.population][at.step, 0, neuron] == at.other
    assert rounded.v == v
    assert rounded.compared is not None
    assert real.compared is not None
    own = fixed.population(at.population).threshold[neuron] / COUNTS
    assert (rounded.compared > own, real.compared > 1) == (bool(at.other), bool(at.reference))
    if not at.other:
        assert rounded.compared == v
    if not at.reference:
        assert real.compared == pytest.approx(real.v, abs=1e-6)
    assert found.distance == pytest.approx(real.compared - 1)
    sent = {"x": x[:, 0], "a": signals["spikes"]["a"][:, 0], "b": signals["spikes"]["b"][:, 0]}
    into = {"a": {"x": 0}, "b": {"a": 0, "b": 1}}[at.population]
    for source, delay in into.items():
        fired = sent[source][at.step - delay] if at.step >= delay else np.zeros(1)
        told = {o.neuron for o in found.operands if o.source == source}
        assert told <= {(int(j),) for j in np.flatnonzero(fired)}
