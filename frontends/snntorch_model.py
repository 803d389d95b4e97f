"""A snnTorch model, followed from layer to layer: what feeds what, and what leaves it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.frontends.snntorch_layers import is_neuron, is_passed_through, layer_problems
from snnc.frontends.snntorch_states import States
from snnc.frontends.torch_trace import (
    BATCH,
    Call,
    Source,
    Step,
    call_model,
    evaluating,
    layers_of,
    trace_step,
)

if TYPE_CHECKING:
    import torch
    from torch.nn import Module

INPUT, OUTPUT = "input", "output"
"""Names of the graph's input and output node."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Link:
    """A layer and what feeds it.

    Attributes:
        name: Name of the layer's node.
        path: Path of the layer in the model.
        layer: The layer.
        source: Name of the node that feeds it.
        source_shape: Shape of what that node gives, without the batch axis.
        shape: Shape of the layer's input, of the same size.
    """

    name: str
    path: str
    layer: Module
    source: str
    source_shape: tuple[int, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A model whose every layer can be imported.

    Attributes:
        links: Layers that compute, in the order of their calls.
        output: Name of the neuron layer that is the model's output.
        shapes: Shape of what each neuron layer gives, by name, without the batch axis.
    """

    links: tuple[Link, ...]
    output: str
    shapes: Mapping[str, tuple[int, ...]]

    @property
    def neurons(self) -> dict[str, Module]:
        """The neuron layers by name."""
        return {link.name: link.layer for link in self.links if is_neuron(link.layer)}


def follow_model(module: Module, shape: tuple[int, ...]) -> Model:
    """Run ``module`` for two steps from reset states; follow the first, watch both.

    Args:
        module: A snnTorch model.
        shape: Shape of one sample at one step.

    Raises:
        InputError: Everything that keeps the model from being imported exactly, at once.
    """
    import torch

    x = torch.zeros((BATCH, *shape), device=device_of(module))
    states = States({p: m for p, m in layers_of(module).items() if is_neuron(m)})
    states.start(module, x)
    with evaluating(module), states.watching():
        step = trace_step(module, x, states.arguments())
        found = [p for c in step.calls for p in layer_problems(c.path, c.layer, c.shape)]
        found += [*step.problems, *_reshape_problems(step)]
        if step.returned is not None:
            found += states.unclaimed()
        if not found:
            found += _output_problems(step)
            call_model(module, x, states.arguments())
        raise_all(dict.fromkeys([*found, *states.problems.values()]))  # once, not once a call
    return _model_of(step)


def device_of(module: Module) -> torch.device | str:
    """Give the device of the module's parameters and buffers."""
    for values in (*module.parameters(), *module.buffers()):
        return values.device
    return "cpu"


def _model_of(step: Step) -> Model:
    taken = (INPUT, OUTPUT)
    names = {c.path: f"{c.path}.layer" if c.path in taken else c.path for c in step.calls}
    links = tuple(
        Link(
            name=names[call.path],
            path=call.path,
            layer=call.layer,
            source=names[source.path] if source.path else INPUT,
            source_shape=step.shapes[source],
            shape=call.shape,
        )
        for call, source in _computing(step)
    )
    output = _outputs(step)[0].path
    return Model(
        links=links,
        output=names[output],
        shapes={names[s.path]: shape for s, shape in step.shapes.items() if s.path and not s.index},
    )


def _computing(step: Step) -> Iterator[tuple[Call, Source]]:
    """Give the calls of layers that compute something, each with its source."""
    for call in step.calls:
        if call.source is not None and not is_passed_through(call.layer):
            yield call, call.source


def _outputs(step: Step) -> list[Call]:
    """Give the layers whose spikes the model returns and, where there is a choice, nobody reads."""
    read = {source.path for _, source in _computing(step)}
    returned = [s.path for s in step.returned or () if s.index == 0]
    last = [path for path in returned if path not in read] or returned
    return [c for c in step.calls if c.path in last]


def _output_problems(step: Step) -> Iterator[Diagnostic]:
    outputs = _outputs(step)
    if len(outputs) != 1:
        returned = ", ".join(c.path for c in outputs) or ", ".join(map(str, step.returned or ()))
        yield Diagnostic(
            rule=rules.MODEL_TRACEABLE,
            node="what forward returns",
            found=returned or "no tensor that a layer returned",
            limit="the spikes of one layer, unchanged; its states may follow",
            remedy="return the spikes of the last layer",
        )
    for call in outputs:
        if not is_neuron(call.layer):
            yield Diagnostic(
                rule=rules.TOPOLOGY,
                node=call.path,
                found=f"the model's output is that of {type(call.layer).__name__}",
                limit="a spiking layer",
                remedy="end the model with snn.Leaky",
            )


def _reshape_problems(step: Step) -> Iterator[Diagnostic]:
    for call, source in _computing(step):
        given = step.shapes[source]
        if given != call.shape and len(call.shape) > 1:
            yield Diagnostic(
                rule=rules.MODEL_TRACEABLE,
                node=call.path,
                found=f"takes {list(call.shape)} of {list(given)} that {source} gives",
                limit="the same shape, or all in one axis as nn.Flatten gives it",
                remedy="use nn.Flatten for changes of shape",
            )
