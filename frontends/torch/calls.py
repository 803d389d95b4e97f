"""Tell the populations of a model apart: calls of neurons that go on from each other's states."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.frontends.torch.arguments import Arguments, Holder
from snnc.frontends.torch.framework import Framework, Given, Left, layer_name, tensors_of
from snnc.frontends.torch.layers import unknown_layer
from snnc.frontends.torch.record import Recorder
from snnc.frontends.torch.values import (
    Call,
    Chain,
    Sequence,
    Shape,
    Spikes,
    State,
    Unknown,
    Value,
    is_constant,
)

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Forward = Callable[..., Any]

MOST_STEPS = 4096
"""Steps that a model's own loop may have."""
STATES_GO_ON = "every neuron starts from its first state and goes on from the state that it left"


@dataclass(eq=False)
class Calls:
    """Records the calls of layers that are imported as a whole.

    Attributes:
        recorder: Knows what their inputs are.
        framework: Whose neurons they are.
        arguments: Of the model: some may be states of neurons.
        batch: Number of samples.
        chains: The populations, in the order of their first calls.
        order: Every call of a population, in their order.
        left: The states that each population has left last.
    """

    recorder: Recorder
    framework: Framework
    arguments: Arguments
    batch: int
    chains: list[Chain] = field(default_factory=list[Chain])
    order: list[Call] = field(default_factory=list[Call])
    left: dict[Holder, Tensor] = field(default_factory=dict[Holder, "Tensor"])
    _checked: set[tuple[Module, Shape]] = field(default_factory=set[tuple["Module", Shape]])
    _numbers: dict[Module, dict[str, Tensor]] = field(
        default_factory=dict["Module", "dict[str, Tensor]"]
    )

    def replacement(self, path: str, layer: Module, forward: Forward) -> Forward:
        """Give what stands in for the ``forward`` of a module."""
        call = self._layer if self.framework.is_layer(layer) else _as_it_is
        if self.framework.is_layer(layer):
            with self.recorder.paused():
                self._numbers[layer] = {n: t.clone() for n, t in _numbers_of(layer)}

        @functools.wraps(forward)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            if self.recorder.is_paused:
                return forward(*args, **kwargs)
            modules = self.recorder.place.modules
            modules.append((path, layer))
            try:
                return call(path, layer, forward, args, kwargs)
            finally:
                modules.pop()

        return replacement

    def _layer(
        self,
        path: str,
        layer: Module,
        forward: Forward,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        with self.recorder.paused():
            if not self.framework.is_supported(layer):
                return self._unsupported(path, layer, forward(*args, **kwargs))
            given = self.framework.given(layer, args, kwargs)
            source = self.recorder.value(given.x)
            for problem in self._changes(path, layer):
                self.recorder.tell(problem)
            for problem in self._problems(path, layer, given.x, source):
                self.recorder.tell(problem)
            before = self._before(path, layer, given)
            output = forward(*args, **kwargs)
            left = self.framework.left(layer, output)
            chain = before.chain if before else self._new(path, layer, given.x, left.spikes)
            self._know(chain, source, left)
            for name, tensor in given.states.items():
                self.arguments.claim(tensor, (chain, name))
            self.left.update({(chain, name): t for name, t in left.states.items()})
        return output

    def _changes(self, path: str, layer: Module) -> Iterator[Diagnostic]:
        """Tell of parameters of neurons that are not what they were before ``forward``."""
        for name, tensor in _numbers_of(layer):
            before = self._numbers[layer].get(name)
            if self.recorder.depends(tensor):
                found = f"{name} depends on the input or on neurons"
            elif before is None or not _same(tensor, before):
                found = f"forward sets {name}"
            else:
                continue
            yield Diagnostic(
                rule=rules.MODEL_TRACEABLE,
                node=path,
                found=found,
                limit="the parameters of neurons are the same in every step",
                remedy="set them when the model is made, or train with fixed ones",
            )

    def _unsupported(self, path: str, layer: Module, output: Any) -> Any:
        way_out = self.framework.ways_out.get(type(layer).__name__, "")
        problem = unknown_layer(path, layer_name(layer), self.framework.supported, way_out)
        self.recorder.tell(problem)
        for tensor in tensors_of(output):
            self.recorder.know(tensor, Unknown(problem))
        return output

    def _new(self, path: str, layer: Module, x: Tensor, spikes: Tensor) -> Chain:
        axes = 2 if self.framework.runs_all_steps(layer) else 1
        given, shape = tuple(x.shape[axes:]), tuple(spikes.shape[axes:])
        chain = Chain(path, layer, given, shape, binary=self.framework.sends_ones(layer))
        self.chains.append(chain)
        return chain

    def _know(self, chain: Chain, source: Value, left: Left) -> None:
        several = isinstance(source, Sequence) and self.framework.runs_all_steps(chain.layer)
        sources = cast("Sequence", source).steps if several else (source,)
        for one in sources:
            chain.calls.append(Call(chain, len(chain.calls), one))
        if len(chain.calls) > MOST_STEPS:
            raise InputError([_too_long(chain.path)])
        calls = chain.calls[-len(sources) :]
        self.order.append(calls[0])
        for name, tensor in left.states.items():
            self.recorder.know(tensor, calls[-1].state(name))
        sent = tuple(c.state(left.sends) if left.sends else c.spikes for c in calls)
        self.recorder.know(left.spikes, Sequence(sent, 0) if several else sent[0])

    def _before(self, path: str, layer: Module, given: Given) -> Call | None:
        """Give the call whose states ``layer`` goes on from, None where it starts."""
        calls: dict[str, Call | None] = {}
        for name, tensor in given.states.items():
            ignored = tensor is None or name in given.ignored
            value = None if ignored else self.recorder.value(cast("Tensor", tensor))
            if (isinstance(value, State) and value.name == name) or (
                isinstance(value, Spikes) and name == self.framework.spike_state
            ):
                calls[name] = value.call
            elif value is None or self._is_first(layer, name, cast("Tensor", tensor), value):
                calls[name] = None
            else:
                self.recorder.tell(wrong_state(path, name, self.framework))
                return None
        before = next((call for call in calls.values() if call is not None), None)
        for name, call in calls.items():
            if call is not before or (before and before.chain.layer is not layer):
                self.recorder.tell(wrong_state(path, name, self.framework))
                return None
            if before and before is not before.chain.calls[-1]:
                self.recorder.tell(wrong_state(path, name, self.framework))
                return None
        return before

    def _is_first(self, layer: Module, name: str, tensor: Tensor, value: Value) -> bool:
        return is_constant(value) and self.framework.is_first(layer, name, tensor)

    def _problems(self, path: str, layer: Module, x: Tensor, source: Value) -> Iterator[Diagnostic]:
        import torch

        several = isinstance(source, Sequence)
        if several != self.framework.runs_all_steps(layer) and not isinstance(source, Unknown):
            yield _wrong_steps(path, layer_name(layer), several=several)
        elif x.ndim < 2 + several or x.shape[several] != self.batch:
            yield _wrong_batch(path, x, self.batch)
        elif (layer, shape := tuple(x.shape[1 + several :])) not in self._checked:
            self._checked.add((layer, shape))
            yield from self.framework.problems(path, layer, shape)
        if x.dtype != torch.float32:
            yield Diagnostic(
                rule=rules.LAYER_SUPPORTED,
                node=path,
                found=f"its input is {x.dtype}",
                limit="models compute in torch.float32",
                remedy="convert the model: module.float()",
            )


def _numbers_of(layer: Module) -> Iterator[tuple[str, Tensor]]:
    """Give a layer's parameters, and not its states: snnTorch's are saved, norse's in ``p``."""
    yield from layer.state_dict(keep_vars=True).items()
    yield from _fields_of(getattr(layer, "p", None), "p")


def _same(one: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors hold the same numbers; NaN is itself."""
    if one.shape != other.shape:
        return False
    return bool(((one == other) | (one.isnan() & other.isnan())).all())


def _fields_of(value: object, name: str) -> Iterator[tuple[str, Tensor]]:
    """Give the tensors of named tuples in named tuples: refractory cells hold those of others."""
    for field_name in getattr(value, "_fields", ()):
        inner = getattr(value, field_name)
        if hasattr(inner, "_fields"):
            yield from _fields_of(inner, f"{name}.{field_name}")
        else:
            yield from ((f"{name}.{field_name}", tensor) for tensor in tensors_of(inner))


def _as_it_is(
    path: str, layer: Module, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    del path, layer
    return forward(*args, **kwargs)


def wrong_state(path: str, name: str, framework: Framework) -> Diagnostic:
    """Tell of a state that is not what the same layer left in the step before."""
    return Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node=path,
        found=f"{name} does not go on from the step before",
        limit=STATES_GO_ON,
        remedy=framework.hand_on,
    )


def _too_long(path: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node=path,
        found=f"more than {MOST_STEPS:,} steps",
        limit=f"a loop of {MOST_STEPS:,} steps at most",
        remedy="let the input say how many: for step in range(len(x))",
    )


def _wrong_steps(path: str, name: str, *, several: bool) -> Diagnostic:
    found = "takes several steps at once" if several else "takes one step at a time"
    limit = "runs one step a call" if several else "runs all steps in one call"
    return Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node=path,
        found=f"{name} {found}",
        limit=f"it {limit}",
        remedy="call it once a step" if several else "give it all steps, along the first axis",
    )


def _wrong_batch(path: str, x: Tensor, batch: int) -> Diagnostic:
    return Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node=path,
        found=f"its input has shape {list(x.shape)} for a batch of {batch}",
        limit="the first axis is the sample, and no layer changes it",
        remedy="keep the batch axis: nn.Flatten() or x.flatten(1), not x.flatten()",
    )
