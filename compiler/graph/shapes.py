"""The shape of what every node of a NIR graph takes and gives.

``nir`` infers shapes in quadratic time, from the first axis of a kernel alone and without groups
(nir 1.0.8, ``ir/graph.py`` and ``ir/conv.py``). This does it in one walk over nodes and edges.
"""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from operator import mul
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar, cast

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, Rule, raise_all
from snnc.compiler.graph.flatten import expand_graph
from snnc.compiler.graph.nodes import CONVOLUTIONS, PARAMETERS, POOLS, parameters_of
from snnc.compiler.graph.windows import window_of
from snnc.compiler.operators import Shape, ShapeError

Scalar = TypeVar("Scalar", bound=np.generic)
Ends: TypeAlias = tuple[Shape, Shape]
"""What a node takes and what it gives."""

MAX_VALUES = 2**28
"""Values of one node, 1 GiB as float32: a file of a few bytes can name any number."""


@dataclass(frozen=True)
class Shapes:
    """The shapes of a graph, nested graphs flattened.

    Attributes:
        takes: By node; what arrives has this shape, or the same values on other axes.
        gives: By node.
    """

    takes: Mapping[str, Shape]
    gives: Mapping[str, Shape]


def infer_shapes(graph: nir.NIRGraph) -> Shapes:
    """Find the shape of what every node takes and gives.

    Inputs, outputs, weights, convolutions with ``input_shape`` and nodes with a parameter for each
    value tell it themselves; all others take the shape of what feeds them, in order of name where
    several do. Parameters may broadcast to it, single ones always do.

    The ends of an edge agree when the axes of one are those of the other, neighboring ones merged
    or ones of length 1 left out: ``[1, 2, 8, 8]`` feeds ``[2, 8, 8]``, and ``[2, 64]`` feeds
    ``[128]``, but ``[8, 8, 2]`` does not feed ``[2, 8, 8]``. Windows need their own axes.

    Args:
        graph: Names in the result are those of ``flatten_graph``, and the ports of nested graphs.

    Raises:
        InputError: SNN103, SNN104, SNN106 or SNN109, all at once.
    """
    expanded = expand_graph(graph)
    walk = _Walk(expanded.nodes, expanded.edges)
    walk.settle_all()
    raise_all(walk.problems())
    return Shapes(
        MappingProxyType({name: ends[0] for name, ends in walk.settled.items()}),
        MappingProxyType({name: ends[1] for name, ends in walk.settled.items()}),
    )


def same_values(one: Shape, other: Shape) -> bool:
    """Say whether values of shape ``one`` are those of ``other``, in order, on coarser axes.

    Merging neighboring axes removes products of leading axes from the list, and adds none.
    """
    products = [set(accumulate(shape, mul)) | {1, prod(shape)} for shape in (one, other)]
    return prod(one) == prod(other) and (products[0] <= products[1] or products[1] <= products[0])


def flattened(shape: Shape, start_dim: int, end_dim: int) -> Shape:
    """Give ``shape`` with the axes from ``start_dim`` to ``end_dim`` merged; no batch is counted.

    Raises:
        ShapeError: There are no such axes.
    """
    axes = len(shape)
    start, end = (n + axes if n < 0 else n for n in (start_dim, end_dim))
    if start >= axes and end == axes - 1:
        return shape  # all axes from one that is not there: nothing to merge
    if not 0 <= start <= end < axes:
        raise ShapeError(f"axes {start_dim} to {end_dim} of {list(shape)}")
    return (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])


class _Walk:
    """One walk from the nodes that know their shape to those that do not."""

    def __init__(self, nodes: Mapping[str, nir.NIRNode], edges: list[tuple[str, str]]) -> None:
        self.settled: dict[str, Ends] = {}
        self._nodes = nodes
        self._edges = sorted(edges)
        self._found: list[Diagnostic] = []
        self._failed: set[str] = set()
        self._after: dict[str, list[str]] = defaultdict(list)
        for source, target in self._edges:
            self._after[source].append(target)

    def settle_all(self) -> None:
        """Find the ends of every node that has any."""
        names = sorted(self._nodes)
        waiting = [name for name in names if not self._settle(name, None)]
        self._spread(deque(n for n in names if n in self.settled))
        for name in waiting:  # on loops: parameters that could have broadcast and now do not
            if name not in self.settled and self._settle(name, ()):
                self._spread(deque([name]))

    def _spread(self, ready: deque[str]) -> None:
        while ready:
            name = ready.popleft()
            for reader in self._after[name]:
                new = reader in self._nodes and reader not in self.settled
                if new and self._settle(reader, self.settled[name][1]):
                    ready.append(reader)

    def _settle(self, name: str, arriving: Shape | None) -> bool:
        """Find the ends of a node; ``arriving`` is empty where nothing will arrive."""
        node = self._nodes[name]
        rule = _RULES.get(type(node))
        if rule is None or name in self._failed:
            return False
        try:
            ends = rule(node, arriving)
        except ShapeError as error:
            self._fail(name, str(error), "a shape that the node's fields allow")
            return False
        if ends is not None and max(map(prod, ends)) > MAX_VALUES:
            self._fail(name, f"shape {list(max(ends, key=prod))}", f"{MAX_VALUES} values")
        elif ends is not None:
            self.settled[name] = ends
        return name in self.settled

    def _fail(self, name: str, found: str, limit: str) -> None:
        self._failed.add(name)
        self._found.append(_problem(rules.NODE_COMPLETE, name, found, limit))

    def problems(self) -> Iterator[Diagnostic]:
        """Yield all that does not fit, in order of name."""
        known = ", ".join(kind.__name__ for kind in _RULES)
        for name, node in sorted(self._nodes.items()):
            if type(node) not in _RULES:
                found = f"a node of type {type(node).__name__}"
                remedy = "use one of these; docs/nir.md lists what each release compiles"
                yield _problem(rules.NODE_KNOWN, name, found, known, remedy)
                self._failed.add(name)
        yield from sorted(self._found, key=lambda one: one.node)
        for source, target in self._edges:
            if source in self.settled and target in self.settled:
                yield from self._edge_problems(source, target)
        if not self._failed:
            yield from self._unsettled()

    def _edge_problems(self, source: str, target: str) -> Iterator[Diagnostic]:
        gives, takes = self.settled[source][1], self.settled[target][0]
        if isinstance(self._nodes[target], (*CONVOLUTIONS, *POOLS)):
            agree = _without_leading_ones(gives) == _without_leading_ones(takes)
        else:
            agree = same_values(gives, takes)
        if not agree:
            found = f"{source} gives {list(gives)}, {target} takes {list(takes)}"
            limit = "the same shape, or the same values on merged axes"
            yield _problem(rules.EDGE_VALID, f"{source} -> {target}", found, limit)

    def _unsettled(self) -> Iterator[Diagnostic]:
        """Yield where the shapes are lost, and not all nodes behind; on a loop its first node."""
        lost = sorted(self._nodes.keys() - self.settled.keys())
        behind = {t for s, t in self._edges if s in self._nodes and s not in self.settled}
        for name in [n for n in lost if n not in behind] or lost[:1]:
            found = f"nothing tells the shape of this {type(self._nodes[name]).__name__}"
            limit = "a parameter for each value, or a node that feeds it and knows its shape"
            yield _problem(rules.NODE_COMPLETE, name, found, limit)


_Rule: TypeAlias = Callable[[Any, Shape | None], Ends | None]
"""Gives the ends of a node that ``arriving`` feeds; None where they are not known yet.

``arriving`` is None before anything arrives, and empty where nothing ever will.
"""


def _fixed(node: nir.Input | nir.Output, arriving: Shape | None) -> Ends | None:
    shape = _ints(cast("Any", node.input_type)["input"])
    if shape is None:
        return (arriving, arriving) if arriving else None
    return shape, shape


def _weights(node: nir.Linear | nir.Affine, arriving: Shape | None) -> Ends:
    del arriving
    shape = np.shape(node.weight)
    if len(shape) < 2 or prod(shape[:-2]) != 1 or 0 in shape:
        raise ShapeError(f"a weight of shape {list(shape)} where [n_out, n_in] is wanted")
    bias = np.shape(node.bias) if isinstance(node, nir.Affine) else shape[-2:-1]
    if prod(bias) != shape[-2]:
        raise ShapeError(f"a bias of shape {list(bias)} for a weight of shape {list(shape)}")
    return shape[-1:], shape[-2:-1]


def _elementwise(node: nir.NIRNode, arriving: Shape | None) -> Ends | None:
    shape = joint_shape(parameters_of(node))
    if 0 in shape:
        raise ShapeError(f"parameters of shape {list(shape)}")
    if arriving is None and (not shape or 1 in shape):
        return None
    if not arriving or (shape and 1 not in shape):
        return (shape, shape) if shape else None
    fits = _broadcasts(shape, arriving) or same_values(shape, arriving)
    return (arriving, arriving) if fits else (shape, shape)


def _broadcasts(shape: Shape, arriving: Shape) -> bool:
    pairs = zip(reversed(shape), reversed(arriving), strict=False)
    return len(shape) <= len(arriving) and all(own in {1, n} for own, n in pairs)


def _convolution(node: nir.Conv1d | nir.Conv2d, arriving: Shape | None) -> Ends | None:
    window = window_of(node)
    weight, groups = np.shape(node.weight), _group_count(node)
    channels = weight[1] * groups
    bias = weight[:1] if cast("Any", node.bias) is None else np.shape(node.bias)
    if 0 in weight or weight[0] % groups or bias != weight[:1]:
        raise ShapeError(f"weight {list(weight)}, bias {list(bias)} and {groups} groups")
    given = _ints(node.input_shape)
    if given is None and not arriving:
        return None
    if given and (len(given) != len(weight) - 2 or min(given) < 1):
        raise ShapeError(f"input_shape {list(given)} of a {len(weight) - 2}-dimensional window")
    takes = (channels, *given) if given else _to_axes(cast("Shape", arriving), len(weight) - 1)
    if takes[0] != channels:
        taken = f"{channels} channels ({weight[1]} in each of {groups} groups)"
        raise ShapeError(f"{list(takes)} arrives, and its weight takes {taken}")
    return takes, (weight[0], *window.positions(takes[1:]))


def _group_count(node: nir.Conv1d | nir.Conv2d) -> int:
    groups = np.asarray(node.groups)
    if groups.dtype.kind not in "iu" or groups.size != 1 or groups.min() < 1:
        raise ShapeError(f"groups {groups.tolist()}: a whole number from 1 on")
    return int(groups.item())


def _pool(node: Any, arriving: Shape | None) -> Ends | None:
    window = window_of(node)
    if not arriving:
        return None
    takes = _to_axes(arriving, len(window.kernel) + 1)
    return takes, (takes[0], *window.positions(takes[1:]))


def _flatten(node: nir.Flatten, arriving: Shape | None) -> Ends | None:
    given = _ints(cast("Any", node.input_type)["input"])
    takes = given if given and 0 not in given else arriving  # zeros: rockpool and sinabs, 2023
    if not takes:
        return None
    return takes, flattened(takes, int(node.start_dim), int(node.end_dim))


def on_axes(values: npt.NDArray[Scalar], shape: Shape) -> npt.NDArray[Scalar]:
    """Give parameters of a node, which fit ``shape``, on its axes."""
    if values.size == prod(shape):
        return values.reshape(shape)
    return np.broadcast_to(values, shape)


def joint_shape(parameters: Mapping[str, npt.NDArray[Any]]) -> Shape:
    """Give the shape that the parameters of a node, by name, are broadcast to.

    Raises:
        ShapeError: There is none.
    """
    shapes = {name: values.shape for name, values in parameters.items()}
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError as error:
        found = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
        raise ShapeError(f"parameters that do not go together: {found}") from error


def ends_of(node: nir.NIRNode, arriving: Shape | None = None) -> Ends | None:
    """Give what ``node`` takes and gives; None where that depends on what arrives.

    Args:
        node: Any node but a graph.
        arriving: The shape of what feeds it, where that is known.

    Raises:
        ShapeError: Its fields do not go together, or not with ``arriving``.
    """
    rule = _RULES.get(type(node))
    return rule(node, arriving) if rule else None


_RULES: Mapping[type[nir.NIRNode], _Rule] = {
    nir.Input: _fixed,
    nir.Output: _fixed,
    nir.Linear: _weights,
    nir.Affine: _weights,
    **dict.fromkeys(CONVOLUTIONS, _convolution),
    **dict.fromkeys(POOLS, _pool),
    nir.Flatten: _flatten,
    **dict.fromkeys(PARAMETERS, _elementwise),
}


def _ints(shape: Any) -> Shape | None:
    return None if shape is None else tuple(int(n) for n in np.atleast_1d(np.asarray(shape)))


def _without_leading_ones(shape: Shape) -> Shape:
    return shape[next((i for i, n in enumerate(shape) if n != 1), len(shape)) :]


def _to_axes(shape: Shape, axes: int) -> Shape:
    """Give ``shape`` with so many axes, leading ones of length 1 added or left out.

    Raises:
        ShapeError: It has others.
    """
    spare = len(shape) - axes
    if spare < -1 or any(n != 1 for n in shape[: max(spare, 0)]):
        raise ShapeError(f"{list(shape)} arrives, and {axes} axes are wanted")
    return (1, *shape) if spare < 0 else shape[spare:]


def _problem(
    rule: Rule,
    node: str,
    found: str,
    limit: str,
    remedy: str = "correct the model where it is made",
) -> Diagnostic:
    return Diagnostic(rule=rule, node=node, found=found, limit=limit, remedy=remedy)
