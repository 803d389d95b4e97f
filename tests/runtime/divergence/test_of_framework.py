"""What a module computes otherwise than the network: one thing at a time is changed, and found.

The framework is a float network in which something is different; what it is, only its signals tell.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snnc.compiler.network import Network, Reset
from snnc.compiler.operators import Dense
from snnc.compiler.trace import SIGNALS, Trace
from snnc.runtime.divergence.cases import Case
from snnc.runtime.divergence.explain import explain
from snnc.runtime.divergence.explanation import Cause, Explanation
from snnc.runtime.divergence.parted import Parted
from snnc.targets.artifact import Artifact
from tests.builders import network, one_neuron, population, projection, spikes

X = spikes((60, 1, 5), seed=3, rate=0.4)


def model(reset: Reset) -> Network:
    """Give ``x -> a -> b`` with a loop of one step around ``b``."""
    rng = np.random.default_rng(0)
    return network(
        [population("a", 6, decay=0.9, reset=reset), population("b", 4, decay=0.8, reset=reset)],
        [
            projection("x", "a", rng.normal(size=(6, 5)), name="fc1"),
            projection("a", "b", rng.normal(size=(4, 6)), name="fc2"),
            projection("b", "b", rng.normal(size=(4, 4)) * 0.3, delay=1, name="rec"),
        ],
    )


def population_of(of: Network, name: str, **fields: Any) -> Network:
    """Change fields of a population; numbers are those of all neurons, or of each."""

    def changed(p: Any) -> Any:
        numbers = {
            n: np.broadcast_to(np.float32(v), (p.size,)).copy() if np.ndim(v) or n in _REALS else v
            for n, v in fields.items()
        }
        return replace(p, **numbers)

    return replace(
        of, populations=tuple(changed(p) if p.name == name else p for p in of.populations)
    )


_REALS = ("decay", "threshold", "initial", "gain", "reset_value")


def projection_of(of: Network, name: str, **fields: Any) -> Network:
    """Change fields of a projection."""
    return replace(
        of,
        projections=tuple(replace(q, **fields) if q.name == name else q for q in of.projections),
    )


def dense_of(of: Network, name: str, weight: tuple[int, int, float], bias: float = 0.0) -> Network:
    """Add to a weight, and to all biases."""
    (q,) = (q for q in of.projections if q.name == name)
    (operator,) = q.operators
    assert isinstance(operator, Dense)
    i, j, by = weight
    w = operator.weight.copy()
    w[i, j] += by
    changed = replace(operator, weight=w, bias=operator.bias + np.float32(bias))
    return projection_of(of, name, operators=(changed,))


def run(of: Network, x: Any = X) -> Trace:
    """Execute a float network."""
    return Artifact(target="float", network=of, fixed=None).run({"x": x}, record=SIGNALS)


def explained(framework: Trace, of: Network, x: Any = X) -> Explanation | None:
    """Explain what a framework did, beside the network."""
    return explain(
        Parted(
            names=("framework", "float"),
            artifact=Artifact(target="float", network=of, fixed=None),
            inputs={"x": x},
            reference=framework,
            other=run(of, x),
            sample=0,
        ),
        None,
    )


def changes(m: Network) -> dict[str, tuple[str, Cause, Network]]:
    """Give what is changed, by a name: where it shows, its class, and the network."""
    threshold = Cause.BIAS_OR_THRESHOLD_ROUNDING
    both = projection_of(projection_of(m, "fc2", delay=1), "rec", delay=2)
    one = population_of(m, "b", decay=[0.8, 0.8, 0.7, 0.8])
    retest = population_of(m, "a", reset=Reset.SUBTRACT_RETEST)
    return {
        "no reset": ("b", Cause.RESET, population_of(m, "b", reset=Reset.NONE)),
        "later reset": ("b", Cause.RESET, population_of(m, "b", reset=Reset.ZERO_NEXT)),
        "reset tested again": ("a", Cause.RESET, retest),
        "reset to a value": (
            "a",
            Cause.RESET,
            population_of(m, "a", reset=Reset.VALUE, reset_value=0.2),
        ),
        "refractory": ("a", Cause.RESET, population_of(m, "a", refractory=2)),
        "decay": ("a", Cause.DECAY_ROUNDING, population_of(m, "a", decay=0.88)),
        "decay of one": ("b", Cause.DECAY_ROUNDING, one),
        "threshold": ("a", threshold, population_of(m, "a", threshold=1.1)),
        "initial": ("a", threshold, population_of(m, "a", initial=0.5)),
        "bias": ("b", threshold, dense_of(m, "fc2", (0, 0, 0.0), bias=0.1)),
        "delay": ("b", Cause.DELAY, projection_of(m, "fc2", delay=1)),
        "delay of a loop": ("b", Cause.DELAY, projection_of(m, "rec", delay=2)),
        "latency": ("b", Cause.LATENCY, both),
        "weight": ("a", Cause.WEIGHT_ROUNDING, dense_of(m, "fc1", (2, 3, 0.5))),
        "gain": ("b", Cause.WEIGHT_ROUNDING, population_of(m, "b", gain=1.1)),
    }


RESETS = (Reset.SUBTRACT, Reset.ZERO, Reset.SUBTRACT_DELAYED)


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("name", list(changes(model(Reset.ZERO))))
def test_what_was_changed_is_found(name: str, reset: Reset) -> None:
    of = model(reset)
    place, cause, framework = changes(of)[name]
    found = explained(run(framework), of)
    assert found is not None
    assert (found.divergence.population, found.cause) == (place, cause)
    assert found.candidates[0].explains == 1
    assert found.candidates[0].what in found.because


def test_in_words() -> None:
    of = model(Reset.SUBTRACT)
    found = explained(run(population_of(of, "a", decay=0.88)), of)
    assert found is not None
    assert found.because == (
        "Begun from the framework's own states, 327 of 360 steps of the neurons of a come out "
        "otherwise than in the framework. In the framework it is as if the potential decays by "
        "0.88 and not 0.9: that explains 100.00 % of them."
    )
    assert found.remedy == (
        "Name the very module and weights that the network was made from (--model, --state), or "
        "compile them again; if it stays, this is a fault of snnc: please report it. "
        "docs/accuracy_dropped.md tells how to go on."
    )
    assert {e.population: e.differing > 0 for e in found.local} == {"a": True, "b": False}


def test_a_potential_that_is_off_without_a_spike() -> None:
    of = one_neuron([[0.125]], decay=0.5)
    other = one_neuron([[0.25]], decay=0.5)
    x = np.ones((4, 1, 1), np.float32)
    found = explained(run(other, x), of, x)
    assert found is not None
    assert (
        str(found.divergence) == "step 0, sample 0, population lif, neuron 0: v 0.25 against 0.125"
    )
    assert found.cause is Cause.WEIGHT_ROUNDING


def test_nothing_that_was_tried() -> None:
    """Each step adds something else: no supposition says so."""
    of = one_neuron([[0.125]], decay=0.5)
    x = np.ones((12, 1, 1), np.float32)
    good = run(of, x)
    noise = np.random.default_rng(0).random(good.v["lif"].shape).astype(np.float32) * 0.2
    found = explained(replace(good, v={"lif": good.v["lif"] + noise}), of, x)
    assert found is not None
    assert found.cause is Cause.UNKNOWN
    assert found.because.endswith("Nothing that was tried explains half of them.")


def test_a_tie() -> None:
    """The framework adds in another order, and the sum is a threshold."""
    of = one_neuron([[1.0]], decay=0.5)
    x = np.ones((1, 1, 1), np.float32)
    good = run(of, x)
    fired = replace(good, spikes={"lif": good.spikes["lif"] | 1}, v={"lif": good.v["lif"] * 0})
    found = explained(fired, of, x)
    assert found is not None
    assert found.cause is Cause.TIE
    assert found.because == (
        "Begun from the framework's own state, the potential is 1 at a threshold of 1, 0 ulp "
        "apart: the order of a float32 sum decides."
    )


def test_a_tie_hides_nothing() -> None:
    """A spike of ``a`` is a tie; it is ``b``, later, that the module computes otherwise."""
    of = network(
        [population("a", decay=0.5), population("b", decay=0.5, threshold=100)],
        [projection("x", "a", [[1.0]], name="fc1"), projection("x", "b", [[1.0]], name="fc2")],
    )
    x = np.array([1, 0, 1], np.float32).reshape(3, 1, 1)
    wrong = run(population_of(of, "b", decay=0.75), x)
    spikes_of_a = wrong.spikes["a"].copy()
    spikes_of_a[0] = 1
    v = {**wrong.v, "a": np.array([0, 0, 1], np.float32).reshape(3, 1, 1)}
    found = explained(replace(wrong, spikes={**wrong.spikes, "a": spikes_of_a}, v=v), of, x)
    assert found is not None
    assert (found.divergence.population, found.divergence.step) == ("b", 1)
    assert found.cause is Cause.DECAY_ROUNDING


def test_what_gives_no_number_explains_nothing() -> None:
    """A factor that overflows makes no potential right."""
    case = Case.of(model(Reset.ZERO), {"x": X}, run(model(Reset.ZERO)), "a")
    nothing = replace(case.p, decay=np.full(6, np.nan, np.float32))
    assert case.wrong(nothing) == case.steps.v.size


def test_rounding_that_adds_up() -> None:
    """In each step the framework is right, and yet it parts from the free run."""
    of = one_neuron([[0.3]], decay=1.0)
    x = np.ones((12, 1, 1), np.float32)
    near = population_of(of, "lif", initial=np.float32(0.1) + np.float32(1e-6))
    at = population_of(of, "lif", initial=0.1)
    found = explained(run(near, x), at, x)
    assert found is not None
    assert found.cause is Cause.FLOAT_ORDER
    assert found.because.endswith(
        "and spikes as in the framework. Every step does; only from step to step rounding adds up "
        "until the two part."
    )


def test_a_framework_that_did_not_record_everything() -> None:
    of = model(Reset.ZERO)
    assert explained(replace(run(population_of(of, "a", decay=0.5)), v={}), of) is None


def test_the_same() -> None:
    of = model(Reset.ZERO)
    assert explained(run(of), of) is None
