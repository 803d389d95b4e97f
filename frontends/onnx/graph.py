"""NIR nodes of what an ONNX model is made of, each made when it is first needed."""
# nir has no types:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace
from math import prod
from typing import Any

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.graph.nodes import MaxPool1d, MaxPool2d
from snnc.frontends.hdf5.gate import name_problem
from snnc.frontends.onnx.model import Array, OperatorError, Shape
from snnc.frontends.onnx.signals import (
    Activation,
    Convolved,
    Mapped,
    Part,
    Sent,
    Term,
    by_channel,
    plain,
)
from snnc.frontends.onnx.windows import Windows

MAX_MATRIX = 2**28
"""Weights in one matrix."""
Neurons = Callable[[Activation, Shape], nir.NIRNode]


class GraphMaker:
    """Nodes and edges so far.

    Args:
        neurons: Gives the node for an activation of a shape.

    Attributes:
        nodes: By name.
        edges: From name to name.
        shapes: What each node sends, without batch.
        activations: What the neurons that were made for an activation take, by their name.
    """

    def __init__(self, neurons: Neurons) -> None:
        self.nodes: dict[str, nir.NIRNode] = {}
        self.edges: list[tuple[str, str]] = []
        self.shapes: dict[str, Shape] = {}
        self.activations: dict[str, Part] = {}
        self._wanted: dict[str, str] = {}
        self._neurons = neurons
        self._made: dict[int, tuple[object, Any]] = {}  # what it was made of lives as long

    def add(self, name: str, node: nir.NIRNode, shape: Shape, sources: Iterable[str] = ()) -> str:
        """Add a node under ``name``, or one that is free, and give it."""
        free = self.free_name(name)
        self._wanted[free] = _plain_name(name)
        self.nodes[free] = node
        self.shapes[free] = shape
        self.edges += [(source, free) for source in dict.fromkeys(sources)]
        return free

    def reserve(self, name: str, shape: Shape) -> str:
        """Give a free name to a node that is placed later."""
        free = self.free_name(name)
        self.shapes[free] = shape
        return free

    def place(self, name: str, node: nir.NIRNode, sources: Iterable[str]) -> None:
        """Add a node under a name that was reserved."""
        self.nodes[name] = node
        self.edges += [(source, name) for source in dict.fromkeys(sources)]

    def graph(self, notes: dict[str, Any]) -> nir.NIRGraph:
        """Give the graph, without what feeds no output."""
        names = self.final_names()
        return nir.NIRGraph(
            nodes={new: self.nodes[name] for name, new in names.items()},
            edges=[(names[a], names[b]) for a, b in self.edges if b in names],
            metadata={"snnc": notes},
            type_check=False,
        )

    def final_names(self) -> dict[str, str]:
        """Give the names that nodes have in the graph; one input is ``input``, so the output."""
        used = self._used()
        names = {name: name for name in self.nodes if name in used}
        for name in names:  # what had the name before may feed no output
            if self._wanted.get(name, name) not in names.values():
                names[name] = self._wanted[name]
        for kind, plain_name in ((nir.Input, "input"), (nir.Output, "output")):
            ends = [name for name in names if isinstance(self.nodes[name], kind)]
            if len(ends) == 1 and plain_name not in names.values():
                names[ends[0]] = plain_name
        return names

    def _used(self) -> set[str]:
        before: dict[str, list[str]] = {}
        for source, target in self.edges:
            before.setdefault(target, []).append(source)
        waiting = [n for n, node in self.nodes.items() if isinstance(node, nir.Output | nir.Input)]
        used: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name not in used:
                used.add(name)
                waiting += before.get(name, [])
        return used

    def free_name(self, name: str) -> str:
        """Give a name that NIR takes and no node has: slashes become dots."""
        free = base = _plain_name(name)
        number = 1
        while free in self.shapes:
            number += 1
            free = f"{base}.{number}"
        return free

    def is_input(self, name: str) -> bool:
        """Tell whether a node is an input."""
        return isinstance(self.nodes.get(name), nir.Input)

    def sends_spikes(self, name: str) -> bool:
        """Tell whether a node sends spikes, each by itself or an average or maximum of them."""
        node = self.nodes.get(name)
        if isinstance(node, nir.IF):
            return True
        weight = getattr(node, "weight", None)
        if node is None or (weight is not None and prod(weight.shape[1:]) > 1):
            return "average" in _notes_of(node) and self._any_before(name)
        return self._any_before(name)

    def _any_before(self, name: str) -> bool:
        return any(self.sends_spikes(a) for a, b in self.edges if b == name)

    def emitted(self, term: Term, shape: Shape) -> str:
        """Give the name of the node that sends ``term``, of ``shape``."""
        if isinstance(term, Sent) and (term.factor == 1).all() and not term.shift.any():
            return term.source
        if id(term) not in self._made:
            self._made[id(term)] = (term, self._make(term, shape))
        return str(self._made[id(term)][1])

    def _make(self, term: Term, shape: Shape) -> str:
        if isinstance(term, Convolved):
            return self._convolution(term, shape)
        if isinstance(term, Mapped):
            return self._matrix(term, shape)
        factor, shift = by_channel(term.factor, shape), by_channel(term.shift, shape)
        if not term.shift.any():
            scale = reals(np.broadcast_to(term.factor, shape))
            notes = {"snnc": {"delay": 0, "origin": term.source}}
            node = nir.Scale(scale=scale, metadata=notes)
            return self.add(f"{term.source}.scale", node, shape, [term.source])
        if factor is None or shift is None:
            limit = "one factor and one shift for each channel"
            raise OperatorError("values that are shifted one by one", limit)
        origin = (f"{term.source}.affine",)
        axes = len(shape) - 1
        if axes == 0:
            return self._matrix(Mapped(term.source, np.diag(factor), shift, origin), shape)
        weight = factor.reshape(-1, *(1,) * (axes + 1))
        ones, nothing = (1,) * axes, ((0, 0),) * axes
        return self._convolution(
            Convolved(term.source, weight, shift, ones, nothing, ones, len(shift), origin), shape
        )

    def _convolution(self, term: Convolved, shape: Shape) -> str:
        extent = self.shapes[term.source][1:]
        return self.add(_name(term), _convolution_node(term, extent), shape, [term.source])

    def _matrix(self, term: Mapped, shape: Shape) -> str:
        if term.weight.size > MAX_MATRIX:
            found = f"a matrix of {term.weight.size:,} weights"
            raise OperatorError(found, f"{MAX_MATRIX:,} weights")
        notes = _notes(term.origin)
        weight, bias = reals(term.weight), reals(term.bias)
        node = (
            nir.Affine(weight=weight, bias=bias, metadata=notes)
            if bias.any()
            else nir.Linear(weight=weight, metadata=notes)
        )
        return self.add(_name(term), node, shape, [self.flat(term.source)])

    def flat(self, source: str) -> str:
        """Give the node that sends what ``source`` sends, along one axis."""
        shape = self.shapes[source]
        if len(shape) == 1:
            return source
        name = f"{source}.flatten"
        if name not in self.shapes:
            flatten = nir.Flatten(input_type={"input": np.array(shape)}, start_dim=0, end_dim=-1)
            self.add(name, flatten, (prod(shape),), [source])
        return name

    def fired(self, part: Part) -> Part:
        """Give ``part`` as what neurons send, if it has an activation; once for all readers."""
        if part.activation is None:
            return part
        if id(part) not in self._made:
            activation = part.activation
            sources = self.sources(part)
            node = self._neurons(activation, part.shape)
            name = self.add(activation.name, node, part.shape, sources)
            self.activations[name] = part
            sent = Sent(name, activation.threshold, np.array(0.0))
            self._made[id(part)] = (part, replace(part, terms=(sent,), activation=None))
        fired: Part = self._made[id(part)][1]
        return fired

    def sources(self, part: Part) -> list[str]:
        """Give the nodes whose sum ``part`` is."""
        return [self.emitted(term, part.shape) for term in part.terms]

    def sum_of(self, sources: Iterable[str], shape: Shape, name: str, order: int = 0) -> str:
        """Add a node that sends the sum of ``sources``, ``order`` in the sum of currents."""
        notes = _notes((name,))
        notes["snnc"]["order"] = order
        ones = nir.Scale(scale=np.ones(shape, np.float32), metadata=notes)
        return self.add(f"{name}.sum", ones, shape, sources)

    def max_pool(self, name: str, sources: Iterable[str], shape: Shape, windows: Windows) -> Sent:
        """Add a max pooling of the sum of ``sources``, which gives ``shape``."""
        kind = MaxPool1d if len(windows.kernel) == 1 else MaxPool2d
        node = kind(
            kernel_size=np.array(windows.kernel),
            stride=np.array(windows.stride),
            padding=np.array(windows.padding),
            dilation=np.array(windows.dilation),
        )
        node.metadata = {"snnc": {"origin": name}}
        return plain(self.add(name, node, shape, sources))

    def average_pool(
        self, name: str, source: str, shape: Shape, windows: Windows, *, include_pad: bool
    ) -> Sent:
        """Add an average pooling, which gives ``shape``."""
        divisors = windows.counts(include_pad=include_pad).astype(np.float32)
        padding = windows.padding
        if len(windows.kernel) == 1 or max(windows.dilation) > 1:
            node = _averaging_convolution(name, self.shapes[source], windows, padding, divisors)
        else:
            notes: dict[str, Any] = {"origin": name, "padding": np.array(padding)}
            if (divisors != prod(windows.kernel)).any():
                notes["divisors"] = divisors[None]
            node = nir.AvgPool2d(
                kernel_size=np.array(windows.kernel),
                stride=np.array(windows.stride),
                padding=np.array([before for before, _ in padding]),
                metadata={"snnc": notes},
            )
        return plain(self.add(name, node, shape, [source]))


def _plain_name(name: str) -> str:
    """Give a name that NIR takes."""
    base = unicodedata.normalize("NFC", name).replace("/", ".").strip(".")[:200]
    return base if name_problem(base) is None else "node"


def _notes_of(node: nir.NIRNode | None) -> dict[str, Any]:
    return {} if node is None else (node.metadata or {}).get("snnc", {})


def _averaging_convolution(
    name: str,
    shape: Shape,
    windows: Windows,
    padding: tuple[tuple[int, int], ...],
    divisors: Array,
) -> nir.NIRNode:
    count = prod(windows.kernel)
    if (divisors != count).any():
        limit = "the same number of elements under every window"
        raise OperatorError("an average that leaves the padding out", limit)
    weight = np.full((shape[0], 1, *windows.kernel), 1 / count)
    bias, channels = np.zeros(shape[0]), shape[0]
    term = Convolved("", weight, bias, windows.stride, padding, windows.dilation, channels, (name,))
    node = _convolution_node(term, shape[1:])
    node.metadata["snnc"]["average"] = count
    return node


def _convolution_node(term: Convolved, extent: Shape) -> nir.NIRNode:
    fields: dict[str, Any] = {
        "input_shape": extent,
        "stride": term.stride,
        "padding": tuple(before for before, _ in term.padding),
        "dilation": term.dilation,
    }
    kind: Any = nir.Conv2d
    if len(extent) == 1:
        kind, fields = nir.Conv1d, {name: values[0] for name, values in fields.items()}
    node: nir.NIRNode = kind(
        weight=reals(term.weight),
        bias=reals(term.bias),
        groups=term.groups,
        metadata=_notes(term.origin, term.padding),
        **fields,
    )
    return node


def _notes(
    origin: tuple[str, ...], padding: tuple[tuple[int, int], ...] = ()
) -> dict[str, dict[str, Any]]:
    notes: dict[str, Any] = {"delay": 0, "origin": " + ".join(origin)}
    if any(before != after for before, after in padding):
        notes["padding"] = np.array(padding)
    return {"snnc": notes}


def _name(term: Convolved | Mapped) -> str:
    return term.origin[0] if term.origin else f"{term.source}.placed"


def reals(values: Array) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Give weights as float32; they are folded in float64.

    Raises:
        OperatorError: One is not finite.
    """
    found = np.array(values, np.float32)
    bad = ~np.isfinite(found)
    if bad.any():
        count = f"{int(bad.sum())} of {found.size} weights are not finite ({found[bad][0]})"
        remedy = "correct the parameter, or train again"
        raise OperatorError(count, "finite numbers in float32", remedy, rules.NUMBER_USABLE)
    return found
