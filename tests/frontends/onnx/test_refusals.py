"""Operators of ONNX that cannot be compiled: each is named, with the limit."""
# torch, snntorch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from snnc.frontends.onnx.convert import LAYOUT
from snnc.frontends.onnx.handlers import HANDLERS
from tests.frontends.cases import Refused, over
from tests.frontends.onnx.models import model, node, random
from tests.frontends.onnx.refused import (
    IMAGE,
    OTHERWISE,
    UNSUPPORTED,
    WEIGHT,
    image,
    refusal,
)
from tests.frontends.onnx.test_file import text

pytestmark = pytest.mark.onnx
NUMBERS = "error[SNN105]: every parameter is finite and in the range where its equation makes sense"
SUPPORTED = (
    "Add, AveragePool, BatchNormalization, Cast, Clip, Concat, Conv, DequantizeLinear, Div, "
    "Dropout, Flatten, Gather, Gemm, GlobalAveragePool, GlobalMaxPool, Identity, LogSoftmax, "
    "MatMul, MaxPool, Mul, Neg, Pad, QuantizeLinear, ReduceMean, Relu, Reshape, Slice, Softmax, "
    "Squeeze, Sub, Sum, Transpose, Unsqueeze"
)


def test_the_list_is_the_table() -> None:
    assert ", ".join(sorted({*HANDLERS, *LAYOUT})) == SUPPORTED


REFUSED: dict[str, tuple[Callable[[], Any], str, str, str]] = {
    "unknown": (
        lambda: image(node("Sigmoid", "x", "y")),
        "n/y (Sigmoid) -> y",
        "the operator Sigmoid",
        SUPPORTED,
    ),
    "known for numbers only": (
        lambda: image(node("ConstantOfShape", "x", "y")),
        "n/y (ConstantOfShape) -> y",
        "ConstantOfShape of values that depend on the data",
        SUPPORTED,
    ),
    "softmax inside": (
        lambda: image(node("Softmax", "x", "p"), node("Relu", "p", "y")),
        "n/p (Softmax) -> p",
        "Softmax inside of the model",
        "Softmax at its end",
    ),
    "softmax over space": (
        lambda: image(node("Softmax", "x", "y")),
        "n/y (Softmax) -> y",
        "Softmax over axis -1 of [batch, 2, 6, 6]",
        "axis 1, that of the classes",
    ),
    "softmax over the batch": (
        lambda: model([node("LogSoftmax", "x", "y", axis=0)], {"x": ["n", 4]}),
        "n/y (LogSoftmax) -> y",
        "LogSoftmax over axis 0 of [batch, 4]",
        "axis 1, that of the classes",
    ),
    "a crop": (
        lambda: image(
            node("Slice", "x one five two", "p"),
            node("Conv", "p w", "y"),
            one=np.array([1]),
            five=np.array([5]),
            two=np.array([2]),
            w=WEIGHT,
        ),
        "n/y (Conv) -> y",
        "a part of [2, 6, 6], cropped to [2, 4, 6]",
        "whole channels: a crop is not supported",
    ),
    "attention": (
        lambda: model([node("MatMul", "x x", "y")], {"x": ["n", 4]}),
        "n/y (MatMul) -> y",
        "inputs that depend on the data twice",
        "one input that is not a number",
    ),
    "product of values": (
        lambda: image(node("Mul", "x x", "y")),
        "n/y (Mul) -> y",
        "Mul of two values",
        "Mul of a value and a number",
    ),
    "division by values": (
        lambda: image(node("Div", "one x", "y"), one=1.0),
        "n/y (Div) -> y",
        "a division by a value or by zero",
        "a value divided by a number",
    ),
    "three axes": (
        lambda: model(
            [node("Conv", "x w", "y")], {"x": ["n", 1, 4, 4, 4]}, w=random(1, 1, 2, 2, 2)
        ),
        "n/y (Conv) -> y",
        "a kernel of 3 axes",
        "1 or 2 axes",
    ),
    "channels that do not fit": (
        lambda: image(node("Conv", "x w", "y"), w=random(3, 5, 3, 3)),
        "n/y (Conv) -> y",
        "weights [3, 5, 3, 3] in 1 groups on [2, 6, 6]",
        "weights [c_out, c_in / groups, *kernel]",
    ),
    "a matrix on an image": (
        lambda: image(node("MatMul", "x w", "y"), w=random(6, 3)),
        "n/y (MatMul) -> y",
        "a matrix [6, 3] on values of shape [2, 6, 6]",
        "one axis beside the batch",
    ),
    "clip from another number": (
        lambda: image(
            node("Clip", "x low high", "y"), low=np.float32(-1) * np.ones(()), high=np.ones(())
        ),
        "n/y (Clip) -> y",
        "values between -1 and 1",
        "from 0 to a number above 0",
    ),
    "mean over channels": (
        lambda: image(node("ReduceMean", "x axes", "y"), axes=np.array([1])),
        "n/y (ReduceMean) -> y",
        "axes [1] of values of shape [batch, 2, 6, 6]",
        "spatial axes of [batch, channels, *spatial], 1 or 2 of them",
    ),
    "padding by reflection": (
        lambda: image(
            node("Pad", "x pads", "y", mode="reflect"), pads=np.array([0, 0, 1, 1, 0, 0, 1, 1])
        ),
        "n/y (Pad) -> y",
        "mode reflect, value 0, pads [(0, 0), (0, 0), (1, 1), (1, 1)]",
        "zeros around a value",
    ),
    "padding of channels": (
        lambda: image(node("Pad", "x pads", "y"), pads=np.array([0, 1, 0, 0, 0, 0, 0, 0])),
        "n/y (Pad) -> y",
        "pads [(0, 0), (1, 0), (0, 0), (0, 0)]",
        "zeros around 1 or 2 spatial axes",
    ),
    "mixed samples": (
        lambda: image(
            node("Flatten", "x", "p", axis=0), node("MatMul", "p w", "y"), w=random(144, 3)
        ),
        "n/y (MatMul) -> y",
        "a value of shape [1, 144] whose first axis is not the batch",
        "the first axis of every value is the batch",
    ),
    "training mode": (
        lambda: image(
            node("BatchNormalization", "x s s s s", "y", training_mode=1),
            s=np.ones(2, np.float32),
        ),
        "n/y (BatchNormalization) -> y",
        "training mode",
        "the statistics of the training, as numbers",
    ),
    "a sum over the batch": (
        lambda: image(node("Add", "x b", "y"), b=random(2, *IMAGE)),
        "n/y (Add) -> y",
        "numbers of shape [2, 2, 6, 6], one for each sample",
        "the same numbers for all samples",
    ),
    "values of two shapes": (
        lambda: image(node("MaxPool", "x", "p", kernel_shape=[6, 6]), node("Add", "x p", "y")),
        "n/y (Add) -> y",
        "values of shape [2, 6, 6] + [2, 1, 1]",
        "values of one shape",
    ),
    "another scale than was quantized": (
        lambda: image(
            node("QuantizeLinear", "x a z", "p"),
            node("DequantizeLinear", "p b z", "y"),
            a=0.1,
            b=0.2,
            z=np.zeros((), np.int8),
        ),
        "n/y (DequantizeLinear) -> y",
        "other numbers than were quantized",
        "the scale and zero point of the QuantizeLinear before it",
    ),
    "a mask": (
        lambda: image(node("Dropout", "x", "p m"), node("Relu", "m", "y")),
        "n/y (Relu) -> y",
        "the second output 'm' of an operator",
        "first outputs",
    ),
    "an output of numbers": (
        lambda: image(node("Relu", "x", "p"), node("Constant", "", "y", value_float=1.0)),
        "y (output)",
        "an output that does not depend on the data",
        "one that does",
    ),
    "a dynamic shape": (
        lambda: model([node("Relu", "x", "y")], {"x": ["n", 3, "h", "w"]}),
        "x (input)",
        "float32 of shape [?, 3, ?, ?]",
        "float32 of shape [batch, *shape]; the batch alone may be open",
    ),
}
FOR_ONE_SHAPE = "export the model for one shape, with no dynamic axes but the batch"
CHANNELS_FIRST = "export the model with channels first: [batch, channels, *spatial]"


@over(
    [
        Refused(
            name,
            make,
            found,
            FOR_ONE_SHAPE if name == "a dynamic shape" else OTHERWISE,
            "" if limit == SUPPORTED else limit,
        )
        for name, (make, _, found, limit) in REFUSED.items()
    ]
)
def test_refused(case: Refused) -> None:
    place = f"the model: {REFUSED[case.form][1]}"
    wanted = text(UNSUPPORTED, place, case.found, case.limit or SUPPORTED, case.remedy)
    assert refusal(case.make()) == wanted


def test_channels_last() -> None:
    made = image(
        node("Transpose", "x", "p", perm=[0, 2, 3, 1]),
        node("Conv", "p w", "y"),
        w=random(3, 6, 1, 1),
    )
    assert refusal(made) == text(
        UNSUPPORTED,
        "the model: n/y (Conv) -> y",
        "a value of shape [6, 6, 2] made of [2, 6, 6]",
        "a value [channels, *spatial]",
        CHANNELS_FIRST,
    )


def test_all_at_once_and_nothing_that_follows() -> None:
    made = image(
        node("Tanh", "x", "p"),
        node("Relu", "p", "q"),
        node("Elu", "x", "r"),
        node("Add", "q r", "y"),
    )
    said = refusal(made)
    assert said.count("error[") == 2
    assert "the operator Tanh" in said
    assert "the operator Elu" in said


def test_weights_that_are_not_finite() -> None:
    made = image(
        node("Conv", "x w", "p"),
        node("BatchNormalization", "p one one one var", "y"),
        w=WEIGHT,
        one=np.ones(3, np.float32),
        var=np.full(3, -1, np.float32),
    )
    assert refusal(made, calibration=random(4, *IMAGE)) == text(
        NUMBERS,
        "the model: y (output)",
        "54 of 54 weights are not finite (nan)",
        "finite numbers in float32",
        "correct the parameter, or train again",
    )


@pytest.mark.parametrize("inside", [False, True])
def test_values_that_are_clipped(inside: bool) -> None:
    """Neither an input nor a value without a ReLU is clipped by anything in the graph."""
    value = "p" if inside else "x"
    made = image(
        node("Neg", "x", "p"),
        node("QuantizeLinear", f"{value} s z", "k"),
        node("DequantizeLinear", "k s z", "d"),
        node("Relu", "d", "y"),
        s=0.01,
        z=np.array(1, np.int8),
    )
    x = np.zeros((2, *IMAGE), np.float32)
    x[0, 0, 0, :3] = [2, 1.5, -1.264]
    if inside:
        x *= -1
    assert refusal(made, calibration=x) == text(
        UNSUPPORTED,
        "the model: n/k (QuantizeLinear) -> k",
        "2 of 144 values of the calibration data are outside of -1.29 to 1.26, the values that "
        "int8 stands for",
        "values that are rounded, and not clipped, where no ReLU is before",
        "quantize for the range of the data, or export the model not quantized",
    )
