"""Networks of ReLUs become networks of spikes with their rates.

The oracle is ONNX's own reference evaluator: with thresholds at the largest activation, and every
neuron at the rate of infinitely many steps, the graph gives what the model gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import nir
import numpy as np
import pytest

from snnc.frontends.onnx.frontend import from_onnx
from tests.frontends.cases import Case, over
from tests.frontends.nir.run import rates
from tests.frontends.onnx.models import model, node, random, reference
from tests.frontends.optional import optional

pytestmark = [pytest.mark.torch, pytest.mark.onnx]

torch, nn = optional("torch"), optional("torch.nn")

BATCH = 5
IMAGE, LINE, VECTOR = (3, 9, 8), (3, 11), (7,)
WEIGHT = random(4, 3, 3, 2, seed=1)
BIAS = random(4, seed=2)
DOWN = random(10, 6, seed=3)
STATISTICS: dict[str, Any] = {
    "scale": random(3, seed=4),
    "shift": random(3, seed=5),
    "mean": random(3, seed=6),
    "var": np.abs(random(3, seed=7)) + np.float32(0.5),
}


def integers(*values: int) -> Any:
    return np.array(values, np.int64)


def two_layers(*nodes: Any, shape: Sequence[int] = IMAGE, **constants: Any) -> Any:
    """``x``, then ``nodes`` that make ``a``, then ReLU, flattened, and a matrix."""
    made = model(
        [
            *nodes,
            node("Relu", "a", "b"),
            node("Flatten", "b", "c"),
            node("MatMul", "c last", "y"),
        ],
        {"x": ["n", *shape]},
        **constants,
    )
    probe = reference(
        model(nodes, {"x": ["n", *shape]}, ["a"], **constants), {"x": random(1, *shape)}
    )
    size = int(np.prod(probe[0].shape[1:]))
    last = random(size, 4, seed=8)
    return model(made.graph.node, {"x": ["n", *shape]}, last=last, **constants)


def conv(**attributes: Any) -> Any:
    return two_layers(node("Conv", "x w b1", "a", **attributes), w=WEIGHT, b1=BIAS)


MODELS: dict[str, Callable[[], Any]] = {
    "convolution": conv,
    "stride, dilation, padding": lambda: conv(strides=[2, 1], dilations=[2, 3], pads=[1, 2, 1, 2]),
    "padding on one side": lambda: conv(pads=[2, 0, 1, 3]),
    "auto_pad SAME_UPPER": lambda: conv(auto_pad="SAME_UPPER", strides=[2, 2]),
    "auto_pad SAME_LOWER": lambda: conv(auto_pad="SAME_LOWER", strides=[2, 3]),
    "auto_pad VALID": lambda: conv(auto_pad="VALID"),
    "groups": lambda: two_layers(node("Conv", "x w", "a", group=3), w=random(6, 1, 3, 3, seed=1)),
    "convolution of one axis": lambda: two_layers(
        node("Conv", "x w b1", "a", pads=[1, 2], strides=[2], dilations=[2]),
        shape=LINE,
        w=random(4, 3, 3, seed=1),
        b1=BIAS,
    ),
    "gemm": lambda: two_layers(
        node("Gemm", "x w b1", "a", transB=1, alpha=0.5, beta=2.0),
        shape=VECTOR,
        w=random(4, 7, seed=1),
        b1=BIAS,
    ),
    "matmul and add": lambda: two_layers(
        node("MatMul", "x w", "p"),
        node("Add", "b1 p", "a"),
        shape=VECTOR,
        w=random(7, 4, seed=1),
        b1=BIAS,
    ),
    "batch norm behind a convolution": lambda: two_layers(
        node("Conv", "x w", "p"),
        node("BatchNormalization", "p scale shift mean var", "a", epsilon=1e-3),
        w=random(3, 3, 2, 2, seed=1),
        **STATISTICS,
    ),
    "batch norm before one": lambda: two_layers(
        node("BatchNormalization", "x scale shift mean var", "p"),
        node("Conv", "p w b1", "a", pads=[1, 1, 1, 1]),
        w=WEIGHT,
        b1=BIAS,
        **STATISTICS,
    ),
    "batch norm of a vector": lambda: two_layers(
        node("BatchNormalization", "x scale shift mean var", "p"),
        node("Relu", "p", "q"),
        node("BatchNormalization", "q scale shift mean var", "r"),
        node("MatMul", "r w", "a"),
        shape=(3,),
        w=random(3, 4, seed=1),
        **STATISTICS,
    ),
    "arithmetic with numbers": lambda: two_layers(
        node("Sub", "x m", "p"),
        node("Div", "p d", "q"),
        node("Conv", "q w", "r"),
        node("Mul", "r f", "s"),
        node("Sub", "one s", "t"),
        node("Neg", "t", "a"),
        w=WEIGHT,
        m=random(3, 1, 1, seed=2),
        d=np.abs(random(3, 1, 1, seed=3)) + np.float32(1),
        f=random(1, 4, 1, 1, seed=4),
        one=1.0,
    ),
    "relu, max pool": lambda: two_layers(
        node("Conv", "x w b1", "p"),
        node("Relu", "p", "q"),
        node("MaxPool", "q", "r", kernel_shape=[2, 2], strides=[2, 1], pads=[1, 0, 0, 1]),
        node("Conv", "r v", "a"),
        w=WEIGHT,
        b1=BIAS,
        v=random(2, 4, 2, 2, seed=9),
    ),
    "max pool, relu; ceil_mode, dilation": lambda: two_layers(
        node("Conv", "x w b1", "p"),
        node(
            "MaxPool", "p", "a", kernel_shape=[2, 2], strides=[3, 2], dilations=[2, 1], ceil_mode=1
        ),
        w=WEIGHT,
        b1=BIAS,
    ),
    "max pool of one axis": lambda: two_layers(
        node("MaxPool", "x", "p", kernel_shape=[3], strides=[2]),
        node("Conv", "p w", "a"),
        shape=LINE,
        w=random(4, 3, 3, seed=1),
    ),
    "global max pool": lambda: two_layers(
        node("Conv", "x w b1", "p"), node("GlobalMaxPool", "p", "a"), w=WEIGHT, b1=BIAS
    ),
    "average pool": lambda: two_layers(
        node("Conv", "x w b1", "p"),
        node("Relu", "p", "q"),
        node("AveragePool", "q", "r", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Conv", "r v", "a"),
        w=WEIGHT,
        b1=BIAS,
        v=random(2, 4, 1, 2, seed=9),
    ),
    "average pool that counts padding": lambda: two_layers(
        node("AveragePool", "x", "p", kernel_shape=[3, 2], pads=[1, 1, 0, 1], count_include_pad=1),
        node("Conv", "p w", "a"),
        w=WEIGHT,
    ),
    "average pool in ceil_mode": lambda: two_layers(
        node("AveragePool", "x", "p", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        node("Conv", "p w", "a"),
        w=WEIGHT,
    ),
    "average pool of one axis": lambda: two_layers(
        node("AveragePool", "x", "p", kernel_shape=[3], strides=[2]),
        node("Conv", "p w", "a"),
        shape=LINE,
        w=random(4, 3, 3, seed=1),
    ),
    "global average pool": lambda: two_layers(
        node("Conv", "x w b1", "p"),
        node("Relu", "p", "q"),
        node("GlobalAveragePool", "q", "r"),
        node("Conv", "r v", "a"),
        w=WEIGHT,
        b1=BIAS,
        v=random(2, 4, 1, 1, seed=9),
    ),
    "mean over the image": lambda: two_layers(
        node("Conv", "x w b1", "p"),
        node("Relu", "p", "q"),
        node("ReduceMean", "q axes", "r", keepdims=0),
        node("MatMul", "r v", "a"),
        w=WEIGHT,
        b1=BIAS,
        v=random(4, 5, seed=9),
        axes=integers(-1, -2),
    ),
    "mean over one axis of it": lambda: two_layers(
        node("ReduceMean", "x axes", "p"),
        node("Conv", "p w", "a"),
        w=random(4, 3, 2, 1, seed=1),
        axes=integers(3),
    ),
    "residual": lambda: two_layers(
        node("Conv", "x w", "p"),
        node("Relu", "p", "q"),
        node("Conv", "q v", "r", pads=[1, 1, 1, 1]),
        node("Add", "r q", "a"),
        w=random(3, 3, 2, 2, seed=1),
        v=random(3, 3, 3, 3, seed=2),
    ),
    "residual before the activation": lambda: two_layers(
        node("Conv", "x w", "p"),
        node("BatchNormalization", "p scale shift mean var", "q"),
        node("Relu", "q", "r"),
        node("Conv", "r v", "s", pads=[1, 1, 1, 1]),
        node("Sum", "s p p", "t"),
        node("BatchNormalization", "t scale shift mean var", "a"),
        w=random(3, 3, 2, 2, seed=1),
        v=random(3, 3, 3, 3, seed=2),
        **STATISTICS,
    ),
    "difference of two branches": lambda: two_layers(
        node("Conv", "x w", "p"),
        node("Conv", "x v", "q"),
        node("Sub", "p q", "a"),
        w=random(3, 3, 2, 2, seed=1),
        v=random(3, 3, 2, 2, seed=2),
    ),
    "the same twice": lambda: two_layers(
        node("Conv", "x w", "p"),
        node("Relu", "p", "q"),
        node("Add", "q q", "r"),
        node("Conv", "r v", "s"),
        node("Add", "s s", "a"),
        w=WEIGHT,
        v=random(3, 4, 2, 2, seed=2),
    ),
    "concatenation": lambda: two_layers(
        node("Conv", "x w", "p"),
        node("Relu", "p", "q"),
        node("Conv", "x v", "r"),
        node("Relu", "r", "s"),
        node("Concat", "q s q", "t", axis=1),
        node("MaxPool", "t", "u", kernel_shape=[2, 2]),
        node("Conv", "u z", "a", group=2),
        w=random(3, 3, 2, 2, seed=1),
        v=random(2, 3, 2, 2, seed=2),
        z=random(4, 4, 2, 2, seed=3),
    ),
    "concatenation and sum": lambda: two_layers(
        node("Conv", "x w", "p"),
        node("Conv", "x v", "q"),
        node("Relu", "q", "r"),
        node("Concat", "p r", "s", axis=1),
        node("Conv", "x u", "t"),
        node("Add", "s t", "a"),
        w=random(3, 3, 2, 2, seed=1),
        v=random(2, 3, 2, 2, seed=2),
        u=random(5, 3, 2, 2, seed=3),
    ),
    "concatenation of vectors, and batch norm": lambda: two_layers(
        node("MatMul", "x w", "p"),
        node("Relu", "p", "q"),
        node("MatMul", "x v", "r"),
        node("Concat", "q r", "s", axis=-1),
        node("BatchNormalization", "s scale shift mean var", "a"),
        shape=VECTOR,
        w=random(7, 1, seed=1),
        v=random(7, 2, seed=2),
        **STATISTICS,
    ),
    "shuffled channels": lambda: two_layers(
        node("Conv", "x w", "p"),
        node("Relu", "p", "q"),
        node("Reshape", "q apart", "r"),
        node("Transpose", "r", "s", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "s together", "t"),
        node("Conv", "t v", "a", group=3),
        w=random(6, 3, 2, 2, seed=1),
        v=random(3, 2, 2, 2, seed=2),
        apart=integers(0, 2, 3, 8, 7),
        together=integers(0, 6, 8, 7),
    ),
    "channels last before the matrix": lambda: two_layers(
        node("Conv", "x w", "p"),
        node("Relu", "p", "q"),
        node("Transpose", "q", "r", perm=[0, 2, 3, 1]),
        node("Reshape", "r flat", "s"),
        node("MatMul", "s v", "a"),
        w=WEIGHT,
        v=random(196, 6, seed=2),
        flat=integers(-1, 196),
    ),
    "padding by itself": lambda: two_layers(
        node("Pad", "x widths", "p"),
        node("Conv", "p w", "q"),
        node("Relu", "q", "r"),
        node("Pad", "r widths", "s"),
        node("Conv", "s v", "t"),
        node("Relu", "t", "u"),
        node("Pad", "u widths", "z"),
        node("AveragePool", "z", "a", kernel_shape=[2, 2]),
        w=WEIGHT,
        v=random(3, 4, 2, 2, seed=2),
        widths=integers(0, 0, 1, 2, 0, 0, 0, 1),
    ),
    "bounded activation": lambda: two_layers(
        node("Conv", "x w b1", "p"),
        node("Clip", "p low high", "q"),
        node("Conv", "q v", "a"),
        w=WEIGHT,
        b1=BIAS,
        v=random(3, 4, 2, 2, seed=2),
        low=np.array(0, np.float32),
        high=np.array(1.5, np.float32),
    ),
    "relu of a relu": lambda: two_layers(
        node("Conv", "x w b1", "p"),
        node("Relu", "p", "q"),
        node("Clip", "q low high", "a"),
        w=WEIGHT,
        b1=BIAS,
        low=np.array(0, np.float32),
        high=np.array(1.5, np.float32),
    ),
    "what does nothing": lambda: two_layers(
        node("Identity", "x", "p"),
        node("Unsqueeze", "p one", "q"),
        node("Squeeze", "q one", "r"),
        node("Conv", "r w", "s"),
        node("Dropout", "s", "t"),
        node("Cast", "t", "u", to=1),
        node("Pad", "u none", "a"),
        w=WEIGHT,
        one=integers(1),
        none=integers(0, 0, 0, 0, 0, 0, 0, 0),
    ),
    "numbers made by operators": lambda: two_layers(
        node("Constant", "", "v", value_floats=[0.5, -0.5, 1.0]),
        node("Reshape", "v form", "w1"),
        node("ConstantOfShape", "size", "ones"),
        node("Add", "ones w1", "w2"),
        node("Conv", "x w2", "p"),
        node("Shape", "p", "sizes"),
        node("Gather", "sizes zero", "n"),
        node("Concat", "n rest", "wanted", axis=0),
        node("Reshape", "p wanted", "a"),
        form=integers(1, 3, 1, 1),
        size=integers(2, 3, 1, 1),
        zero=integers(0),
        rest=integers(-1),
    ),
    "quantized": lambda: two_layers(
        node("DequantizeLinear", "w8 ws", "w"),
        node("QuantizeLinear", "x xs z", "x8"),
        node("DequantizeLinear", "x8 xs z", "x1"),
        node("Conv", "x1 w", "a"),
        w8=np.random.default_rng(0).integers(-9, 9, (4, 3, 2, 2)).astype(np.int8),
        ws=np.array(0.1, np.float32),
        xs=np.array(2e-4, np.float32),
        z=np.zeros((), np.int16),
    ),
    "quantized, without its ReLU": lambda: two_layers(
        node("Conv", "x w b1", "p"),
        node("QuantizeLinear", "p s z", "p8"),
        node("DequantizeLinear", "p8 s z", "q"),
        node("Conv", "q v", "a"),
        w=WEIGHT,
        b1=BIAS,
        v=random(3, 4, 2, 2, seed=2),
        s=np.array(1e-4, np.float32),
        z=np.zeros((), np.uint16),
    ),
}


def quantized(before: Sequence[Any], after: Sequence[Any], scale: Any, zero: Any) -> Any:
    """``p``, made of ``x``, is quantized to ``a``, of which ``b`` is made."""
    given = [
        *before,
        node("QuantizeLinear", "p s z", "k"),
        node("DequantizeLinear", "k s z", "a"),
        *after,
        node("MatMul", "b last", "y"),
    ]
    return model(given, {"x": ["n", 3]}, last=random(3, 4), s=np.asarray(scale, np.float32), z=zero)


@pytest.mark.parametrize(
    ("scale", "zero", "bound"),
    [
        (0.001, np.int8(0), 0.127),
        (0.001, np.uint8(0), 0.255),
        (0.001, np.uint8(55), 0.2),
        (0.001, np.int8(-128), 0.255),
        ([0.001, 0.002, 0.01], np.zeros(3, np.int8), [0.127, 0.254, 1.27]),
    ],
)
def test_integers_behind_a_relu_bound_it(scale: Any, zero: Any, bound: Any) -> None:
    before, after = [node("Relu", "x", "p")], [node("Identity", "a", "b")]
    made = quantized(before, after, scale, np.asarray(zero))
    x = 9 * random(20, 3, seed=4)
    graph = from_onnx(made, calibration=x, percentile=100)
    (neurons,) = (n for n in graph.nodes.values() if isinstance(n, nir.IF))
    np.testing.assert_allclose(neurons.v_threshold, np.broadcast_to(bound, 3), rtol=1e-6)
    (wanted,) = reference(made, {"x": x})
    found = rates(graph, {"input": x})["output"]
    np.testing.assert_allclose(found, wanted, atol=0.03)


@pytest.mark.parametrize("zero", [np.int8(0), np.uint8(128), np.int16(100)])
def test_integers_that_hold_all_values(zero: Any) -> None:
    x = random(20, 3, seed=4)
    before, after = [node("Identity", "x", "p")], [node("Relu", "a", "b")]
    made = quantized(before, after, np.abs(x).max() / 100, np.asarray(zero))
    graph = from_onnx(made, calibration=x, percentile=100)
    (wanted,) = reference(made, {"x": x})
    np.testing.assert_allclose(rates(graph, {"input": x})["output"], wanted, atol=0.1)


SCORES: dict[str, Callable[[], Any]] = {
    "the default of 13": lambda: model([node("Softmax", "x", "y")], {"x": ["n", 7]}),
    "the default before": lambda: model([node("Softmax", "x", "y")], {"x": ["n", 7]}, opset=11),
    "channels": lambda: model([node("LogSoftmax", "x", "y", axis=1)], {"x": ["n", *IMAGE]}),
    "channels from the end": lambda: model(
        [node("Softmax", "x", "y", axis=-3)], {"x": ["n", *IMAGE]}
    ),
}


@pytest.mark.parametrize("name", SCORES)
def test_softmax_over_classes_is_left_out(name: str) -> None:
    made = SCORES[name]()
    shape = [d.dim_value for d in made.graph.input[0].type.tensor_type.shape.dim][1:]
    x = random(BATCH, *shape, seed=11)
    found = rates(from_onnx(made, calibration=x), {"input": x})["output"]
    np.testing.assert_array_equal(found, x)
    np.testing.assert_array_equal(reference(made, {"x": x})[0].argmax(1), x.argmax(1))


@over([Case(name, "", "", make) for name, make in MODELS.items()])
def test_rates_are_activations(case: Case) -> None:
    made = case.make()
    shape = [d.dim_value for d in made.graph.input[0].type.tensor_type.shape.dim][1:]
    x = random(BATCH, *shape, seed=11)
    graph = from_onnx(made, calibration=x, percentile=100)
    (wanted,) = reference(made, {"x": x})
    found = rates(graph, {"input": x})["output"]
    atol = 2e-4 if case.layer.startswith("quantized") else 2e-5
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=atol * float(np.abs(wanted).max()))
