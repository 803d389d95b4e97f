"""Which Lava process a network runs on."""

from __future__ import annotations

import json
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import InternalError
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedProjection, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.operators import (
    FixedOperator,
    FixedScaling,
    MaxPooling,
    SumPooling,
    result_shape,
)
from snnc.targets.lava.plan import make_plan
from snnc.targets.lava.target import LavaTarget
from tests.builders import fixed_convolution, fixed_dense, window
from tests.targets.lava.networks import population, process_of, projection

WEIGHT = np.full((2, 2), 60)


def network(*projections: FixedProjection, reset: FixedReset = FixedReset.ZERO) -> FixedNetwork:
    """Give an input, and populations ``a`` and ``b`` that run 1 and 2 steps behind it."""
    return FixedNetwork(
        inputs=(FixedInput("x", (2,)),),
        populations=(population("a", (2,), reset, 1), population("b", (2,), reset, 2)),
        projections=(projection("x", "a", WEIGHT), *projections),
        outputs=(Output("out", "b"),),
        dt=1e-3,
    )


def test_file() -> None:
    fixed = network(projection("a", "b", WEIGHT))
    rows = [
        {"id": "n0001", "role": "input", "of": "x", "process": "Source", "core": None},
        {"id": "n0002", "role": "population", "of": "a", "process": "LIFReset", "core": None},
        {"id": "n0003", "role": "population", "of": "b", "process": "LIFReset", "core": None},
        {"id": "n0004", "role": "projection", "of": "x to a", "process": "Dense", "core": None},
        {"id": "n0005", "role": "projection", "of": "a to b", "process": "Dense", "core": None},
        {"id": "n0006", "role": "output", "of": "out", "process": "Sink", "core": None},
    ]
    content = make_plan(fixed).to_bytes()
    assert json.loads(content) == {
        "format": 4,
        "form": "mixed",
        "gap": 2,
        "cut": False,
        "processes": rows,
    }
    assert content == make_plan(fixed).to_bytes()


def test_names_are_data_in_ascii() -> None:
    fixed = replace(network(), outputs=(Output('ä"\n__import__("os")', "b"),))
    content = make_plan(fixed).to_bytes()
    assert content.isascii()
    assert json.loads(content)["processes"][-1]["of"] == 'ä"\n__import__("os")'


@pytest.mark.parametrize(
    "field",
    [{"initial": [0, 1]}, {"refractory": 1}, {"spiking": False}],
    ids=["starts elsewhere", "pauses", "has no spikes"],
)
def test_other_neurons_run_on_a_process_of_ours(field: dict[str, Any]) -> None:
    a = population("a", (2,), FixedReset.ZERO, 1, **field)
    fixed = network()
    fixed = replace(fixed, populations=(a, *fixed.populations[1:]))
    assert process_of(fixed)["a"] == "Population"
    assert process_of(fixed)["b"] == "LIFReset"


FACTORS = FixedScaling(weight=np.array([60, -128], np.int8))
KERNELS = fixed_convolution([[[60, -128]], [[1, 1]]])  # of [1, 2], two channels
LARGEST = MaxPooling(window=window(1))


@pytest.mark.parametrize("delay", [1, 2, 63])
@pytest.mark.parametrize(
    ("operators", "kind"),
    [
        ((fixed_dense(WEIGHT),), ("Dense", "DelayDense")),
        ((FACTORS,), ("Synapse", "Synapse")),
        ((KERNELS,), ("Synapse", "Synapse")),
        ((LARGEST, fixed_dense(WEIGHT)), ("Synapse", "Synapse")),
        ((KERNELS, LARGEST), ("Synapse", "Synapse")),
    ],
)
def test_only_plain_weights_run_on_a_synapse_of_lava(
    operators: tuple[FixedOperator, ...], kind: tuple[str, str], delay: int
) -> None:
    fixed = replace(network(), inputs=(FixedInput("x", (1, 2)),))
    into = projection("x", "a", *operators, delay=delay)
    assert process_of(replace(fixed, projections=(into,)))["x to a"] == kind[delay > 1]


@pytest.mark.parametrize("reset", [r for r in FixedReset if r is not FixedReset.ZERO])
def test_other_resets_run_on_a_process_of_ours(reset: FixedReset) -> None:
    assert process_of(network(reset=reset))["a"] == "Population"


@pytest.mark.parametrize(
    ("out", "delayed"),
    [
        (projection("a", "b", WEIGHT, delay=1), False),
        (projection("a", "b", WEIGHT, delay=2), True),
        (projection("a", "a", WEIGHT, delay=1), True),
    ],
)
@pytest.mark.parametrize(
    ("lag", "bias", "suffices"),
    [(0, 4095, False), (1, -4095, False), (1, 3200, False), (1, 3201, True), (2, 1601, True)],
)
def test_spikes_ahead_of_time(
    out: FixedProjection, delayed: bool, lag: int, bias: int, suffices: bool
) -> None:
    """A neuron whose bias suffices to spike in its lag must not send through a delay."""
    a = population("a", (2,), FixedReset.ZERO, lag, bias_mant=[0, bias], threshold=50)
    b = population("b", (2,), FixedReset.ZERO, lag + 1)
    fixed = replace(network(out), populations=(a, b))
    assert process_of(fixed)["a"] == ("Population" if delayed and suffices else "LIFReset")
    assert process_of(fixed)["b"] == "LIFReset"


def test_spikes_ahead_of_time_drive_others() -> None:
    """Early spikes of ``a`` may make ``b`` spike early, which its loop would keep."""
    loop = projection("b", "b", WEIGHT, delay=1)
    early = population("a", (2,), FixedReset.ZERO, 1, bias_mant=101, bias_exp=6)
    for a, kind in ((early, "Population"), (network().populations[0], "LIFReset")):
        fixed = network(projection("a", "b", WEIGHT), loop)
        fixed = replace(fixed, populations=(a, fixed.populations[1]))
        assert (process_of(fixed)["a"], process_of(fixed)["b"]) == ("LIFReset", kind)


@pytest.mark.parametrize(
    ("shape", "there", "kind"),
    [
        ((256, 256), 3276, "Sparse"),
        ((256, 256), 3277, "Dense"),
        ((255, 256), 10, "Dense"),
    ],
)
@pytest.mark.parametrize("delay", [1, 2])
def test_few_weights_of_many_run_on_sparse(
    shape: tuple[int, int], there: int, kind: str, delay: int
) -> None:
    weight = np.zeros(shape, np.int64)
    weight.flat[:there] = 1
    fixed = FixedNetwork(
        inputs=(FixedInput("x", shape[1:]),),
        populations=(population("a", shape[:1], FixedReset.ZERO, 1),),
        projections=(projection("x", "a", weight, delay=delay),),
        outputs=(Output("out", "a"),),
        dt=1e-3,
    )
    assert process_of(fixed)["x to a"] == (kind if delay == 1 else f"Delay{kind}")


@pytest.mark.parametrize(
    ("weight", "exp", "max_abs", "kind"),
    [
        (np.array([[128, 0]]) * -1, 7, 16, "LIFReset"),
        (np.array([[128, 0]]) * -1, 7, 17, "Population"),
        (np.array([[1, 0]]), 0, 131072, "LIFReset"),
        (np.array([[1, 0]]), 0, 131073, "Population"),
    ],
)
def test_input_too_large_for_the_32_bits_of_lava(
    weight: np.ndarray, exp: int, max_abs: int, kind: str
) -> None:
    fixed = network()
    into = projection("x", "a", np.vstack([weight, weight]), exp=exp)
    x = FixedInput("x", (2,), max_abs=max_abs)
    assert process_of(replace(fixed, inputs=(x,), projections=(into,)))["a"] == kind


@pytest.mark.parametrize(
    ("operators", "largest"),
    [
        ((FACTORS,), 128),
        ((KERNELS,), 188),
        ((SumPooling(window=window(2)), FixedScaling(weight=np.array([-3], np.int8))), 6),
        ((FACTORS, SumPooling(window=window(2))), 188),
        ((FACTORS, MaxPooling(window=window(2))), 128),
    ],
)
@pytest.mark.parametrize(("over", "kind"), [(0, "LIFReset"), (1, "Population")])
def test_input_that_operators_make_too_large(
    operators: tuple[FixedOperator, ...], largest: int, over: int, kind: str
) -> None:
    """The largest input that keeps within 2**18, doubled as ever, and one above."""
    x = FixedInput("x", (1, 2), max_abs=2**17 // largest + over)
    n = prod(result_shape(operators, x.shape))
    fixed = FixedNetwork(
        inputs=(x,),
        populations=(population("a", (n,), FixedReset.ZERO, 1),),
        projections=(projection("x", "a", *operators),),
        outputs=(Output("out", "a"),),
        dt=1e-3,
    )
    assert process_of(fixed)["a"] == kind


@pytest.mark.parametrize(
    ("out", "gap"),
    [
        (projection("a", "b", WEIGHT, delay=1), 2),
        (projection("a", "b", WEIGHT, delay=3), 2),
        (projection("a", "b", WEIGHT, delay=4), 3),
        (projection("b", "b", WEIGHT, delay=63), 63),
        (projection("x", "b", WEIGHT, delay=10), 8),
    ],
)
def test_gap_covers_lags_and_delays(out: FixedProjection, gap: int) -> None:
    assert make_plan(network(out)).gap == gap
    assert process_of(network(out))[out.name] == ("Dense" if out.delay == 1 else "DelayDense")


def test_network_that_is_not_retimed() -> None:
    with pytest.raises(
        InternalError, match=r"^a to b: a projection of delay 0 cannot run on Lava$"
    ):
        make_plan(network(projection("a", "b", WEIGHT, delay=0)))


def test_inputs_that_are_held_back() -> None:
    """No neuron holds an input: our ``Synapse`` does, and nothing of Lava's."""
    for delay, process in ((63, "DelayDense"), (64, "Synapse"), (500, "Synapse")):
        net = network(projection("x", "b", WEIGHT, delay=delay))
        assert process_of(net)["x to b"] == process
        problems = list(LavaTarget().problems(net, {"lava": "mixed"}))
        assert problems == []
    net = network(projection("x", "b", WEIGHT, delay=500))
    found = LavaTarget().problems(net, {"lava": "stock"})
    (problem,) = (p for p in found if p.rule.code == "SNN203")
    assert str(problem) == (
        "error[SNN203]: Lava's own processes hold an input back by 63 steps at most\n"
        "  --> x to b\n"
        "   found: 500 steps of delay from x to b\n"
        "   limit: 63 steps (lava 0.10.0, DelayDense: 62 and the synapse's own)\n"
        "  remedy: --lava mixed holds inputs back; or send the data so much later"
    )
