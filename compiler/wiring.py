"""Which weights lead from which source to which population of a NIR graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx
import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.notes import NEURONS, metadata

WEIGHTS = (nir.Linear, nir.Affine)
SOURCES = (nir.Input, *NEURONS)
COMPILED = (nir.Input, nir.Output, nir.Linear, nir.Affine, *NEURONS, nir.Flatten)
"""The node types that this release compiles."""


@dataclass(frozen=True)
class Route:
    """One way of a spike from a source to a population.

    Attributes:
        source: Name of an input or neuron node.
        weights: Name of the node with the weights; None where neurons are joined directly.
        target: Name of a neuron node.
        name: The weights' node where that is unique, else with the ends that tell it apart.
        first: False where another route with the same weights into ``target`` has the bias.
        delay: Steps.
        order: Position of its current in the target's sum.
    """

    source: str
    weights: str | None
    target: str
    name: str
    first: bool
    delay: int
    order: int


class Wiring:
    """The edges of a graph, with ``Flatten`` nodes looked through.

    Attributes:
        graph: The graph.
        routes: Every way of a spike, in the order of summation for each target.
        outputs: ``(output node, neuron node)`` pairs.
    """

    def __init__(self, graph: nir.NIRGraph) -> None:
        self.graph = graph
        self._before: dict[str, list[str]] = {name: [] for name in graph.nodes}
        for source, target in graph.edges:
            if target in self._before and source in graph.nodes:
                self._before[target].append(source)
        self.routes = tuple(sorted(self._find_routes(), key=_place))
        self.outputs = tuple(
            (name, source) for name in self.of(nir.Output) for source in self.feeding(name)
        )

    def of(self, *kinds: type[nir.NIRNode]) -> list[str]:
        """Give the names of the nodes of ``kinds``, in alphabetical order."""
        return sorted(n for n, node in self.graph.nodes.items() if isinstance(node, kinds))

    def feeding(self, name: str) -> list[str]:
        """Give the nodes that feed ``name``, looking through ``Flatten``, in order of name."""
        found: list[str] = []
        waiting, seen = [name], {name}
        while waiting:
            for source in self._before[waiting.pop()]:
                if isinstance(self.graph.nodes[source], nir.Flatten):
                    waiting.extend({source} - seen)
                    seen.add(source)
                else:
                    found.append(source)
        return sorted(found)

    def _find_routes(self) -> Iterator[Route]:
        feeding = {target: self.feeding(target) for target in self.of(*NEURONS)}
        readers = Counter(node for nodes in feeding.values() for node in nodes)
        for target, nodes in feeding.items():
            for node in nodes:
                if isinstance(self.graph.nodes[node], SOURCES):
                    yield self._route(node, None, target, f"{node}->{target}", first=True)
                elif isinstance(self.graph.nodes[node], WEIGHTS):
                    end = f"->{target}" if readers[node] > 1 else ""
                    for i, source in enumerate(self.feeding(node)):
                        name = f"{node}:{source}{end}" if i else f"{node}{end}"
                        yield self._route(source, node, target, name, first=i == 0)

    def _route(
        self, source: str, weights: str | None, target: str, name: str, *, first: bool
    ) -> Route:
        notes: Mapping[str, Any] = {}
        if weights is not None:
            notes = metadata(self.graph.nodes[weights])
        delay = int(np.asarray(notes.get("delay", source == target)))
        order = int(np.asarray(notes.get("order", delay)))
        return Route(source, weights, target, name, first, delay, order)

    def ranks(self) -> dict[str, int]:
        """Give every source and population its place in an order of evaluation.

        Within what the routes of delay 0 leave open, the order is that of the names.

        Raises:
            networkx.NetworkXUnfeasible: A loop has no delay at all.
        """
        order = nx.lexicographical_topological_sort(self._undelayed())
        return {name: rank for rank, name in enumerate(order)}

    def _undelayed(self) -> nx.DiGraph[str]:
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(self.of(*SOURCES))
        graph.add_edges_from((r.source, r.target) for r in self.routes if r.delay == 0)
        return graph

    def problems(self) -> Iterator[Diagnostic]:
        """Yield every way in which the nodes cannot be wired."""
        for node in self.of(*WEIGHTS):
            for source in self.feeding(node):
                if not isinstance(self.graph.nodes[source], SOURCES):
                    yield self._misplaced(node, f"weights fed by {source} ({self._kind(source)})")
            if not self.feeding(node):
                yield self._misplaced(node, "weights that nothing feeds")
        used = {r.weights for r in self.routes}
        for node in self.of(*WEIGHTS):
            if node not in used and self.feeding(node):
                yield self._misplaced(node, "weights that feed no population")
        yield from self._end_problems()
        if not nx.is_directed_acyclic_graph(self._undelayed()):
            yield self._instant_loop()

    def _end_problems(self) -> Iterator[Diagnostic]:
        for node in self.of(nir.Output):
            sources = self.feeding(node)
            if len(sources) != 1:
                yield self._misplaced(node, f"an output of {len(sources)} nodes")
            elif not isinstance(self.graph.nodes[sources[0]], NEURONS):
                yield self._misplaced(node, f"an output of {sources[0]} ({self._kind(sources[0])})")
        for kind in (nir.Input, nir.Output):
            if not self.of(kind):
                yield self._misplaced("the graph", f"no {kind.__name__} node")

    def _kind(self, name: str) -> str:
        return type(self.graph.nodes[name]).__name__

    @staticmethod
    def _misplaced(node: str, found: str) -> Diagnostic:
        return Diagnostic(
            rule=rules.TOPOLOGY,
            node=node,
            found=found,
            limit="input or neurons -> Linear or Affine -> neurons; one node of neurons -> Output",
            remedy="put a population between two layers of weights, and one before each output",
        )

    def _instant_loop(self) -> Diagnostic:
        graph = self._undelayed()
        first, second = next((a, b) for a, b in sorted(graph.edges) if nx.has_path(graph, b, a))
        return Diagnostic(
            rule=rules.LOOP_DELAYED,
            node=" -> ".join([first, *nx.bidirectional_shortest_path(graph, second, first)]),
            found="a loop without any delay",
            limit="one step of delay at least; NIR does not say where on a loop of several "
            "populations it is",
            remedy="import the trained module with snnc import, which notes the delays",
        )


def _place(route: Route) -> tuple[str, int, int, str, str]:
    return route.target, route.order, route.delay, route.weights or "", route.source


def edge_problems(graph: nir.NIRGraph) -> Iterator[Diagnostic]:
    """Yield unknown ends and repetitions of edges."""
    edges = [(str(a), str(b)) for a, b in graph.edges]
    for edge in sorted(set(edges)):
        for name in edge:
            if name not in graph.nodes:
                yield _bad_edge(edge, f"no node {name!r}")
        if edges.count(edge) > 1:
            yield _bad_edge(edge, f"the edge stands {edges.count(edge)} times")
        if edge[1] in graph.nodes and isinstance(graph.nodes[edge[1]], nir.Input):
            yield _bad_edge(edge, "an edge into an Input")
        if edge[0] in graph.nodes and isinstance(graph.nodes[edge[0]], nir.Output):
            yield _bad_edge(edge, "an edge out of an Output")


def _bad_edge(edge: tuple[str, str], found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.EDGE_VALID,
        node=f"{edge[0]} -> {edge[1]}",
        found=found,
        limit="each edge once, between two nodes of the graph, from Input towards Output",
        remedy="correct the edges of the graph",
    )
