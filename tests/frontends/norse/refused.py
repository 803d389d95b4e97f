"""What a refusal of a norse model says, and small models to refuse."""
# torch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.norse.frontend import from_norse
from snnc.frontends.torch.layers import TORCH_LAYERS
from tests.frontends.optional import optional

torch, nn, norse = optional("torch"), optional("torch.nn"), optional("norse.torch")

UNSUPPORTED = "error[SNN112]: every layer of the model is one that snnc can import"
UNTRACEABLE = (
    "error[SNN113]: what a model computes can be followed from its input to its outputs, the same "
    "in every step"
)
UNUSABLE = (
    "error[SNN105]: every parameter is finite and in the range where its equation makes sense"
)
INCOMPLETE = (
    "error[SNN104]: every node has all its fields, each with the shape that the node's equation "
    "needs"
)
OPTION = "error[SNN004]: options have a value in their range and fit together"
LAYERS = (
    f"{TORCH_LAYERS}, and of norse SequentialState, RecurrentSequential, Lift, LIFBoxCell, "
    "LIFCell, LIF, LIFRecurrentCell, LIFRecurrent, LIFRefracCell, LIFRefracRecurrentCell, "
    "LIFRefracRecurrent, IAFCell, IAF, LIBoxCell, LICell, LI, LILinearCell"
)
REPLACE = "replace the layer; docs/frontends.md lists what is supported"
CORRECT = "correct the parameter, or train again"


def text(head: str, node: str, found: str, limit: str, remedy: str) -> str:
    return f"{head}\n  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"


def refusal(module: Any, shape: tuple[int, ...] = (6,), **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        from_norse(module, shape, **options)
    return str(caught.value)


def after_linear(layer: Any) -> Any:
    return norse.SequentialState(nn.Linear(6, 3), layer)


def lif(**options: Any) -> Any:
    given = {n: torch.as_tensor(v) for n, v in options.items() if not isinstance(v, str)}
    return norse.LIFCell(norse.LIFParameters(**{**options, **given}))
