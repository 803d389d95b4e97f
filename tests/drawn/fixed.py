"""Hypothesis strategies of integer operators and networks."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from snnc.compiler.fixed import (
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedReset,
    SignMode,
    exponent_limits,
    weight_limits,
)
from snnc.compiler.linear import as_steps, magnitude
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    Shape,
    SumPooling,
    Weights,
    result_shape,
)
from tests.builders import fixed_network, fixed_population, fixed_projection
from tests.drawn.numbers import SEEDS
from tests.drawn.operators import shapes, windows

Kind = tuple[int, SignMode]
"""Width and sign mode of the weights of a projection."""
KINDS = [(bits, mode) for mode in SignMode for bits in range(1 + mode.sign_bits, 9)]
WIDEST: Kind = (8, SignMode.MIXED)
LARGEST_CURRENT = 2**24
"""Of random fixed networks: ``|a << 6|``, so that one wrap always brings ``u`` back."""


@st.composite
def fixed_networks(draw: st.DrawFn, *, retimed: bool = True, plain: bool = False) -> FixedNetwork:
    """Draw a fixed network with registers at and near their limits.

    Synaptic input is kept so small that one wrap brings ``u`` back, and large enough to wrap.

    Args:
        draw: Given by hypothesis.
        retimed: Delays of 1 or more and lags; else delays of 0 too, forward only, and no lags.
        plain: Dense weights between flat populations that start at 0 and spike; nothing else.
    """
    max_abs = draw(st.sampled_from((1, 1, 127, 255)))
    sizes = {"x": (draw(st.integers(1, 3)),) if plain else draw(shapes())}
    names = [f"p{i}" for i in range(draw(st.integers(1, 3)))]
    kinds = st.sampled_from(KINDS) | st.just(WIDEST)
    routes: list[tuple[str, str, Kind, tuple[FixedOperator, ...]]] = []
    for name in names:
        source, kind = draw(st.sampled_from(list(sizes))) if routes else "x", draw(kinds)
        operators = draw(_fixed_layer(sizes[source], None, plain, kind))
        sizes[name] = result_shape(operators, sizes[source])
        routes.append((source, name, kind, operators))
    ends = st.tuples(st.sampled_from(["x", *names]), st.sampled_from(names))
    for a, b in draw(st.lists(ends, unique=True, max_size=3)):
        kind = draw(kinds)
        routes.append((a, b, kind, draw(_fixed_layer(sizes[a], prod(sizes[b]), plain, kind))))
    read_outs = () if plain else [n for n in names[-1:] if draw(st.integers(0, 4)) == 0]
    routes = [route for route in routes if route[0] not in read_outs]
    populations = [
        _extreme_population(
            draw, name, sizes[name], draw(st.integers(0, 3)) if retimed else 0, plain, read_outs
        )
        for name in names
    ]
    ranks = {name: i for i, name in enumerate(["x", *names])}
    targets = [b for _, b, _, _ in routes]
    projections = [
        fixed_projection(
            a,
            b,
            None,
            *operators,
            weight_bits=kind[0],
            sign_mode=kind[1],
            weight_exp=draw(
                fixed_exponents(
                    operators, sizes[a], targets.count(b) * (max_abs if a == "x" else 1), kind[0]
                )
            ),
            delay=draw(st.integers(0 if not retimed and ranks[a] < ranks[b] else 1, 5)),
            name=f"q{i}",
        )
        for i, (a, b, kind, operators) in enumerate(routes)
    ]
    return fixed_network(
        populations, projections, inputs=[FixedInput("x", sizes["x"], 1.0, max_abs)]
    )


@st.composite
def _fixed_layer(
    draw: st.DrawFn, shape: tuple[int, ...], n: int | None, plain: bool, kind: Kind
) -> tuple[FixedOperator, ...]:
    if not plain:
        return draw(fixed_operators(shape, n, kind))
    return (FixedDense(weight=draw(fixed_weights(kind, n or draw(st.integers(1, 3)), shape[0]))),)


def fixed_exponents(
    operators: tuple[FixedOperator, ...],
    shape: tuple[int, ...],
    levels: int,
    bits: int,
    current: int = LARGEST_CURRENT,
) -> st.SearchStrategy[int]:
    """Give exponents that keep ``|a << 6|`` below ``current``, the largest most often.

    Args:
        operators: Of the projection.
        shape: Of what the source sends.
        levels: Largest sum, over the projections into the same neurons, of what sources send.
        bits: Width of a weight.
        current: Where it can be held.
    """
    largest = np.ones((1, *shape))
    for step in as_steps(operators, shape):
        largest = magnitude(step, largest)
    share = current / (64 * levels * max(1.0, float(largest.max())))
    low, high = exponent_limits(bits)
    highest = max(low, min(high, int(np.floor(np.log2(share)))))
    return st.sampled_from((highest, highest, low)) | st.integers(low, highest)


def _extreme_population(
    draw: st.DrawFn,
    name: str,
    shape: tuple[int, ...],
    lag: int,
    plain: bool,
    read_outs: Sequence[str],
) -> FixedPopulation:
    n = prod(shape)

    def vector(*values: int, low: int, high: int) -> npt.NDArray[np.int64]:
        element = st.sampled_from(values) | st.integers(low, high)
        few = draw(st.lists(element, min_size=min(n, 3), max_size=min(n, 3)))
        return np.resize(np.array(few), n)

    more: dict[str, Any] = {"reset": draw(st.sampled_from(tuple(FixedReset)))}
    if not plain:
        more["initial"] = vector(0, 0, 2**23 - 1, 1 - 2**23, low=-5000, high=5000)
        more["refractory"] = draw(st.sampled_from((0, 0, 1, 3)))
    if name in read_outs:
        more |= {"spiking": False, "reset": "none", "refractory": 0}
    return fixed_population(
        name,
        n,
        shape=shape,
        du=vector(0, 1, 4094, 4095, low=0, high=4095),
        dv=vector(0, 1, 4095, 4096, low=0, high=4096),
        threshold=vector(0, 1, 131071, low=0, high=200),
        bias_mant=vector(0, 0, 4095, -4095, low=-4095, high=4095),
        bias_exp=vector(0, 7, low=0, high=7),
        lag=lag,
        **more,
    )


# --- operators ---------------------------------------------------------------------------------


@st.composite
def fixed_operators(
    draw: st.DrawFn, shape: Shape, n: int | None = None, kind: Kind = WIDEST
) -> tuple[FixedOperator, ...]:
    """Draw integer operators on values of ``shape``.

    Args:
        draw: Given by hypothesis.
        shape: Of what the source sends.
        n: Values that they must give; any number where it is None.
        kind: Of the weights.
    """
    before = draw(_fixed_pooling(shape)) if len(shape) > 1 else ()
    pooled = result_shape(before, shape)
    size = prod(pooled)
    layers = ["dense"] + ["factors"] * (n in (None, size))
    layers += ["convolution"] * (2 * (n is None and len(shape) > 1))
    layer = draw(st.sampled_from(layers))
    if layer == "dense":
        weight = draw(fixed_weights(kind, n or draw(st.integers(1, 3)), size))
        lists = draw(st.booleans())
        return *before, FixedSparse.of(weight) if lists else FixedDense(weight=weight)
    if layer == "factors":
        weighted: FixedOperator = FixedScaling(weight=draw(fixed_weights(kind, size)))
    else:
        weighted = draw(_fixed_convolutions(pooled, kind))
    after = weighted.result_shape(pooled)
    behind = draw(_fixed_pooling(after)) if n is None and len(after) > 1 else ()
    return *before, weighted, *behind


@st.composite
def _fixed_pooling(draw: st.DrawFn, shape: Shape) -> tuple[FixedOperator, ...]:
    kind = draw(st.sampled_from((None, None, SumPooling, MaxPooling)))
    return () if kind is None else (kind(window=draw(windows(shape[1:]))),)


@st.composite
def _fixed_convolutions(draw: st.DrawFn, shape: Shape, kind: Kind) -> FixedConvolution:
    window = draw(windows(shape[1:]))
    groups = draw(st.sampled_from([g for g in (1, 2, 3) if shape[0] % g == 0]))
    channels = groups * draw(st.integers(1, 2))
    weight = draw(fixed_weights(kind, channels, shape[0] // groups, *window.kernel))
    return FixedConvolution(weight=weight, window=window, groups=groups)


@st.composite
def fixed_weights(draw: st.DrawFn, kind: Kind, *shape: int) -> Weights:
    """Draw integer weights: one by one where they are few, else from a drawn seed."""
    n, (low, high) = prod(shape), weight_limits(*kind)
    if n <= 12:
        few = [w for w in (low, -1, 0, 1, high) if low <= w <= high]
        element = st.sampled_from(few) | st.integers(low, high)
        flat: Any = draw(st.lists(element, min_size=n, max_size=n))
    else:
        rng = np.random.default_rng(draw(SEEDS))
        flat = np.where(
            rng.random(n) < 0.2, rng.choice([low, high], n), rng.integers(low, high + 1, n)
        )
    weights: Weights = np.array(flat, np.int8 if -128 <= low <= high <= 127 else np.int16)
    return weights.reshape(shape)
