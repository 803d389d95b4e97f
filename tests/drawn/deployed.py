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
"""``plain`` neurons start at 0, reset to it, and do not pause; ``documented`` ones have one value
of a parameter for all as well, and their spikes no delay of their own; ``free`` ones may do all."""
LEVELS = (1, 1, 1, 2, 9, 127, 255, 4095, 2**17, 2**18)
"""Largest integers that enter."""


@dataclass(frozen=True)
class Run:
    """A network, and real values for each of its inputs, shape ``[steps, batch, *shape]``."""

    network: FixedNetwork
    inputs: Mapping[str, Array]

    @property
    def steps(self) -> tuple[int, int]:
        """Steps and samples."""
        steps, batch = next(iter(self.inputs.values())).shape[:2]
        return steps, batch


@dataclass
class _Grown:
    """What there is of a network while it grows."""

    style: str
    inputs: list[FixedInput]
    populations: list[FixedPopulation]
    projections: list[FixedProjection]

    @property
    def sources(self) -> list[FixedInput | FixedPopulation]:
        """What may send."""
        return [*self.inputs, *(p for p in self.populations if p.spiking)]


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
    """Draw a network as the compiler hands it to a target: no delay is 0, ``check_fixed`` holds.

    All of a node is drawn in one go, so that hypothesis can leave out a node and nothing else.
    """
    here = _Grown(draw(st.sampled_from(STYLES)), [], [], [])
    for name in ("x", "y/1", "z"):
        if here.inputs and draw(st.integers(0, 2)) < 2:
            break
        here.inputs.append(draw(_inputs(name)))
    for k in range(4):
        if k and not draw(st.booleans()):
            break
        draw(_grow(here, f"p{k}.lif"))
    for _ in range(3):
        if draw(st.integers(0, 2)) < 1:
            break
        draw(_join(here))
    names = [p.name for p in here.populations]
    network = FixedNetwork(
        inputs=tuple(here.inputs),
        populations=tuple(here.populations),
        projections=tuple(here.projections),
        outputs=tuple(
            Output(("file", "y/1", "z")[k], name)
            for k, name in enumerate(draw(st.lists(st.sampled_from(names), min_size=1, max_size=3)))
        ),
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
def _inputs(draw: st.DrawFn, name: str) -> FixedInput:
    """Draw an input of spikes, or of real values in steps."""
    levels = draw(st.sampled_from(LEVELS))
    step = 1.0 if levels == 1 else draw(st.sampled_from((1.0, 0.5, 0.1, 3.0)))
    return FixedInput(name, draw(shapes()), step, levels)


@st.composite
def _grow(draw: st.DrawFn, here: _Grown, name: str) -> None:
    """Add a population, and what drives it.

    That is one projection from anything there is, several side by side, which is concatenation, or
    nothing.
    """
    way = draw(st.sampled_from(("one", "one", "one", "one", "one", "beside", "nothing")))
    sources = st.sampled_from(here.sources)
    routes = list[tuple[FixedInput | FixedPopulation, Kind, tuple[FixedOperator, ...]]]()
    if way == "nothing":
        shape: Shape = draw(shapes())
    elif way == "one":
        source = draw(sources)
        kind, operators = draw(_layers(source.shape, None, here.style))
        shape = result_shape(operators, source.shape)
        routes.append((source, kind, operators))
    else:
        parts = draw(st.lists(st.integers(1, 3), min_size=2, max_size=3))
        shape = (sum(parts),)
        for k, n in enumerate(parts):
            source, kind = draw(sources), draw(_kinds())
            rows = draw(fixed_weights(kind, n, source.size))
            weight = np.zeros((sum(parts), rows.shape[1]), rows.dtype)
            weight[sum(parts[:k]) : sum(parts[: k + 1])] = rows
            routes.append((source, kind, (FixedDense(weight=weight),)))
    lag = draw(_lags([source for source, _, _ in routes], here.style))
    here.populations.append(draw(_populations(name, shape, here.style, lag)))
    for source, kind, operators in routes:
        draw(_project(here, source, here.populations[-1], kind, operators))


@st.composite
def _join(draw: st.DrawFn, here: _Grown) -> None:
    """Add a projection between any two nodes: a loop, or a way past others."""
    source = draw(st.sampled_from(here.sources[::-1]))
    target = draw(st.sampled_from(here.populations))
    kind, operators = draw(_between(source.shape, target.shape, here.style))
    draw(_project(here, source, target, kind, operators))


@st.composite
def _lags(draw: st.DrawFn, sources: Sequence[FixedInput | FixedPopulation], style: str) -> int:
    """Draw a lag: as the compiler gives it, a step more, or any."""
    if style != "documented" and draw(st.integers(0, 3)) == 3:
        return draw(st.integers(0, 3))
    least = max((1 + _lag(source) for source in sources), default=0)
    return least + draw(st.sampled_from((0, 0, 0, 1)))


def _lag(node: FixedInput | FixedPopulation) -> int:
    return node.lag if isinstance(node, FixedPopulation) else 0


@st.composite
def _populations(draw: st.DrawFn, name: str, shape: Shape, style: str, lag: int) -> FixedPopulation:
    """Draw neurons."""
    n, plain = prod(shape), style != "free" or draw(st.booleans())
    alike = style == "documented" or draw(st.sampled_from((True, False)))

    def vector(*values: int, low: int, high: int) -> Array:
        element = st.sampled_from(values) | st.integers(low, high)
        count = 1 if alike else min(n, 3)
        few = draw(st.lists(element, min_size=count, max_size=count))
        return np.resize(np.array(few), n)

    forgets = MAX_DV - (style == "documented")  # 12 bits hold 4095
    thresholds = [0, *(2**k - 1 for k in range(3, 18))]
    fields: dict[str, Any] = {
        "du": vector(MAX_DU, MAX_DU, 0, 1, MAX_DU - 1, low=0, high=MAX_DU),
        "dv": vector(0, 1, MAX_DV - 1, forgets, low=0, high=forgets),
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
    if draw(st.integers(0, 5)) == 5:
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
def _project(
    draw: st.DrawFn,
    here: _Grown,
    source: FixedInput | FixedPopulation,
    target: FixedPopulation,
    kind: Kind,
    operators: tuple[FixedOperator, ...],
) -> None:
    """Add a projection, with an exponent and a delay."""
    known = here.style == "documented"
    levels = source.max_abs if isinstance(source, FixedInput) else 1
    current = 2**22 if known else draw(st.sampled_from(CURRENTS))
    spikes = isinstance(source, FixedPopulation)
    own = 0 if known and spikes else draw(st.sampled_from(OWN_DELAYS))
    delay = own + target.lag - _lag(source)
    here.projections.append(
        fixed_projection(
            source.name,
            target.name,
            None,
            *operators,
            weight_bits=kind[0],
            sign_mode=kind[1],
            weight_exp=draw(fixed_exponents(operators, source.shape, levels, kind[0], current)),
            delay=min(max(delay, 1), MAX_DELAY),
            name=f"q{len(here.projections)}",
        )
    )
