"""Causes are named: of every mutation, and of executions of which little is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.align import aligned_trace
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.trace import Trace
from snnc.runtime.compare import compare
from snnc.runtime.divergence import evidence
from snnc.runtime.divergence.causes import Outcome, classify
from snnc.runtime.divergence.explanation import Candidate, Cause
from snnc.targets.integer.reference import execute
from tests.builders import integers_for, one_fixed
from tests.mutations import find
from tests.runtime.divergence.faults import MUTATIONS
from tests.runtime.divergence.machine import Fault, Machine
from tests.runtime.divergence.mutations import NETWORKS, Mutation, inputs, network

SIGNALS = ("spikes", "u", "v")
Arrays = Mapping[str, npt.NDArray[Any]]


def trace(fixed: FixedNetwork, x: Arrays) -> Trace:
    made = execute(fixed, {name: values.astype(np.int32) for name, values in x.items()})
    return aligned_trace(
        fixed,
        {"spikes": made.spikes, "u": made.u, "v": made.v},
        executor="integer",
        steps=len(next(iter(x.values()))),
        record=SIGNALS,
        raw_time=False,
        seconds=0,
    )


def told(fixed: FixedNetwork, other: Trace, x: Arrays) -> tuple[Candidate, ...]:
    first = compare(trace(fixed, x), other, SIGNALS).first
    assert first is not None
    return classify(fixed, x, other, first)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_machine_without_a_fault_is_the_reference(name: str) -> None:
    fixed, x = network(name), inputs(name)
    comparison = compare(trace(fixed, x), Machine(fixed).run(x), SIGNALS)
    assert comparison.first is None
    assert not comparison.uncompared


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_mutation(mutation: Mutation) -> None:
    found = find(mutation)
    assert found.place == found.shown
    assert found.candidates[0].cause is mutation.cause
    assert found.candidates[0].explains > 0.95  # one that runs early shows steps behind the last


def test_there_are_several_mutations_of_each_class() -> None:
    classes = Counter(m.cause for m in MUTATIONS)
    assert len(MUTATIONS) >= 40
    assert set(Cause) - set(classes) == {Cause.UNKNOWN, Cause.INPUT_ROUNDING}
    assert min(classes.values()) >= 4


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"threshold": 12}, "threshold larger by 2"),
        ({"dv": 2050}, "dv larger by 2"),
        ({"bias_mant": 7}, "bias 7 and not 0"),
        ({"refractory": 2}, "2 refractory steps and not 0"),
        ({"initial": 30}, "initial potential 30 and not 0"),
        ({"reset": "subtract"}, "reset subtract and not zero"),
        ({"weight": 11}, "weight 11 and not 10 of fc [0, 0]"),
        ({"delay": 2}, "fc delivers 1 step late"),
    ],
)
def test_what_is_told(change: dict[str, Any], what: str) -> None:
    fixed = one_fixed(10, du=3000, delay=1)
    other = one_fixed(**{"weight": 10, "du": 3000, "delay": 1, **change})
    x = integers_for(fixed, steps=30, batch=2, seed=1)
    best = told(fixed, trace(other, x), x)[0]
    assert (best.what, best.explains) == (what, 1.0)


@pytest.mark.parametrize(
    ("change", "cause", "what"),
    [
        ({"threshold": 19}, Cause.BIAS_OR_THRESHOLD_ROUNDING, "threshold 19 and not 10 at 0"),
        ({"dv": 1000}, Cause.DECAY_ROUNDING, "dv 1000 and not 2048 at 0"),
        ({"du": 4000}, Cause.DECAY_ROUNDING, "du 4000 and not 3000 at 0"),
        ({"bias_mant": 77}, Cause.BIAS_OR_THRESHOLD_ROUNDING, "bias 77 and not 0 at 0"),
        ({"refractory": 1}, Cause.RESET, "1 refractory step and not 0"),
        ({"initial": 9}, Cause.BIAS_OR_THRESHOLD_ROUNDING, "initial potential 9 and not 0 at 0"),
        ({"reset": "subtract"}, Cause.RESET, "reset subtract and not zero"),
        ({"weight": 12}, Cause.WEIGHT_ROUNDING, "weights of fc 12 and not 10 at 0"),
        ({"weight": 7}, Cause.WEIGHT_CLIP, "weights of fc 7 and not 10 at 0"),
        ({"weight_exp": 1}, Cause.WEIGHT_ROUNDING, "weight exponent 1 and not 0 of fc"),
        ({"delay": 3}, Cause.DELAY, "fc with a delay of 3 and not 1"),
    ],
)
def test_two_networks_that_are_known(change: dict[str, Any], cause: Cause, what: str) -> None:
    fixed = one_fixed(10, du=3000, delay=1)
    other = one_fixed(**{"weight": 10, "du": 3000, "delay": 1, **change})
    x = integers_for(fixed, steps=30, batch=2, seed=1)
    made = trace(other, x)
    first = compare(trace(fixed, x), made, SIGNALS).first
    assert first is not None
    best = classify(fixed, x, made, first, executed=other)[0]
    assert best == Candidate(cause=cause, what=what, explains=1.0)


def test_what_nothing_explains_is_unknown() -> None:
    fixed, x = network("zero"), inputs("zero")
    right = trace(fixed, x)
    noise = np.random.default_rng(0).integers(-999, 999, right.v["h"].shape)
    other = replace(right, v={**right.v, "h": right.v["h"] + noise})
    best = told(fixed, other, x)[0]
    assert best == Candidate(
        cause=Cause.UNKNOWN,
        what="no single fault of these gives half of the values that differ, the first among "
        "them: latency, weight rounding, weight clip, bias or threshold rounding, decay rounding, "
        "wrap, saturation, reset mode or timing, delay, tie at the threshold, float order",
        explains=0.0,
    )


@pytest.mark.parametrize(
    ("name", "by"),
    [("zero", 2), ("zero", 40), ("loud", 4800)],
    ids=["no weights do that", "nor when it is large", "no float is that coarse"],
)
def test_noise_is_taken_for_nothing_else(name: str, by: int) -> None:
    """It is as large as weights off by 1, or sums in a float, could make it, and is neither."""
    random = np.random.default_rng(0)
    noise = Fault("h", "input", lambda _p, a: a + by * random.integers(-1, 2, a.shape))
    fixed, x = network(name), inputs(name)
    assert told(fixed, Machine(fixed, noise).run(x), x)[0].cause is Cause.UNKNOWN


def test_very_integers_come_before_bounds() -> None:
    """Bounds hold for many a fault, so what gives most of the values is to be believed first."""

    def outcome(explains: float, *, bounds: bool) -> Outcome:
        of = Candidate(cause=Cause.DELAY, what="", explains=explains)
        return Outcome(of, enough=explains >= 0.5, bounds=bounds, numbers=1, order=0)

    exact, bound, little = (
        outcome(0.6, bounds=False),
        outcome(1, bounds=True),
        outcome(0.4, bounds=False),
    )
    assert sorted((little, bound, exact), key=lambda o: o.rank) == [exact, bound, little]


def test_without_spikes_of_a_source_nothing_is_said() -> None:
    fixed, x = network("zero"), inputs("zero")
    other = trace(fixed, x)
    other = replace(other, spikes={"o": other.spikes["o"]}, v={**other.v, "o": other.v["o"] + 1})
    assert told(fixed, other, x) == (
        Candidate(cause=Cause.UNKNOWN, what="no spikes of h were recorded", explains=0.0),
    )


@pytest.mark.parametrize(
    "name",
    ["threshold - 2", "2 refractory steps", "subtracts, not to zero", "recurrent + 1"],
)
def test_of_spikes_alone(name: str) -> None:
    """Without ``u`` and ``v`` a hypothesis runs by itself."""
    (mutation, *_) = (m for m in MUTATIONS if m.name == name)
    fixed, x = network(mutation.network), inputs(mutation.network)
    other = replace(Machine(fixed, mutation.fault).run(x), u={}, v={})
    first = compare(trace(fixed, x), other, ("spikes",)).first
    assert first is not None
    assert classify(fixed, x, other, first)[0].cause is mutation.cause


def test_a_long_run_is_looked_at_around_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "MOST", 12 * 10)
    for name in ("recurrent + 1", "2 refractory steps", "one weight + 1"):
        (mutation,) = (m for m in MUTATIONS if m.name == name)
        found = find(mutation)
        assert found.candidates[0].cause is mutation.cause
