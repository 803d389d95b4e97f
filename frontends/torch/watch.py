"""Watch the neurons of a model that has been followed, while it runs on data."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

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
        uses = self._uses[id(layer)]
        population = uses[self._calls[id(layer)] % len(uses)]
        self._calls[id(layer)] += 1
        given = self.framework.given(layer, args, kwargs)
        self._check(population, given)
        output = forward(*args, **kwargs)
        for name, tensor in given.states.items():
            self.arguments.claim(tensor, (population.name, name))
        states = self.framework.left(layer, output).states
        self.left.update({(population.name, name): t for name, t in states.items()})
        self._signals[population.name].append(self.framework.signals(layer, given, output))
        return output

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

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Give every signal by ``kind name``, shape ``[steps, batch, *shape]``."""
        found: dict[str, npt.NDArray[Any]] = {}
        for population in self.model.populations:
            signals = self._signals[population.name]
            several = self.framework.runs_all_steps(population.layer)
            join = np.concatenate if several else np.stack
            for kind in ("spikes", "u", "v"):
                tensors = [getattr(one, kind) for one in signals]
                if tensors[0] is not None and not (kind == "spikes" and population.reads_out):
                    array = join([tensor.numpy(force=True) for tensor in tensors])
                    found[f"{kind} {population.name}"] = (
                        (array != 0).astype(np.uint8) if kind == "spikes" else array
                    )
        return found
