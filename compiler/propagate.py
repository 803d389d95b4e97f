"""Shapes along the routes of a graph, and the operators that work on them."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import nir

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.node_operators import operators_of
from snnc.compiler.operators import Operator, Shape, ShapeError, result_shape
from snnc.compiler.wiring import Route, Wiring


@dataclass(frozen=True)
class Propagated:
    """What a walk along all routes found.

    Attributes:
        shapes: Of inputs, junctions and populations by name.
        operators: Of each route by its name.
        problems: What does not fit.
    """

    shapes: Mapping[str, Shape]
    operators: Mapping[str, tuple[Operator, ...]]
    problems: tuple[Diagnostic, ...]


def propagate(wiring: Wiring, known: Mapping[str, Shape]) -> Propagated:
    """Walk from what has a shape along the routes to what takes its shape from there.

    Shapes and operators are found together: what a node does depends on the shape it takes. Where
    several routes end and none of the ends says its shape, the first decides. A population that
    only feeds itself and says no shape is one neuron.

    Args:
        wiring: Of the graph.
        known: Shapes of inputs and of those populations that say theirs.
    """
    shapes, operators = dict(known), dict[str, tuple[Operator, ...]]()
    problems: list[Diagnostic] = []
    leaving: dict[str, list[Route]] = defaultdict(list)
    for route in wiring.routes:
        leaving[route.source].append(route)
    ready = deque(known)
    while leaving:
        if not ready:
            if problems:
                break  # behind a misfit nothing has a shape
            ready.append(next(iter(leaving)))
            shapes[ready[0]] = (1,)
        for route in leaving.pop(ready.popleft(), ()):
            made = operators_along(wiring.graph, route, shapes[route.source])
            if isinstance(made, Diagnostic):
                problems.append(made)
                continue
            operators[route.name] = made
            shape = result_shape(made, shapes[route.source])
            if route.target not in shapes:
                shapes[route.target] = shape
                ready.append(route.target)
            taker = wiring.junctions.get(route.target, route.target)
            problems += _misfits(route, shape, taker, shapes[route.target])
    return Propagated(shapes, operators, tuple(problems))


def operators_along(
    graph: nir.NIRGraph, route: Route, shape: Shape
) -> tuple[Operator, ...] | Diagnostic:
    """Give what the nodes of ``route`` do, one after the other, to a value of ``shape``.

    Returns:
        Why not, where a node does not take what the one before gives.
    """
    operators: list[Operator] = []
    for name in route.nodes:
        try:
            made = operators_of(graph.nodes[name], shape)
            shape = result_shape(made, shape)
        except ShapeError as error:
            return _problem(name, str(error), f"what takes {list(shape)}, as it arrives")
        operators += made
    return tuple(operators)


def _misfits(route: Route, shape: Shape, taker: str, known: Shape) -> Iterator[Diagnostic]:
    """Yield whether ``shape``, which arrives, has another size than the target's."""
    if prod(known) != prod(shape):
        last = route.nodes[-1] if route.nodes else route.name
        found = f"gives {list(shape)}, {prod(shape)} values"
        yield _problem(last, found, f"{taker} takes {list(known)}, {prod(known)} values")


def _problem(node: str, found: str, limit: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.NODE_COMPLETE,
        node=node,
        found=found,
        limit=limit,
        remedy="correct the node in the model",
    )
