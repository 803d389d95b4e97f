"""Put nested graphs in the place of the nodes that hold them."""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

import nir

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all

Edge = tuple[str, str]

MAX_NESTING = 32
"""Graphs in graphs."""
MAX_EDGES = 2**20
"""Edges of the flat graph: a port that m nodes feed and n read becomes m * n of them."""


def flatten_graph(graph: nir.NIRGraph) -> nir.NIRGraph:
    """Replace each node that is a graph by the nodes of that graph.

    Given::

        in -> block (input -> fc -> lif -> output) -> out

    Result::

        in -> block.fc -> block.lif -> out

    Edges lead into the one Input of a nested graph and out of its one Output; where it has
    several, the edge names it: ``block.input2``. The same object is returned where nothing is
    nested; nodes are shared with ``graph``, which stays as it is.

    Raises:
        InputError: SNN109, what cannot be put in place.
    """
    if not any(isinstance(node, nir.NIRGraph) for node in graph.nodes.values()):
        return graph
    expanded = expand_graph(graph)
    edges = _Splice(expanded).edges()
    nodes = {n: node for n, node in expanded.nodes.items() if n not in expanded.ports}
    return nir.NIRGraph(nodes, edges, metadata=dict(graph.metadata), type_check=False)


@dataclass(frozen=True)
class Expanded:
    """A graph with all that is nested in it, on one level.

    Attributes:
        nodes: By name, the names of the graphs that hold a node before its own, joined by dots.
        edges: Into and out of nested graphs they lead to ``ports``.
        ports: Names of the Input and Output nodes of nested graphs.
    """

    nodes: dict[str, nir.NIRNode] = field(default_factory=dict[str, nir.NIRNode])
    edges: list[Edge] = field(default_factory=list[Edge])
    ports: set[str] = field(default_factory=set[str])


def expand_graph(graph: nir.NIRGraph) -> Expanded:
    """Put all nodes and edges on one level, the ports of nested graphs among them.

    Raises:
        InputError: SNN109, two nodes come to the same name, an edge does not tell which Input or
            Output of a nested graph it means, or graphs are nested too deeply.
    """
    expanded = Expanded()
    raise_all(_expand(graph, "", 0, expanded))
    return expanded


def find_port(graph: nir.NIRGraph, end: str, kind: type[nir.NIRNode]) -> str | None:
    """Give the node that an edge's end means, ``end`` itself but for nested graphs, or None.

    Args:
        graph: The graph that the edge belongs to.
        end: Name of a node, of a nested graph with one port, or ``graph.port``.
        kind: ``nir.Input`` for the target of the edge, ``nir.Output`` for its source.
    """
    node = graph.nodes.get(end)
    if isinstance(node, nir.NIRGraph):
        ports = _ports(node, kind)
        return f"{end}.{ports[0]}" if len(ports) == 1 else None
    if node is not None:
        return end
    dots = (i for i, letter in enumerate(end) if letter == ".")
    found = [end for i in dots if _is_port(graph.nodes.get(end[:i]), end[i + 1 :], kind)]
    return end if len(found) == 1 else None


def _is_port(node: nir.NIRNode | None, name: str, kind: type[nir.NIRNode]) -> bool:
    return isinstance(node, nir.NIRGraph) and isinstance(node.nodes.get(name), kind)


def _ports(graph: nir.NIRGraph, kind: type[nir.NIRNode]) -> list[str]:
    return [name for name, node in graph.nodes.items() if isinstance(node, kind)]


def _expand(graph: nir.NIRGraph, prefix: str, depth: int, into: Expanded) -> Iterator[Diagnostic]:
    for name, node in graph.nodes.items():
        path = f"{prefix}{name}"
        if isinstance(node, nir.NIRGraph):
            if depth == MAX_NESTING:
                yield _nesting(path, "one more graph within it", f"{MAX_NESTING} levels")
            else:
                yield from _expand(node, f"{path}.", depth + 1, into)
            continue
        if path in into.nodes:
            yield _nesting(path, "two nodes of this name", "a name of its own for each node")
        into.nodes[path] = node
        if prefix and isinstance(node, nir.Input | nir.Output):
            into.ports.add(path)
    yield from _expand_edges(graph, prefix, into)


def _expand_edges(graph: nir.NIRGraph, prefix: str, into: Expanded) -> Iterator[Diagnostic]:
    for source, target in graph.edges:
        ends = find_port(graph, source, nir.Output), find_port(graph, target, nir.Input)
        if ends[0] is None:
            yield _no_port(graph, prefix, source, nir.Output)
        if ends[1] is None:
            yield _no_port(graph, prefix, target, nir.Input)
        into.edges.append((f"{prefix}{ends[0]}", f"{prefix}{ends[1]}"))


def _no_port(graph: nir.NIRGraph, prefix: str, end: str, kind: type[nir.NIRNode]) -> Diagnostic:
    node = graph.nodes.get(end)
    if not isinstance(node, nir.NIRGraph):
        limit = f"a node, or an {kind.__name__} of a nested graph"
        return _nesting(f"{prefix}{end}", "an edge to it, and it is not there", limit)
    ports = _ports(node, kind)
    found = f"an edge to {len(ports)} {kind.__name__} nodes ({', '.join(ports[:5]) or 'none'})"
    limit = f"one {kind.__name__} in it, or an edge that names one"
    return _nesting(f"{prefix}{end}", found, limit)


class _Splice:
    """Edges past the ports: from every node that feeds one to every node that reads it."""

    def __init__(self, expanded: Expanded) -> None:
        self._graph = expanded
        self._before: dict[str, list[str]] = defaultdict(list)
        self._read: set[str] = set()
        for source, target in expanded.edges:
            self._read.add(source)
            if target in expanded.ports:
                self._before[target].append(source)
        self._sources: dict[str, list[str]] = {}

    def edges(self) -> list[Edge]:
        """Give the edges between all nodes that are no ports.

        Raises:
            InputError: SNN109.
        """
        raise_all(self._resolve())
        edges = [
            (source, target)
            for first, target in self._graph.edges
            if target not in self._graph.ports
            for source in self._sources.get(first, [first])
        ]
        raise_all(
            _nesting(target, f"{source} leads to it {n} times", "once: its values count once")
            for (source, target), n in Counter(edges).items()
            if n > 1
        )
        return edges

    def _resolve(self) -> Iterator[Diagnostic]:
        """Find what feeds each port, looking through other ports."""
        try:
            order = list(TopologicalSorter(self._between_ports()).static_order())
        except CycleError as error:
            loop = " -> ".join(error.args[1])
            yield _nesting(loop, "a loop of ports alone", "a neuron on every loop")
            return
        total = 0
        for port in order:
            found = [s for first in self._before[port] for s in self._sources.get(first, [first])]
            total += len(found)
            if total > MAX_EDGES:
                yield _nesting(port, f"more than {MAX_EDGES} ways through ports", "as many")
                return
            twice = [source for source, n in Counter(found).items() if n > 1]
            if twice:
                yield _nesting(port, f"{twice[0]} leads to it twice", "once: its values count once")
            elif not found and port in self._read:
                yield _nesting(port, "nothing feeds it, and nodes read it", "a node that feeds it")
            self._sources[port] = list(dict.fromkeys(found))

    def _between_ports(self) -> dict[str, list[str]]:
        ports = self._graph.ports
        return {p: [s for s in self._before[p] if s in ports] for p in sorted(ports)}


def _nesting(node: str, found: str, limit: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.GRAPH_NESTS,
        node=node,
        found=found,
        limit=limit,
        remedy="change the nested graph, or its name, where the model is made",
    )
