"""An ONNX model as it was read: plain data, checked, and apart from protobuf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, Rule
from snnc.frontends.hdf5.gate import printable

Array = npt.NDArray[Any]
Shape = tuple[int, ...]
Operands = Sequence[Any]
Attribute: TypeAlias = "int | float | str | Array | tuple[int, ...] | tuple[float, ...]"
COMPARISONS = frozenset({"Greater", "Less"})
"""Operators that make spikes: a model that has one is a step of a spiking network."""
STATES = "an input for the state of every neuron, and an output for the next"
STATES_KEPT = "give forward the states as arguments, return the new ones, and export with both"
AttributeT = TypeVar("AttributeT", int, float, str, tuple[int, ...])


class OperatorError(ValueError):
    """A node asks for what snnc does not compute.

    Attributes:
        found: What it asks for.
        limit: What is computed.
        remedy: What the user can do.
        rule: The rule broken.
    """

    def __init__(
        self, found: str, limit: str, remedy: str = "", rule: Rule = rules.OPERATOR_SUPPORTED
    ) -> None:
        super().__init__(found)
        self.found, self.limit, self.rule = found, limit, rule
        self.remedy = remedy or "export the model without it; docs/onnx.md lists what is supported"

    def at(self, place: str) -> Diagnostic:
        """Give the diagnostic of this error at a node."""
        return Diagnostic(
            self.rule, printable(place), printable(self.found), self.limit, self.remedy
        )


@dataclass(frozen=True, eq=False)
class OnnxNode:
    """One operator of the graph.

    Attributes:
        name: As in the file, or made of its place in it.
        op: Name of the operator, with its domain where that is not ONNX's own.
        inputs: Names of values; empty where an optional one is left out.
        outputs: Names of values.
        attributes: Numbers, texts and arrays by name.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]

    @property
    def place(self) -> str:
        """Tell of the node as messages do."""
        return f"{self.name} ({self.op}) -> {', '.join(self.outputs)}"

    def get(self, name: str, default: AttributeT) -> AttributeT:
        """Give an attribute of the type of ``default``, or ``default`` where it is not there.

        Raises:
            OperatorError: It is of another type.
        """
        value = self.attributes.get(name, default)
        numbers = isinstance(default, tuple)
        if not isinstance(value, type(default)) or (numbers and not _are_integers(value)):
            kind = "whole numbers" if numbers else f"a {type(default).__name__}"
            found = f"{name} = {value!r:.40}"
            raise OperatorError(found, f"{kind}, as ONNX defines the operator")
        return value


def _are_integers(value: Attribute) -> bool:
    return isinstance(value, tuple) and all(isinstance(n, int) for n in value)


@dataclass(frozen=True, eq=False)
class Call:
    """An operator with what it is applied to.

    Attributes:
        node: The operator.
        operands: Its inputs, None where an optional one is left out.
        opset: Version of the operators.
    """

    node: OnnxNode
    operands: Operands
    opset: int

    def given(self, index: int) -> Any:
        """Give an optional input, None where it is left out."""
        return self.operands[index] if index < len(self.operands) else None


@dataclass(frozen=True)
class OnnxInput:
    """An input of the graph.

    Attributes:
        name: Name of the value.
        dtype: Of its numbers.
        shape: With the batch axis; None where the model leaves a dimension open.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    @property
    def features(self) -> Shape:
        """Shape of one sample; only the batch may be open."""
        return tuple(n for n in self.shape[1:] if n is not None)


@dataclass(frozen=True, eq=False, kw_only=True)
class OnnxModel:
    """A graph in which every value is defined before it is used, and once.

    Attributes:
        place: The file, or what stands for it in messages.
        opset: Version of ONNX's operators.
        producer: Who wrote it.
        inputs: Without those that have initializers.
        outputs: Names of values.
        nodes: In an order of evaluation.
        constants: The initializers.
    """

    place: str
    opset: int
    producer: str
    inputs: tuple[OnnxInput, ...]
    outputs: tuple[str, ...]
    nodes: tuple[OnnxNode, ...]
    constants: Mapping[str, Array]


def number_problem(values: Array) -> str | None:
    """Tell of a tensor's NaN or infinity; one number alone may be infinite, as a bound."""
    if values.dtype.kind != "f":
        return None
    bad = np.isnan(values) if values.size == 1 else ~np.isfinite(values)
    count = int(bad.sum())
    return f"{count} of {values.size} are not finite ({values[bad][0]})" if count else None
