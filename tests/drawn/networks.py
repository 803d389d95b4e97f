"""Hypothesis strategies of real networks: those that can be lowered, and any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from snnc.compiler.network import (
    Input,
    Integration,
    Junction,
    Network,
    Output,
    Population,
    Projection,
    Reset,
)
from snnc.compiler.operators import Operator, Shape, result_shape
from tests.builders import network, population, projection
from tests.drawn.numbers import SEEDS, Numbers, Quarters
from tests.drawn.operators import dense_onto, layers, operators_between, shapes


@st.composite
def networks(
    draw: st.DrawFn,
    *,
    resets: Sequence[Reset] = tuple(Reset),
    integrations: Sequence[Integration] = tuple(Integration),
    recurrent: bool = True,
    plain: bool = False,
) -> Network:
    """Draw a network of one to three populations with chains, skips and loops of one step.

    The structure is drawn, so that it shrinks; weights come from a drawn seed.

    Args:
        draw: Given by hypothesis.
        resets: To draw from.
        integrations: To draw from.
        recurrent: Have loops.
        plain: Weights between flat populations that start at 0 and spike; nothing else.
    """
    numbers = Numbers(draw(SEEDS))
    sizes: dict[str, Shape] = {"x": (draw(st.integers(1, 4)),) if plain else draw(shapes())}
    names = [f"p{i}" for i in range(draw(st.integers(1, 3)))]
    read_out = names[-1] if not plain and draw(st.integers(0, 4)) == 0 else ""
    junctions: list[Junction] = []
    projections: list[Projection] = []
    populations: list[Population] = []
    for source, name in pairwise(["x", *names]):
        first: tuple[Operator, ...] = (
            (dense_onto(numbers, sizes[source], draw(st.integers(1, 4))),)
            if plain
            else draw(layers(numbers, sizes[source]))
        )
        sizes[name] = shape = result_shape(first, sizes[source])
        kinds = draw(st.sampled_from(integrations)), draw(st.sampled_from(resets))
        more = {} if plain else draw(_oddities(numbers, shape, spiking=name != read_out))
        populations.append(_population(numbers, name, shape, kinds, more))
        if not plain and draw(st.integers(0, 3)) == 0:
            place = f"sum_{name}"
            junctions.append(Junction(name=place, origin=(place,), shape=shape))
            projections.append(projection(source, place, None, *first))
            other = draw(st.sampled_from([n for n in sizes if n != name]))
            projections.append(_crossing(numbers, other, place, sizes, shape, f"aside {name}"))
            projections.append(projection(place, name, delay=draw(st.sampled_from((0, 0, 2)))))
        else:
            projections.append(projection(source, name, None, *first))
    routes = draw(_crossings(names, read_out, recurrent=recurrent))
    projections += [
        _crossing(numbers, a, b, sizes, sizes[b], f"{a}->>{b}", delay) for a, b, delay in routes
    ]
    return network(populations, projections, inputs={"x": sizes["x"]}, junctions=junctions)


@st.composite
def _crossings(
    draw: st.DrawFn, names: list[str], read_out: str, *, recurrent: bool
) -> list[tuple[str, str, int]]:
    """Draw skips of no delay, and loops of a step more than there are populations."""
    forward = [(a, b) for j, b in enumerate(names) for a in ["x", *names[: j - 1]][:j]]
    backward = [(a, b) for j, b in enumerate(names) for a in names[j:] if a != read_out]
    routes: list[tuple[str, str, int]] = []
    if forward:
        chosen = draw(st.lists(st.sampled_from(forward), unique=True))
        routes += [(a, b, 0) for a, b in chosen if (a, b) != ("x", names[0])]
    if recurrent and backward:
        chosen = draw(st.lists(st.sampled_from(backward), unique=True, max_size=2))
        routes += [(a, b, 1 + len(names)) for a, b in chosen]
    return routes


def _crossing(
    numbers: Numbers,
    source: str,
    target: str,
    sizes: Mapping[str, Shape],
    shape: Shape,
    name: str,
    delay: int = 0,
) -> Projection:
    weights = dense_onto(numbers, sizes[source], prod(shape))
    return projection(source, target, None, weights, delay=delay, name=name)


# --- anything ----------------------------------------------------------------------------------

SHAPES: tuple[Shape, ...] = ((3,), (1, 4), (2, 4), (1, 3, 4), (2, 5, 4))


@st.composite
def any_networks(draw: st.DrawFn) -> Network:
    """Draw inputs, sums and populations, each fed by what is before it, or later by what is behind.

    Every operator may stand anywhere, which no pass takes to integers. Weights are such that
    nearly all sums of products are exact in float32; potentials are not. The last population is a
    read-out, and feeds nothing.
    """
    numbers = Quarters(draw(SEEDS))
    inputs = [Input(f"x{i}", draw(st.sampled_from(SHAPES))) for i in range(draw(st.integers(1, 2)))]
    inner = draw(st.lists(st.sampled_from(("sum", "neurons")), max_size=4))
    kinds = [*inner, "neurons", "read-out"]
    nodes = [(f"{kind}{i}", kind, draw(st.sampled_from(SHAPES))) for i, kind in enumerate(kinds)]
    sizes = {i.name: i.shape for i in inputs} | {name: shape for name, _, shape in nodes}
    ends: list[tuple[str, str, int]] = []
    for place, (name, kind, _) in enumerate(nodes):
        before = [i.name for i in inputs] + [n for n, k, _ in nodes[:place] if k != "read-out"]
        sources = draw(st.lists(st.sampled_from(before), min_size=1, max_size=3))
        ends += [(source, name, draw(st.sampled_from((0, 0, 0, 1, 3)))) for source in sources]
        if kind == "neurons" and draw(st.booleans()):
            behind = [n for n, k, _ in nodes[place:] if k == "neurons"]
            ends.append((draw(st.sampled_from(behind)), name, draw(st.integers(1, 3))))
    projections = [
        projection(
            a,
            b,
            None,
            *draw(operators_between(numbers, sizes[a], sizes[b])),
            delay=delay,
            name=f"q{i}",
        )
        for i, (a, b, delay) in enumerate(ends)
    ]
    sums = [Junction(name=n, origin=(n,), shape=shape) for n, k, shape in nodes if k == "sum"]
    populations = [
        draw(_any_population(numbers, n, shape, spiking=k == "neurons"))
        for n, k, shape in nodes
        if k != "sum"
    ]
    return Network(
        inputs=tuple(inputs),
        junctions=tuple(sums),
        populations=tuple(populations),
        projections=tuple(projections),
        outputs=(Output("y", nodes[-1][0]),),
        dt=1e-3,
    )


@st.composite
def _any_population(
    draw: st.DrawFn, numbers: Numbers, name: str, shape: Shape, *, spiking: bool
) -> Population:
    kinds = draw(st.sampled_from(Integration)), draw(st.sampled_from(Reset))
    n = prod(shape)
    more: dict[str, Any] = {
        "gain": numbers.rng.uniform(1, 4, n),
        "initial": numbers.rng.normal(0, 0.5, n),
        "spike": numbers.spikes(n),
        "refractory": draw(st.sampled_from((0, 0, 0, 2))),
        "inclusive": draw(st.booleans()),
        "spiking": spiking,
    }
    return _population(numbers, name, shape, kinds, more)


# --- populations -------------------------------------------------------------------------------


def _population(
    numbers: Numbers,
    name: str,
    shape: Shape,
    kinds: tuple[Integration, Reset],
    more: Mapping[str, Any],
) -> Population:
    """Make a population of random parameters, but for those in ``more``."""
    integration, reset = kinds
    rng, euler, n = numbers.rng, integration.is_euler, prod(shape)
    fields = {
        "decay": rng.uniform(0.05, 0.5, n) if euler else rng.uniform(0.3, 0.95, n),
        "current_decay": rng.uniform(0.1, 0.9, n) if integration.has_current else 0.0,
        "gain": rng.uniform(2, 10, n) if euler else 1.0,
        "leak": rng.normal(0, 0.1, n) if euler else 0.0,
        "threshold": rng.uniform(0.3, 2, n),
        "reset_value": rng.uniform(-0.5, 0.2, n) if reset is Reset.VALUE else 0.0,
        "reset": reset,
    }
    return population(name, n, shape=shape, integration=integration, **{**fields, **more})


@st.composite
def _oddities(draw: st.DrawFn, numbers: Numbers, shape: Shape, *, spiking: bool) -> dict[str, Any]:
    """Draw an initial potential, graded spikes, refractory steps; or make a read-out."""
    more: dict[str, Any] = {
        "initial": numbers.rng.normal(0, 0.3, prod(shape)) * draw(st.integers(0, 1))
    }
    if not spiking:
        return more | {"spiking": False, "reset": Reset.NONE, "threshold": 0.0}
    more["spike"] = draw(st.sampled_from((1.0, 1.0, 1.5)))
    if draw(st.integers(0, 4)) == 0:
        more["spike"] = np.repeat(numbers.spikes(shape[0]), prod(shape[1:]))
    return more | {"refractory": draw(st.sampled_from((0, 0, 1, 3)))}
