"""What a tensor is that a model computes with: where it comes from, and through which operators."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy.typing as npt

from snnc.compiler.diagnostics import Diagnostic

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Shape: TypeAlias = tuple[int, ...]
Pairs: TypeAlias = tuple[tuple[int, int], ...]
"""Padding before and after, of each axis."""


class Constant:
    """A tensor that depends on no input and no neuron; equal to every other of the same values.

    Attributes:
        tensor: A copy of the values.
        kept: Whether it is a parameter, a buffer or a number, and none that ``forward`` has made.
    """

    def __init__(self, tensor: Tensor, *, kept: bool) -> None:
        self.tensor = tensor.detach().clone()
        self.kept = kept

    @cached_property
    def key(self) -> tuple[Shape, str, bytes]:
        """Shape, type and fingerprint of the values."""
        values = self.tensor.cpu().contiguous().numpy()
        return values.shape, str(values.dtype), hashlib.sha256(values.tobytes()).digest()

    @cached_property
    def zero(self) -> bool:
        """Whether every value is 0, as those of a state before the first step are."""
        return not bool(self.tensor.any())

    @property
    def shape(self) -> Shape:
        """Shape without the first axis, which is the sample where there is one."""
        return tuple(self.tensor.shape[1:])

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Constant) and self.key == other.key)

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True)
class Dense:
    """``W x + b`` on one axis."""

    weight: Constant
    bias: Constant | None


@dataclass(frozen=True)
class Convolve:
    """A convolution over one or two axes."""

    weight: Constant
    bias: Constant | None
    stride: Shape
    padding: Pairs
    dilation: Shape
    groups: int


@dataclass(frozen=True)
class MaxPool:
    """The largest value under a window."""

    kernel: Shape
    stride: Shape
    padding: Pairs
    dilation: Shape


@dataclass(frozen=True)
class AvgPool:
    """The sum under a window, divided.

    Attributes:
        divisors: Shape ``[m, *positions]`` or one that broadcasts to it, divided by one after the
            other; None for the size of the window.
    """

    kernel: Shape
    stride: Shape
    padding: Pairs
    divisors: Constant | None


@dataclass(frozen=True)
class Normalize:
    """``factor * x + shift`` of each channel, rounded once: a batch norm in evaluation."""

    factor: Constant
    shift: Constant


@dataclass(frozen=True)
class Multiply:
    """``factor * x``; shape of a value, or one that broadcasts to it."""

    factor: Constant


@dataclass(frozen=True)
class Shift:
    """``x + shift``; shape of a value, or one that broadcasts to it."""

    shift: Constant


@dataclass(frozen=True)
class Add:
    """The sum of two values."""


@dataclass(frozen=True)
class Concatenate:
    """Values one after the other along the first axis behind the batch."""


@dataclass(frozen=True)
class Reshape:
    """The same values in the same order, in another shape."""


Operator: TypeAlias = (
    Dense
    | Convolve
    | MaxPool
    | AvgPool
    | Normalize
    | Multiply
    | Shift
    | Add
    | Concatenate
    | Reshape
)


@dataclass(frozen=True)
class Origin:
    """Where in the user's model something was computed.

    Attributes:
        path: Path of the innermost module.
        function: Name of the function of torch.
        packaged: Whether a package defines that module: then it is the function, as a layer.
        line: ``file.py:12``, empty where no line of the user's was on the way.
    """

    path: str
    function: str
    packaged: bool
    line: str

    @property
    def place(self) -> str:
        """The module, with the line of the user's."""
        return f"{self.path or self.function} ({self.line})" if self.line else self.path


@dataclass(eq=False)
class Input:
    """The model's input.

    Attributes:
        step: Which step of it; None where it is the same in all.
        shape: Shape of one sample at one step.
    """

    step: int | None
    shape: Shape


@dataclass(eq=False)
class Operation:
    """What an operator gives; made once for the same operator and sources.

    Attributes:
        operator: What is computed.
        sources: From what.
        shape: Shape of the result without the batch.
        origin: Where it was computed first.
    """

    operator: Operator
    sources: tuple[Value, ...]
    shape: Shape
    origin: Origin

    @cached_property
    def constant(self) -> bool:
        """Whether no source depends on an input or a neuron."""
        return all(is_constant(source) for source in self.sources)


@dataclass(eq=False)
class Call:
    """One step of one population.

    Attributes:
        chain: The population.
        step: Which step of it, from 0.
        source: What the layer was given.
    """

    chain: Chain
    step: int
    source: Value

    @cached_property
    def spikes(self) -> Spikes:
        """What the population sends in this step."""
        return Spikes(self)

    @cached_property
    def states(self) -> dict[str, State]:
        """What the population has left for the next step, by name."""
        return {}

    def state(self, name: str) -> State:
        """Give the state ``name`` that the population has left."""
        return self.states.setdefault(name, State(self, name))


@dataclass(eq=False)
class Chain:
    """The calls of one layer that go on from each other's states: one population.

    Attributes:
        path: Path of the layer.
        layer: The layer.
        given: Shape of what it takes, without the batch.
        shape: Shape of its spikes, without the batch.
        binary: Whether a spike is 1.
        calls: One a step.
    """

    path: str
    layer: Module
    given: Shape
    shape: Shape = ()
    binary: bool = True
    calls: list[Call] = field(default_factory=list[Call])


@dataclass(eq=False)
class Spikes:
    """The spikes of one step of a population."""

    call: Call

    @property
    def shape(self) -> Shape:
        """Shape without the batch."""
        return self.call.chain.shape


@dataclass(eq=False)
class State:
    """A state that a population has left in one step, such as ``mem``."""

    call: Call
    name: str

    @property
    def shape(self) -> Shape:
        """Shape without the batch."""
        return self.call.chain.shape


@dataclass(eq=False)
class Sequence:
    """Values of one step after the other, along an axis of their own.

    Attributes:
        steps: One value a step.
        axis: 0, or 1 where the batch comes first.
    """

    steps: tuple[Value, ...]
    axis: int

    @property
    def shape(self) -> Shape:
        """Shape of one step without the batch."""
        return self.steps[0].shape


@dataclass(eq=False)
class Reduced:
    """Steps made one at the end of a model: ``sum``, ``mean``, ``max``.

    Attributes:
        how: Which of the three.
        steps: One value a step.
        factor: What the result is multiplied with, shape of a value or one that broadcasts to it.
    """

    how: str
    steps: tuple[Value, ...]
    factor: npt.NDArray[Any] | float = 1.0

    @property
    def shape(self) -> Shape:
        """Shape of one step without the batch."""
        return self.steps[0].shape


@dataclass(eq=False)
class Unknown:
    """What snnc cannot follow, with the first reason."""

    problem: Diagnostic

    @property
    def shape(self) -> Shape:
        """Nobody knows it."""
        return ()


Value: TypeAlias = Constant | Input | Operation | Spikes | State | Sequence | Reduced | Unknown


def is_constant(value: Value) -> bool:
    """Tell whether a value depends on no input and no neuron."""
    return isinstance(value, Constant) or (isinstance(value, Operation) and value.constant)


def alike(one: Value, other: Value) -> bool:
    """Tell whether two values can be what one model computes at different steps."""
    if isinstance(one, Operation) and isinstance(other, Operation):
        same = one.operator == other.operator
        return same and all(map(alike, one.sources, other.sources))
    if isinstance(one, Spikes | State) and isinstance(other, Spikes | State):
        return type(one) is type(other) and one.call.chain is other.call.chain
    return type(one) is type(other)


def unknowns(value: Value) -> Iterator[Diagnostic]:
    """Give why a value cannot be followed, every reason once."""
    waiting, seen = [value], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, Unknown):
            yield one.problem
        elif isinstance(one, Operation):
            waiting.extend(reversed(one.sources))
        elif isinstance(one, Sequence | Reduced):
            waiting.extend(reversed(one.steps))


def is_kept(value: Value) -> bool:
    """Tell whether a value is of parameters, buffers and numbers alone."""
    if isinstance(value, Operation):
        return all(map(is_kept, value.sources))
    return isinstance(value, Constant) and value.kept
