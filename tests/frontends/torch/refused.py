"""Models that are refused, and the texts that tell why."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.snntorch.frontend import from_snntorch
from tests.frontends.optional import optional

nn, snn = optional("torch.nn"), optional("snntorch")

UNSUPPORTED = "error[SNN112]: every layer of the model is one that snnc can import"
UNTRACEABLE = (
    "error[SNN113]: what a model computes can be followed from its input to its outputs, the same "
    "in every step"
)
LAYERS = (
    "nn.Linear, nn.Conv1d/2d, nn.MaxPool1d/2d, nn.AvgPool1d/2d, nn.AdaptiveAvg/MaxPool1d/2d, "
    "nn.BatchNorm1d/2d, nn.Flatten, nn.Identity, nn.Dropout, snn.Leaky, snn.RLeaky, "
    "snn.Synaptic, snn.RSynaptic, snn.Lapicque"
)
LISTED = "the layers and functions that docs/frontends.md lists"
REPLACE = "replace it by one of these"
GOES_ON = "every neuron starts from its first state and goes on from the state that it left"
HAND_ON = "hand every state on unchanged, and reset states before the first step, if at all"
KEEPS = "keeps its states for 1 of 4 steps"
WRONG = "mem does not go on from the step before"
STEPS = 5

Forward = Callable[..., Any]


def text(head: str, node: str, found: str, limit: str, remedy: str) -> str:
    return f"{head}\n  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"


def refusal(module: Any, shape: tuple[int, ...] = (6,)) -> str:
    with pytest.raises(InputError) as caught:
        from_snntorch(module, shape)
    return str(caught.value)


def line(forward: Forward, ahead: int = 1) -> str:
    """Give the place of the line ``ahead`` lines after the head of ``forward``."""
    file = inspect.getsourcefile(forward) or ""
    return f"{Path(file).name}:{inspect.getsourcelines(forward)[1] + ahead}"


def leaky(**options: Any) -> Any:
    return snn.Leaky(**{"beta": 0.5, "init_hidden": True, **options})


def model(forward: Forward, **layers: Any) -> Any:
    """A model of four layers with the ``forward`` that is given."""
    module = type("Net", (nn.Module,), {"forward": forward})()
    own = {"fc1": nn.Linear(6, 5), "lif1": snn.Leaky(beta=0.9)}
    own |= {"fc2": nn.Linear(5, 3), "lif2": snn.Leaky(beta=0.5)}
    for name, layer in (own | layers).items():
        setattr(module, name, layer)
    return module
