"""From NIR to a ``Network``: what the graph leaves open is taken from metadata or options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any, cast

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.check import check_network
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.dialects import Semantics, settle
from snnc.compiler.equations import Neurons, relay
from snnc.compiler.network import (
    Input,
    Junction,
    Network,
    Output,
    Population,
    Projection,
)
from snnc.compiler.node_operators import operators_of
from snnc.compiler.nodes import COMPILED, NEURONS
from snnc.compiler.notes import note_problems, origin_of, parameter_of
from snnc.compiler.operators import Operator, Reals, Scaling, Shape, ShapeError, result_shape
from snnc.compiler.wiring import Route, Wiring, edge_problems, loop_problems, ranks


def discretize(
    graph: nir.NIRGraph,
    *,
    dt: float | None = None,
    dialect: str | None = None,
    reset: str | None = None,
) -> Network:
    """Make the ``Network`` that ``graph`` describes.

    Neurons become populations, the nodes between them operators of projections, sums junctions.
    ``Flatten`` disappears; an output of weights gets a read-out without memory. How the neurons
    compute is taken from the metadata that snnc's frontends write; for other graphs from the
    options, see ``dialects.settle``. A population that feeds itself without metadata does so one
    step later, as in every simulator that reads NIR.

    Args:
        graph: From a frontend, ``read_nir``, or made by hand.
        dt: Length of a step in the unit of the graph's time constants (seconds).
        dialect: Whose conventions the numbers follow: one of ``dialects.DIALECTS``.
        reset: What a spike does: one of ``network.Reset``.

    Raises:
        InputError: What keeps the graph from being compiled.
    """
    raise_all(_unknown_nodes(graph))
    raise_all(_empty_nodes(graph))
    raise_all(edge_problems(graph))
    raise_all(note_problems(graph))
    semantics = settle(graph, dt=dt, dialect=dialect, reset=reset)
    wiring = Wiring(graph)
    raise_all(wiring.problems())
    parts = _Parts(graph, wiring, semantics)
    raise_all(parts.problems)
    names, projections = list(parts.shapes), parts.projections
    ends = [(q.source, q.target, q.delay) for q in projections]
    raise_all(loop_problems(names, ends))
    place = ranks(names, ends)
    network = Network(
        inputs=tuple(Input(name, parts.shapes[name]) for name in wiring.of(nir.Input)),
        junctions=tuple(
            Junction(name=name, origin=(origin_of(graph, node),), shape=parts.shapes[name])
            for name, node in sorted(wiring.junctions.items(), key=lambda item: place[item[0]])
        ),
        populations=tuple(sorted(parts.populations(), key=lambda p: place[p.name])),
        projections=projections,
        outputs=tuple(Output(name, source) for name, source in wiring.outputs.items()),
        dt=semantics.dt,
        choices=(*semantics.choices, *_read_out_choices(wiring)),
    )
    raise_all(check_network(network))
    return network


@dataclass
class _Parts:
    """Shapes and projections, found together: what a node does depends on the shape it takes.

    Attributes:
        graph: What is compiled.
        wiring: Its routes.
        semantics: How its neurons compute.
        shapes: Of inputs, populations and junctions by name.
        projections: In the order of the routes.
        problems: What does not fit.
    """

    graph: nir.NIRGraph
    wiring: Wiring
    semantics: Semantics

    def __post_init__(self) -> None:
        self.problems: list[Diagnostic] = []
        self.shapes: dict[str, Shape] = dict(self._known_shapes())
        self._into: dict[str, Shape] = {}
        waiting = list(self.wiring.routes)
        made: dict[str, tuple[Projection, ...]] = {}
        while waiting:
            ready = [r for r in waiting if r.source in self.shapes]
            if not ready:  # a loop that says no shape: a scalar population
                target = waiting[0].source
                self.shapes[target] = (1,)
                continue
            for route in ready:
                made[route.name] = tuple(self._projections(route))
            waiting = [r for r in waiting if r.name not in made]
        self.projections = tuple(q for r in self.wiring.routes for q in made[r.name])
        for name in self.graph.nodes:
            if isinstance(self.graph.nodes[name], NEURONS):
                self.shapes.setdefault(name, (1,))

    def _known_shapes(self) -> Iterator[tuple[str, Shape]]:
        for name in self.wiring.of(nir.Input):
            yield name, _shape(cast("nir.Input", self.graph.nodes[name]).input_type["input"])
        for name, how in self.semantics.neurons.items():
            shape = np.broadcast_shapes(*(a.shape for a in how.arrays()))
            if shape:
                yield name, shape

    def _projections(self, route: Route) -> Iterator[Projection]:
        """Give the projection of a route; of different delays, one for each."""
        operators: list[Operator] = []
        delays = np.zeros((), np.int64)
        shape = self.shapes[route.source]
        for name in route.nodes:
            node = self.graph.nodes[name]
            try:
                made = operators_of(node, shape)
                shape = result_shape(made, shape)
            except ShapeError as misfit:
                self.problems.append(_misfit(name, str(misfit), f"what {list(shape)} allows"))
                return
            operators += made
            if isinstance(node, nir.Delay):
                delays = delays + self._steps(name, node, shape)
        self._check_target(route, shape)
        origin = tuple(origin_of(self.graph, n) for n in route.nodes) or (route.name,)
        whole = Projection(
            name=route.name,
            origin=origin,
            source=route.source,
            target=route.target,
            operators=tuple(operators),
            delay=route.delay,
        )
        yield from _of_delays(whole, delays)

    def _steps(self, name: str, node: nir.Delay, shape: Shape) -> np.ndarray[Any, Any]:
        """Give a delay in whole steps, one number or of ``shape``."""
        exact = np.asarray(node.delay, np.float64) / self.semantics.dt
        steps = np.rint(exact)
        off = np.abs(steps - exact) > WHOLE_STEPS * np.maximum(exact, 1)
        if off.any() or (exact < 0).any():
            found = f"{float(exact.ravel()[int(off.argmax())]):g} steps"
            self.problems.append(_misfit(f"{name}.delay", found, "whole steps of dt, 0 or more"))
        if steps.size > 1 and steps.size != prod(shape):
            found = f"{steps.size} delays for {prod(shape)} values"
            self.problems.append(_misfit(f"{name}.delay", found, "one, or one for each value"))
            return np.zeros((), np.int64)
        return steps.astype(np.int64).reshape(shape if steps.size > 1 else ())

    def _check_target(self, route: Route, shape: Shape) -> None:
        """Learn the shape of the target, or hold ``shape`` against it."""
        known = self.shapes.setdefault(route.target, shape)
        if prod(known) != prod(shape):
            last = route.nodes[-1] if route.nodes else route.name
            found = f"gives {list(shape)}, {prod(shape)} values"
            limit = f"{route.target} takes {list(known)}, {prod(known)} values"
            self.problems.append(_misfit(last, found, limit))

    def populations(self) -> Iterator[Population]:
        """Give every population, in no order."""
        for name, how in self.semantics.neurons.items():
            yield self._population(name, origin_of(self.graph, name), how)
        for name, output in self.wiring.read_outs.items():
            yield self._population(name, output, relay())

    def _population(self, name: str, origin: str, how: Neurons) -> Population:
        shape = self.shapes[name]

        def each(values: Reals) -> Reals:
            return np.broadcast_to(values, shape).ravel()

        return Population(
            name=name,
            origin=(origin,),
            shape=shape,
            integration=how.integration,
            decay=each(how.decay),
            current_decay=each(how.current_decay),
            gain=each(how.gain),
            leak=each(how.leak),
            initial=each(how.initial),
            threshold=each(how.threshold),
            reset=how.reset,
            reset_value=each(how.reset_value),
            spike=each(how.spike),
            refractory=how.refractory,
            spiking=how.spiking,
        )


WHOLE_STEPS = 1e-3
"""Share of a step, or of a longer delay, that a delay may be off from whole steps."""


def _of_delays(whole: Projection, delays: np.ndarray[Any, Any]) -> Iterator[Projection]:
    """Cut a projection into one for each delay that it has, masked by factors 0 and 1."""
    lengths = np.unique(delays)
    for length in lengths:
        delay = whole.delay + int(length)
        if lengths.size == 1:
            yield replace(whole, delay=delay)
            continue
        mask = (delays == length).astype(np.float32)
        chosen = Scaling(factor=mask, shift=np.zeros_like(mask))
        name = f"{whole.name}@{delay}"
        yield replace(whole, name=name, operators=(*whole.operators, chosen), delay=delay)


def _read_out_choices(wiring: Wiring) -> Iterator[str]:
    for name, output in wiring.read_outs.items():
        yield f"output {output} is fed by no neurons: {name} gives its values step by step"


def _unknown_nodes(graph: nir.NIRGraph) -> Iterator[Diagnostic]:
    for name, node in graph.nodes.items():
        if not isinstance(node, COMPILED):
            yield Diagnostic(
                rule=rules.NODE_KNOWN,
                node=name,
                found=f"a node of type {type(node).__name__}",
                limit=", ".join(kind.__name__ for kind in COMPILED),
                remedy="use one of these; docs/nir.md lists what each release compiles",
            )


def _empty_nodes(graph: nir.NIRGraph) -> Iterator[Diagnostic]:
    for name, node in graph.nodes.items():
        if isinstance(node, NEURONS) and np.size(parameter_of(node)) == 0:
            yield _misfit(name, "no neurons", "one at least")


def _shape(values: Any) -> Shape:
    return tuple(int(n) for n in np.atleast_1d(np.asarray(values)))


def _misfit(node: str, found: str, limit: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.NODE_COMPLETE,
        node=node,
        found=found,
        limit=limit,
        remedy="correct the node in the model",
    )
