"""What each population does wrong by itself: all of them are forced in one run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.relays import insert_relays
from snnc.compiler.retime import retime
from snnc.compiler.trace import SIGNALS, Trace
from snnc.runtime.divergence.local import (
    local_errors,
    run_forced_integers,
    run_forced_reals,
    run_separated,
)
from snnc.targets import get_target
from snnc.targets.artifact import Artifact
from tests.builders import (
    fixed_dense,
    fixed_network,
    fixed_population,
    fixed_projection,
    integers_for,
    network,
    population,
    projection,
    spikes,
)
from tests.drawn.fixed import fixed_networks

REAL = network([population()], [projection("x", "lif", [[1.0]], name="fc")])
"""A float network where only the integers matter."""


def artifact(fixed: FixedNetwork, target: str = "integer") -> Artifact:
    """Give integers as an artifact, retimed and with relays."""
    timed = insert_relays(retime(fixed))
    real = replace(REAL, inputs=tuple(map(_real, timed.inputs)))
    return Artifact(target=target, network=real, fixed=timed)


def _real(declared: Any) -> Any:
    return replace(REAL.inputs[0], name=declared.name, shape=declared.shape)


def chain(delay: int = 70) -> FixedNetwork:
    """Give ``x -> a -> b`` with loops around both."""
    return fixed_network(
        [fixed_population("a", 3), fixed_population("b", 2)],
        [
            fixed_projection("x", "a", [[9, 3], [2, 8], [5, 5]], delay=0),
            fixed_projection("a", "a", -np.eye(3, dtype=int), delay=1),
            fixed_projection("a", "b", [[6, 7, 2], [1, 2, 9]], delay=0),
            fixed_projection("b", "b", [[0, -4], [3, 0]], delay=delay),
        ],
    )


def spoiled(fixed: FixedNetwork) -> FixedNetwork:
    """Change one weight into ``a``."""
    wrong = (fixed_dense([[9, 3], [9, 8], [5, 5]]),)
    return replace(
        fixed,
        projections=tuple(
            replace(q, operators=wrong) if q.source == "x" else q for q in fixed.projections
        ),
    )


@settings(max_examples=30)
@given(fixed_networks(retimed=False), st.integers(0, 2**32 - 1))
def test_separated_populations_do_what_they_did(fixed: FixedNetwork, seed: int) -> None:
    made = artifact(fixed)
    data = integers_for(fixed, steps=6, batch=2, seed=seed)
    inputs = {i.name: data[i.name].reshape(6, 2, *i.shape) for i in fixed.inputs}
    whole = made.run(inputs, record=SIGNALS)
    apart = run_separated(made, inputs, whole)
    errors = local_errors(whole, apart, SIGNALS, (0, 1))
    assert [e.differing for e in errors] == [0] * len(errors)
    assert sum(e.values for e in errors) > 0


@pytest.mark.parametrize("target", ["integer", "cpu"])
def test_only_one_is_wrong(target: str) -> None:
    """Where it runs freely all differ, and by itself the one whose weight is wrong."""
    right, wrong = artifact(chain()), artifact(spoiled(chain()), target)
    if get_target(target).missing() is not None:
        pytest.skip(f"{target} cannot run here")
    inputs = {"x": spikes((90, 3, 2), seed=4, rate=0.6)}
    whole = right.run(inputs, record=SIGNALS)
    free = wrong.run(inputs, record=SIGNALS)
    assert (free.v["b"] != whole.v["b"]).any()
    errors = local_errors(whole, run_separated(wrong, inputs, whole), SIGNALS, (5, 6, 7))
    assert {e.population for e in errors if e.differing} == {"a"}
    assert {e.population for e in errors} == {"a", "b", "b.relay1"}
    assert {e.samples for e in errors} == {3}
    first = next(e.first for e in errors if e.first is not None)
    assert first.sample >= 5
    assert first.step == int((free.spikes["a"] != whole.spikes["a"]).any(axis=(1, 2)).argmax())


@pytest.mark.lava
def test_only_one_is_wrong_on_lava() -> None:
    right, wrong = artifact(chain(delay=1)), artifact(spoiled(chain(delay=1)), "lava")
    inputs = {"x": spikes((12, 1, 2), seed=4, rate=0.6)}
    whole = right.run(inputs, record=SIGNALS)
    errors = local_errors(whole, run_separated(wrong, inputs, whole), SIGNALS, (0,))
    assert {e.population: e.differing > 0 for e in errors if e.signal == "v"} == {
        "a": True,
        "b": False,
    }


def test_integers_forced_by_real_numbers() -> None:
    """Nobody hears its own mistakes: what differs is what rounding did to each by itself."""
    real = network(
        [population("a", 2), population("b", 1)],
        [
            projection("x", "a", [[0.9, 0.3], [0.2, 1.1]], name="fc1"),
            projection("a", "b", [[0.7, 0.8]], name="fc2"),
        ],
    )
    numbers: dict[str, Any] = {"threshold": 64, "scale": 4096.0}
    fixed = fixed_network(
        [fixed_population("a", 2, **numbers), fixed_population("b", 1, **numbers)],
        [
            fixed_projection("x", "a", [[100, 100], [13, 70]], delay=0, name="fc1"),
            fixed_projection("a", "b", [[45, 51]], delay=0, name="fc2"),
        ],
    )
    made = Artifact(target="integer", network=real, fixed=retime(fixed))
    inputs = {"x": spikes((30, 2, 2), seed=1, rate=0.5)}
    free = replace(made, target="float").run(inputs, record=SIGNALS)
    forced = run_forced_integers(made, inputs, free)
    errors = local_errors(free, forced, ("spikes",), (0, 1))
    assert {e.population: e.differing > 0 for e in errors} == {"a": True, "b": False}
    assert (made.run(inputs, record=SIGNALS).spikes["b"] != free.spikes["b"]).any()


def test_real_numbers_forced_by_a_framework() -> None:
    real = network(
        [population("a", 2), population("b", 1, spike=0.5)],
        [
            projection("x", "a", [[0.9, 0.3], [0.2, 1.1]], name="fc1"),
            projection("a", "b", [[0.7, 0.8]], name="fc2"),
            projection("b", "b", [[0.5]], delay=1, name="rec"),
        ],
    )
    a, b = real.populations
    lower = replace(a, threshold=np.full(2, 0.5, np.float32))
    other = replace(real, populations=(lower, b))
    inputs = {"x": spikes((30, 2, 2), seed=1, rate=0.5)}
    framework = _run(other, inputs)
    errors = local_errors(framework, run_forced_reals(real, inputs, framework), ("spikes",), (0, 1))
    assert {e.population: e.differing > 0 for e in errors} == {"a": True, "b": False}
    assert (_run(real, inputs).spikes["b"] != framework.spikes["b"]).any()


def test_nothing_in_common() -> None:
    a, b = (Trace(executor=name, outputs={}) for name in "ab")
    assert local_errors(a, b, SIGNALS, (0,)) == ()


def _run(real: Any, inputs: Any) -> Trace:
    return Artifact(target="float", network=real, fixed=None).run(inputs, record=SIGNALS)
