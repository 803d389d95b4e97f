"""From NIR to a ``Network``: what the graph leaves open is taken from metadata or options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.check import check_network
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.fixed import LONGEST_DELAY
from snnc.compiler.graph.edges import edge_problems
from snnc.compiler.graph.flatten import flatten_graph
from snnc.compiler.graph.loops import loop_problems, ranks
from snnc.compiler.graph.notes import note_problems, origin_of
from snnc.compiler.graph.parameters import parameter_problems
from snnc.compiler.graph.shapes import infer_shapes, on_axes
from snnc.compiler.graph.wiring import Route, Wiring
from snnc.compiler.network import Input, Junction, Network, Output, Population, Projection
from snnc.compiler.operators import Reals, Scaling, Shape
from snnc.compiler.semantics.dialects import Semantics, settle
from snnc.compiler.semantics.equations import Neurons, relay
from snnc.compiler.semantics.node_operators import operators_along

Steps = npt.NDArray[np.int64]
WHOLE_STEPS = 1e-3
"""Share of a step by which a delay may be off from whole steps."""
SINGLE = 2.0**-22
"""Share of itself by which a delay may be off: it and the step may both be of float32."""


def discretize(
    graph: nir.NIRGraph,
    *,
    dt: float | None = None,
    dialect: str | None = None,
    reset: str | None = None,
) -> Network:
    """Make the ``Network`` that ``graph`` describes.

    Neurons become populations, the nodes between them operators of projections, sums junctions.
    ``Flatten`` disappears; an output of anything but neurons gets a read-out without memory. How
    the neurons compute is taken from the metadata that snnc's frontends write; for other graphs
    from the options, see ``dialects.settle``. A population that feeds itself without a delay does
    so one step later, as in every simulator that reads NIR.

    Args:
        graph: From a frontend, ``read_nir``, or made by hand.
        dt: Length of a step in the unit of the graph's time constants (seconds).
        dialect: Whose conventions the numbers follow: one of ``dialect_table.DIALECTS``.
        reset: What a spike does: one of ``dialect_table.RESETS``.

    Raises:
        InputError: What keeps the graph from being compiled.
    """
    graph = flatten_graph(graph)
    raise_all(edge_problems(graph))
    nodes = infer_shapes(graph)
    raise_all(parameter_problems(graph))
    raise_all(note_problems(graph))
    semantics = settle(graph, dt=dt, dialect=dialect, reset=reset)
    wiring = Wiring(graph)
    raise_all(wiring.problems())
    raise_all(_delay_problems(graph, semantics.dt))
    shapes = {name: nodes.takes[node] for name, node in wiring.places.items()}
    projections = tuple(_projections(wiring, shapes, semantics))
    raise_all(
        _too_long(" + ".join(q.origin), q.delay, semantics.dt)
        for q in projections
        if q.delay > LONGEST_DELAY
    )
    ends = [(q.source, q.target, q.delay) for q in projections]
    raise_all(loop_problems(ends, wiring.junctions))
    place = ranks(shapes, ends)
    junctions = [
        Junction(name=name, origin=(origin_of(graph, node),), shape=shapes[name])
        for name, node in wiring.junctions.items()
    ]
    populations = _populations(graph, wiring, semantics, shapes)
    network = Network(
        inputs=tuple(Input(name, shapes[name]) for name in wiring.of(nir.Input)),
        junctions=tuple(sorted(junctions, key=lambda j: place[j.name])),
        populations=tuple(sorted(populations, key=lambda p: place[p.name])),
        projections=projections,
        outputs=tuple(Output(name, source) for name, source in wiring.outputs.items()),
        dt=semantics.dt,
        choices=(*semantics.choices, *_choices(wiring)),
    )
    raise_all(check_network(network))
    return network


def _projections(
    wiring: Wiring, shapes: Mapping[str, Shape], semantics: Semantics
) -> Iterator[Projection]:
    """Give the projections in the order of the routes.

    Raises:
        InputError: SNN104, a node does not take what arrives, or its notes do not fit.
    """
    graph = wiring.graph
    made = {
        r.name: operators_along({n: graph.nodes[n] for n in r.nodes}, shapes[r.source])
        for r in wiring.routes
    }
    raise_all(found for found in made.values() if isinstance(found, Diagnostic))
    operators = {name: found for name, found in made.items() if not isinstance(found, Diagnostic)}
    for route in wiring.routes:
        least = semantics.hop if route.source in semantics.neurons else route.delay
        whole = Projection(
            name=route.name,
            origin=tuple(origin_of(graph, n) for n in route.nodes) or (route.name,),
            source=route.source,
            target=route.target,
            operators=operators[route.name],
            delay=max(route.delay, least),
        )
        steps = _steps_along(graph, route, shapes[route.target], semantics.dt)
        yield from _of_delays(whole, steps)


def _steps_along(graph: nir.NIRGraph, route: Route, shape: Shape, dt: float) -> Steps:
    """Give the delay of a route's ``Delay`` nodes: one number, or of the target's ``shape``.

    One with several lengths is always the last, and its target what comes out of it.
    """
    total = np.zeros((), np.int64)
    for name in route.nodes:
        if isinstance(node := graph.nodes[name], nir.Delay):
            steps = np.rint(_exact_steps(node, dt)).astype(np.int64)
            several = steps.size > 1 and (steps != steps.flat[0]).any()
            total = total + (on_axes(steps, shape) if several else steps.flat[0])
    return total


def _exact_steps(node: nir.Delay, dt: float) -> npt.NDArray[np.float64]:
    return np.asarray(node.delay, np.float64) / dt


def _delay_problems(graph: nir.NIRGraph, dt: float) -> Iterator[Diagnostic]:
    for name, node in graph.nodes.items():
        if isinstance(node, nir.Delay):
            exact = _exact_steps(node, dt)
            off = np.maximum(WHOLE_STEPS, SINGLE * exact)
            bad = np.abs(np.rint(exact) - exact) > off
            if np.rint(exact).max(initial=0) > LONGEST_DELAY:
                yield _too_long(f"{name}.delay", exact.max(), dt)
            elif bad.any():
                yield Diagnostic(
                    rule=rules.NUMBER_USABLE,
                    node=f"{name}.delay",
                    found=f"{exact[bad].flat[0]:g} steps of {dt:g} s",
                    limit="whole steps",
                    remedy="round the delay to a multiple of the step, or correct --dt",
                )


def _too_long(node: str, steps: float, dt: float) -> Diagnostic:
    return Diagnostic(
        rule=rules.NUMBER_USABLE,
        node=node,
        found=f"a delay of {steps:g} steps of {dt:g} s",
        limit=f"{LONGEST_DELAY:,} steps: what is on its way is kept step by step",
        remedy="correct --dt, or shorten the delay",
    )


def _of_delays(whole: Projection, delays: Steps) -> Iterator[Projection]:
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


def _populations(
    graph: nir.NIRGraph, wiring: Wiring, semantics: Semantics, shapes: Mapping[str, Shape]
) -> Iterator[Population]:
    """Give every population, in no order."""
    for name, how in semantics.neurons.items():
        yield _population(name, origin_of(graph, name), how, shapes[name])
    for name, output in wiring.read_outs.items():
        yield _population(name, output, relay(), shapes[name])


def _population(name: str, origin: str, how: Neurons, shape: Shape) -> Population:
    def each(values: Reals) -> Reals:
        return on_axes(values, shape).ravel()

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
        inclusive=how.inclusive,
    )


def _choices(wiring: Wiring) -> Iterator[str]:
    for name in dict.fromkeys(r.source for r in wiring.routes if r.loop):
        yield f"{name} feeds itself one step later: the graph has a loop, and no delay on it"
    for name, output in wiring.read_outs.items():
        yield f"output {output} is fed by no neurons: {name} gives its values step by step"
