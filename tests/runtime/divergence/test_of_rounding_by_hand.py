"""``float -> integer`` of single neurons, whose causes are known by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput, SignMode
from snnc.compiler.quantization.decays import Decays
from snnc.compiler.retime import retime
from snnc.runtime.divergence.ablation import ablate
from snnc.runtime.divergence.explain import explain
from snnc.runtime.divergence.explanation import Cause, Explanation
from snnc.runtime.divergence.twins import twins
from tests.builders import (
    fixed_network,
    fixed_population,
    fixed_projection,
    network,
    population,
    projection,
)
from tests.runtime.divergence.rounded import (
    COUNTS,
    Pair,
    X,
    explained,
    numbers,
    one_off,
    weights,
)


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
