"""What is imported from ONNX is compiled, and runs as real numbers and as integers."""
# torch is Any here:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np
import pytest

import snnc
from snnc.frontends.onnx.frontend import from_onnx
from tests.frontends.nir.run import steps
from tests.frontends.onnx.models import random, reference
from tests.frontends.onnx.test_rate import BATCH, MODELS
from tests.frontends.onnx.test_step import CASES, INPUTS, NEURONS, exported, run
from tests.frontends.optional import optional

torch = optional("torch")

pytestmark = [pytest.mark.torch, pytest.mark.norse, pytest.mark.onnx]

STEPS = 32
NETWORKS = sorted(set(MODELS) - {"max pool, relu; ceil_mode, dilation"})
"""snnc compiles no max pool whose padding is more than half of its window."""


@pytest.mark.parametrize("name", NETWORKS)
def test_rates(name: str) -> None:
    made = MODELS[name]()
    shape = [d.dim_value for d in made.graph.input[0].type.tensor_type.shape.dim][1:]
    x = random(BATCH, *shape, seed=11)
    graph = from_onnx(made, calibration=x, percentile=100)
    held = np.repeat(x[None], STEPS, axis=0)
    (wanted,) = reference(made, {"x": x})
    scale = float(np.abs(wanted).mean())
    real = snnc.compile(graph, target="float").run(held).outputs["output"]
    np.testing.assert_allclose(
        real.reshape(STEPS, *wanted.shape),
        steps(graph, {"input": x}, STEPS)["output"],
        rtol=1e-4,
        atol=1e-4 * scale,
    )
    integers = snnc.compile(graph, target="integer", calibration=held).run(held)
    of_reals, of_integers = (
        np.abs(found.mean(0).reshape(wanted.shape) - wanted).mean() / scale
        for found in (real, integers.outputs["output"])
    )
    assert of_reals < 0.07, "32 steps are no rate of infinitely many"
    assert of_integers < of_reals + 0.03


@pytest.mark.parametrize("name", CASES)
def test_steps(name: str) -> None:
    make, _, _ = CASES[name]
    module, states = make()
    zeros = [torch.zeros(1, NEURONS) for _ in range(states)]
    graph = from_onnx(exported(module, torch.rand(1, INPUTS), *zeros, dynamo=False))
    x = random(STEPS, 200, INPUTS, seed=3)
    rest = [torch.zeros(200, NEURONS) for _ in range(states)]
    wanted = run(module, torch.as_tensor(x), *rest)
    found = snnc.compile(graph, target="float").run(x).outputs["output"]
    assert (found != wanted).sum() <= 1, "but for the order of sums in the matrix"
