"""Refusals of ONNX models: the rules that they name, and parts of models."""
# torch, snntorch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from typing import Any

import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.onnx.frontend import from_onnx
from tests.frontends.onnx.models import model, node, random

UNSUPPORTED = "error[SNN142]: every operator of an ONNX model is one that snnc can convert"
OTHERWISE = "export the model without it; docs/onnx.md lists what is supported"
IMAGE = (2, 6, 6)
WEIGHT = random(3, 2, 3, 3)


def refusal(made: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        from_onnx(made, **options)
    return str(caught.value)


def image(*nodes: Any, **constants: Any) -> Any:
    return model(nodes, {"x": ["n", *IMAGE]}, **constants)


def two_inputs(inputs: dict[str, list[int]], *nodes: Any, **constants: Any) -> Any:
    """``v`` decays and takes up ``i``; its spikes are ``s``."""
    given = [
        *nodes,
        node("Mul", "v decay", "kept"),
        node("Add", "kept i", "u"),
        node("Greater", "u decay", "above"),
        node("Cast", "above", "s", to=1),
        node("Mul", "s decay", "lost"),
        node("Sub", "u lost", "v1"),
    ]
    numbers: dict[str, Any] = {"w": random(2, 3), "r": random(3, 3), "decay": 0.5, **constants}
    used = {n: numbers[n] for n in numbers if any(n in one.input for one in given)}
    return model(given, {**inputs, "v": [1, 3]}, ["s", "v1"], **used)
