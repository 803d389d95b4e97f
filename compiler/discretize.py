"""From NIR to a ``Network``: what the graph leaves open is taken from metadata or options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.check import check_network
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.dialects import settle
from snnc.compiler.equations import Neurons, reals
from snnc.compiler.network import Input, Network, Output, Population, Projection, Reals
from snnc.compiler.notes import NEURONS, metadata, note_problems
from snnc.compiler.wiring import COMPILED, Route, Wiring, edge_problems

Shape = tuple[int, ...]


def discretize(
    graph: nir.NIRGraph,
    *,
    dt: float | None = None,
    dialect: str | None = None,
    reset: str | None = None,
) -> Network:
    """Make the ``Network`` that ``graph`` describes.

    Neurons become populations, weights between them projections, ``Flatten`` disappears. How
    the neurons compute is taken from the metadata that snnc's frontends write; for other graphs
    from the options, see ``dialects.settle``. A population that feeds itself without metadata
    does so one step later, as in every simulator that reads NIR.

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
    ranks = wiring.ranks()
    inputs = tuple(
        Input(name, _shape(cast("nir.Input", graph.nodes[name]).input_type["input"]))
        for name in wiring.of(nir.Input)
    )
    populations = tuple(
        _population(graph, wiring, name, semantics.neurons[name])
        for name in sorted(wiring.of(*NEURONS), key=ranks.__getitem__)
    )
    sizes = {i.name: i.size for i in inputs} | {p.name: p.size for p in populations}
    raise_all(_misfits(graph, wiring, sizes))
    network = Network(
        inputs=inputs,
        populations=populations,
        projections=tuple(_projection(graph, route, sizes) for route in wiring.routes),
        outputs=tuple(Output(name, source) for name, source in wiring.outputs),
        dt=semantics.dt,
        choices=semantics.choices,
    )
    raise_all(check_network(network))
    return network


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
        if isinstance(node, NEURONS) and np.size(node.v_threshold) == 0:
            yield _misfit(name, "no neurons", "one at least")


def _shape(values: Any) -> Shape:
    return tuple(int(n) for n in np.atleast_1d(np.asarray(values)))


def _population(graph: nir.NIRGraph, wiring: Wiring, name: str, how: Neurons) -> Population:
    fields = (how.decay, how.current_decay, how.gain, how.leak, how.threshold)
    shape = np.broadcast_shapes(*(a.shape for a in fields)) or (_rows_into(graph, wiring, name),)

    def each(values: Reals) -> Reals:
        return np.broadcast_to(values, shape).ravel()

    return Population(
        name=name,
        origin=(str(metadata(graph.nodes[name]).get("origin", name)),),
        shape=shape,
        integration=how.integration,
        decay=each(how.decay),
        current_decay=each(how.current_decay),
        gain=each(how.gain),
        leak=each(how.leak),
        threshold=each(how.threshold),
        reset=how.reset,
    )


def _rows_into(graph: nir.NIRGraph, wiring: Wiring, name: str) -> int:
    """Give the number of neurons of a node whose parameters are scalars."""
    for route in wiring.routes:
        if route.target == name and route.weights is not None:
            return int(_weight(graph.nodes[route.weights]).shape[0])
    return 1


def _weight(node: nir.NIRNode) -> Reals:
    return reals(cast("nir.Linear", node).weight)


def _bias(node: nir.NIRNode) -> Reals | None:
    return reals(node.bias) if isinstance(node, nir.Affine) else None


def _misfits(graph: nir.NIRGraph, wiring: Wiring, sizes: Mapping[str, int]) -> Iterator[Diagnostic]:
    for route in wiring.routes:
        ends = sizes[route.target], sizes[route.source]
        if route.weights is None:
            if ends[0] != ends[1]:
                yield _misfit(
                    route.name, f"{ends[1]} neurons into {ends[0]}", "as many on both sides"
                )
            continue
        node = graph.nodes[route.weights]
        shape = _weight(node).shape
        if shape != ends:
            limit = f"{list(ends)}: {route.target} has {ends[0]}, {route.source} {ends[1]}"
            yield _misfit(route.weights, f"weight of shape {list(shape)}", limit)
        bias = _bias(node)
        if bias is not None and bias.shape != ends[:1]:
            yield _misfit(route.weights, f"bias of shape {list(bias.shape)}", f"[{ends[0]}]")


def _misfit(node: str, found: str, limit: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.NODE_COMPLETE,
        node=node,
        found=found,
        limit=limit,
        remedy="correct the node in the model",
    )


def _projection(graph: nir.NIRGraph, route: Route, sizes: Mapping[str, int]) -> Projection:
    n = sizes[route.target]
    bias: Reals | None = None
    if route.weights is None:
        weight, origin = np.eye(n, dtype=np.float32), route.name
    else:
        node = graph.nodes[route.weights]
        weight, origin = _weight(node), str(metadata(node).get("origin", route.weights))
        bias = _bias(node) if route.first else None
    return Projection(
        name=route.name,
        origin=(origin,),
        source=route.source,
        target=route.target,
        weight=weight,
        bias=np.zeros(n, np.float32) if bias is None else bias,
        delay=route.delay,
    )
