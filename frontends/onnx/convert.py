"""Follow an ONNX model from node to node: numbers are computed, values become what makes them."""

from __future__ import annotations

from typing import Any, TypeAlias

import nir
import numpy as np

from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.onnx.algebra import Polynomial
from snnc.frontends.onnx.graph import GraphMaker
from snnc.frontends.onnx.handlers import HANDLERS, SEVERAL, Context, Threshold
from snnc.frontends.onnx.linear import Linear
from snnc.frontends.onnx.model import (
    COMPARISONS,
    Array,
    Call,
    OnnxModel,
    OnnxNode,
    OperatorError,
    Shape,
)
from snnc.frontends.onnx.ops import OPERATORS, compute, misfit
from snnc.frontends.onnx.quantized import Quantizer
from snnc.frontends.onnx.signals import Part, Signal, fresh, plain

Value: TypeAlias = "Array | Signal | Polynomial"

LAYOUT = frozenset(
    {
        *("Cast", "Dropout", "Flatten", "Gather", "Identity", "Reshape"),
        *("Slice", "Squeeze", "Transpose", "Unsqueeze"),
    }
)
"""Operators that only arrange elements: they do to ``Signal.index`` what they do to a value."""


class Converter:
    """One walk through a model.

    Args:
        model: What is converted.
        batch: Samples in its values.
        maker: Where NIR nodes go.
        threshold: Gives of an activation what one spike a step stands for, at most ``bound``, in
            a shape that broadcasts to the value's.

    Attributes:
        entered: Names of the input nodes by those of the model's inputs.
    """

    def __init__(
        self,
        model: OnnxModel,
        batch: int,
        maker: GraphMaker,
        threshold: Threshold,
    ) -> None:
        self.model = model
        self.maker = maker
        self.linear = Linear(maker)
        spiking = any(node.op in COMPARISONS for node in model.nodes)
        self._context = Context(self.linear, threshold, _last_values(model), spiking)
        self.values: dict[str, Value | None] = {"": None, **model.constants}
        self.problems: list[Diagnostic] = []
        self.batch = batch
        self.entered: dict[str, str] = {}
        self._broken: set[str] = set()

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
        try:
            return HANDLERS[node.op](self._context, call)
        except OperatorError:
            raise
        except (ValueError, IndexError) as error:  # NumPy, of shapes that do not fit
            raise misfit(call, error) from error

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
        made = self.entered[name] = self.maker.add(name, node, shape)
        return fresh(self.batch, (Part(shape, (plain(made),)),))

    def leave(self, name: str, signal: Value | None) -> None:
        """Add an output node for a value."""
        if not isinstance(signal, Signal):
            raise OperatorError("an output that does not depend on the data", "one that does")
        sources = self.sources(signal)
        if len(sources) > 1:
            sources = [self.maker.sum_of(sources, signal.shape, name)]
        self.output(name, sources[0], signal.shape)

    def output(self, name: str, source: str, shape: Shape) -> None:
        """Add an output node."""
        node = nir.Output(output_type={"output": np.array(shape)})
        self.maker.add(name, node, shape, [source])

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
                self.leave(name, self.values.get(name))
            except OperatorError as error:
                self.problems.append(error.at(f"{self.model.place}: {name} (output)"))

    def graph(self, framework: str, dt: float) -> nir.NIRGraph:
        """Give the graph, once the outputs are made.

        Args:
            framework: What the graph says made it.
            dt: Length of a step in seconds.
        """
        notes: dict[str, Any] = {"format": 2, "framework": framework, "dt": float(dt)}
        if self.linear.remarks:
            notes["remarks"] = "; ".join(dict.fromkeys(self.linear.remarks))
        return self.maker.graph(notes)

    @property
    def input_names(self) -> dict[str, str]:
        """Names of the inputs in the graph by those in the model, once the outputs are made."""
        final = self.maker.final_names()
        return {name: final[made] for name, made in self.entered.items()}

    @property
    def clipping(self) -> list[Quantizer]:
        """What may clip values that nothing in the graph bounds."""
        return self._context.clipping

    def _arranged(self, call: Call, signal: Signal) -> Signal:
        if call.node.op == "Cast" and call.node.get("to", 0) != 1:
            raise OperatorError(f"to type {call.node.get('to', 0)}", "float32")
        if call.node.op == "Cast":
            return signal
        index = compute(call.node, [signal.index, *call.operands[1:]], call.opset)
        return Signal(index, signal.parts)


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
