"""Networks with every operator, sums, delays and loops, drawn by hypothesis.

Weights are few, and multiples of 1/4 as sizes of spikes are, so that nearly all sums of products
are exact in float32. Potentials are not.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from snnc.compiler.network import Input, Integration, Junction, Network, Output, Projection, Reset
from snnc.compiler.operators import (
    AveragePooling,
    Convolution,
    Dense,
    MaxPooling,
    Operator,
    Scaling,
    Shape,
    SumPooling,
    Window,
)
from tests.builders import population

SHAPES: tuple[Shape, ...] = ((3,), (1, 4), (2, 4), (1, 3, 4), (2, 5, 4))


@st.composite
def networks_with_operators(draw: st.DrawFn) -> Network:
    """Draw inputs, sums and populations, each fed by what is before it, or later by what is behind.

    The last population is a read-out, and feeds nothing.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    inputs = [Input(f"x{i}", draw(st.sampled_from(SHAPES))) for i in range(draw(st.integers(1, 2)))]
    kinds = [
        *draw(st.lists(st.sampled_from(("sum", "neurons")), max_size=4)),
        "neurons",
        "read-out",
    ]
    nodes = [(f"{kind}{i}", kind, draw(st.sampled_from(SHAPES))) for i, kind in enumerate(kinds)]
    shapes = {i.name: i.shape for i in inputs} | {name: shape for name, _, shape in nodes}
    ends: list[tuple[str, str, int]] = []
    for place, (name, kind, _) in enumerate(nodes):
        before = [i.name for i in inputs] + [n for n, k, _ in nodes[:place] if k != "read-out"]
        sources = draw(st.lists(st.sampled_from(before), min_size=1, max_size=3))
        ends += [(source, name, draw(st.sampled_from((0, 0, 0, 1, 3)))) for source in sources]
        if kind == "neurons" and draw(st.booleans()):
            behind = [n for n, k, _ in nodes[place:] if k == "neurons"]
            ends.append((draw(st.sampled_from(behind)), name, draw(st.integers(1, 3))))
    projections = [
        Projection(
            name=f"q{i}",
            origin=(f"q{i}",),
            source=a,
            target=b,
            operators=draw(_between(rng, shapes[a], shapes[b])),
            delay=delay,
        )
        for i, (a, b, delay) in enumerate(ends)
    ]
    return Network(
        inputs=tuple(inputs),
        junctions=tuple(
            Junction(name=n, origin=(n,), shape=shape) for n, k, shape in nodes if k == "sum"
        ),
        populations=tuple(
            draw(_populations(rng, n, shape, spiking=k == "neurons"))
            for n, k, shape in nodes
            if k != "sum"
        ),
        projections=tuple(projections),
        outputs=(Output("y", nodes[-1][0]),),
        dt=1e-3,
    )


def quarters(rng: np.random.Generator, *shape: int) -> npt.NDArray[np.float32]:
    """Give multiples of 1/4 from -1 to 1."""
    return (rng.integers(-4, 5, shape) / 4).astype(np.float32)


def few(rng: np.random.Generator, rows: int, *shape: int) -> npt.NDArray[np.float32]:
    """Give weights of which about three a row are not 0."""
    weight = quarters(rng, rows, *shape)
    return np.where(rng.random(weight.shape) < 3 / prod(shape), weight, np.float32(0))


@st.composite
def _between(
    draw: st.DrawFn, rng: np.random.Generator, shape: Shape, target: Shape
) -> tuple[Operator, ...]:
    """Draw operators, and weights behind them that make the target's size."""
    operators: list[Operator] = []
    here = shape
    for _ in range(draw(st.integers(0, 2)) if len(shape) > 1 else 0):
        operators.append(draw(_operator(rng, here)))
        here = operators[-1].result_shape(here)
    if prod(here) != prod(target) or draw(st.booleans()):
        n = prod(target)
        operators.append(Dense(weight=few(rng, n, prod(here)), bias=quarters(rng, n)))
    return tuple(operators)


@st.composite
def _operator(draw: st.DrawFn, rng: np.random.Generator, shape: Shape) -> Operator:
    channels, *extent = shape
    kind = draw(st.sampled_from((Convolution, Scaling, AveragePooling, SumPooling, MaxPooling)))
    if kind is Scaling:
        each = (channels, *(1,) * len(extent))
        return Scaling(factor=quarters(rng, *each), shift=quarters(rng, *shape))
    kernel = tuple(draw(st.integers(1, min(2, n))) for n in extent)
    # no window of a max pool holds padding alone
    pads = [(k - 1 if kind is MaxPooling else 2) for k in kernel]
    window = Window(
        kernel,
        tuple(draw(st.integers(1, 2)) for _ in extent),
        tuple((draw(st.integers(0, most)), draw(st.integers(0, most))) for most in pads),
        tuple(draw(st.integers(1, 2)) if n > 2 else 1 for n in extent),
    )
    if kind is Convolution:
        groups = draw(st.sampled_from([g for g in (1, 2) if channels % g == 0]))
        c_out = groups * draw(st.integers(1, 2))
        weight = few(rng, c_out, channels // groups, *window.kernel)
        return Convolution(weight=weight, bias=quarters(rng, c_out), window=window, groups=groups)
    if kind is AveragePooling:
        divisors = np.array([2, 4], np.float32).reshape(2, *(1,) * len(extent))
        return AveragePooling(window=window, divisors=divisors)
    return SumPooling(window=window) if kind is SumPooling else MaxPooling(window=window)


@st.composite
def _populations(
    draw: st.DrawFn, rng: np.random.Generator, name: str, shape: Shape, *, spiking: bool
) -> Any:
    n = prod(shape)
    integration = draw(st.sampled_from(Integration))
    reset = draw(st.sampled_from(Reset))
    return population(
        name,
        n,
        shape=shape,
        integration=integration,
        reset=reset,
        decay=rng.uniform(0.05, 0.9, n),
        current_decay=rng.uniform(0.1, 0.9, n) if integration.has_current else 0.0,
        gain=rng.uniform(1, 4, n),
        leak=rng.normal(0, 0.3, n) if integration.is_euler else 0.0,
        initial=rng.normal(0, 0.5, n),
        threshold=rng.uniform(0.3, 2, n),
        reset_value=-rng.uniform(0, 1, n) if reset is Reset.VALUE else 0.0,
        spike=rng.integers(1, 9, n) / 4,
        refractory=draw(st.sampled_from((0, 0, 0, 2))),
        spiking=spiking,
        inclusive=draw(st.booleans()),
    )
