"""What rounding did to the neuron that parts first: one item at a time is made wrong, and found.

Real numbers and integers are the same here but for that item: weights are multiples of 1/64, a
threshold is 64 counts, and decays are fractions of 4096.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset, SignMode
from snnc.compiler.network import Integration, Network, Reset
from snnc.compiler.operators import FixedDense, FixedOperator
from snnc.compiler.quantization.decays import Decays
from snnc.compiler.retime import retime
from snnc.compiler.trace import SIGNALS
from snnc.runtime.divergence.ablation import ablate
from snnc.runtime.divergence.explain import explain
from snnc.runtime.divergence.explanation import Cause, Explanation
from snnc.runtime.divergence.parted import Parted
from snnc.runtime.divergence.twins import twins
from snnc.targets.artifact import Artifact
from tests import oracle
from tests.builders import (
    fixed_dense,
    fixed_network,
    fixed_population,
    fixed_projection,
    network,
    population,
    projection,
    spikes,
)

COUNTS = 64
"""Of the threshold for a potential of 1."""
Change = Callable[[FixedNetwork], FixedNetwork]


class Pair:
    """A float network, and the integers that are the same."""

    def __init__(
        self, *, reset: Reset = Reset.ZERO, integers: int = 40, current: bool = False
    ) -> None:
        rng = np.random.default_rng(5)
        first = rng.integers(-integers // 2, integers, (6, 8))
        second, back = rng.integers(-20, 40, (4, 6)), rng.integers(-20, 10, (4, 4))
        fields: dict[str, Any] = {"decay": 3584 / 4096, "reset": reset}
        if current:
            fields |= {"integration": Integration.CURRENT_DECAY, "current_decay": 2048 / 4096}
        bias = np.array([0, 3, -2, 0, 1, 0]) / COUNTS * (not current)
        self.network = network(
            [population("a", 6, initial=0.25, **fields), population("b", 4, **fields)],
            [
                projection("x", "a", first / COUNTS, bias=bias, name="fc1"),
                projection("a", "b", second / COUNTS, name="fc2"),
                projection("b", "b", back / COUNTS, delay=1, name="rec"),
            ],
        )
        integer: dict[str, Any] = {
            "dv": 512,
            "du": 2047 if current else 4095,
            "threshold": COUNTS,
            "scale": 64.0 * COUNTS,
            "reset": {Reset.ZERO: "zero", Reset.SUBTRACT: "subtract"}[reset],
        }
        self.fixed = fixed_network(
            [
                fixed_population(
                    "a", 6, bias_mant=np.rint(64 * COUNTS * bias), initial=16 * COUNTS, **integer
                ),
                fixed_population("b", 4, **integer),
            ],
            [
                fixed_projection("x", "a", first, delay=0, name="fc1"),
                fixed_projection("a", "b", second, delay=0, name="fc2"),
                fixed_projection("b", "b", back, delay=1, name="rec"),
            ],
        )


def explained(
    real: Network, integers: FixedNetwork, x: npt.NDArray[Any]
) -> tuple[Explanation, Parted]:
    """Run both on the samples of ``x`` and explain the first that parts."""
    artifact = Artifact(target="integer", network=real, fixed=retime(integers))
    for sample in range(x.shape[1]):
        inputs = {"x": x[:, sample : sample + 1]}
        parted = Parted(
            names=("float", "integer"),
            artifact=artifact,
            inputs=inputs,
            reference=replace(artifact, target="float").run(inputs, record=SIGNALS),
            other=artifact.run(inputs, record=SIGNALS),
            sample=sample,
        )
        found = explain(parted, None)
        if found is not None:
            return found, parted
    raise AssertionError("they do not part")


def population_of(fixed: FixedNetwork, name: str, **fields: Any) -> FixedNetwork:
    """Change fields of a population."""
    return replace(
        fixed,
        populations=tuple(replace(p, **fields) if p.name == name else p for p in fixed.populations),
    )


def in_population(name: str, **fields: Any) -> Change:
    """Change fields of a population of whichever network."""

    def change(fixed: FixedNetwork) -> FixedNetwork:
        return population_of(fixed, name, **fields)

    return change


def numbers(name: str, field: str, *changes: int) -> Change:
    """Add to a field of a population."""

    def change(fixed: FixedNetwork) -> FixedNetwork:
        added = getattr(fixed.population(name), field) + np.array(changes, np.int32)
        return population_of(fixed, name, **{field: added})

    return change


def projection_of(name: str, **fields: Any) -> Change:
    """Change fields of a projection."""

    def change(fixed: FixedNetwork) -> FixedNetwork:
        changed = (replace(q, **fields) if q.name == name else q for q in fixed.projections)
        return replace(fixed, projections=tuple(changed))

    return change


def weights(name: str, of: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Change:
    """Change the weights of a projection."""

    def change(fixed: FixedNetwork) -> FixedNetwork:
        (q,) = (q for q in fixed.projections if q.name == name)
        (operator,) = q.operators
        assert isinstance(operator, FixedDense)
        made: FixedOperator = fixed_dense(of(operator.weight.astype(np.int64)))
        return projection_of(name, operators=(made,))(fixed)

    return change


def one_off(i: int, j: int, by: int) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """Give what adds to one weight."""

    def change(weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
        weight = weight.copy()
        weight[i, j] += by
        return weight

    return change


X = spikes((40, 6, 8), seed=2, rate=0.3)
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


# --- by hand -----------------------------------------------------------------------------------


def one_neuron(
    weights: list[float], integers: list[int], x: list[list[float]], **fields: Any
) -> Explanation:
    """Explain a neuron ``lif`` that loses half of its potential, with a threshold of 1.

    Args:
        weights: From ``x``.
        integers: What became of them.
        x: Values of each step.
        fields: Of the integers, beside those of the population ``real``, ``weight_exp``, ``step``
            and ``max_abs`` of the input, ``mode`` of the signs.
    """
    own = {"decay": 0.5} | fields.pop("real", {})
    exponent, mode = fields.pop("weight_exp", 0), fields.pop("mode", SignMode.MIXED)
    step, most = fields.pop("step", 1.0), fields.pop("max_abs", 1)
    real = network([population(**own)], [projection("x", "lif", [weights], name="fc")])
    integer: dict[str, Any] = {"dv": 2048, "threshold": COUNTS, "scale": 64.0 * COUNTS} | fields
    fixed = fixed_network(
        [fixed_population(**integer)],
        [
            fixed_projection(
                "x", "lif", [integers], weight_exp=exponent, sign_mode=mode, delay=0, name="fc"
            )
        ],
        inputs=[FixedInput("x", (len(weights),), step, most)],
    )
    return explained(real, fixed, np.array(x, np.float32)[:, None])[0]


def test_rounding_in_words() -> None:
    found = one_neuron([0.75, 0.6265], [48, 40], [[1, 0], [0, 1]])
    assert found.divergence.step == 1
    assert found.cause is Cause.WEIGHT_ROUNDING
    assert found.because == (
        "The potential is 0.0015 above the threshold in real numbers and at the threshold in "
        "integers. The weights of fc are rounded, by up to 0.096 of an integer. That explains "
        "100.00 % of the difference."
    )
    assert found.remedy == (
        "Fine-tune on the integers with snnc.quantized_module, if the accuracy asks for it. "
        "docs/accuracy_dropped.md tells how to go on."
    )
    assert found.layer == "lif"
    assert found.threshold == 1
    assert found.distance == pytest.approx(0.0015, abs=1e-6)
    (delivered,) = found.operands
    assert (delivered.source, delivered.neuron, delivered.sent, delivered.step) == ("x", (1,), 1, 1)
    assert delivered.weight == pytest.approx(0.6265)
    assert delivered.weight_other == 40 / COUNTS
    (course,) = found.courses
    assert course.reference == pytest.approx((0.75, 0.0))
    assert course.other == (0.75, 1.0)
    x, own = found.rasters
    assert (x.population, x.neurons, x.reference) == ("x", ((0,), (1,)), ((0, 0), (1, 1)))
    assert (own.population, own.reference, own.other) == ("lif", ((1, 0),), ())


@pytest.mark.parametrize(
    ("cause", "what", "arguments"),
    [
        (
            Cause.WEIGHT_CLIP,
            "1 weight of fc clipped, by up to 33 integers",
            {"weights": [2.5, -1.5], "integers": [127, -96], "x": [[1, 1], [1, 1]]},
        ),
        (
            Cause.WEIGHT_ROUNDING,
            "the exponent -1 of fc rounds its sums down",
            {"weights": [64.5 / 64], "integers": [129], "x": [[1]], "weight_exp": -1}
            | {"mode": SignMode.EXCITATORY},
        ),
        (
            Cause.WRAP,
            "the current left 24 bits and wrapped around",
            {"weights": [1488, 1488], "integers": [93, 93], "x": [[1, 1]], "weight_exp": 10},
        ),
        (
            Cause.SATURATION,
            "the potential was held at the limit of 24 bits",
            {"weights": [-1488, 1488], "integers": [-93, 93], "weight_exp": 10}
            | {"x": [[1, 0]] * 3 + [[0, 1]] * 3, "real": {"decay": 1.0}, "dv": 0},
        ),
        (
            Cause.INPUT_ROUNDING,
            "the input x is rounded to multiples of 0.1",
            {"weights": [10], "integers": [64], "x": [[0.1004]], "step": 0.1, "max_abs": 127},
        ),
        (
            Cause.UNKNOWN,
            "the weights of fc are not those of the network, but off by up to 80 integers",
            {"weights": [1.25], "integers": [0], "x": [[1]]},
        ),
    ],
    ids=str,
)
def test_what_is_found(cause: Cause, what: str, arguments: dict[str, Any]) -> None:
    found = one_neuron(**arguments)
    assert (found.cause, found.candidates[0].what) == (cause, what)
    assert what[1:] in found.because


def test_items_that_act_against_each_other() -> None:
    """A weight of 67.2 counts as 63, and a threshold of 64 as 63: 3.2 above it became 0."""
    found = one_neuron([1.05], [63], [[1]], threshold=63)
    assert found.because == (
        "The potential is 0.05 above the threshold in real numbers and at the threshold in "
        "integers. 1 weight of fc clipped, by up to 4.2 integers. That alone makes 1.31 times the "
        "difference; the rest acts against it."
    )
    best, threshold = found.candidates[0], found.candidates[1]
    assert best.explains == pytest.approx(3.2 / 4.2)
    assert (threshold.what[:13], threshold.explains) == ("the threshold", 0)


def test_a_tie() -> None:
    """Integers spike above the threshold, the model at it, too."""
    found = one_neuron([1], [64], [[1]], real={"inclusive": True})
    assert found.cause is Cause.TIE
    assert found.because == (
        "The potential is at the threshold in real numbers and at the threshold in integers. In "
        "real numbers it is within 4 ulp of the threshold, where any rounding decides."
    )


def test_a_current_that_decays_otherwise() -> None:
    pair = Pair(current=True)
    fixed = numbers("b", "du", *[60] * 4)(pair.fixed)
    found, _ = explained(pair.network, fixed, X)
    assert (found.divergence.population, found.cause) == ("b", Cause.DECAY_ROUNDING)
    assert found.candidates[0].what.startswith("the current loses 2108/4096 in a step")


def test_a_spike_that_the_integers_do_not_give() -> None:
    """What ran is not what the artifact holds."""
    pair = Pair()
    _, parted = explained(pair.network, weights("fc1", one_off(2, 3, 1))(pair.fixed), X)
    other = replace(parted, artifact=replace(parted.artifact, fixed=retime(pair.fixed)))
    found = explain(other, None)
    assert found is not None
    assert found.cause is Cause.UNKNOWN
    assert "do not give the spike that was recorded" in found.because


def test_rounding_of_float32_alone() -> None:
    sent = {"x": np.ones((1, 1), np.float32)}
    real = network([population()], [projection("x", "lif", [[1.5]], name="fc")])
    fixed = fixed_network(
        [fixed_population(threshold=COUNTS, scale=64.0 * COUNTS)],
        [fixed_projection("x", "lif", [[96]], delay=0, name="fc")],
    )
    pair = twins(real, fixed, Decays.NEAREST, "lif", 0, sent)
    came = ablate(pair, np.zeros(1, np.uint8), reference=0, other=1)
    assert came.cause is Cause.TIE
    assert came.because.endswith(
        "Rounding to float32 alone put it on the other side of the threshold."
    )


def test_other_projections() -> None:
    sent = {"x": np.ones((1, 1), np.float32)}
    real = network([population()], [projection("x", "lif", [[1.5]], name="fc")])
    fixed = fixed_network(
        [fixed_population(threshold=COUNTS, scale=64.0 * COUNTS)],
        [fixed_projection("x", "lif", [[96]], delay=0, name="other")],
    )
    pair = twins(real, fixed, Decays.NEAREST, "lif", 0, sent)
    came = ablate(pair, np.zeros(1, np.uint8), reference=1, other=0)
    assert came.because == "Only one of the two forms has the projections fc, other."


def test_nothing_parts() -> None:
    pair = Pair()
    with pytest.raises(AssertionError, match="they do not part"):
        explained(pair.network, pair.fixed, X[:, :1])
