"""A model of torch, followed from layer to layer: what feeds what, and what leaves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.frontends.torch_layers import is_passed_through
from snnc.frontends.torch_trace import Call, Source, Step

if TYPE_CHECKING:
    import torch
    from torch.nn import Module

INPUT, OUTPUT = "input", "output"
"""Names of the graph's input and output node."""

IsNeuron = Callable[["Module"], bool]


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
        shapes: Shape of what each layer gives, by name, without the batch axis.
        neurons: The neuron layers by name.
    """

    links: tuple[Link, ...]
    output: str
    shapes: Mapping[str, tuple[int, ...]]
    neurons: Mapping[str, Module]


def device_of(module: Module) -> torch.device | str:
    """Give the device of the module's parameters and buffers."""
    for values in (*module.parameters(), *module.buffers()):
        return values.device
    return "cpu"


def model_of(step: Step, is_neuron: IsNeuron) -> Model:
    """Give the model that ``step`` has gone through; it has no problems."""
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
        neurons={link.name: link.layer for link in links if is_neuron(link.layer)},
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


def output_problems(step: Step, is_neuron: IsNeuron, example: str) -> Iterator[Diagnostic]:
    """Tell why what ``forward`` returns cannot be the model's output.

    Args:
        step: Nothing else is wrong with it.
        is_neuron: Tells neurons from other layers.
        example: A neuron of the framework, for messages.
    """
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
                remedy=f"end the model with {example}",
            )


def reshape_problems(step: Step) -> Iterator[Diagnostic]:
    """Tell of changes of shape that are none of ``nn.Flatten``."""
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
