"""Follow an ONNX model from node to node: numbers are computed, values become what makes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import nir
import numpy as np

from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.onnx_algebra import Polynomial
from snnc.frontends.onnx_graph import GraphMaker
from snnc.frontends.onnx_linear import Linear
from snnc.frontends.onnx_model import Array, Call, OnnxModel, OnnxNode, OperatorError, Shape
from snnc.frontends.onnx_ops import OPERATORS, clip_bounds, compute, pad_widths, reduced_axes
from snnc.frontends.onnx_signals import Part, Signal, fresh, joined, plain
from snnc.frontends.onnx_windows import Windows

Value: TypeAlias = "Array | Signal | Polynomial"
Handler = Callable[["Converter", Call], Signal]

LAYOUT = frozenset(
    {
        *("Cast", "Dropout", "Flatten", "Gather", "Identity", "Reshape"),
        *("Slice", "Squeeze", "Transpose", "Unsqueeze"),
    }
)
"""Operators that only arrange elements: they do to ``Signal.index`` what they do to a value."""
ONE, ZERO = np.array(1.0), np.array(0.0)
MAX_AXES = 2
"""Spatial axes of convolutions and pools that NIR has."""


class Converter:
    """One walk through a model.

    Args:
        model: What is converted.
        batch: Samples in its values.
        maker: Where NIR nodes go.
        threshold: Gives of an activation what one spike a step stands for, at most ``bound``, in
            a shape that broadcasts to the value's.
    """

    def __init__(
        self,
        model: OnnxModel,
        batch: int,
        maker: GraphMaker,
        threshold: Callable[[OnnxNode, float], Array],
    ) -> None:
        self.model = model
        self.maker = maker
        self.linear = Linear(maker)
        self.threshold = threshold
        self.values: dict[str, Value | None] = {"": None, **model.constants}
        self.problems: list[Diagnostic] = []
        self.batch = batch
        self._broken: set[str] = set()
        self._quantized: dict[str, tuple[Array, ...]] = {}
        self._last = _last_values(model)

    def run(self) -> None:
        """Convert every node; what cannot be is noted in ``problems``, and what follows is not."""
        for node in self.model.nodes:
            if self._broken & set(node.inputs):
                self._broken |= set(node.outputs)
                continue
            try:
                self.values[node.outputs[0]] = self.result(node)
            except OperatorError as error:
                self.problems.append(error.at(f"{self.model.place}: {node.place}"))
                self._broken |= set(node.outputs)

    def result(self, node: OnnxNode) -> Value:
        """Give what ``node`` makes of its inputs."""
        operands = [self.value(name) for name in node.inputs]
        return self.applied(Call(node, operands, self.model.opset))

    def applied(self, call: Call) -> Value:
        """Apply an operator to numbers and signals."""
        node, signals = call.node, [o for o in call.operands if isinstance(o, Signal)]
        if not signals:
            return compute(node, call.operands, call.opset)
        if node.op == "Shape":
            return compute(node, [signals[0].index], call.opset)
        if node.op in LAYOUT and call.operands[0] is signals[0] and len(signals) == 1:
            return self._arranged(call, signals[0])
        if node.op not in HANDLERS:
            of_data = node.op in OPERATORS
            found = (
                f"{node.op} of values that depend on the data"
                if of_data
                else f"the operator {node.op}"
            )
            raise OperatorError(found, _supported())
        if len(signals) > 1 and node.op not in SEVERAL:
            limit = "one input that is not a number"
            raise OperatorError("inputs that depend on the data twice", limit)
        return HANDLERS[node.op](self, call)

    def value(self, name: str) -> Value | None:
        """Give a value that was made before.

        Raises:
            OperatorError: It is none of those that are computed.
        """
        if name not in self.values:
            raise OperatorError(f"the second output {name!r} of an operator", "first outputs")
        return self.values[name]

    def enter(self, name: str, shape: Shape) -> Signal:
        """Add an input node, and give what it sends."""
        node = nir.Input(input_type={"input": np.array(shape)})
        alone = len(self.model.inputs) == 1
        made = self.maker.add("input" if alone else name, node, shape)
        return fresh(self.batch, (Part(shape, (plain(made),)),))

    def leave(self, name: str, signal: Value | None, *, alone: bool = True) -> None:
        """Add an output node for a value.

        Args:
            name: Name of the value.
            signal: The value.
            alone: Whether the model has no other output.
        """
        if not isinstance(signal, Signal):
            raise OperatorError("an output that does not depend on the data", "one that does")
        sources = self.sources(signal)
        if len(sources) > 1:
            sources = [self.maker.sum_of(sources, signal.shape, name)]
        self.output(name, sources[0], signal.shape, alone=alone)

    def output(self, name: str, source: str, shape: Shape, *, alone: bool) -> None:
        """Add an output node."""
        node = nir.Output(output_type={"output": np.array(shape)})
        self.maker.add("output" if alone else name, node, shape, [source])

    def sources(self, signal: Signal) -> list[str]:
        """Give the nodes whose sum is a value, in the order of its elements.

        Raises:
            OperatorError: There is no node for such an order.
        """
        whole = self.linear.merged(signal) if len(signal.parts) > 1 else signal
        part = self.maker.fired(whole.parts[0])
        if not np.array_equal(whole.order.reshape(-1), np.arange(part.size)):
            raise OperatorError("elements in another order", "elements as they were made")
        sources = self.maker.sources(part)
        return [self.maker.flat(s) for s in sources] if len(signal.shape) == 1 else sources

    def finish(self) -> None:
        """Make the outputs."""
        for name in self.model.outputs:
            if name in self._broken:
                continue
            try:
                self.leave(name, self.values.get(name), alone=len(self.model.outputs) == 1)
            except OperatorError as error:
                self.problems.append(error.at(f"{self.model.place}: {name} (output)"))

    def _arranged(self, call: Call, signal: Signal) -> Signal:
        if call.node.op == "Cast" and call.node.get("to", 0) != 1:
            raise OperatorError(f"to type {call.node.get('to', 0)}", "float32")
        if call.node.op == "Cast":
            return signal
        index = compute(call.node, [signal.index, *call.operands[1:]], call.opset)
        return Signal(index, signal.parts)

    def is_last(self, name: str) -> bool:
        """Tell whether a value goes to outputs of the model and nowhere else."""
        return name in self._last

    def quantized(self, call: Call) -> Signal:
        """QuantizeLinear and then DequantizeLinear of the same numbers change no value.

        The rounding of activations is left out: a count of spikes is a rounding itself.
        """
        node, signal = call.node, call.operands[0]
        numbers = tuple(np.asarray(o) for o in call.operands[1:] if o is not None)
        if node.op == "QuantizeLinear":
            self._quantized[node.outputs[0]] = numbers
            return signal  # type: ignore[no-any-return]
        before = self._quantized.get(node.inputs[0])
        if before is None or [n.tolist() for n in before] != [n.tolist() for n in numbers]:
            limit = "the scale and zero point of the QuantizeLinear before it"
            raise OperatorError("other numbers than were quantized", limit)
        return signal  # type: ignore[no-any-return]


def _supported() -> str:
    return ", ".join(sorted({*HANDLERS, *LAYOUT}))


def _last_values(model: OnnxModel) -> set[str]:
    """Give the values that nothing but the outputs depends on, through layout operators."""
    last = set(model.outputs)
    readers: dict[str, list[OnnxNode]] = {}
    for node in model.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    last = {name for name in last if name not in readers}
    for node in reversed(model.nodes):
        if node.op in LAYOUT and node.outputs[0] in last and len(readers[node.inputs[0]]) == 1:
            last.add(node.inputs[0])
    return last


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


def _conv(self: Converter, call: Call) -> Signal:
    signal, weight = call.operands[:2]
    if not isinstance(signal, Signal):
        raise OperatorError("weights that depend on the data", "numbers")
    kernel = call.node.get("kernel_shape", weight.shape[2:])
    windows = _windows(signal, call.node, kernel)
    groups = call.node.get("group", 1)
    if groups < 1 or weight.shape[1] * groups != signal.shape[0] or len(weight) % groups:
        found = f"weights {list(weight.shape)} in {groups} groups on {list(signal.shape)}"
        raise OperatorError(found, "weights [c_out, c_in / groups, *kernel]")
    return self.linear.convolve(call.node.name, signal, weight, call.given(2), windows, groups)


def _gemm(self: Converter, call: Call) -> Signal:
    signal, weight = call.operands[:2]
    if not isinstance(signal, Signal) or call.node.get("transA", 0):
        raise OperatorError("a matrix that depends on the data", "x @ weight, of numbers")
    rows = weight if call.node.get("transB", 0) else weight.T
    bias = call.given(2)
    if bias is not None:
        bias = np.broadcast_to(bias, (1, len(rows)))[0] * call.node.get("beta", 1.0)
    alpha = call.node.get("alpha", 1.0)
    return self.linear.multiply(call.node.name, signal, rows * alpha, bias)


def _matmul(self: Converter, call: Call) -> Signal:
    signal, weight = call.operands
    if not isinstance(signal, Signal) or weight.ndim != 2:
        raise OperatorError("a matrix that depends on the data", "x @ weight, of numbers")
    return self.linear.multiply(call.node.name, signal, weight.T, None)


def _batch_norm(self: Converter, call: Call) -> Signal:
    signal = call.operands[0]
    scale, bias, mean, var = (np.asarray(o, np.float64) for o in call.operands[1:5])
    if call.node.get("training_mode", 0):
        raise OperatorError("training mode", "the statistics of the training, as numbers")
    factor = scale / np.sqrt(var + call.node.get("epsilon", 1e-5))
    shape = (-1, *(1,) * (len(signal.shape) - 1))
    shift = bias - mean * factor
    return self.linear.affine(signal, factor.reshape(shape), shift.reshape(shape))


def _arithmetic(self: Converter, call: Call) -> Signal:
    """``a + b`` and the like, of a value and a number or of two values."""
    a, b = call.operands
    if call.node.get("broadcast", 0):
        raise OperatorError("broadcast = 1, of the first ONNX", "opset 7 or newer")
    if isinstance(a, Signal) and isinstance(b, Signal):
        return self.linear.add([a, _signed(self, call.node.op, b)])
    signal, number = (a, b) if isinstance(a, Signal) else (b, a)
    factor, shift = _coefficients(call.node.op, np.asarray(number, np.float64), first=signal is a)
    return self.linear.affine(signal, factor, shift)


def _signed(self: Converter, op: str, signal: Signal) -> Signal:
    if op not in {"Add", "Sub"}:
        raise OperatorError(f"{op} of two values", f"{op} of a value and a number")
    return signal if op == "Add" else self.linear.affine(signal, -ONE, ZERO)


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


def _sum(self: Converter, call: Call) -> Signal:
    if not all(isinstance(o, Signal) for o in call.operands):
        raise OperatorError("a sum with numbers", "a sum of values that depend on the data")
    return self.linear.add(list(call.operands))


def _concat(_: Converter, call: Call) -> Signal:
    if not all(isinstance(o, Signal) for o in call.operands):
        raise OperatorError("numbers joined to values", "values that depend on the data")
    indices, parts = joined(call.operands)
    return Signal(compute(call.node, indices, call.opset), parts)


def _activation(self: Converter, call: Call) -> Signal:
    signal = call.operands[0]
    low, high = (0.0, np.inf) if call.node.op == "Relu" else clip_bounds(call)
    if low != 0 or not high > 0:
        raise OperatorError(f"values between {low:g} and {high:g}", "from 0 to a number above 0")
    return self.linear.activate(call.node.name, signal, self.threshold(call.node, high))


def _max_pool(self: Converter, call: Call) -> Signal:
    signal = call.operands[0]
    if call.node.op == "GlobalMaxPool":
        windows = _whole(signal, range(2, 1 + len(signal.shape)))
    else:
        windows = _windows(signal, call.node, call.node.get("kernel_shape", ()))
    return self.linear.largest(call.node.name, signal, windows)


def _average_pool(self: Converter, call: Call) -> Signal:
    signal = call.operands[0]
    windows = _windows(signal, call.node, call.node.get("kernel_shape", ()))
    include = call.node.get("count_include_pad", 0) != 0
    return self.linear.average(call.node.name, signal, windows, include_pad=include)


def _mean(self: Converter, call: Call) -> Signal:
    signal = call.operands[0]
    axes = reduced_axes(call, 1 + len(signal.shape))
    windows = _whole(signal, axes)
    made = self.linear.average(call.node.name, signal, windows, include_pad=False)
    if call.node.op == "ReduceMean" and not call.node.get("keepdims", 1):
        return Signal(np.squeeze(made.index, tuple(axes)), made.parts)
    return made


def _pad(self: Converter, call: Call) -> Signal:
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
    return self.linear.pad(call.node.name, signal, tuple(pairs[2:]))


def _softmax(self: Converter, call: Call) -> Signal:
    if not self.is_last(call.node.outputs[0]):
        raise OperatorError(f"{call.node.op} inside of the model", f"{call.node.op} at its end")
    return call.operands[0]  # type: ignore[no-any-return]


def _negative(self: Converter, call: Call) -> Signal:
    return self.linear.affine(call.operands[0], -ONE, ZERO)


SEVERAL = frozenset({"Add", "Concat", "Div", "Mul", "Sub", "Sum"})
"""Operators that may have several inputs which depend on the data, or say themselves why not."""
HANDLERS: dict[str, Handler] = {
    "Add": _arithmetic,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Clip": _activation,
    "Concat": _concat,
    "Conv": _conv,
    "DequantizeLinear": Converter.quantized,
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
    "QuantizeLinear": Converter.quantized,
    "ReduceMean": _mean,
    "Relu": _activation,
    "Softmax": _softmax,
    "Sub": _arithmetic,
    "Sum": _sum,
}
"""What becomes of a value that depends on the data, by the operator's name."""


def is_activation(op: Any) -> bool:
    """Tell whether an operator becomes neurons."""
    return op in {"Relu", "Clip"}
