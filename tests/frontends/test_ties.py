"""Random weights and inputs, of no special form: what a float32 sum decides is counted.

The order in which torch and NumPy add up products is not the same, so a potential within rounding
of its threshold may spike in one of them only. ``targets/float/replay.py`` repeats each step of
the framework's run from the states that the framework recorded, and finds each such tie by itself.
"""
# torch, snntorch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from snnc.compiler.semantics.discretize import discretize
from snnc.frontends.importer import import_module, run_module
from snnc.targets.float.replay import Replay, replay
from tests.frontends.cases import Case, becomes, over
from tests.frontends.optional import optional

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")
norse = optional("norse.torch")

pytestmark = [pytest.mark.torch, pytest.mark.norse]

SPIKES, STEPS = 2_000_000, 50
Subject = tuple[Any, tuple[int, ...]]
"""A model, and the shape of its input."""


def leaky() -> Any:
    return snn.Leaky(beta=0.9, init_hidden=True)


def fast() -> Any:
    """Parameters of norse's neurons with potentials of their own."""
    given = {"tau_mem_inv": 300.0, "tau_syn_inv": 400.0, "v_th": 0.6, "v_leak": 0.05}
    return norse.LIFParameters(**{n: torch.tensor(v) for n, v in given.items()})


def trained(norm: Any) -> Any:
    """A batch norm with numbers as training leaves them."""
    with torch.no_grad():
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
        norm.weight.uniform_(0.5, 1.5)
        norm.bias.normal_()
    return norm


IMAGE = (3, 16, 16)
MODELS: dict[str, tuple[str, Callable[[], Subject]]] = {
    "nn.Linear(784, 1000), Leaky, nn.Linear(1000, 500), Leaky": (
        "Affine, LIF",
        lambda: (
            nn.Sequential(nn.Linear(784, 1000), leaky(), nn.Linear(1000, 500), leaky()),
            (784,),
        ),
    ),
    "nn.Conv2d, Leaky": (
        "Conv2d, LIF",
        lambda: (nn.Sequential(nn.Conv2d(3, 16, 5), leaky()), IMAGE),
    ),
    "nn.Conv2d, nn.BatchNorm2d, Leaky": (
        "Conv2d, LIF",
        lambda: (
            nn.Sequential(nn.Conv2d(3, 16, 5), trained(nn.BatchNorm2d(16)), leaky()),
            IMAGE,
        ),
    ),
    "nn.Conv2d, nn.AvgPool2d, Leaky": (
        "Conv2d, AvgPool2d, LIF",
        lambda: (nn.Sequential(nn.Conv2d(3, 16, 5), nn.AvgPool2d(2), leaky()), IMAGE),
    ),
    "nn.Conv2d, nn.MaxPool2d, Leaky": (
        "Conv2d, MaxPool2d, LIF",
        lambda: (nn.Sequential(nn.Conv2d(3, 16, 5), nn.MaxPool2d(2), leaky()), IMAGE),
    ),
    "nn.Linear(100, 200), RLeaky with linear_features": (
        "Affine, LIF",
        lambda: (
            nn.Sequential(
                nn.Linear(100, 200), snn.RLeaky(0.9, linear_features=200, init_hidden=True)
            ),
            (100,),
        ),
    ),
    "nn.Linear(100, 200), RSynaptic with linear_features": (
        "Affine, CubaLIF",
        lambda: (
            nn.Sequential(
                nn.Linear(100, 200),
                snn.RSynaptic(0.8, 0.9, linear_features=200, init_hidden=True),
            ),
            (100,),
        ),
    ),
    "nn.Linear(100, 200), LIFRecurrentCell(200, 200)": (
        "Affine, Linear, CubaLIF",
        lambda: (
            norse.SequentialState(nn.Linear(100, 200), norse.LIFRecurrentCell(200, 200, fast())),
            (100,),
        ),
    ),
}
EACH, HELD = "an input for each step", "one input for all steps"
CASES = [
    Case(layers, data, nodes, make)
    for layers, (nodes, make) in MODELS.items()
    for data in (EACH, HELD)
]


@over(CASES)
def test_only_ties_differ(case: Case, record_property: Any) -> None:
    found = repeated(case)
    record_property("ties", "; ".join(map(str, found.ties)) or "none")
    assert found.spikes >= SPIKES
    assert found.strangers == ()
    assert found.mismatches == found.ties
    assert all(tie.ulp <= 4 for tie in found.ties)


def repeated(case: Case) -> Replay:
    """Run a model in its framework, and repeat each of its steps."""
    torch.manual_seed(0)
    module, shape = case.make()
    module.eval()
    graph = import_module(module, input_shape=shape)
    assert becomes(graph) == case.becomes
    network = discretize(graph)
    batch = -(-SPIKES // (STEPS * sum(p.size for p in network.populations)))
    random, steps = np.random.default_rng(1), 1 if case.option == HELD else STEPS
    x = random.normal(0.3, 1, (steps, batch, *shape)).astype(np.float32)
    x = np.repeat(x, STEPS // steps, axis=0)
    ran = run_module(module, x)
    assert all(0.005 < spikes.mean() < 0.995 for spikes in ran.spikes.values())
    return replay(network, {"input": x.reshape(STEPS, batch, -1)}, ran)
