"""Watch the neurons of a model that has been followed, while it runs on data."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.torch.arguments import Arguments, Holder
from snnc.frontends.torch.calls import wrong_state
from snnc.frontends.torch.framework import Framework, Given, Signals
from snnc.frontends.torch.roll import Model, Population
from snnc.frontends.torch.values import Operation

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Forward = Callable[..., Any]
Array = npt.NDArray[Any]

EVERY_STEP = "call it once a step, and return torch.stack(...) of what it gives"


@dataclass(eq=False)
class Watch:
    """Records populations, and holds every state against the one that was left before.

    Attributes:
        framework: Whose neurons they are.
        model: The model, followed.
        arguments: Of its ``forward``.
        left: The states that each population has left last.
        outputs: What layers have given that are outputs, by path, one a step.
        problems: States that do not go on.
    """

    framework: Framework
    model: Model
    arguments: Arguments
    left: dict[Holder, Tensor] = field(default_factory=dict[Holder, "Tensor"])
    outputs: dict[str, list[Tensor]] = field(default_factory=dict[str, "list[Tensor]"])
    problems: dict[Diagnostic, None] = field(default_factory=dict[Diagnostic, None])
    _within: bool = False

    def __post_init__(self) -> None:
        self._uses: dict[int, list[Population]] = {}
        for population in self.model.populations:
            self._uses.setdefault(id(population.layer), []).append(population)
        self._layers = {p.name: p.layer for p in self.model.populations}
        self._calls: Counter[int] = Counter()
        self._signals: dict[str, list[Signals]] = {p.name: [] for p in self.model.populations}
        values = (port.value for port in self.model.ports if port.decoding != "steps")
        self._paths = {v.origin.path for v in values if isinstance(v, Operation)}

    def begin(self) -> None:
        """Count calls from here on: ``forward`` begins."""
        self._calls.clear()

    def replacement(self, path: str, layer: Module, forward: Forward) -> Forward:
        """Give what stands in for the ``forward`` of a module."""
        if not self.framework.is_layer(layer):
            return self._output(path, forward) if path in self._paths else forward

        @functools.wraps(forward)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            if self._within:
                return forward(*args, **kwargs)
            self._within = True
            try:
                return self._call(layer, forward, args, kwargs)
            finally:
                self._within = False

        return replacement

    def _output(self, path: str, forward: Forward) -> Forward:
        @functools.wraps(forward)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            given = forward(*args, **kwargs)
            self.outputs.setdefault(path, []).append(given)
            return given

        return replacement

    def _call(
        self, layer: Module, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        population = self._called(layer)
        given = self.framework.given(layer, args, kwargs)
        self._check(population, given)
        output = forward(*args, **kwargs)
        self._leave(population, given, output)
        self._signals[population.name].append(self.framework.signals(layer, given, output))
        return output

    def _called(self, layer: Module) -> Population:
        """Give the population that a call of ``layer`` is a step of."""
        uses = self._uses[id(layer)]
        population = uses[self._calls[id(layer)] % len(uses)]
        self._calls[id(layer)] += 1
        return population

    def _leave(self, population: Population, given: Given, output: Any) -> None:
        """Note the states that a call was given, and those that it left."""
        for name, tensor in given.states.items():
            self.arguments.claim(tensor, (population.name, name))
        states = self.framework.left(population.layer, output).states
        self.left.update({(population.name, name): t for name, t in states.items()})

    def _check(self, population: Population, given: Given) -> None:
        import torch

        for name, tensor in given.states.items():
            left = self.left.get((population.name, name))
            if tensor is None or name in given.ignored:
                fits = left is None
            elif left is None:
                fits = self.framework.is_first(population.layer, name, tensor)
            else:
                fits = torch.equal(tensor, left)
            if not fits:
                self.problems.setdefault(wrong_state(population.path, name, self.framework))

    def step_problems(self, steps: int) -> Iterator[Diagnostic]:
        """Tell which layers have not run ``steps`` steps."""
        for population in self.model.populations:
            ran = self._ran(population)
            remedy = f"give data of {ran} steps, or let the loop of the model run over all of them"
            if ran != steps:
                yield _wrong_steps(population.path, ran, steps, remedy)
        for path in sorted(self._paths):
            ran = len(self.outputs.get(path, ()))
            if ran != steps:
                yield _wrong_steps(path, ran, steps, EVERY_STEP)

    def _ran(self, population: Population) -> int:
        signals = self._signals[population.name]
        several = self.framework.runs_all_steps(population.layer)
        return sum(len(one.v) for one in signals) if several else len(signals)

    def sent(self, name: str, *, potential: bool) -> Array:
        """Give what a population sent in each step, as the framework gave it.

        Args:
            name: Its name.
            potential: Whether it sends its potential in place of spikes.
        """
        kind = "v" if potential else "spikes"
        return self._joined(name, [getattr(one, kind) for one in self._signals[name]])

    def _joined(self, name: str, tensors: list[Tensor]) -> Array:
        several = self.framework.runs_all_steps(self._layers[name])
        join = np.concatenate if several else np.stack
        return join([tensor.numpy(force=True) for tensor in tensors])

    def arrays(self) -> dict[str, Array]:
        """Give every signal by ``kind name``, shape ``[steps, batch, *shape]``."""
        found: dict[str, Array] = {}
        for population in self.model.populations:
            signals = self._signals[population.name]
            for kind in ("spikes", "u", "v"):
                tensors = [getattr(one, kind) for one in signals]
                if tensors[0] is not None and not (kind == "spikes" and population.reads_out):
                    array = self._joined(population.name, tensors)
                    found[f"{kind} {population.name}"] = (
                        (array != 0).astype(np.uint8) if kind == "spikes" else array
                    )
        return found


def _wrong_steps(path: str, ran: int, steps: int, remedy: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.STEPS_FIT,
        node=path,
        found=f"the model ran {ran} of {steps} steps",
        limit="the model runs every step of its data, once",
        remedy=remedy,
    )
