"""Which ways lead from which source to which population of a NIR graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any, cast

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.graph.loops import find_loop
from snnc.compiler.graph.nodes import NEURONS, OPERATORS, READ_OUTS, WEIGHTS
from snnc.compiler.graph.notes import metadata

SOURCES = (nir.Input, *NEURONS)


@dataclass(frozen=True)
class Route:
    """One way from a source to a population or a junction, through nodes without a state.

    Attributes:
        source: Name of an input, a neuron node or a junction.
        nodes: Names of the nodes on the way.
        target: Name of a neuron node, a junction or a read-out.
        delay: Steps that the nodes' notes say, or 1 where ``loop``.
        order: Position of its current in the target's sum.
        loop: Whether a population feeds itself and nobody says how much later.
        name: Unique among routes: its last weights, with the ends where that is not enough.
    """

    source: str
    nodes: tuple[str, ...]
    target: str
    delay: int
    order: int
    loop: bool = False
    name: str = ""


class Wiring:
    """The edges of a graph as routes.

    Where values meet or part in time there is a junction, at which routes end and begin:

    * A stateless node with several edges into it: their sum, under the name of the node, which
      itself stands first on the way out.
    * Several currents of equal ``order`` into one population, under the name ``NODE.input``.
    * A ``Delay`` of several lengths: what comes out of it, under the name ``NODE.delayed``. It
      stands last on the way in.

    Attributes:
        graph: The graph, flat.
        routes: Every way, those of one target in the order of summation.
        outputs: Of each output node the neuron node or read-out whose data it gives.
        junctions: Of each junction the node that it stands for.
        read_outs: Of each population that nobody named the output node that asks for it.
    """

    def __init__(self, graph: nir.NIRGraph) -> None:
        self.graph = graph
        self._before: dict[str, list[str]] = {name: [] for name in graph.nodes}
        for source, target in sorted({(str(a), str(b)) for a, b in graph.edges}):
            self._before[target].append(source)
        self.outputs: dict[str, str] = {}
        self.read_outs: dict[str, str] = {}
        self._seen_through: set[str] = set()
        self._sums = [n for n in self.of(*OPERATORS) if len(self._before[n]) > 1]
        self.junctions = {n: n for n in self._sums}
        self._delayed = {n: self._free_name(f"{n}.delayed") for n in self._several_delays()}
        self.junctions |= {junction: node for node, junction in self._delayed.items()}
        found = [*self._node_routes(), *self._output_routes()]
        self.routes = tuple(_named(self._with_sums(found), self._label))

    @property
    def places(self) -> dict[str, str]:
        """Give of each input, population and junction the node whose values it takes."""
        own = {name: name for name in self.of(*SOURCES)}
        return own | self.read_outs | self.junctions

    def of(self, *kinds: type[nir.NIRNode]) -> list[str]:
        """Give the names of the nodes of ``kinds``, in alphabetical order."""
        return sorted(n for n, node in self.graph.nodes.items() if isinstance(node, kinds))

    def _is(self, name: str, *kinds: type[nir.NIRNode]) -> bool:
        return isinstance(self.graph.nodes.get(name), kinds)

    def _several_delays(self) -> Iterator[str]:
        for name in self.of(nir.Delay):
            if np.unique(cast("nir.Delay", self.graph.nodes[name]).delay).size > 1:
                yield name

    def _node_routes(self) -> Iterator[Route]:
        for target in (*self.of(*NEURONS), *self._sums):
            yield from self._routes_into(target, self._before[target])
        for node, junction in self._delayed.items():
            yield from self._routes_into(junction, [node])

    def _output_routes(self) -> Iterator[Route]:
        """Give an output its neurons, or a read-out where anything else feeds it."""
        for name in self.of(nir.Output):
            feeding = self._before[name]
            neurons = self._unflattened(feeding[0]) if len(feeding) == 1 else ""
            if self._is(neurons, *NEURONS):
                self.outputs[name] = neurons
            elif feeding:
                read_out = self._free_name(f"{name}.readout")
                self.outputs[name] = read_out
                self.read_outs[read_out] = name
                yield from self._routes_into(read_out, feeding)

    def _unflattened(self, node: str) -> str:
        """Give what ``node`` only changes the shape of, which is of no account at an output."""
        while self._is(node, nir.Flatten) and node in self._fed and node not in self.junctions:
            self._seen_through.add(node)
            (node,) = self._before[node]
        return node

    def _routes_into(self, target: str, feeding: Iterable[str]) -> Iterator[Route]:
        for node in feeding:
            if node not in self._fed:
                continue  # a problem
            source, nodes = self._way_to(node, target)
            notes = [metadata(self.graph.nodes[n]) for n in nodes]
            delays = [_whole(n["delay"]) for n in notes if "delay" in n]
            loop = not delays and self._closes_a_loop(source, nodes, target)
            delay = sum(delays) + int(loop)
            order = next((_whole(n["order"]) for n in reversed(notes) if "order" in n), delay)
            yield Route(source, nodes, target, delay, order, loop)

    def _way_to(self, node: str, target: str) -> tuple[str, tuple[str, ...]]:
        """Give the source that feeds ``node`` and the nodes from there on, itself included.

        What feeds it is known to begin somewhere: a way back never runs in a circle.
        """
        way: list[str] = []
        while not self._is(node, *SOURCES):
            if self._delayed.get(node, target) != target:
                node = self._delayed[node]
                break
            way.append(node)
            if node in self.junctions:
                break
            (node,) = self._before[node]
        return node, tuple(reversed(way))

    @cached_property
    def _after(self) -> dict[str, list[str]]:
        after: dict[str, list[str]] = {name: [] for name in self.graph.nodes}
        for target, sources in self._before.items():
            for source in sources:
                after[source].append(target)
        return after

    @cached_property
    def _fed(self) -> set[str]:
        """Give all nodes that an input or a population reaches, and these themselves."""
        return self._reached(self.of(*SOURCES))

    def _reached(self, begin: Iterable[str]) -> set[str]:
        """Give ``begin`` and what it reaches through nodes without a state."""
        waiting = list(begin)
        seen = set(waiting)
        while waiting:
            following = set(self._after[waiting.pop()]) - seen
            seen |= following
            waiting += [n for n in following if self._is(n, *OPERATORS)]
        return seen

    def _closes_a_loop(self, source: str, nodes: tuple[str, ...], target: str) -> bool:
        """Tell whether a population feeds itself, and nothing else, by this way without a delay.

        Every simulator that reads NIR then takes one step.
        """
        if not self._is(source, *NEURONS) or any(self._is(n, nir.Delay) for n in nodes):
            return False
        return source == target or self._fed_by_sum.get(target) == {source}

    @cached_property
    def _fed_by_sum(self) -> dict[str, set[str]]:
        """Give of each sum the populations that it feeds, through others too, and delays there."""
        return {
            n: {m for m in self._reached([n]) if self._is(m, *NEURONS, nir.Delay)}
            for n in self._sums
        }

    def _with_sums(self, routes: Iterable[Route]) -> Iterator[Route]:
        """Sum currents of equal order before they reach a population."""
        for target, into in groupby(sorted(routes, key=_place), key=lambda r: r.target):
            if target in self.junctions:
                yield from into
                continue
            for order, group in groupby(into, key=lambda r: r.order):
                currents = tuple(group)
                if len(currents) == 1:
                    yield from currents
                    continue
                junction = self._free_name(f"{target}.input" + (str(order) if order else ""))
                self.junctions[junction] = self.read_outs.get(target, target)
                yield from (replace(r, target=junction) for r in currents)
                yield Route(junction, (), target, 0, order)

    def _free_name(self, name: str) -> str:
        while name in self.graph.nodes or name in self.junctions or name in self.read_outs:
            name += "_"
        return name

    def _label(self, route: Route) -> str:
        weights = [n for n in route.nodes if self._is(n, *WEIGHTS, nir.Scale)]
        others = [n for n in route.nodes if not self._is(n, nir.Flatten)]
        ends = f"{route.source}->{self.junctions.get(route.target, route.target)}"
        return (weights or others or [ends])[-1]

    def problems(self) -> Iterator[Diagnostic]:
        """Yield every way in which the nodes cannot be wired."""
        used = {n for r in self.routes for n in r.nodes}
        for node in self.of(*OPERATORS):
            if node not in self._fed:
                yield self._misplaced(node, f"{self._kind(node)} that nothing feeds")
            elif node not in used and node not in self._seen_through:
                yield self._misplaced(node, f"{self._kind(node)} that feeds no population")
        for route in self.routes:
            if self._is(route.source, *READ_OUTS):
                found = f"{self._kind(route.source)}, which has no spikes, feeds {route.target}"
                yield self._misplaced(route.source, found)
        yield from self._stateless_loops()
        yield from self._end_problems()

    def _stateless_loops(self) -> Iterator[Diagnostic]:
        """Yield whether a sum feeds itself with no population between, be it later."""
        ends = [(r.source, r.target) for r in self.routes]
        between = [(a, b) for a, b in ends if {a, b} <= self.junctions.keys()]
        loop = find_loop(between, self.junctions)
        if loop:
            yield self._misplaced(" -> ".join(loop), "a loop without neurons")

    def _end_problems(self) -> Iterator[Diagnostic]:
        for node in self.of(nir.Output):
            if not self._before[node]:
                yield self._misplaced(node, "an output that nothing feeds")
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
