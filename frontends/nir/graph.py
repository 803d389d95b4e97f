"""NIR graphs, nested ones among them, as a file holds them; and what their edges must keep."""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.compiler.graph.edges import edge_problems
from snnc.compiler.graph.flatten import MAX_NESTING
from snnc.compiler.graph.loops import find_loop
from snnc.compiler.graph.notes import metadata
from snnc.compiler.graph.shapes import Shapes
from snnc.frontends.hdf5.gate import printable
from snnc.frontends.hdf5.read import Array, Tree, file_form
from snnc.frontends.nir.fields import in_file, problem
from snnc.frontends.nir.nodes import node_fields, parse_node
from snnc.frontends.nir.notes import notes_tree, read_notes

MEMBERS = {"type", "nodes", "edges", "metadata"}
"""What the group of a graph holds."""
STATEFUL = (nir.I, nir.IF, nir.LI, nir.LIF, nir.CubaLI, nir.CubaLIF, nir.Delay)
"""The node types whose output may wait for the next step."""


def parse_graph(path: str, root: Tree) -> nir.NIRGraph:
    """Make the graph that the group ``node`` of a file holds.

    Args:
        path: Of the file, for messages.
        root: The group.

    Raises:
        InputError: SNN101, SNN103 to SNN107, SNN109: all that nodes and ends of edges show.
    """
    parser = _Parser(path)
    graph = parser.graph(root, "", 0)
    if parser.problems:
        raise InputError(parser.problems)
    return graph


def graph_tree(graph: nir.NIRGraph, place: str, depth: int = 0) -> Tree:
    """Give what a file holds for ``graph``.

    Raises:
        InputError: SNN104, metadata that no file can hold; SNN109, nested too deeply.
    """
    if depth > MAX_NESTING:
        raise InputError([_too_deep(place)])
    nodes: Tree = {}
    join = "." if depth else ":"
    for name, node in cast("Mapping[str, nir.NIRNode]", graph.nodes).items():
        inner = f"{place}{join}{name}"
        if isinstance(node, nir.NIRGraph):
            nodes[name] = graph_tree(node, inner, depth + 1)
        else:
            nodes[name] = node_fields(node) | notes_tree(node.metadata, inner)
    ends = np.array([list(edge) for edge in graph.edges], object).reshape(-1, 2)
    tree: Tree = {"type": "NIRGraph", "nodes": nodes, "edges": ends}
    return tree | notes_tree(graph.metadata, place)


def fill_input_shapes(tree: Tree, shapes: Shapes, prefix: str = "") -> None:
    """Write the extent of what arrives into convolutions that do not say it.

    nir can read no other (nir 1.0.8: ``input_shape`` may be None in memory, and not in a file).

    Args:
        tree: Of a graph; changed.
        shapes: Of the same graph.
        prefix: Names of the graphs that hold this one, with a dot behind each.
    """
    for name, group in cast("dict[str, Tree]", tree["nodes"]).items():
        if group["type"] == "NIRGraph":
            fill_input_shapes(group, shapes, f"{prefix}{name}.")
        elif group["type"] in {"Conv1d", "Conv2d"} and "input_shape" not in group:
            extent = shapes.takes[f"{prefix}{name}"][1:]
            group["input_shape"] = np.array(extent if group["type"] == "Conv2d" else extent[0])


def loop_problems(graph: nir.NIRGraph) -> Iterator[Diagnostic]:
    """Tell of a loop on which nothing waits for the next step.

    Args:
        graph: Flat.
    """
    loop = find_loop((a, b) for a, b in graph.edges if not _waits(graph.nodes[a]))
    if loop:
        limit = "a neuron or a Delay on every loop"
        yield problem(" -> ".join(loop), "a loop without any delay", limit, rules.LOOP_DELAYED)


def _waits(node: nir.NIRNode) -> bool:
    return isinstance(node, STATEFUL) or bool(np.any(np.asarray(metadata(node).get("delay", 0))))


class _Parser:
    """Makes graphs, and gathers what is wrong."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Diagnostic] = []
        self.refused: set[str] = set()

    def graph(self, root: Tree, prefix: str, depth: int) -> nir.NIRGraph:
        groups, ends = root.get("nodes"), root.get("edges")
        if not isinstance(groups, dict) or not isinstance(ends, np.ndarray):
            found = "no group node/nodes or no data set node/edges"
            raise InputError([file_form(self._place(prefix), found)])
        for name in sorted(root.keys() - MEMBERS):
            found, limit = "a field that the node type does not have", ", ".join(sorted(MEMBERS))
            self.problems.append(problem(self._place(f"{prefix}{name}"), found, limit))
        nodes: dict[str, nir.NIRNode] = {}
        for name, group in groups.items():
            node = self._node(
                group if isinstance(group, dict) else Tree(), f"{prefix}{name}", depth
            )
            nodes[name] = node
        notes = read_notes(root.get("metadata", {}))
        edges = _edges(self._place(prefix), ends)
        graph = nir.NIRGraph(nodes=nodes, edges=edges, metadata=notes, type_check=False)
        self.problems += self._edge_problems(graph, prefix)
        return graph

    def _node(self, group: Tree, name: str, depth: int) -> nir.NIRNode:
        if group.get("type") == "NIRGraph":
            if depth < MAX_NESTING:
                return self.graph(group, f"{name}.", depth + 1)
            self.problems.append(_too_deep(self._place(name)))
            return self._refused(name)
        node = parse_node(self._place(name), group)
        if isinstance(node, list):
            self.problems += node
            return self._refused(name)
        return node

    def _refused(self, name: str) -> nir.NIRNode:
        """Give what stands for a node that is refused, so that its edges are no second fault."""
        self.refused.add(name)
        return nir.Threshold(threshold=np.zeros(0))

    def _edge_problems(self, graph: nir.NIRGraph, prefix: str) -> Iterator[Diagnostic]:
        yield from in_file(f"{self.path}:", edge_problems(graph, prefix))
        ends = {end for edge in graph.edges for end in edge}
        for name, node in graph.nodes.items():
            exempt = isinstance(node, nir.Input | nir.NIRGraph) or f"{prefix}{name}" in self.refused
            if name not in ends and not exempt:
                place, limit = self._place(f"{prefix}{name}"), "edges to it or from it"
                yield problem(place, "a node without any edge", limit, rules.EDGE_VALID)

    def _place(self, name: str) -> str:
        return f"{self.path}:{name}" if name else self.path


def _edges(place: str, ends: Array) -> list[tuple[str, str]]:
    if ends.size == 0:
        return []
    if ends.dtype != object or ends.ndim != 2 or ends.shape[1] != 2:
        found = f"node/edges is {ends.dtype} of shape {list(ends.shape)}, not pairs of names"
        raise InputError([file_form(place, found)])
    return [(str(source), str(target)) for source, target in ends]


def _too_deep(place: str) -> Diagnostic:
    limit = f"{MAX_NESTING} levels"
    return Diagnostic(
        rule=rules.GRAPH_NESTS,
        node=printable(place),
        found="one more graph within it",
        limit=limit,
        remedy="flatten the model where it is made",
    )
