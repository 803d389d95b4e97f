"""Hypothesis strategies of whole networks of integers, and of what runs on them.

They grow over all that a ``FixedNetwork`` may hold, for whoever executes one: the first choice of
every draw is the plainest, so what fails shrinks to a few neurons. Every second network keeps to
what Lava's own neurons can do, and half of these to what its documentation promises of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import (
    MAX_BIAS_EXP,
    MAX_BIAS_MANT,
    MAX_DELAY,
    MAX_DU,
    MAX_DV,
    STATE_LIMIT,
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
)
from snnc.compiler.network import Output
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    MaxPooling,
    Shape,
    Window,
    result_shape,
)
from tests.builders import fixed_population, fixed_projection, integers_for
from tests.drawn.fixed import KINDS, WIDEST, Kind, fixed_exponents, fixed_operators, fixed_weights
from tests.drawn.numbers import SEEDS
from tests.drawn.operators import shapes

Array = npt.NDArray[Any]

CURRENTS = (2**24, 2**24, 2**29)
"""Bounds of ``|a << 6|``: twice what needs one wrap at most, once what one wrap cannot hold."""
OWN_DELAYS = (*8 * (0,), 1, 1, 2, 3, 5, 5, -1, 20, 62, 63)
"""Steps from a spike to its effect beyond the lags of both ends."""
STYLES = ("documented", "plain", "free", "free")
"""``plain`` neurons start at 0, reset to it, and do not pause; ``documented`` ones have one value of
a parameter for all as well, and their spikes no delay of their own; ``free`` ones may do all."""
LEVELS = (1, 1, 1, 2, 9, 127, 255, 4095, 2**17, 2**18)
"""Largest integers that enter."""


@dataclass(frozen=True)
class Run:
    """A network, and real values for each of its inputs, shape ``[steps, batch, *shape]``."""

    network: FixedNetwork
    inputs: Mapping[str, Array]


@dataclass(frozen=True)
class _Route:
    """A projection that has no delay yet."""

    source: str
    target: str
    kind: Kind
    operators: tuple[FixedOperator, ...]


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Draw a network and enough steps for its longest delay to be seen."""
    network = draw(deployed_networks())
    longest = max((q.delay for q in network.projections), default=1)
    steps = draw(st.integers(1, 12)) + (longest - 1 if draw(st.integers(0, 3)) else 0)
    batch = draw(st.integers(1, 3 if longest < 10 else 2))
    given = integers_for(network, steps=steps, batch=batch, seed=draw(SEEDS))
    inputs = {
        i.name: (given[i.name] * i.step).reshape(*given[i.name].shape[:2], *i.shape)
        for i in network.inputs
    }
    return Run(network, inputs)


@st.composite
def deployed_networks(draw: st.DrawFn) -> FixedNetwork:
    """Draw a network as the compiler hands it to a target: no delay is 0, ``check_fixed`` holds."""
    style = draw(st.sampled_from(STYLES))
    inputs = draw(_inputs())
    sizes: dict[str, Shape] = {i.name: i.shape for i in inputs}
    routes = list[_Route]()
    names = [f"p{k}.lif" for k in range(draw(st.integers(1, 4)))]
    for name in names:
        new, sizes[name] = draw(_grown(sizes, name, style))
        routes += new
    ends = st.tuples(st.sampled_from(list(sizes)), st.sampled_from(names))
    for source, target in draw(st.lists(ends, max_size=3)):
        routes.append(_Route(source, target, *draw(_between(sizes[source], sizes[target], style))))
    silent = [n for n in names if n not in {r.source for r in routes}]
    read_outs = [n for n in silent if draw(st.integers(0, 2)) == 2]
    lags = draw(_lags(routes, names, style))
    populations = tuple(
        draw(_populations(n, sizes[n], style, lags[n], n in read_outs)) for n in names
    )
    sources = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
    network = FixedNetwork(
        inputs=inputs,
        populations=populations,
        projections=draw(_projections(routes, inputs, populations, style)),
        outputs=tuple(Output(("file", "y/1", "z")[k], n) for k, n in enumerate(sources)),
        dt=1e-3,
    )
    return _within_ports(network)


def _within_ports(network: FixedNetwork) -> FixedNetwork:
    """Make inputs smaller where a sum could leave the 32 bits of Lava's ports.

    With inputs of 0 and 1 none can, as no layer here has more than some hundred weights a neuron.
    """
    while any(check_fixed(network)):
        assert any(i.max_abs > 1 for i in network.inputs), [*map(str, check_fixed(network))]
        smaller = tuple(replace(i, max_abs=max(1, i.max_abs // 8)) for i in network.inputs)
        network = replace(network, inputs=smaller)
    return network


# --- nodes -------------------------------------------------------------------------------------


@st.composite
def _inputs(draw: st.DrawFn) -> tuple[FixedInput, ...]:
    """Draw one to three inputs: spikes, or real values in steps."""
    made = list[FixedInput]()
    for name in ("x", "y/1", "z")[: draw(st.sampled_from((1, 1, 1, 2, 3)))]:
        levels = draw(st.sampled_from(LEVELS))
        step = 1.0 if levels == 1 else draw(st.sampled_from((1.0, 0.5, 0.1, 3.0)))
        made.append(FixedInput(name, draw(shapes()), step, levels))
    return tuple(made)


@st.composite
def _grown(
    draw: st.DrawFn, sizes: Mapping[str, Shape], name: str, style: str
) -> tuple[list[_Route], Shape]:
    """Draw what drives a new population, and its shape.

    That is one projection from anything there is, several side by side, which is concatenation, or
    nothing.
    """
    way = draw(st.sampled_from(("one", "one", "one", "one", "one", "beside", "nothing")))
    sources = st.sampled_from(list(sizes))
    if way == "nothing":
        return [], draw(shapes())
    if way == "one":
        source = draw(sources)
        kind, operators = draw(_layers(sizes[source], None, style))
        return [_Route(source, name, kind, operators)], result_shape(operators, sizes[source])
    parts = draw(st.lists(st.integers(1, 3), min_size=2, max_size=3))
    routes = list[_Route]()
    for k, n in enumerate(parts):
        source, kind = draw(sources), draw(_kinds())
        rows = draw(fixed_weights(kind, n, prod(sizes[source])))
        weight = np.zeros((sum(parts), rows.shape[1]), rows.dtype)
        weight[sum(parts[:k]) : sum(parts[: k + 1])] = rows
        routes.append(_Route(source, name, kind, (FixedDense(weight=weight),)))
    return routes, (sum(parts),)


@st.composite
def _lags(
    draw: st.DrawFn, routes: Sequence[_Route], names: Sequence[str], style: str
) -> dict[str, int]:
    """Draw the lag of each population: as the compiler gives them, or any."""
    if style != "documented" and draw(st.integers(0, 3)) == 3:
        return {name: draw(st.integers(0, 3)) for name in names}
    lags = dict[str, int]()
    for name in names:
        into = [r.source for r in routes if r.target == name]
        known = [lags[source] for source in into if source in lags]
        lags[name] = max([*known, 0 if into else -1]) + draw(st.sampled_from((1, 1, 1, 2)))
    return lags


@st.composite
def _populations(
    draw: st.DrawFn, name: str, shape: Shape, style: str, lag: int, read_out: bool
) -> FixedPopulation:
    """Draw neurons."""
    n, plain = prod(shape), style != "free" or draw(st.booleans())
    alike = style == "documented" or draw(st.sampled_from((True, False)))

    def vector(*values: int, low: int, high: int) -> Array:
        element = st.sampled_from(values) | st.integers(low, high)
        count = 1 if alike else min(n, 3)
        few = draw(st.lists(element, min_size=count, max_size=count))
        return np.resize(np.array(few), n)

    thresholds = [0, *(2**k - 1 for k in range(3, 18))]
    fields: dict[str, Any] = {
        "du": vector(MAX_DU, MAX_DU, 0, 1, MAX_DU - 1, low=0, high=MAX_DU),
        "dv": vector(0, 1, MAX_DV - 1, MAX_DV, low=0, high=MAX_DV),
        "threshold": vector(*thresholds, low=0, high=300),
        "bias_mant": vector(0, 0, 0, MAX_BIAS_MANT, -MAX_BIAS_MANT, low=-999, high=MAX_BIAS_MANT),
        "bias_exp": vector(0, MAX_BIAS_EXP, low=0, high=MAX_BIAS_EXP),
        "lag": lag,
        "scale": draw(st.sampled_from((64.0, 777.7))),
        "offset": draw(st.sampled_from((0.0, -0.3))),
    }
    if not plain:
        limit = STATE_LIMIT - 1
        fields["reset"] = draw(st.sampled_from(tuple(FixedReset)))
        fields["initial"] = vector(0, 0, limit, -limit, low=-9999, high=99999)
        fields["refractory"] = draw(st.sampled_from((0, 1, 2, 3, 4, 5)))
    if read_out:
        fields |= {"spiking": False, "reset": FixedReset.NONE}
    return fixed_population(name, n, shape=shape, **fields)


# --- projections -------------------------------------------------------------------------------


def _kinds() -> st.SearchStrategy[Kind]:
    return st.just(WIDEST) | st.sampled_from(KINDS)


@st.composite
def _layers(
    draw: st.DrawFn, shape: Shape, n: int | None, style: str
) -> tuple[Kind, tuple[FixedOperator, ...]]:
    """Draw operators that give ``n`` values or any number; only ``free`` ones take the largest."""
    kind = draw(_kinds())
    operators = draw(fixed_operators(shape, n, kind))
    if style != "free" and any(isinstance(o, MaxPooling) for o in operators):
        weight = draw(fixed_weights(kind, n or draw(st.integers(1, 3)), prod(shape)))
        operators = (FixedDense(weight=weight),)
    if isinstance(operators[0], FixedDense) and draw(st.integers(0, 3)) == 3:
        weight = operators[0].weight.copy()
        weight[np.random.default_rng(draw(SEEDS)).random(weight.shape) < 0.8] = 0
        operators = (FixedDense(weight=weight), *operators[1:])
    return kind, operators


@st.composite
def _between(
    draw: st.DrawFn, source: Shape, target: Shape, style: str
) -> tuple[Kind, tuple[FixedOperator, ...]]:
    """Draw operators from one node to another, a convolution where their planes are the same."""
    if len(source) == 1 or source[1:] != target[1:] or draw(st.booleans()):
        return draw(_layers(source, prod(target), style))
    kind = draw(_kinds())
    kernel = tuple(draw(st.integers(1, 3)) for _ in source[1:])
    before = [draw(st.integers(0, k - 1)) for k in kernel]
    padding = tuple((b, k - 1 - b) for b, k in zip(before, kernel, strict=True))
    ones = (1,) * len(kernel)
    groups = draw(st.sampled_from([g for g in (1, 2, 3) if not (source[0] % g or target[0] % g)]))
    weight = draw(fixed_weights(kind, target[0], source[0] // groups, *kernel))
    window = Window(kernel, ones, padding, ones)
    return kind, (FixedConvolution(weight=weight, window=window, groups=groups),)


@st.composite
def _projections(
    draw: st.DrawFn,
    routes: Sequence[_Route],
    inputs: Sequence[FixedInput],
    populations: Sequence[FixedPopulation],
    style: str,
) -> tuple[FixedProjection, ...]:
    """Draw exponents and delays for routes."""
    shapes_of: dict[str, Shape] = {n.name: n.shape for n in (*inputs, *populations)}
    levels = {i.name: i.max_abs for i in inputs}
    lags = {i.name: 0 for i in inputs} | {p.name: p.lag for p in populations}
    current = CURRENTS[0] if style == "documented" else draw(st.sampled_from(CURRENTS))
    delays = st.sampled_from(OWN_DELAYS)
    made = list[FixedProjection]()
    for k, r in enumerate(routes):
        beside = sum(levels.get(other.source, 1) for other in routes if other.target == r.target)
        exponents = fixed_exponents(r.operators, shapes_of[r.source], beside, r.kind[0], current)
        own = 0 if style == "documented" and r.source not in levels else draw(delays)
        delay = own + lags[r.target] - lags[r.source]
        made.append(
            fixed_projection(
                r.source,
                r.target,
                None,
                *r.operators,
                weight_bits=r.kind[0],
                sign_mode=r.kind[1],
                weight_exp=draw(exponents),
                delay=min(max(delay, 1), MAX_DELAY),
                name=f"q{k}",
            )
        )
    return tuple(made)
