"""ONNX models that cannot be imported are refused, naming the node: the whole text is compared."""
# torch, snntorch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.onnx.convert import LAYOUT
from snnc.frontends.onnx.frontend import from_onnx
from snnc.frontends.onnx.handlers import HANDLERS
from tests.frontends.cases import Refused, over
from tests.frontends.onnx.models import model, node, random
from tests.frontends.onnx.test_file import text
from tests.frontends.onnx.test_step import exported, leaky, linear, module_of
from tests.frontends.optional import optional

torch, snntorch = optional("torch"), optional("snntorch")

pytestmark = pytest.mark.onnx

UNSUPPORTED = "error[SNN142]: every operator of an ONNX model is one that snnc can convert"
STATELESS = "error[SNN143]: a spiking model is exported with its states as inputs and outputs"
UNKNOWN = "error[SNN144]: every state of an ONNX model is updated as a known neuron updates it"
DATA = "error[SNN145]: a network of ReLUs is converted with typical input data at hand"
NUMBERS = "error[SNN105]: every parameter is finite and in the range where its equation makes sense"
OPTION = "error[SNN004]: options have a value in their range and fit together"
OTHERWISE = "export the model without it; docs/onnx.md lists what is supported"
SUPPORTED = (
    "Add, AveragePool, BatchNormalization, Cast, Clip, Concat, Conv, DequantizeLinear, Div, "
    "Dropout, Flatten, Gather, Gemm, GlobalAveragePool, GlobalMaxPool, Identity, LogSoftmax, "
    "MatMul, MaxPool, Mul, Neg, Pad, QuantizeLinear, ReduceMean, Relu, Reshape, Slice, Softmax, "
    "Squeeze, Sub, Sum, Transpose, Unsqueeze"
)
IMAGE = (2, 6, 6)
WEIGHT = random(3, 2, 3, 3)


def refusal(made: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        from_onnx(made, **options)
    return str(caught.value)


def image(*nodes: Any, **constants: Any) -> Any:
    return model(nodes, {"x": ["n", *IMAGE]}, **constants)


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


STATES = "an input for the state of every neuron, and an output for the next"


@pytest.mark.torch
@pytest.mark.parametrize("dynamo", [False, True])
def test_stateless_export(dynamo: bool) -> None:
    """``init_hidden=True``: both exporters take the state for the number 0, and say nothing."""
    layer = snntorch.Leaky(beta=0.9, init_hidden=True)
    module = module_of(lambda m, x: m.lif(m.fc(x)), fc=linear(3, 4), lif=layer)
    made = exported(module, torch.rand(1, 4), dynamo=dynamo)
    (greater,) = (n for n in made.graph.node if n.op_type == "Greater")
    assert refusal(made) == text(
        STATELESS,
        f"the model: {greater.name} (Greater) -> {greater.output[0]}",
        "a comparison of values that no state enters",
        STATES,
        "give forward the states as arguments, return the new ones, and export with both",
    )


@pytest.mark.torch
@pytest.mark.parametrize("dynamo", [False, True])
@pytest.mark.parametrize("batch", [1, 2])
def test_stateless_export_of_a_read_out(dynamo: bool, batch: int) -> None:
    """Nothing is compared: only the zeros that stand for the state tell of its memory."""
    layer = snntorch.Leaky(beta=0.9, reset_mechanism="none")
    module = module_of(lambda m, x: m.lif(m.fc(x))[1], fc=linear(3, 4), lif=layer)
    made = exported(module, torch.rand(batch, 4), dynamo=dynamo)
    (add,) = (n for n in made.graph.node if n.op_type == "Add")
    assert refusal(made) == text(
        STATELESS,
        f"the model: {add.name} (Add) -> {add.output[0]}",
        f"zeros of shape [{batch}, 3]: a state that the exporter took for numbers",
        STATES,
        "give forward the states as arguments, return the new ones, and export with both",
    )


@pytest.mark.torch
def test_state_that_does_not_leave() -> None:
    module, _ = leaky()
    made = exported(module, torch.rand(1, 7), torch.zeros(1, 9), dynamo=False)
    del made.graph.output[1]
    assert refusal(made) == text(
        STATELESS,
        "the model: /lif/Greater_1 (Greater) -> /lif/Greater_1_output_0",
        "no output for what becomes of mem",
        STATES,
        "return the new states too, and export again",
    )


def neuron(*nodes: Any, outputs: tuple[str, ...] = ("s", "v1"), **constants: Any) -> Any:
    given = [
        node("MatMul", "x w", "i"),
        node("Mul", "v decay", "kept"),
        node("Add", "kept i", "u"),
        node("Greater", "u threshold", "above"),
        node("Cast", "above", "s", to=1),
        *nodes,
    ]
    numbers: dict[str, Any] = {"w": random(2, 3), "decay": 0.5, "threshold": 1.0, **constants}
    return model(given, {"x": [1, 2], "v": [1, 3]}, outputs, **numbers)


WRITE = "write the update as one of these, or import the module itself: FILE.py:FUNCTION"
KNOWN = "an update of docs/onnx.md: leak, currents, spike above a threshold, reset"


def test_unknown_reset() -> None:
    made = neuron(node("Mul", "s half", "r"), node("Sub", "u r", "v1"), half=0.5)
    assert refusal(made) == text(
        UNKNOWN,
        "the model: v1 (output)",
        "an update that no known neuron makes: v1 = 0.5 * v + 1 * i + -0.5 * n/above",
        KNOWN,
        WRITE,
    )


def test_state_times_state() -> None:
    made = neuron(node("Mul", "u v", "v1"))
    assert refusal(made) == text(
        UNKNOWN,
        "the model: n/v1 (Mul) -> v1",
        "the product v * v",
        "sums of states and currents, times numbers and spikes",
        OTHERWISE,
    )


def test_state_that_goes_on() -> None:
    made = neuron(
        node("MatMul", "u w2", "y"), node("Sub", "u s", "v1"), outputs=("y", "v1"), w2=random(3, 2)
    )
    assert refusal(made) == text(
        UNKNOWN,
        "the model: n/y (MatMul) -> y",
        "u = 0.5 * v + 1 * i goes on",
        "spikes go on, no states",
        OTHERWISE,
    )


def test_relu_beside_neurons() -> None:
    made = neuron(
        node("Sub", "u s", "v1"),
        node("MatMul", "s w2", "p"),
        node("Relu", "p", "y"),
        outputs=("y", "v1"),
        w2=random(3, 2),
    )
    assert refusal(made) == text(
        UNSUPPORTED,
        "the model: n/y (Relu) -> y",
        "Relu beside spiking neurons",
        "neurons with a state, or a network of ReLUs",
        OTHERWISE,
    )


RETURNED = (
    "no state, but of the shape [3] of n, whose spikes are the output s, and enters n",
    "spikes that return to their neurons are a connection, not an input",
    "import the module itself: FILE.py:FUNCTION; data of that shape need an axis more",
)


@pytest.mark.torch
@pytest.mark.parametrize("dynamo", [False, True])
def test_spikes_that_return(dynamo: bool) -> None:
    """A recurrent layer: its spikes are an input that no equation tells from data."""
    layer = snntorch.RLeaky(beta=0.9, linear_features=8)
    module = module_of(lambda m, x, s, v: m.l(m.fc(x), s, v), fc=linear(8, 5), l=layer)
    states = (torch.zeros(1, 8), torch.zeros(1, 8))
    made = exported(module, torch.zeros(1, 5), *states, dynamo=dynamo)
    name, spikes, owner = (
        made.graph.input[1].name,
        made.graph.output[0].name,
        "v" if dynamo else "l",
    )
    found = f"no state, but of the shape [8] of {owner}, whose spikes are the output {spikes}, and "
    assert refusal(made) == text(
        UNKNOWN, f"the model: {name} (input)", f"{found}enters {owner}", *RETURNED[1:]
    )


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


def test_spikes_that_return_without_weights() -> None:
    made = two_inputs(
        {"x": [1, 2], "b": [1, 3]}, node("MatMul", "x w", "a"), node("Add", "a b", "i")
    )
    assert refusal(made) == text(UNKNOWN, "the model: b (input)", *RETURNED)


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
