"""ONNX's own conformance tests: every operator gives what the standard says, within its tolerance.

They come with the package onnx: models exported from PyTorch with inputs and outputs as files, one
test or more for each operator as Python code, and well-known networks filled with one number.
"""
# onnx's messages have no attributes that type checkers see:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.onnx.file import read_onnx
from snnc.frontends.onnx.model import Array
from snnc.frontends.onnx.ops import OPERATORS
from snnc.frontends.onnx.run import evaluate
from tests.frontends.cases import over
from tests.frontends.optional import optional

onnx, numpy_helper = optional("onnx"), optional("onnx.numpy_helper")

pytestmark = pytest.mark.onnx

SPEC = find_spec("onnx")
DATA = Path(SPEC.origin if SPEC and SPEC.origin else ".").parent / "backend" / "test" / "data"
TOLERANCE: Any = {"rtol": 1e-3, "atol": 1e-7}
"""Of ONNX's own runner (onnx 1.23.2, ``backend/test/loader/__init__.py``)."""

FOREIGN = {
    *("Abs", "ConcatFromSequence", "ConvTranspose", "Elu", "Exp", "Expand", "Gradient"),
    *("InstanceNormalization", "LeakyRelu", "Max", "Min", "PRelu", "Pow", "ReduceSum"),
    *("Selu", "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase"),
    *("SequenceInsert", "SequenceLength", "Shrink", "Sigmoid", "Sign", "Softplus", "Split"),
    *("SplitToSequence", "Sqrt", "StringNormalizer", "Tanh", "Tile"),
}
"""Operators of the files that are none of ours: they have no place in a network of spikes."""


def folders() -> list[Path]:
    """Give the tests that are files, by name."""
    return sorted(p for n in ("converted", "operator") for p in DATA.glob(f"pytorch-{n}/*")) + (
        sorted(DATA.glob("simple/*"))
    )


def compared(model: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
    read = read_onnx(model)
    feeds = {one.name: array(x) for one, x in zip(read.inputs, inputs, strict=False)}
    found = evaluate(read, feeds, read.outputs)
    for name, wanted in zip(read.outputs, map(array, outputs), strict=True):
        np.testing.assert_allclose(found[name], wanted, **TOLERANCE)
        assert (found[name].dtype, found[name].shape) == (wanted.dtype, wanted.shape)


def array(value: Any) -> Array:
    return np.asarray(
        numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
    )


def arrays(folder: Path, kind: str) -> Iterator[Array]:
    for path in sorted(folder.glob(f"{kind}_*.pb"), key=lambda p: int(p.stem.rpartition("_")[2])):
        tensor = onnx.TensorProto()
        tensor.ParseFromString(path.read_bytes())
        yield array(tensor)


def operators(model: Any) -> set[str]:
    return {str(node.op_type) for node in model.graph.node}


@pytest.mark.parametrize("folder", folders(), ids=lambda p: p.name.removeprefix("test_"))
def test_file(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    foreign = operators(model) - set(OPERATORS)
    if foreign:
        assert foreign <= FOREIGN, "neither computed nor listed"
        return
    sets = sorted(folder.glob("test_data_set_*"))
    assert sets
    for one in sets:
        compared(model, list(arrays(one, "input")), list(arrays(one, "output")))


def test_files_are_there_and_none_is_listed_that_is_computed() -> None:
    models = [onnx.load(f / "model.onnx", load_external_data=False) for f in folders()]
    assert len(models) == 140
    assert sum(operators(m) <= set(OPERATORS) for m in models) == 84
    assert {op for m in models for op in operators(m)} - set(OPERATORS) == FOREIGN


OTHER_NUMBERS = {
    *(f"{way}quantizelinear_{kind}" for way in ("", "de") for kind in ("e4m3fn", "e5m2")),
    *(f"{way}quantizelinear_{kind}" for way in ("", "de") for kind in ("uint4", "int4")),
    *(f"{way}quantizelinear_{kind}" for way in ("", "de") for kind in ("uint2", "int2")),
    *(f"{way}quantizelinear_float4e2m1" for way in ("", "de")),
    *("dequantizelinear_e4m3fn_float16", "dequantizelinear_e4m3fn_zero_point"),
    *("identity_sequence", "identity_opt"),
}
"""Numbers of 8 bits and fewer with a point, whole ones of 2 and 4 bits, and what is no tensor."""
REFUSED = {
    "in training": {
        *("batchnorm_example_training_mode", "batchnorm_epsilon_training_mode"),
        *("training_dropout", "training_dropout_default", "training_dropout_default_mask"),
        *("training_dropout_mask", "training_dropout_zero_ratio"),
        "training_dropout_zero_ratio_mask",
    },
    "a second output": {
        *("dropout_default_mask", "dropout_default_mask_ratio"),
        *("maxpool_with_argmax_2d_precomputed_pads", "maxpool_with_argmax_2d_precomputed_strides"),
    },
}
"""What no trained network of ReLUs or spikes needs, by reason."""
CASTS = ("FLOAT", "DOUBLE", "UINT8", "INT8", "INT32", "INT64", "BOOL")
"""Between these types ``Cast`` is computed."""


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Any]]:
    """Give ONNX's node tests that use one operator, by the operator."""
    found: dict[str, list[Any]] = defaultdict(list)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some provoke overflow on purpose
        collect = optional("onnx.backend.test.case.node").collect_testcases
        for case in collect(None):
            if len(operators(case.model)) == 1:
                found[operators(case.model).pop()].append(case)
    return found


def refused(name: str) -> bool:
    if name.startswith("cast"):
        types = re.fullmatch(r"cast(?:like)?_([A-Z0-9]+)_to_([A-Z0-9]+)(_expanded)?", name)
        return types is None or not {types[1], types[2]} <= set(CASTS)
    return name in OTHER_NUMBERS.union(*REFUSED.values())


@dataclass(frozen=True)
class Operator:
    """An operator, and how many of ONNX's tests of it are computed and refused."""

    name: str
    computed: int
    refused: int

    def __str__(self) -> str:
        return self.name


COMPUTED = [
    Operator("Add", 8, 0),
    Operator("AveragePool", 20, 0),
    Operator("BatchNormalization", 2, 2),
    Operator("Cast", 4, 112),
    Operator("Clip", 12, 0),
    Operator("Concat", 12, 0),
    Operator("Constant", 1, 0),
    Operator("ConstantOfShape", 3, 0),
    Operator("Conv", 6, 0),
    Operator("DequantizeLinear", 5, 9),
    Operator("Div", 10, 0),
    Operator("Dropout", 4, 8),
    Operator("Flatten", 9, 0),
    Operator("Gather", 4, 0),
    Operator("Gemm", 11, 0),
    Operator("GlobalAveragePool", 2, 0),
    Operator("GlobalMaxPool", 2, 0),
    Operator("Greater", 8, 0),
    Operator("Identity", 3, 2),
    Operator("Less", 8, 0),
    Operator("LogSoftmax", 7, 0),
    Operator("MatMul", 7, 0),
    Operator("MaxPool", 17, 2),
    Operator("Mul", 9, 0),
    Operator("Neg", 2, 0),
    Operator("Pad", 6, 0),
    Operator("QuantizeLinear", 6, 7),
    Operator("ReduceMean", 8, 0),
    Operator("Relu", 1, 0),
    Operator("Reshape", 10, 0),
    Operator("Shape", 11, 0),
    Operator("Slice", 8, 0),
    Operator("Softmax", 7, 0),
    Operator("Squeeze", 2, 0),
    Operator("Sub", 9, 0),
    Operator("Sum", 3, 0),
    Operator("Transpose", 7, 0),
    Operator("Unsqueeze", 7, 0),
]


@over(COMPUTED)
def test_operator(case: Operator, cases: dict[str, list[Any]]) -> None:
    names = [one.name.removeprefix("test_") for one in cases[case.name]]
    assert sum(map(refused, names)) == case.refused
    assert len(names) == case.computed + case.refused
    for name, one in zip(names, cases[case.name], strict=True):
        for inputs, outputs in one.data_sets:
            if refused(name):
                with pytest.raises(InputError):
                    compared(one.model, inputs, outputs)
            else:
                compared(one.model, inputs, outputs)


def test_every_operator_is_listed() -> None:
    assert [one.name for one in COMPUTED] == sorted(OPERATORS)


def test_every_operator_has_its_tests(cases: dict[str, list[Any]]) -> None:
    names = [c.name.removeprefix("test_") for op in OPERATORS for c in cases[op]]
    assert OTHER_NUMBERS.union(*REFUSED.values()) <= set(names), "listed, and not there"
    assert len([n for n in names if not n.startswith("cast")]) == 287
    assert len([n for n in names if not refused(n)]) == 261


@pytest.mark.slow
@pytest.mark.parametrize(
    "network", ["squeezenet", "shufflenet", "resnet50", "inception_v2", "densenet121"]
)
def test_network(network: str) -> None:
    """The input is what ONNX's runner gives a network without data of its own."""
    model = read_onnx(DATA / "light" / f"light_{network}.onnx")
    (one,) = model.inputs
    size = int(np.prod(one.features))
    x = (np.arange(size, dtype=np.float32) / size).reshape(1, *one.features)
    tensor = onnx.TensorProto()
    tensor.ParseFromString((DATA / "light" / f"light_{network}_output_0.pb").read_bytes())
    (output,) = evaluate(model, {one.name: x}, model.outputs).values()
    np.testing.assert_allclose(output, numpy_helper.to_array(tensor), **TOLERANCE)
