"""What runs on which of Lava's own processes, and what the stock form refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snnc.compiler.fixed import (
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
    SignMode,
)
from snnc.compiler.network import Output
from snnc.compiler.operators import FixedOperator, FixedScaling, MaxPooling, SumPooling, Window
from snnc.targets.lava.forms import Form
from snnc.targets.lava.plan import make_plan, whose
from snnc.targets.lava.stock import READ_OUT_LIMIT, stock_problems
from tests.builders import fixed_convolution, fixed_dense, window
from tests.targets.lava.networks import population, process_of, projection

POPULATION = "error[SNN401]: in the stock form Lava's own LIF computes every population\n"
PROJECTION = "error[SNN402]: in the stock form Lava's own synapses compute every projection\n"


def one(p: FixedPopulation, into: FixedProjection, shape: tuple[int, ...] = (2,)) -> FixedNetwork:
    return FixedNetwork(
        inputs=(FixedInput("x", shape),),
        populations=(p,),
        projections=(into,),
        outputs=(Output("out", p.name),),
        dt=1e-3,
    )


def told(fixed: FixedNetwork) -> list[str]:
    return [str(d) for d in stock_problems(fixed)]


WEIGHT = np.full((2, 2), 60)
INTO = projection("x", "a", WEIGHT)


def neurons(reset: FixedReset = FixedReset.ZERO, **fields: Any) -> FixedNetwork:
    p = population("a", (2,), reset, 1, **({"origin": ("net.fc", "net.lif")} | fields))
    return one(p, INTO)


def refused(found: str, limit: str, remedy: str) -> str:
    return (
        f"{POPULATION}  --> net.fc + net.lif\n   found: {found}\n   limit: {limit}\n"
        f"  remedy: {remedy}, or --lava mixed"
    )


ONE_DECAY = "train one decay for the whole population"
ONE_THRESHOLD = "--max-thresholds 1, where neurons share no weights, or train one threshold"


@pytest.mark.parametrize(
    ("fields", "found", "limit", "remedy"),
    [
        (
            {"reset": FixedReset.SUBTRACT_DELAYED},
            "2 neurons, reset subtract-delayed",
            "reset zero: Lava's LIF has no other (lava/proc/lif/models.py:188-192)",
            'train with a reset to zero (snnTorch: reset_mechanism="zero")',
        ),
        (
            {"refractory": 3},
            "2 neurons held for 3 steps after a spike",
            "0: Lava's LIF in fixed point has no refractory period (lava/proc/lif/models.py:247)",
            "train without one",
        ),
        (
            {"initial": [-300, 50]},
            "v of -300 to 50 before the first step",
            "0: LIFReset begins a sample at rest (lava/proc/lif/models.py:434-436)",
            "train with a potential that begins at, and is reset to, 0",
        ),
        (
            {"du": [1, 4095]},
            "2 values of du, from 1 to 4095",
            "one for a population (lava/proc/lif/process.py:73-78)",
            ONE_DECAY,
        ),
        (
            {"dv": [7, 9]},
            "2 values of dv, from 7 to 9",
            "one for a population (lava/proc/lif/process.py:73-78)",
            ONE_DECAY,
        ),
        (
            {"threshold": [100, 101]},
            "2 values of threshold, from 100 to 101",
            "one for a population (lava/proc/lif/process.py:84-87)",
            ONE_THRESHOLD,
        ),
        (
            {"dv": 4096},
            "dv 4096",
            "4095: 12 bits (lava/proc/lif/models.py:253)",
            "compile the model with --lava stock, which keeps to it",
        ),
    ],
)
def test_parameters(fields: dict[str, Any], found: str, limit: str, remedy: str) -> None:
    assert told(neurons(**fields)) == [refused(found, limit, remedy)]


def test_nothing_is_refused_in_vain() -> None:
    """A bias for each neuron is documented, and a read-out has no threshold that could differ."""
    assert told(neurons(bias_mant=[-4095, 4095], bias_exp=[0, 7])) == []
    assert told(neurons(FixedReset.NONE, spiking=False, threshold=[0, 9], dv=400)) == []
    assert process_of(neurons(), Form.STOCK) == {
        "x": "SourceRingBuffer",
        "a": "LIFReset",
        "x to a": "Dense",
        "out": "SinkRingBuffer",
    }


@pytest.mark.parametrize(("mant", "exp", "refusals"), [(4095, 0, 0), (2048, 1, 1)])
def test_decay_that_leaves_nothing_either_way(mant: int, exp: int, refusals: int) -> None:
    """A 4096th of ``v`` up to 4095 is 0 in integers, so ``dv`` may be 4095: as of bias neurons."""
    bias = {"bias_mant": mant, "bias_exp": exp, "threshold": 0}
    neuron = population("b", (1,), FixedReset.ZERO, 0, dv=4096, **bias)
    fixed = one(
        population("a", (2,), FixedReset.ZERO, 1), projection("b", "a", np.array([[1], [1]]))
    )
    fixed = replace(fixed, populations=(neuron, *fixed.populations), inputs=())
    assert len(told(fixed)) == refusals


def test_input_too_large() -> None:
    fixed = replace(neurons(), inputs=(FixedInput("x", (2,), max_abs=1093),))
    assert told(fixed) == [
        refused(
            "synaptic input up to 262320",
            "262144: Lava's LIF brings u back into 24 bits once (lava/proc/lif/models.py:155-170)",
            "give fewer inputs or smaller weights to this layer",
        )
    ]
    assert told(replace(neurons(), inputs=(FixedInput("x", (2,), max_abs=1092),))) == []


@pytest.mark.parametrize(
    ("dv", "bias", "found"),
    [(0, 1, "without a bound"), (1, 2048, "up to 8388608"), (1, 2047, None)],
)
def test_read_out(dv: int, bias: int, found: str | None) -> None:
    """A bias alone brings ``v`` to ``4096 / dv`` times as much."""
    fields = {"dv": dv, "bias_mant": bias, "origin": ("net.fc", "net.lif")}
    p = population("a", (2,), FixedReset.NONE, 1, spiking=False, **fields)
    fixed = one(p, projection("x", "a", 0 * WEIGHT))
    if found is None:
        assert told(fixed) == []
        assert process_of(fixed, Form.STOCK)["out"] == "Probe"
    else:
        assert told(fixed) == [
            refused(
                f"|v| of a read-out {found}",
                f"{READ_OUT_LIMIT}: above the largest threshold, 131071 * 64, Lava's LIF spikes "
                "and is reset (lava/proc/lif/models.py:257,273-278)",
                "train a read-out that decays",
            )
        ]


def test_spikes_ahead_of_time() -> None:
    fixed = neurons(bias_mant=[0, 101], bias_exp=6)
    assert told(fixed) == []
    fixed = replace(fixed, projections=(INTO, projection("a", "a", WEIGHT, delay=4)))
    assert told(fixed) == [
        refused(
            "spikes that take 4 steps of their own, from neurons that may spike in the 1 step "
            "before their first",
            "one or the other: LIFReset cannot be kept silent until then "
            "(lava/proc/lif/models.py:432-449)",
            "train without a bias here or in what drives it",
        )
    ]
    assert (
        told(replace(fixed, populations=neurons(bias_mant=[0, 100], bias_exp=6).populations)) == []
    )


# --- projections -------------------------------------------------------------------------------

KERNELS = fixed_convolution([[[[3, -2], [1, 0]]]])
"""Of ``[1, 2, 2]``: two by two, to ``[1, 5, 5]`` in an image of 6 x 6."""


def image(*operators: FixedOperator, exp: int = 0, delay: int = 1) -> FixedNetwork:
    shape: tuple[int, ...] = (1, 6, 6)
    for operator in operators:
        shape = operator.result_shape(shape)
    q = replace(projection("x", "a", *operators, exp=exp, delay=delay), origin=("conv", "pool"))
    return one(population("a", shape, FixedReset.ZERO, 1), q, (1, 6, 6))


def kind(fixed: FixedNetwork) -> str:
    assert told(fixed) == []
    return process_of(fixed, Form.STOCK)["x to a"]


def convolution(weight: Any, padding: Any = 0, **options: Any) -> FixedOperator:
    return fixed_convolution(weight, padding=padding, **options)


@pytest.mark.parametrize(
    ("operator", "exp", "delay", "wanted"),
    [
        (KERNELS, 0, 1, "Conv"),
        (KERNELS, 5, 1, "Conv"),  # 96 and -64
        (KERNELS, 6, 1, "Sparse"),  # 192: beyond 8 bits where signs are mixed
        (KERNELS, -1, 1, "Sparse"),  # 3 is odd
        (convolution([[[[8, -4]]]]), -2, 1, "Conv"),
        (convolution([[[[3, 1]]]]), 6, 1, "Conv"),  # 192: of one sign
        (convolution([[[[3, 1]]]]), 7, 1, "Sparse"),
        (convolution([[[[-3, -1]]]]), 6, 1, "Conv"),
        (KERNELS, 0, 2, "DelaySparse"),
        (convolution([[[[3, -2]]]], padding=(1, 0)), 0, 1, "Sparse"),
        (convolution([[[[3, -2]]]], padding=2, stride=2, dilation=2), 0, 1, "Conv"),
        (FixedScaling(weight=np.full(36, 3, np.int8)), 0, 1, "Sparse"),
        (FixedScaling(weight=np.full(36, 3, np.int8)), 0, 9, "DelaySparse"),
    ],
)
def test_convolution(operator: FixedOperator, exp: int, delay: int, wanted: str) -> None:
    assert kind(image(operator, exp=exp, delay=delay)) == wanted


def test_convolution_of_one_axis_is_a_matrix() -> None:
    q = projection("x", "a", fixed_convolution([[[1, 2, -3]]]))
    fixed = one(population("a", (1, 6), FixedReset.ZERO, 1), q, (1, 8))
    assert kind(fixed) == "Sparse"


HALF = SumPooling(window=Window((3, 6), (3, 6), ((0, 0), (0, 0)), (1, 1)))  # to [1, 2, 1]


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        (fixed_dense([[1, 0], [0, 1]]), "Sparse"),  # half of the products
        (fixed_dense([[1, 0], [1, 1]]), "Dense"),
    ],
)
@pytest.mark.parametrize("delay", [1, 3])
def test_pooling_and_weights_are_one_matrix(after: FixedOperator, wanted: str, delay: int) -> None:
    assert kind(image(HALF, after, delay=delay)) == ("Delay" if delay > 1 else "") + wanted


def test_max_pooling() -> None:
    pool = MaxPooling(window=window(2, 3))
    assert told(image(KERNELS, pool)) == [
        f"{PROJECTION}  --> conv + pool\n"
        "   found: max pooling of 2 x 3\n"
        "   limit: sums of weighted inputs: Lava has no process for the largest of several "
        "(lava/proc)\n"
        "  remedy: average pooling in the model, or --lava mixed"
    ]


def overlapping(bits: int, low: int, high: int, exp: int = 0) -> FixedNetwork:
    """Give windows of two by two that overlap, on a convolution of equal weights."""
    weight = convolution([[[[high, high], [high, low]]]])
    fixed = image(weight, SumPooling(window=window(2, 2)), exp=exp)
    (q,) = fixed.projections
    return replace(fixed, projections=(replace(q, weight_bits=bits, weight_exp=exp),))


def too_large(low: int, high: int, exp: int, width: str, least: int = -128) -> str:
    return (
        f"{PROJECTION}  --> conv + pool\n"
        f"   found: sums of its weights, of {low} to {high}, where windows overlap, and exponent "
        f"{exp}\n"
        f"   limit: {least} to {127 if least else 255} and an exponent to 7: Lava clips to 8 bits "
        "(lava/utils/weightutils.py:283-290)\n"
        f"  remedy: {width}windows that overlap less, or --lava mixed"
    )


def test_products_beyond_the_width_of_a_weight() -> None:
    """Four ways lead from one element to another: two bits more than a weight has."""
    assert told(overlapping(8, -1, 101)) == [too_large(-1, 302, 0, "--weight-bits a=6, or ")]
    assert told(overlapping(6, -32, 31)) == []


def test_exponent_beyond_that_of_loihi() -> None:
    """No width of weights helps there: they are multiplied by as much more."""
    assert told(overlapping(6, -1, 30, 8)) == []
    assert told(overlapping(6, -1, 30, 9)) == [too_large(-1, 89, 9, "")]
    assert told(overlapping(6, -1, 31, 7)) == []


def test_weights_of_one_sign() -> None:
    fixed = overlapping(8, 1, 101)
    (q,) = fixed.projections
    fixed = replace(fixed, projections=(replace(q, sign_mode=SignMode.EXCITATORY),))
    assert told(fixed) == [too_large(0, 304, 0, "--weight-bits a=6, or ", least=0)]


def test_everything_is_told_at_once() -> None:
    fixed = image(KERNELS, MaxPooling(window=window(2, 2)))
    (p,) = fixed.populations
    p = replace(p, reset=FixedReset.SUBTRACT, refractory=2)
    found = told(replace(fixed, populations=(p,)))
    assert [text[6:12] for text in found] == ["SNN401", "SNN401", "SNN402"]


def test_whose_processes() -> None:
    kinds = ("Population", "Synapse", "Source", "Sink", "Fused")
    assert {whose(k) for k in kinds} == {"ours"}
    read_out = population("a", (2,), FixedReset.NONE, 1, spiking=False, dv=400)
    rows = make_plan(one(read_out, INTO), Form.STOCK).processes
    assert [whose(r.process) for r in rows] == 4 * ["Lava's"]
