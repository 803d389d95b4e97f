"""A model as a NIR graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from math import isfinite
from numbers import Integral, Real
from typing import Any, cast

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.frontends.packages import missing_framework
from snnc.frontends.spec import is_module
from snnc.frontends.torch.follow import Layout
from snnc.frontends.torch.framework import Framework
from snnc.frontends.torch.layers import Nodes
from snnc.frontends.torch.match import parts_of
from snnc.frontends.torch.nodes import node_of, operation_problems, placing_nodes, scale_node
from snnc.frontends.torch.roll import INPUT, Model, Population
from snnc.frontends.torch.values import (
    Concatenate,
    Convolve,
    Dense,
    Input,
    Multiply,
    Operation,
    Reshape,
    Shape,
    Spikes,
    State,
    Value,
)

PopulationNodes = Callable[[Population], Nodes]
TAKES_DELAY = (Dense, Convolve, Multiply)
"""Operators whose nodes can say a delay themselves."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Imported:
    """A module as its frontend sees it.

    Attributes:
        graph: The NIR graph.
        model: What the graph was made of; populations have the names of their nodes.
        framework: The neurons.
    """

    graph: nir.NIRGraph
    model: Model
    framework: Framework


def graph_of(
    model: Model,
    input_shape: Shape,
    nodes_of: PopulationNodes,
    notes: Mapping[str, int | float | str],
) -> nir.NIRGraph:
    """Give the NIR graph of a model.

    Args:
        model: Every population of it can be imported.
        input_shape: Shape of one sample at one step.
        nodes_of: Gives the nodes of a population and the edges among them, first the node that
            takes the input.
        notes: What the graph's metadata say under the key ``snnc``.

    Raises:
        InputError: Operations that cannot be nodes, all of them.
    """
    raise_all(dict.fromkeys(problems_of(model)))
    builder = _Builder(model)
    builder.nodes[INPUT] = nir.Input(input_type={"input": np.array(input_shape)})
    for population in model.populations:
        source = builder.name_of(population.source)
        made, inner = nodes_of(population)
        builder.nodes.update(made)
        builder.edges += [(source, next(iter(made))), *inner]
    for port in model.ports:
        source = builder.name_of(port.value)
        builder.nodes[port.name] = nir.Output(
            output_type={"output": np.array(port.value.shape)},
            metadata={"snnc": {"decoding": port.decoding}},
        )
        builder.edges.append((source, port.name))
    of_model: dict[str, Any] = dict(notes)
    if model.layout is Layout.CONSTANT:
        of_model["input"] = "constant"
    if model.steps is not None:
        of_model["steps"] = model.steps
    if model.remarks:
        of_model["remarks"] = "; ".join(model.remarks)
    return nir.NIRGraph(
        nodes=builder.nodes,
        edges=builder.edges,
        metadata={"snnc": of_model},
        type_check=False,
    )


def problems_of(model: Model) -> Iterator[Diagnostic]:
    """Tell of every operation of a model that cannot be a node."""
    values = [*(p.source for p in model.populations), *(port.value for port in model.ports)]
    for part in parts_of(*values):
        if isinstance(part, Operation):
            yield from operation_problems(part)


@dataclass(eq=False)
class _Builder:
    """Nodes and edges so far.

    Attributes:
        model: What the graph is made of.
        nodes: By name.
        edges: Source and target.
    """

    model: Model
    nodes: dict[str, nir.NIRNode] = field(default_factory=dict[str, nir.NIRNode])
    edges: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    _names: dict[int, str] = field(default_factory=dict[int, str])

    def __post_init__(self) -> None:
        ports = (port.name for port in self.model.ports)
        self._taken = {INPUT, *ports, *self.model.names.values()}

    def name_of(self, value: Value) -> str:
        """Give the node that gives ``value``, made where it is not there yet."""
        if id(value) not in self._names:
            self._names[id(value)] = self._made(value)
        return self._names[id(value)]

    def _made(self, value: Value) -> str:
        if isinstance(value, Operation):
            return self._operation(value)
        name, delay = self._leaf(value)
        return self._delayed(name, delay, value.shape) if delay else name

    def _leaf(self, value: Value) -> tuple[str, int]:
        """Give the node of an input or of neurons, and the steps by which it is late."""
        if isinstance(value, Spikes | State):
            return self.model.names[value.call.chain], self.model.matcher.delay(value)
        if isinstance(value, Input):
            return INPUT, self.model.matcher.delay(value)
        raise TypeError(type(value).__name__)

    def _delayed(self, source: str, delay: int, shape: Shape) -> str:
        name = self._free(f"{source}.delay{delay}")
        notes = {"delay": delay, "order": 0, "origin": source}
        self.nodes[name] = scale_node(np.ones(shape, np.float32), notes)
        self.edges.append((source, name))
        return name

    def _operation(self, operation: Operation) -> str:
        operator, origin = operation.operator, operation.origin
        if isinstance(operator, Reshape):
            return self._flattened(operation)
        sources, delay = self._sources(operation)
        steps = [part for part in (origin.path, origin.function) if part]
        wanted = origin.path if origin.packaged else ".".join(steps)
        name = self._free(f"{wanted}.layer" if wanted in self._ends else wanted)
        notes: dict[str, Any] = {"delay": delay, "order": 0, "origin": origin.path or wanted}
        if isinstance(operator, Concatenate):
            places = list(placing_nodes(operation, notes))
            for i, (source, node) in enumerate(zip(sources, places, strict=True)):
                part = self._free(f"{name}.{i}")
                self.nodes[part] = node
                self.edges += [(source, part), (part, name)]
        else:
            self.edges += [(source, name) for source in dict.fromkeys(sources)]
        self.nodes[name] = node_of(operation, notes)
        return name

    @property
    def _ends(self) -> set[str]:
        return {INPUT, *(port.name for port in self.model.ports)}

    def _sources(self, operation: Operation) -> tuple[list[str], int]:
        """Give the nodes that feed an operation, and the delay that its own node says."""
        if isinstance(operation.operator, TAKES_DELAY):
            (source,) = operation.sources
            leaf, reshape = source, None
            if isinstance(source, Operation) and isinstance(source.operator, Reshape):
                (leaf,), reshape = source.sources, source
            if isinstance(leaf, Spikes | Input):
                name, delay = self._leaf(leaf)
                return [name if reshape is None else self._flatten(name, leaf.shape)], delay
        return [self.name_of(source) for source in operation.sources], 0

    def _flattened(self, operation: Operation) -> str:
        (source,) = operation.sources
        return self._flatten(self.name_of(source), source.shape)

    def _flatten(self, source: str, shape: Shape) -> str:
        name = f"{source}.flatten"
        if name not in self.nodes:
            self.nodes[name] = nir.Flatten(
                input_type={"input": np.array(shape)}, start_dim=0, end_dim=-1
            )
            self.edges.append((source, name))
            self._taken.add(name)
        return name

    def _free(self, wanted: str) -> str:
        """Give a name that no node has: ``conv``, ``conv#2``."""
        name, count = wanted, 1
        while name in self._taken:
            count += 1
            name = f"{wanted}#{count}"
        self._taken.add(name)
        return name


def framework_version(framework: str) -> str:
    """Import ``framework`` and give its version.

    Args:
        framework: Name of its package.

    Raises:
        EnvironmentFault: SNN501, the framework or something that it imports is not installed.
    """
    try:
        import_module(framework)
    except ModuleNotFoundError as error:
        raise (missing_framework(error, framework) or error) from error
    return version(framework)


def argument_problems(shape: object, dt: object) -> Iterator[Diagnostic]:
    """Tell why the shape of a sample or the length of a step is none; None stands for the usual."""
    if shape is not None and not _is_shape(shape):
        given = repr(shape)
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--input-shape",
            found="no dimension" if given == "()" else given,
            limit="the shape of one sample at one step, every dimension 1 or more",
            remedy="--input-shape 1,28,28, in Python input_shape=(1, 28, 28)",
        )
    if dt is not None and not _is_length(dt):
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--dt",
            found=f"{float(dt):g}" if isinstance(dt, Real) else repr(dt),
            limit="a length in seconds above 0",
            remedy="--dt 1e-4, in Python dt=1e-4",
        )


QUANTIZED = "made_by_snnc"
"""Attribute of the class of modules that compute with integers already."""


def module_problems(found: object) -> Iterator[Diagnostic]:
    """Tell why ``found`` is no module of torch."""
    quantized = bool(getattr(type(found), QUANTIZED, False))
    if is_module(found) and not quantized:
        return
    what, remedy = f"an object of {type(found).__name__}", "give the trained module itself"
    if quantized:
        what = "a module that snnc.quantized_module made"
        remedy = "give the module that it was made of, which is trained with it: its .module"
    if isinstance(found, str):
        what = repr(found)
        remedy = "snnc.compile and snnc.verify take names of models; here give the module itself"
    elif isinstance(found, type):
        what, remedy = f"the class {found.__name__}", f"make the module: {found.__name__}(...)"
    elif isinstance(found, Mapping):
        remedy = "build the module, and load the state dict: module.load_state_dict(state)"
    yield Diagnostic(
        rule=rules.OPTION_VALID,
        node="module",
        found=what,
        limit="a torch.nn.Module",
        remedy=remedy,
    )


def _is_shape(shape: object) -> bool:
    if not isinstance(shape, tuple | list) or not shape:
        return False
    return all(isinstance(n, Integral) and int(n) >= 1 for n in cast("list[object]", shape))


def _is_length(dt: object) -> bool:
    return isinstance(dt, Real) and isfinite(dt) and float(dt) > 0
