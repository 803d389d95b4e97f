"""States that ``forward`` takes as arguments: from one call to the next."""
# torch types its modules in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Holder = tuple[object, str]
"""A population, and the name of one of its states."""


class Convention(StrEnum):
    """Which state an argument takes."""

    BY_USE = "use"
    """That of the neuron that it is handed to."""
    LAST = "last"
    """``forward`` returns them last, in the order of its arguments."""
    BEHIND_OUTPUT = "behind"
    """``forward`` returns one output, and behind it the states in the order of its arguments."""


@dataclass(eq=False)
class Arguments:
    """What ``forward`` takes beside its input.

    Attributes:
        convention: Which state an argument takes.
        names: Arguments without a default, or with None as theirs.
        required: Those without.
        blanks: Tensors that stand in for states before the first step.
    """

    convention: Convention
    names: tuple[str, ...]
    required: frozenset[str]
    blanks: dict[str, Tensor] = field(default_factory=dict[str, "Tensor"])
    _holders: dict[str, Holder] = field(default_factory=dict[str, Holder])
    _returned: tuple[object, ...] | None = None

    @classmethod
    def of(cls, module: Module, convention: Convention, *, is_layer: bool) -> Arguments:
        """Give the arguments of ``module``; a layer of a framework may hold its states itself."""
        _, *others = inspect.signature(module.forward).parameters.values()
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        states = [
            p for p in others if p.kind in named and p.default in (None, inspect.Parameter.empty)
        ]
        required = frozenset(p.name for p in states if p.default is inspect.Parameter.empty)
        if is_layer and convention is not Convention.BEHIND_OUTPUT:
            states = []
        return cls(convention, tuple(p.name for p in states), required)

    def given(self, x: Tensor, left: Mapping[Holder, Tensor]) -> dict[str, Any]:
        """Give the arguments of the call to come, with ``x`` as its input.

        Args:
            x: The input.
            left: The states that the call before has left.
        """
        if self.convention is Convention.BY_USE:
            if not self.blanks:
                import torch

                self.blanks = {n: torch.zeros(0, device=x.device) for n in self.names}
            return {
                n: left[self._holders[n]] if n in self._holders else blank
                for n, blank in self.blanks.items()
            }
        if self._returned is None:
            return dict.fromkeys(self.required)
        return dict(zip(self.names, self._returned, strict=False))

    def claim(self, tensor: Tensor | None, holder: Holder) -> None:
        """Note that ``holder`` was handed ``tensor`` as its state."""
        for name, blank in self.blanks.items():
            if tensor is blank:
                self._holders.setdefault(name, holder)

    def take(self, output: object) -> None:
        """Take the states out of what ``forward`` has returned."""
        parts = cast("tuple[object, ...]", output) if isinstance(output, tuple | list) else ()
        behind = self.convention is Convention.BEHIND_OUTPUT
        start = 1 if behind else max(0, len(parts) - len(self.names))
        self._returned = tuple(parts[start:])

    def outputs_of(self, output: object) -> object:
        """Give what of ``forward``'s result is no state that it is to be handed again."""
        behind = self.convention is Convention.BEHIND_OUTPUT and bool(self.names)
        if behind and isinstance(output, tuple) and output:
            return cast("tuple[object, ...]", output)[0]
        return output

    def problems(self) -> Iterator[Diagnostic]:
        """Tell of the arguments that no neuron took as its state."""
        for name in self.blanks:
            if name not in self._holders:
                yield Diagnostic(
                    rule=rules.MODEL_TRACEABLE,
                    node=f"forward(..., {name})",
                    found=f"no neuron takes the argument {name} as its state",
                    limit="forward takes the input of one step and the states of neurons",
                    remedy=f"leave {name} out, or give it a default other than None",
                )
