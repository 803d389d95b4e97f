"""The states of snnTorch's neurons between one step and the next."""

from __future__ import annotations

import inspect
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.torch_trace import changes_of, tensors_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

STATES = ("spk", "syn", "mem")
"""Names of the states, as arguments of a neuron's ``forward`` and as its attributes."""


@dataclass
class States:
    """Watches that every neuron goes on from the state that it left, and starts from zero.

    snnTorch keeps a state in the layer (``self.mem``) and lets the caller replace it by an
    argument (snntorch 1.0.0, ``_neurons/leaky.py:184-205``). Both ways of writing a model are
    followed; one that starts again in every step, or from elsewhere, computes another network.

    Attributes:
        neurons: The neuron layers by path.
        spikes: What each neuron returned last.
        problems: What went wrong, by path.
    """

    neurons: Mapping[str, Module]
    spikes: dict[str, Tensor] = field(default_factory=dict[str, "Tensor"])
    problems: dict[str, Diagnostic] = field(default_factory=dict[str, Diagnostic])
    _blanks: dict[str, Tensor] = field(default_factory=dict[str, "Tensor"])
    _carries: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    _left: dict[tuple[str, str], tuple[Tensor, int]] = field(
        default_factory=dict[tuple[str, str], "tuple[Tensor, int]"]
    )

    def start(self, module: Module, x: Tensor) -> None:
        """Set every state to zero and forget the steps so far; ``x`` is the input to come."""
        import torch

        reset(self.neurons.values())
        self._left.clear()
        self._carries.clear()
        alone = any(module is neuron for neuron in self.neurons.values())
        names = () if alone else state_arguments(module)
        self._blanks = {name: torch.zeros(0, device=x.device) for name in names}

    def arguments(self) -> dict[str, Tensor]:
        """Give what ``forward`` takes beside its input in the step to come."""
        return {
            name: self.left(*self._carries[name]) if name in self._carries else blank
            for name, blank in self._blanks.items()
        }

    def left(self, path: str, state: str) -> Tensor:
        """Give the state that a neuron left in the step before."""
        return self._left[path, state][0]

    def unclaimed(self) -> Iterator[Diagnostic]:
        """Tell of the arguments of ``forward`` that no neuron took as its state."""
        for name in self._blanks:
            if name not in self._carries:
                yield Diagnostic(
                    rule=rules.MODEL_TRACEABLE,
                    node=f"forward(..., {name})",
                    found=f"no neuron takes the argument {name} as its state",
                    limit="forward takes the input of one step and the states of neurons",
                    remedy=f"leave {name} out, or give it a default other than None",
                )

    @contextmanager
    def watching(self) -> Generator[None]:
        """Hook into the neurons; reset them at the end."""
        with ExitStack() as hooks:
            hooks.callback(reset, self.neurons.values())
            for path, layer in self.neurons.items():
                before = layer.register_forward_pre_hook(self._before(path), with_kwargs=True)
                hooks.callback(before.remove)
                hooks.callback(layer.register_forward_hook(self._after(path)).remove)
            yield

    def _before(self, path: str) -> Any:
        def hook(layer: Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
            given = inspect.signature(layer.forward).bind(*args, **kwargs).arguments
            x = cast("Tensor", next(iter(given.values())))
            for state in STATES:
                value = given.get(state)
                value = getattr(layer, state, None) if value is None else value
                if value is not None and not self._continues(path, state, value, x):
                    self.problems.setdefault(path, _wrong_state(path, state))

        return hook

    def _continues(self, path: str, state: str, value: Tensor, x: Tensor) -> bool:
        if (path, state) in self._left:
            left, changes = self._left[path, state]
            return value is left and changes_of(left) == changes
        for name, blank in self._blanks.items():
            if value is blank:
                self._carries.setdefault(name, (path, state))
                return True
        return value.shape != x.shape or not bool(value.any())  # snnTorch replaces other shapes

    def _after(self, path: str) -> Any:
        def hook(layer: Module, args: object, output: object) -> None:
            del args
            self.spikes[path] = next(tensors_of(output))
            for state in STATES:
                if hasattr(layer, state):
                    left = cast("Tensor", getattr(layer, state))
                    self._left[path, state] = left, changes_of(left)

        return hook


def state_arguments(module: Module) -> tuple[str, ...]:
    """Give the names of what ``forward`` needs beside its input: no default, or None."""
    _, *others = inspect.signature(module.forward).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(
        p.name for p in others if p.kind in named and p.default in (None, inspect.Parameter.empty)
    )


def reset(neurons: Iterable[Module]) -> None:
    """Set the states of ``neurons`` to zero."""
    for neuron in neurons:
        cast("Any", neuron).reset_mem()


def _wrong_state(path: str, state: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node=path,
        found=f"{state} does not go on from the step before",
        limit="every neuron starts from zero and goes on from the state that it left",
        remedy="reset states outside forward, or use init_hidden=True",
    )
