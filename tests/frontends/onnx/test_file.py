"""ONNX models that are broken are refused with the place and the reason: the whole text."""
# onnx's messages have no attributes that type checkers see:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.frontends.onnx.file import read_onnx
from tests.frontends.onnx.models import model, node
from tests.frontends.optional import optional

onnx = optional("onnx")
numpy_helper = optional("onnx.numpy_helper")

pytestmark = pytest.mark.onnx

FORM = "error[SNN140]: an .onnx file holds one ONNX model, whole and of a version that is known"
SAFE = "error[SNN141]: an ONNX model is of a sane size and refers to nothing outside its folder"
READABLE = "error[SNN001]: a file that is named exists and can be read"
NUMBERS = "error[SNN105]: every parameter is finite and in the range where its equation makes sense"
AGAIN = "export the model again"
CHECK = "check the path"


def text(rule: str, place: str, found: str, limit: str, remedy: str = AGAIN) -> str:
    return f"{rule}\n  --> {place}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"


def small(**changes: Any) -> Any:
    """``y = relu(x @ w)``."""
    nodes = [node("MatMul", "x w", "p"), node("Relu", "p", "y")]
    return model(nodes, {"x": ["n", 2]}, w=np.eye(2, dtype=np.float32), **changes)


def written(folder: Path, made: Any) -> Path:
    path = folder / "m.onnx"
    path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    return path


def refusal(source: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_onnx(source)
    return str(caught.value)


def test_model(tmp_path: Path) -> None:
    for source in (small(), written(tmp_path, small()), str(written(tmp_path, small()))):
        read = read_onnx(source)
        assert [n.place for n in read.nodes] == ["n/p (MatMul) -> p", "n/y (Relu) -> y"]
        assert read.inputs[0].shape == (None, 2)
        assert read.outputs == ("y",)
        np.testing.assert_array_equal(read.constants["w"], np.eye(2))


def weight(made: Any) -> Any:
    return made.graph.initializer[0]


def with_large_integer(made: Any) -> None:
    weight(made).ClearField("raw_data")
    weight(made).data_type = 3
    weight(made).int32_data.extend([1, 2, 3, 300])


def with_odd_name(made: Any) -> None:
    made.graph.node[0].name = "\x1b[2J"
    made.graph.node[0].input[1] = "q"


BROKEN: dict[str, tuple[Callable[[Any], object], tuple[str, str, str, str]]] = {
    "no operators": (
        lambda m: m.ClearField("opset_import"),
        (FORM, "the model", "0 versions of the operators", "one of 6 to 28"),
    ),
    "too new": (
        lambda m: setattr(m.opset_import[0], "version", 29),
        (FORM, "the model", "version 29 of the operators (opset)", "one of 6 to 28"),
    ),
    "too old": (
        lambda m: setattr(m.opset_import[0], "version", 5),
        (FORM, "the model", "version 5 of the operators (opset)", "one of 6 to 28"),
    ),
    "a value that is not there": (
        lambda m: m.graph.node[1].input.__setitem__(0, "q"),
        (
            FORM,
            "the model: n/y (Relu) -> y",
            "the value 'q' is not there",
            "each value is made once, before it is used",
        ),
    ),
    "a value made twice": (
        lambda m: m.graph.node[1].output.__setitem__(0, "p"),
        (
            FORM,
            "the model: n/y (Relu) -> p",
            "the value 'p' is made again",
            "each value is made once, before it is used",
        ),
    ),
    "an initializer twice": (
        lambda m: m.graph.initializer.append(weight(m)),
        (
            FORM,
            "the model: w (initializer)",
            "a name that stands twice",
            "each value is made once",
        ),
    ),
    "no such output": (
        lambda m: setattr(m.graph.output[0], "name", "z"),
        (
            FORM,
            "the model",
            "the output 'z' is not there",
            "each value is made once, before it is used",
        ),
    ),
    "a sparse tensor": (
        lambda m: m.graph.sparse_initializer.add(),
        (FORM, "the model", "sparse initializers", "dense ones"),
    ),
    "a subgraph": (
        lambda m: m.graph.node[0].attribute.add(name="then", type=5),
        (
            FORM,
            "the model: n/p (MatMul) -> p",
            "attribute then of type 5",
            "numbers, text and tensors: no subgraphs",
        ),
    ),
    "a tensor that is too short": (
        lambda m: setattr(weight(m), "raw_data", b"1234"),
        (FORM, "the model: w (initializer)", "4 bytes for shape [2, 2]", "16 bytes"),
    ),
    "numbers that are missing": (
        lambda m: weight(m).ClearField("raw_data"),
        (FORM, "the model: w (initializer)", "0 numbers for shape [2, 2]", "4 numbers"),
    ),
    "a negative axis": (
        lambda m: weight(m).dims.__setitem__(0, -1),
        (FORM, "the model: w (initializer)", "shape [-1, 2]", "8 axes, of 0 or more"),
    ),
    "a declared size": (
        lambda m: weight(m).dims.__setitem__(0, 2**40),
        (
            SAFE,
            "the model: w (initializer)",
            f"a tensor of {2**43:,} bytes",
            "1,073,741,824 bytes in all tensors together",
        ),
    ),
    "float16": (
        lambda m: setattr(weight(m), "data_type", 10),
        (
            FORM,
            "the model: w (initializer)",
            "numbers of type 10",
            "float32 or float64, integers",
        ),
    ),
    "float16 enters": (
        lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 10),
        (
            FORM,
            "the model: x (input)",
            "numbers of type 10, 2 axes",
            "float32 or float64, integers; up to 8 axes",
        ),
    ),
    "NaN": (
        lambda m: weight(m).CopyFrom(
            numpy_helper.from_array(np.array([[1, np.nan], [0, 0]], np.float32), "w")
        ),
        (NUMBERS, "the model: w (initializer)", "1 of 4 are not finite (nan)", "finite numbers"),
    ),
    "an integer out of range": (
        with_large_integer,
        (FORM, "the model: w (initializer)", "a number that is no int8", "-128 to 127"),
    ),
    "a name that moves the cursor": (
        with_odd_name,
        (
            FORM,
            "the model: \\x1b[2J (MatMul) -> p",
            "the value 'q' is not there",
            "each value is made once, before it is used",
        ),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    change, wanted = BROKEN[name]
    made = small()
    change(made)
    assert text(*wanted) in refusal(made)


def test_all_at_once() -> None:
    made = small()
    made.opset_import[0].version = 99
    made.graph.node[0].input[1] = "v"
    weight(made).data_type = 10
    assert refusal(made).count("error[SNN140]") == 3


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"\x89HDF\r\n\x1a\n", "a field that ends behind its message"),
        (b"\x0b" * 99, "a field of wire type 3"),
        (b"\x0a\x04ab", "a field that ends behind its message"),
        (b"\x3a\xff\xff\xff\xff\x0f", "a field that ends behind its message"),
        (b"\x0d\x01", "a field that ends behind its message"),
        (b"\x08" + b"\xff" * 99, "a number that does not end"),
        (bytes(99), "a field of number 0"),
        (b"\x12\x01\xff\x3a\x02\x0a\xff", "a number that does not end"),
        (b"\x0f\x01", "a field of wire type 7"),
    ],
)
def test_no_model(tmp_path: Path, content: bytes, found: str) -> None:
    path = written(tmp_path, content)
    assert refusal(path) == text(FORM, str(path), found, "a model of ONNX")


def test_not_there(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    limit = "a file that can be read"
    assert refusal(path) == text(READABLE, str(path), "No such file or directory", limit, CHECK)
    assert refusal(tmp_path) == text(READABLE, str(tmp_path), "not a regular file", limit, CHECK)
    os.mkfifo(path)
    assert refusal(path) == text(READABLE, str(path), "not a regular file", limit, CHECK)


def test_no_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setattr("snnc.frontends.packages.find_spec", lambda _: None)
    with pytest.raises(EnvironmentFault) as caught:
        read_onnx("m.onnx")
    assert str(caught.value) == text(
        "error[SNN501]: the packages that a run needs are installed",
        "framework onnx",
        "onnx is not installed",
        "importing a model of ONNX needs onnx 1.21 or newer",
        "pip install 'snnc[onnx]'",
    )
