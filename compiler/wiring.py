"""Which ways lead from which source to which population of a NIR graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Any

import networkx as nx
import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.nodes import NEURONS, OPERATORS, READ_OUTS, WEIGHTS
from snnc.compiler.notes import metadata

SOURCES = (nir.Input, *NEURONS)


@dataclass(frozen=True)
class Route:
    """One way from a source to a population or a sum, through nodes without a state.

    Attributes:
        source: Name of an input, a neuron node or a junction.
        nodes: Names of the nodes on the way.
        target: Name of a neuron node, a junction or a read-out.
        delay: Steps that the nodes' notes say.
        order: Position of its current in the target's sum.
        name: Unique among routes: its last weights, with the ends where that is not enough.
    """

    source: str
    nodes: tuple[str, ...]
    target: str
    delay: int
    order: int
    name: str = ""


class Wiring:
    """The edges of a graph as routes.

    A stateless node with several edges into it is a junction: their sum, under the name of the
    node, which itself stands first on the way out of it. So is what several currents of equal
    ``order`` into one population are, under the name ``NODE.input``.

    Attributes:
        graph: The graph, flat.
        routes: Every way, those of one target in the order of summation.
        outputs: Of each output node the neuron node or read-out whose data it gives.
        junctions: Of each junction the node whose input it is.
        read_outs: Of each population that nobody named the output node that asks for it.
    """

    def __init__(self, graph: nir.NIRGraph) -> None:
        self.graph = graph
        self._before: dict[str, list[str]] = {name: [] for name in graph.nodes}
        for source, target in sorted({(str(a), str(b)) for a, b in graph.edges}):
            self._before[target].append(source)
        self.outputs: dict[str, str] = {}
        self.read_outs: dict[str, str] = {}
        self.junctions = {n: n for n in self.of(*OPERATORS) if len(self._before[n]) > 1}
        found = [*self._neuron_routes(), *self._junction_routes(), *self._output_routes()]
        self.routes = tuple(_named(self._with_sums(found), self._label))

    def of(self, *kinds: type[nir.NIRNode]) -> list[str]:
        """Give the names of the nodes of ``kinds``, in alphabetical order."""
        return sorted(n for n, node in self.graph.nodes.items() if isinstance(node, kinds))

    def _is(self, name: str, *kinds: type[nir.NIRNode]) -> bool:
        return isinstance(self.graph.nodes[name], kinds)

    def _neuron_routes(self) -> Iterator[Route]:
        for target in self.of(*NEURONS):
            yield from self._routes_into(target, self._before[target])

    def _junction_routes(self) -> Iterator[Route]:
        for target in self.junctions:
            yield from self._routes_into(target, self._before[target])

    def _output_routes(self) -> Iterator[Route]:
        """Give an output its neurons, or a read-out where weights or a sum feed it."""
        for name in self.of(nir.Output):
            if len(self._before[name]) != 1:
                continue  # a problem
            (source,) = self._before[name]
            if self._is(source, *NEURONS):
                self.outputs[name] = source
                continue
            read_out = self._free_name(f"{name}.readout")
            self.outputs[name] = read_out
            self.read_outs[read_out] = name
            yield from self._routes_into(read_out, [source])

    def _routes_into(self, target: str, feeding: Iterable[str]) -> Iterator[Route]:
        for node in feeding:
            source, nodes = self._way_to(node)
            if source is None:
                continue  # a problem
            notes = [metadata(self.graph.nodes[n]) for n in nodes]
            delays = [_whole(n["delay"]) for n in notes if "delay" in n]
            delay = sum(delays) if delays else int(self._closes_a_loop(source, target))
            order = next((_whole(n["order"]) for n in reversed(notes) if "order" in n), delay)
            yield Route(source, nodes, target, delay, order)

    def _way_to(self, node: str) -> tuple[str | None, tuple[str, ...]]:
        """Give the source that feeds ``node`` and the nodes from there on, itself included."""
        if self._is(node, *SOURCES):
            return node, ()
        way = {node: None}  # in order, and each once: a loop of stateless nodes has no source
        while node not in self.junctions:
            if not self._before[node] or self._before[node][0] in way:
                return None, ()
            (node,) = self._before[node]
            if self._is(node, *SOURCES):
                break
            way[node] = None
        return node, tuple(reversed(way))

    def _closes_a_loop(self, source: str, target: str) -> bool:
        """Tell whether a population feeds itself and nothing else by this way.

        Every simulator that reads NIR then takes one step.
        """
        if not self._is(source, *NEURONS):
            return False
        return source == target or self._fed_by_junction.get(target) == {source}

    @cached_property
    def _fed_by_junction(self) -> dict[str, set[str]]:
        """Give of each junction the populations that it feeds, through others too."""
        after: dict[str, set[str]] = {name: set() for name in self.graph.nodes}
        for target, sources in self._before.items():
            for source in sources:
                after[source].add(target)
        fed: dict[str, set[str]] = {}
        for junction in self.junctions:
            waiting, seen = [junction], {junction}
            while waiting:
                following = after[waiting.pop()] - seen
                seen |= following
                waiting += [n for n in following if self._is(n, *OPERATORS)]
            fed[junction] = {n for n in seen if self._is(n, *NEURONS)}
        return fed

    def _with_sums(self, routes: Iterable[Route]) -> Iterator[Route]:
        """Sum currents of equal order before they reach a population."""
        for target, into in groupby(sorted(routes, key=_place), key=attrgetter("target")):
            if target in self.junctions:
                yield from into
                continue
            for order, group in groupby(into, key=attrgetter("order")):
                currents = tuple(group)
                if len(currents) == 1:
                    yield from currents
                    continue
                junction = self._free_name(f"{target}.input" + (str(order) if order else ""))
                self.junctions[junction] = target
                yield from (replace(r, target=junction) for r in currents)
                yield Route(junction, (), target, 0, order)

    def _free_name(self, name: str) -> str:
        while name in self.graph.nodes or name in self.junctions or name in self.read_outs:
            name += "_"
        return name

    def _label(self, route: Route) -> str:
        weights = [n for n in route.nodes if self._is(n, *WEIGHTS, nir.Scale)]
        others = [n for n in route.nodes if not self._is(n, nir.Flatten)]
        return (weights or others or [f"{route.source}->{route.target}"])[-1]

    def problems(self) -> Iterator[Diagnostic]:
        """Yield every way in which the nodes cannot be wired."""
        used = {n for r in self.routes for n in r.nodes}
        for node in self.of(*OPERATORS):
            if self._way_to(node)[0] is None:
                yield self._misplaced(node, f"{self._kind(node)} that nothing feeds")
            elif node not in used:
                yield self._misplaced(node, f"{self._kind(node)} that feeds no population")
        for route in self.routes:
            if route.source in self.graph.nodes and self._is(route.source, *READ_OUTS):
                found = f"{self._kind(route.source)}, which has no spikes, feeds {route.target}"
                yield self._misplaced(route.source, found)
        yield from self._end_problems()

    def _end_problems(self) -> Iterator[Diagnostic]:
        for node in self.of(nir.Output):
            if len(self._before[node]) != 1:
                yield self._misplaced(node, f"an output of {len(self._before[node])} nodes")
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
            limit="input or spiking neurons -> weights, pooling, sums -> neurons -> Output",
            remedy="connect the node, or leave it out of the graph",
        )


def ranks(names: Iterable[str], projections: Iterable[tuple[str, str, int]]) -> dict[str, int]:
    """Give every name its place in an order of evaluation.

    Within what projections of delay 0 leave open, the order is that of the names.

    Args:
        names: Of inputs, junctions and populations.
        projections: Source, target and delay of each.

    Raises:
        networkx.NetworkXUnfeasible: A loop has no delay at all.
    """
    order = nx.lexicographical_topological_sort(_undelayed(names, projections))
    return {name: rank for rank, name in enumerate(order)}


def loop_problems(
    names: Iterable[str], projections: Iterable[tuple[str, str, int]]
) -> Iterator[Diagnostic]:
    """Yield whether there is a loop without any delay."""
    graph = _undelayed(names, projections)
    if nx.is_directed_acyclic_graph(graph):
        return
    parts = (sorted(part) for part in nx.strongly_connected_components(graph))
    first = min(p for p in parts if len(p) > 1 or graph.has_edge(p[0], p[0]))[0]
    second = min(b for b in graph[first] if nx.has_path(graph, b, first))
    yield Diagnostic(
        rule=rules.LOOP_DELAYED,
        node=" -> ".join([first, *nx.bidirectional_shortest_path(graph, second, first)]),
        found="a loop without any delay",
        limit="one step of delay at least; NIR does not say where on a loop of several "
        "populations it is",
        remedy="import the trained module with snnc import, which notes the delays",
    )


def _undelayed(
    names: Iterable[str], projections: Iterable[tuple[str, str, int]]
) -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(names)
    graph.add_edges_from((a, b) for a, b, delay in projections if delay == 0)
    return graph


def _named(routes: Iterable[Route], label: Callable[[Route], str]) -> Iterator[Route]:
    """Name each route by its label, with its ends where that stands twice."""
    found = [(r, label(r)) for r in routes]
    used = Counter(name for _, name in found)
    taken: Counter[str] = Counter()
    for route, name in found:
        full = name if used[name] == 1 else f"{name}:{route.source}->{route.target}"
        taken[full] += 1
        yield replace(route, name=full if taken[full] == 1 else f"{full}#{taken[full]}")


def _place(route: Route) -> tuple[str, int, int, tuple[str, ...], str]:
    return route.target, route.order, route.delay, tuple(reversed(route.nodes)), route.source


def _whole(value: Any) -> int:
    return int(np.asarray(value))


def edge_problems(graph: nir.NIRGraph) -> Iterator[Diagnostic]:
    """Yield unknown ends and repetitions of edges."""
    counts = Counter((str(a), str(b)) for a, b in graph.edges)
    for edge, count in sorted(counts.items()):
        for name in edge:
            if name not in graph.nodes:
                yield _bad_edge(edge, f"no node {name!r}")
        if count > 1:
            yield _bad_edge(edge, f"the edge stands {count} times")
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
