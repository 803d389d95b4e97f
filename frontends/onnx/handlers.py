"""What an operator of ONNX makes of a value that spikes carry, operator by operator."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from snnc.compiler import rules
from snnc.frontends.onnx.linear import Linear
from snnc.frontends.onnx.model import (
    STATES,
    STATES_KEPT,
    Array,
    Call,
    OnnxNode,
    OperatorError,
)
from snnc.frontends.onnx.ops import clip_bounds, compute, pad_widths, reduced_axes
from snnc.frontends.onnx.quantized import Quantizer
from snnc.frontends.onnx.signals import Signal, joined
from snnc.frontends.onnx.windows import Windows

Threshold = Callable[[OnnxNode, float], Array]
ONE, ZERO = np.array(1.0), np.array(0.0)
MAX_AXES = 2
"""Spatial axes of convolutions and pools that NIR has."""


@dataclass(frozen=True)
class Context:
    """What the operators of one model share.

    Attributes:
        linear: Applies linear operators.
        threshold: Gives of an activation what one spike a step stands for, at most a bound, in a
            shape that broadcasts to the value's.
        last: Names of the values that go to outputs of the model and nowhere else.
        spiking: Whether anything is compared, which tells of states by itself.
        quantized: What made integers, by their name.
        clipping: Those of ``quantized`` that may clip values, as nothing in the graph bounds them.
    """

    linear: Linear
    threshold: Threshold
    last: Collection[str]
    spiking: bool
    quantized: dict[str, Quantizer] = field(default_factory=dict[str, Quantizer])
    clipping: list[Quantizer] = field(default_factory=list[Quantizer])


Handler = Callable[[Context, Call], Signal]


def _windows(signal: Signal, node: OnnxNode, kernel: Sequence[int]) -> Windows:
    shape = (1, *signal.shape)
    if not 1 <= len(kernel) <= MAX_AXES:
        raise OperatorError(f"a kernel of {len(kernel)} axes", "1 or 2 axes")
    return Windows.of(node, shape, tuple(kernel))


def _whole(signal: Signal, axes: Sequence[int]) -> Windows:
    """Give windows that cover the whole of ``axes``, counted with the batch."""
    extent = signal.shape[1:]
    if not 1 <= len(extent) <= MAX_AXES or min(axes, default=0) < 2:
        found = f"axes {list(axes)} of values of shape [batch, {str(list(signal.shape))[1:]}"
        raise OperatorError(found, "spatial axes of [batch, channels, *spatial], 1 or 2 of them")
    kernel = tuple(n if i + 2 in axes else 1 for i, n in enumerate(extent))
    ones = (1,) * len(extent)
    positions = tuple(n // k for n, k in zip(extent, kernel, strict=True))
    return Windows(extent, kernel, ones, ones, ((0, 0),) * len(extent), positions)


def _conv(context: Context, call: Call) -> Signal:
    signal, weight = call.operands[:2]
    if not isinstance(signal, Signal):
        raise OperatorError("weights that depend on the data", "numbers")
    kernel = call.node.get("kernel_shape", weight.shape[2:])
    windows = _windows(signal, call.node, kernel)
    groups = call.node.get("group", 1)
    if groups < 1 or weight.shape[1] * groups != signal.shape[0] or len(weight) % groups:
        found = f"weights {list(weight.shape)} in {groups} groups on {list(signal.shape)}"
        raise OperatorError(found, "weights [c_out, c_in / groups, *kernel]")
    return context.linear.convolve(call.node.name, signal, weight, call.given(2), windows, groups)


def _gemm(context: Context, call: Call) -> Signal:
    signal, weight = call.operands[:2]
    if not isinstance(signal, Signal) or call.node.get("transA", 0):
        raise OperatorError("a matrix that depends on the data", "x @ weight, of numbers")
    rows = weight if call.node.get("transB", 0) else weight.T
    bias = call.given(2)
    if bias is not None:
        bias = np.broadcast_to(bias, (1, len(rows)))[0] * call.node.get("beta", 1.0)
    alpha = call.node.get("alpha", 1.0)
    return context.linear.multiply(call.node.name, signal, rows * alpha, bias)


def _matmul(context: Context, call: Call) -> Signal:
    signal, weight = call.operands
    if not isinstance(signal, Signal) or weight.ndim != 2:
        raise OperatorError("a matrix that depends on the data", "x @ weight, of numbers")
    return context.linear.multiply(call.node.name, signal, weight.T, None)


def _batch_norm(context: Context, call: Call) -> Signal:
    signal = call.operands[0]
    scale, bias, mean, var = (np.asarray(o, np.float64) for o in call.operands[1:5])
    if call.node.get("training_mode", 0):
        raise OperatorError("training mode", "the statistics of the training, as numbers")
    factor = scale / np.sqrt(var + call.node.get("epsilon", 1e-5))
    shape = (-1, *(1,) * (len(signal.shape) - 1))
    shift = bias - mean * factor
    return context.linear.affine(signal, factor.reshape(shape), shift.reshape(shape))


def _arithmetic(context: Context, call: Call) -> Signal:
    """``a + b`` and the like, of a value and a number or of two values."""
    a, b = call.operands
    if call.node.get("broadcast", 0):
        raise OperatorError("broadcast = 1, of the first ONNX", "opset 7 or newer")
    if isinstance(a, Signal) and isinstance(b, Signal):
        return context.linear.add([a, _signed(context, call.node.op, b)])
    signal, number = (a, b) if isinstance(a, Signal) else (b, a)
    shape = list(np.shape(number))
    if not context.spiking and shape[1:] == [*signal.shape] and not np.any(number):
        found = f"zeros of shape {shape}: a state that the exporter took for numbers"
        raise OperatorError(found, STATES, STATES_KEPT, rules.STATE_EXPORTED)
    factor, shift = _coefficients(call.node.op, np.asarray(number, np.float64), first=signal is a)
    return context.linear.affine(signal, factor, shift)


def _signed(context: Context, op: str, signal: Signal) -> Signal:
    if op not in {"Add", "Sub"}:
        raise OperatorError(f"{op} of two values", f"{op} of a value and a number")
    return signal if op == "Add" else context.linear.affine(signal, -ONE, ZERO)


def _coefficients(op: str, number: Array, *, first: bool) -> tuple[Array, Array]:
    """Give factor and shift of ``x op number``, or of ``number op x``."""
    if op == "Add":
        return ONE, number
    if op == "Mul":
        return number, ZERO
    if op == "Sub":
        return (ONE, -number) if first else (-ONE, number)
    if not first or not number.all():
        raise OperatorError("a division by a value or by zero", "a value divided by a number")
    return 1 / number, ZERO


def _sum(context: Context, call: Call) -> Signal:
    if not all(isinstance(o, Signal) for o in call.operands):
        raise OperatorError("a sum with numbers", "a sum of values that depend on the data")
    return context.linear.add(list(call.operands))


def _concat(_: Context, call: Call) -> Signal:
    if not all(isinstance(o, Signal) for o in call.operands):
        raise OperatorError("numbers joined to values", "values that depend on the data")
    indices, parts = joined(call.operands)
    return Signal(compute(call.node, indices, call.opset), parts)


def _activation(context: Context, call: Call) -> Signal:
    signal = call.operands[0]
    low, high = (0.0, np.inf) if call.node.op == "Relu" else clip_bounds(call)
    if low != 0 or not high > 0:
        raise OperatorError(f"values between {low:g} and {high:g}", "from 0 to a number above 0")
    return context.linear.activate(call.node.name, signal, context.threshold(call.node, high))


def _max_pool(context: Context, call: Call) -> Signal:
    signal = call.operands[0]
    if call.node.op == "GlobalMaxPool":
        windows = _whole(signal, range(2, 1 + len(signal.shape)))
    else:
        windows = _windows(signal, call.node, call.node.get("kernel_shape", ()))
    return context.linear.largest(call.node.name, signal, windows)


def _average_pool(context: Context, call: Call) -> Signal:
    signal = call.operands[0]
    windows = _windows(signal, call.node, call.node.get("kernel_shape", ()))
    include = call.node.get("count_include_pad", 0) != 0
    return context.linear.average(call.node.name, signal, windows, include_pad=include)


def _mean(context: Context, call: Call) -> Signal:
    signal = call.operands[0]
    axes = reduced_axes(call, 1 + len(signal.shape))
    windows = _whole(signal, axes)
    made = context.linear.average(call.node.name, signal, windows, include_pad=False)
    if call.node.op == "ReduceMean" and not call.node.get("keepdims", 1):
        return Signal(np.squeeze(made.index, tuple(axes)), made.parts)
    return made


def _pad(context: Context, call: Call) -> Signal:
    signal = call.operands[0]
    axes = 1 + len(signal.shape)
    before, after = pad_widths(call, axes)
    value = call.given(2) if call.opset >= 11 else call.node.get("value", 0.0)
    mode = call.node.get("mode", "constant")
    pairs = list(zip(before, after, strict=True))
    if mode != "constant" or (value is not None and np.any(value)) or min(before + after) < 0:
        found = f"mode {mode}, value {np.asarray(0 if value is None else value)}, pads {pairs}"
        raise OperatorError(found, "zeros around a value")
    if not any(map(any, pairs)):
        return signal  # type: ignore[no-any-return]
    if any(map(any, pairs[:2])) or not 1 <= axes - 2 <= MAX_AXES:
        raise OperatorError(f"pads {pairs}", "zeros around 1 or 2 spatial axes")
    return context.linear.pad(call.node.name, signal, tuple(pairs[2:]))


def _softmax(context: Context, call: Call) -> Signal:
    if call.node.outputs[0] not in context.last:
        raise OperatorError(f"{call.node.op} inside of the model", f"{call.node.op} at its end")
    shape = call.operands[0].shape
    axis = call.node.get("axis", 1 if call.opset < 13 else -1)  # which changed: Changelog.md
    if axis not in {1, -len(shape)}:
        found = f"{call.node.op} over axis {axis} of [batch, {str(list(shape))[1:]}"
        raise OperatorError(found, "axis 1, that of the classes")
    return call.operands[0]  # type: ignore[no-any-return]


def _negative(context: Context, call: Call) -> Signal:
    return context.linear.affine(call.operands[0], -ONE, ZERO)


def _quantize(context: Context, call: Call) -> Signal:
    signal = call.operands[0]
    if not isinstance(signal, Signal):
        raise OperatorError("a scale that depends on the data", "numbers")
    context.quantized[call.node.outputs[0]] = Quantizer.of(call)
    return signal


def _dequantize(context: Context, call: Call) -> Signal:
    """Numbers quantized and given back are the same but for rounding, which spikes do themselves.

    Where they begin at 0 this is a ReLU with a bound: tools for quantization leave the ReLU out.
    Behind a ReLU they are a bound, too; whether other values are clipped is for the data to say.
    """
    signal, scale, zero = call.operands[0], call.given(1), call.given(2)
    if not isinstance(signal, Signal):
        raise OperatorError("a scale that depends on the data", "numbers")
    before = context.quantized.get(call.node.inputs[0])
    same = before is not None and np.array_equal(before.scale, scale)
    if before is None or not same or not np.array_equal(before.zero, 0 if zero is None else zero):
        limit = "the scale and zero point of the QuantizeLinear before it"
        raise OperatorError("other numbers than were quantized", limit)
    low, high = before.held((1, *signal.shape))
    if not low.any() and not context.linear.is_input(signal):
        bound = context.threshold(call.node, np.inf)
        signal = context.linear.activate(call.node.name, signal, bound)
    if (high > 0).all() and all(part.activation is not None for part in signal.parts):
        return context.linear.activate(call.node.name, signal, high)
    context.clipping.append(before)
    return signal


SEVERAL = frozenset({"Add", "Concat", "Div", "Mul", "Sub", "Sum"})
"""Operators that may have several inputs which depend on the data, or say themselves why not."""
HANDLERS: dict[str, Handler] = {
    "Add": _arithmetic,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Clip": _activation,
    "Concat": _concat,
    "Conv": _conv,
    "DequantizeLinear": _dequantize,
    "Div": _arithmetic,
    "Gemm": _gemm,
    "GlobalAveragePool": _mean,
    "GlobalMaxPool": _max_pool,
    "LogSoftmax": _softmax,
    "MatMul": _matmul,
    "MaxPool": _max_pool,
    "Mul": _arithmetic,
    "Neg": _negative,
    "Pad": _pad,
    "QuantizeLinear": _quantize,
    "ReduceMean": _mean,
    "Relu": _activation,
    "Softmax": _softmax,
    "Sub": _arithmetic,
    "Sum": _sum,
}
"""What becomes of a value that depends on the data, by the operator's name."""
