"""What a function of torch is given, and what it means in operators."""
# torch types its functions in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from snnc.frontends.torch.values import (
    Constant,
    Operation,
    Operator,
    Reduced,
    Sequence,
    Shape,
    Value,
    is_constant,
)

if TYPE_CHECKING:
    from torch import Tensor


class Refused(Exception):
    """A function is called in a way that no operator expresses.

    Attributes:
        why: What it does, to be read after its name.
        remedy: What to do instead, where there is more to say than what can be followed.
    """

    def __init__(self, why: str = "", remedy: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy


@dataclass(frozen=True, eq=False)
class Operand:
    """A tensor that a function is given, and what it is.

    Attributes:
        tensor: The tensor.
        value: What it is.
    """

    tensor: Tensor
    value: Value

    @property
    def shape(self) -> Shape:
        """With all axes."""
        return tuple(self.tensor.shape)


class Maker(Protocol):
    """Makes operations, each once."""

    selects_samples: bool

    def make(self, operator: Operator, sources: tuple[Value, ...], shape: Shape) -> Operation:
        """Give the one operation of ``operator`` on ``sources``."""
        ...


Meaning = Callable[..., list[Value]]
"""Takes a maker, the results, and what the function was called with; gives one value a result."""


def applied(maker: Maker, operator: Operator, result: Tensor, *sources: Value) -> list[Value]:
    """Give what ``operator`` makes of one step, or of each of several.

    Raises:
        Refused: The result is not of float32, or steps do not fit together.
    """
    check_type(result)
    if any(isinstance(source, Reduced) for source in sources):
        raise Refused("of steps that were made one before", "decode after the model, not within")
    steps = [source for source in sources if isinstance(source, Sequence)]
    if not steps:
        return [maker.make(operator, sources, tuple(result.shape[1:]))]
    if len({(len(s.steps), s.axis) for s in steps}) > 1:
        raise Refused("of sequences of different form")
    made = tuple(
        maker.make(operator, tuple(_at(s, t) for s in sources), tuple(result.shape[2:]))
        for t in range(len(steps[0].steps))
    )
    return [Sequence(made, steps[0].axis)]


def _at(source: Value, step: int) -> Value:
    return source.steps[step] if isinstance(source, Sequence) else source


def lead(value: Value) -> int:
    """Give the number of axes before those of one sample at one step."""
    return 2 if isinstance(value, Sequence) else 1


def check_type(result: Tensor) -> None:
    """Refuse everything but float32."""
    import torch

    if result.dtype != torch.float32:
        raise Refused(f"gives {result.dtype}", "compute in torch.float32: module.float()")


def constant_of(operand: Operand) -> Constant:
    """Give the values of a weight."""
    if not is_constant(operand.value):
        raise Refused("with weights that depend on the input")
    if isinstance(operand.value, Constant):
        return operand.value
    return Constant(operand.tensor, kept=True)
