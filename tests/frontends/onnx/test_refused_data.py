"""Data and options that an ONNX model cannot be compiled with."""
# torch, snntorch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from snnc.frontends.onnx.frontend import from_onnx
from tests.frontends.onnx.models import model, node, random
from tests.frontends.onnx.refused import (
    IMAGE,
    WEIGHT,
    image,
    refusal,
    two_inputs,
)
from tests.frontends.onnx.test_file import text

pytestmark = pytest.mark.onnx
DATA = "error[SNN145]: a network of ReLUs is converted with typical input data at hand"
OPTION = "error[SNN004]: options have a value in their range and fit together"


def relu() -> Any:
    return image(node("Conv", "x w", "p"), node("Relu", "p", "y"), w=WEIGHT)


@pytest.mark.parametrize(
    ("data", "node_", "found", "limit"),
    [
        (
            None,
            "the model",
            "no calibration data",
            "samples for x [2, 6, 6]; some hundred of the training data do",
        ),
        (
            np.ones((4, 6, 6)),
            "--calibrate, x",
            "float64 of shape [4, 6, 6]",
            "finite numbers of shape [samples, 2, 6, 6]",
        ),
        (
            np.full((1, *IMAGE), np.nan),
            "--calibrate, x",
            "72 of 72 are not finite",
            "finite numbers of shape [samples, 2, 6, 6]",
        ),
        (
            {"z": np.ones((4, *IMAGE))},
            "--calibrate",
            "data for z",
            "data for the inputs x, or as in the graph: input",
        ),
        (
            np.ones((0, *IMAGE)),
            "--calibrate",
            "0 samples for x",
            "as many samples for each input, 1 or more",
        ),
        (
            np.zeros((4, *IMAGE)),
            "the model: n/y (Relu) -> y",
            "none of its 3 channels is active on the calibration data",
            "data that are typical of what the model gets",
        ),
    ],
)
def test_calibration(data: Any, node_: str, found: str, limit: str) -> None:
    remedies = {
        "no calibration data": "--calibrate X.npy",
        "none": "give such data, scaled as in training: --calibrate X.npy",
    }
    remedy = next(
        (r for begin, r in remedies.items() if found.startswith(begin)),
        "give samples as the model takes them: --calibrate X.npy",
    )
    assert refusal(relu(), calibration=data) == text(DATA, node_, found, limit, remedy)


def of_two(*names: str) -> Any:
    nodes = [
        node("Add", " ".join(names), "s"),
        node("Relu", "s", "r"),
        node("MatMul", "r w", "y"),
    ]
    return model(nodes, {n: ["n", 3] for n in names}, w=random(3, 2))


@pytest.mark.parametrize(
    ("data", "found", "limit"),
    [
        (np.ones((4, 3)), "one array for 2 inputs", "data by input: a/b, c"),
        (
            {"c": np.ones((4, 3))},
            "data for c",
            "data for the inputs a/b, c, or as in the graph: a.b, c",
        ),
        ({}, "data for no input", "data for the inputs a/b, c, or as in the graph: a.b, c"),
        (
            {"a.b": np.ones((4, 3)), "c": np.ones((4, 3)), "d": np.ones((4, 3))},
            "data for a.b, c, d",
            "data for the inputs a/b, c, or as in the graph: a.b, c",
        ),
    ],
)
def test_names_of_data(data: Any, found: str, limit: str) -> None:
    remedy = "give samples as the model takes them: --calibrate X.npy"
    said = refusal(of_two("a/b", "c"), calibration=data)
    assert said == text(DATA, "--calibrate", found, limit, remedy)


@pytest.mark.parametrize("percentile", [0, -1, 100.1, float("nan")])
def test_percentile(percentile: float) -> None:
    assert refusal(relu(), calibration=random(4, *IMAGE), percentile=percentile) == text(
        OPTION, "--percentile", f"{percentile:g}", "above 0, to 100", "--percentile 99.9"
    )


def test_step_length() -> None:
    assert refusal(relu(), dt=0.0) == text(
        OPTION, "--dt", "0", "a length in seconds above 0", "--dt 1e-4, in Python dt=1e-4"
    )


def residual() -> Any:
    """``x`` enters the first layer, and beside its spikes the second, whose spikes leave."""
    nodes = [
        node("MatMul", "x r", "p"),
        node("MatMul", "y w", "q"),
        node("Add", "p q", "i1"),
        node("Add", "v1 i1", "u1"),
        node("Greater", "u1 one", "above1"),
        node("Cast", "above1", "s1", to=1),
        node("Sub", "u1 s1", "next1"),
        node("MatMul", "s1 r", "z"),
        node("Add", "z x", "i2"),
        node("Mul", "v2 decay", "kept"),
        node("Add", "kept i2", "u2"),
        node("Greater", "u2 one", "above2"),
        node("Cast", "above2", "s2", to=1),
        node("Sub", "u2 s2", "next2"),
    ]
    inputs = {"x": [1, 3], "y": [1, 2], "v1": [1, 3], "v2": [1, 3]}
    outputs = ["s2", "next1", "next2"]
    return model(nodes, inputs, outputs, r=random(3, 3), w=random(2, 3), one=1.0, decay=0.5)


ORDINARY: dict[str, tuple[Callable[[], Any], str]] = {
    "one input": (lambda: two_inputs({"x": [1, 3]}, node("MatMul", "x r", "i")), ""),
    "of another shape": (
        lambda: two_inputs(
            {"x": [1, 2], "b": [1, 2]},
            node("MatMul", "x w", "p"),
            node("MatMul", "b w", "q"),
            node("Add", "p q", "i"),
        ),
        "",
    ),
    "of one axis more": (
        lambda: two_inputs(
            {"x": [1, 2], "b": [1, 1, 3]},
            node("MatMul", "x w", "p"),
            node("Flatten", "b", "c"),
            node("MatMul", "c r", "q"),
            node("Add", "p q", "i"),
        ),
        "",
    ),
    "of another layer, too": (
        residual,
        "the input x is of the shape [3] of n.2, whose spikes are the output s2: if it takes "
        "these, a connection is lost",
    ),
    "both of the shape of the neurons": (
        lambda: two_inputs(
            {"x": [1, 3], "b": [1, 3]},
            node("MatMul", "x r", "p"),
            node("MatMul", "b r", "q"),
            node("Add", "p q", "i"),
        ),
        "the input b is of the shape [3] of n, whose spikes are the output s: if it takes these, a "
        "connection is lost; the input x is of the shape [3] of n, whose spikes are the output s: "
        "if it takes these, a connection is lost",
    ),
}


def test_no_data_tell_what_a_step_clips() -> None:
    made = two_inputs(
        {"x": [1, 2]},
        node("QuantizeLinear", "x fine z", "k"),
        node("DequantizeLinear", "k fine z", "d"),
        node("MatMul", "d w", "i"),
        fine=0.01,
        z=np.array(0, np.int8),
    )
    remarks = from_onnx(made).metadata["snnc"]["remarks"]
    assert remarks == "n/k rounds and clips values, which is left out"


@pytest.mark.parametrize("name", ORDINARY)
def test_inputs_that_are_data(name: str) -> None:
    make, remarks = ORDINARY[name]
    assert from_onnx(make()).metadata["snnc"].get("remarks", "") == remarks
