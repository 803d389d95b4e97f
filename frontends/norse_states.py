"""The states of norse's cells between one step and the next."""

from __future__ import annotations

import inspect
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.torch_trace import changes_of, tensors_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Arguments = dict[str, object]


def spikes_of(value: object) -> object:
    """Give the first of what ``forward`` returns: the rest are states."""
    return _parts(value)[0]


def first_arguments(module: Module) -> Arguments:
    """Give what ``forward`` takes beside its input in the first step: no state is ``None``."""
    return {p.name: None for p in _state_parameters(module) if p.default is inspect.Parameter.empty}


def next_arguments(module: Module, value: object) -> Arguments:
    """Give the states that ``forward`` has returned to the next call, in their order."""
    names = (p.name for p in _state_parameters(module))
    return dict(zip(names, _parts(value)[1:], strict=False))


def _parts(value: object) -> tuple[object, ...]:
    parts = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    return parts or (None,)


def _state_parameters(module: Module) -> list[inspect.Parameter]:
    _, *others = inspect.signature(module.forward).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p for p in others if p.kind in named]


@dataclass
class CellStates:
    """Watches that every cell starts without a state and goes on from the one that it left.

    norse's cells keep nothing: they take a state, or None for the first, and return the next
    (norse 1.1.0, ``module/snn.py:83-88``). A model that drops a state or hands on another one
    computes another network.

    Attributes:
        cells: The cells by path.
        signals: Spikes and membrane potential that each cell has returned last.
        problems: What went wrong, by path.
    """

    cells: Mapping[str, Module]
    signals: dict[str, tuple[Tensor, Tensor]] = field(
        default_factory=dict[str, "tuple[Tensor, Tensor]"]
    )
    problems: dict[str, Diagnostic] = field(default_factory=dict[str, Diagnostic])
    _left: dict[str, list[tuple[Tensor, int]]] = field(
        default_factory=dict[str, "list[tuple[Tensor, int]]"]
    )

    def start(self) -> None:
        """Forget the steps so far."""
        self._left.clear()

    @contextmanager
    def watching(self) -> Generator[None]:
        """Hook into the cells."""
        with ExitStack() as hooks:
            for path, cell in self.cells.items():
                before = cell.register_forward_pre_hook(self._before(path), with_kwargs=True)
                hooks.callback(before.remove)
                hooks.callback(cell.register_forward_hook(self._after(path)).remove)
            yield

    def _before(self, path: str) -> Any:
        def hook(cell: Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
            given = inspect.signature(cell.forward).bind(*args, **kwargs).arguments.get("state")
            if not self._continues(path, given):
                self.problems.setdefault(path, _wrong_state(path))

        return hook

    def _continues(self, path: str, given: object) -> bool:
        if path not in self._left:
            return given is None
        tensors, left = list(tensors_of(given)), self._left[path]
        return len(tensors) == len(left) and all(
            tensor is before and changes_of(tensor) == changes
            for tensor, (before, changes) in zip(tensors, left, strict=True)
        )

    def _after(self, path: str) -> Any:
        def hook(cell: Module, args: object, output: Any) -> None:
            del cell, args
            spikes, state = output
            self.signals[path] = spikes, state.v
            self._left[path] = [(tensor, changes_of(tensor)) for tensor in tensors_of(state)]

        return hook


def _wrong_state(path: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node=path,
        found="its state does not go on from the step before",
        limit="every cell starts with the state None and goes on from the state that it left",
        remedy="return the cells' states unchanged: forward(x, state=None) -> spikes, state",
    )
