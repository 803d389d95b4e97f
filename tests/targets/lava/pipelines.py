"""Random operators of projections, and random networks of all that a fixed network can hold."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from snnc.compiler.fixed import (
    MAX_DU,
    MIN_WEIGHT_EXP,
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
    FixedScaling,
    MaxPooling,
    Shape,
    SumPooling,
    Window,
    result_shape,
)
from tests.targets.lava.networks import population

LARGEST_SUM = 2**18
"""Of a projection: four of them stay inside 24 bits after one wrap, whatever is drawn."""


@st.composite
def windows(draw: st.DrawFn, extent: Shape, *, pads: bool = True) -> Window:
    """Draw a window that fits on ``extent``; without ``pads``, each position sees an element."""
    axes = [draw(st.sampled_from(_axes(n, pads=pads))) for n in extent]
    kernel, stride, before, after, dilation = zip(*axes, strict=True)
    return Window(kernel, stride, tuple(zip(before, after, strict=True)), dilation)


def _axes(n: int, *, pads: bool) -> list[tuple[int, int, int, int, int]]:
    """Give kernel, stride, padding before and after, and dilation of all windows on ``n``."""
    found: list[tuple[int, int, int, int, int]] = []
    for k, s, before, after, d in np.ndindex(3, 3, 3, 3, 2):
        reach = (d + 1) * k + 1
        positions = range(-before, n + after - reach + 1, s + 1)
        covered = all(any(0 <= p + i * (d + 1) < n for i in range(k + 1)) for p in positions)
        if positions and (pads or covered):
            found.append((k + 1, s + 1, before, after, d + 1))
    return found


@st.composite
def pipelines(draw: st.DrawFn, shape: Shape) -> tuple[FixedOperator, ...]:
    """Draw weights with pooling before and behind them, for values of ``shape``."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    operators: list[FixedOperator] = []
    for kind in ("pooling", "weights", "pooling"):
        at = result_shape(tuple(operators), shape)
        if kind == "weights":
            operators.append(draw(_weights(at, rng)))
        elif len(at) > 1 and draw(st.booleans()):
            operators.append(draw(_pooling(at)))
    return tuple(operators)


@st.composite
def _pooling(draw: st.DrawFn, shape: Shape) -> SumPooling | MaxPooling:
    if draw(st.booleans()):
        return SumPooling(window=draw(windows(shape[1:])))
    return MaxPooling(window=draw(windows(shape[1:], pads=False)))


@st.composite
def _weights(draw: st.DrawFn, shape: Shape, rng: np.random.Generator) -> FixedOperator:
    low, high = draw(st.sampled_from([(-128, 128), (0, 128), (-128, 0)]))

    def weight(*of: int) -> Any:
        return rng.integers(low, high, of).astype(np.int8)

    kind = draw(st.sampled_from(["dense", "scaling", "convolution", "convolution"]))
    if kind == "scaling":
        return FixedScaling(weight=weight(prod(shape)))
    if kind == "dense" or len(shape) == 1:
        return FixedDense(weight=weight(draw(st.integers(1, 4)), prod(shape)))
    window = draw(windows(shape[1:]))
    groups = draw(st.sampled_from([g for g in (1, 2, 3) if shape[0] % g == 0]))
    channels = groups * draw(st.integers(1, 2))
    kernels = weight(channels, shape[0] // groups, *window.kernel)
    return FixedConvolution(weight=kernels, window=window, groups=groups)


@st.composite
def operator_networks(draw: st.DrawFn) -> FixedNetwork:
    """Draw a chain of populations of all kinds, with loops, long delays and a read-out."""
    declared = draw(
        st.sampled_from(
            [
                FixedInput("x", (5,)),
                FixedInput("x", (2, 5)),
                FixedInput("x", (2, 4, 3), step=0.5, max_abs=40),
                FixedInput("x", (3, 3, 5)),
            ]
        )
    )
    source: FixedInput | FixedPopulation = declared
    populations: list[FixedPopulation] = []
    projections: list[FixedProjection] = []
    last = draw(st.integers(0, 2))
    for index in range(last + 1):
        operators = draw(pipelines(source.shape))
        shape = result_shape(operators, source.shape)
        spiking = index < last or draw(st.booleans())
        target = draw(_population(f"p{index}", shape, spiking=spiking))
        populations.append(target)
        projections.append(draw(_projection(source, target, operators)))
        if spiking and draw(st.booleans()):
            weight = np.random.default_rng(index).integers(-128, 128, (target.size, target.size))
            loop = (FixedDense(weight=weight.astype(np.int8)),)
            projections.append(draw(_projection(target, target, loop)))
        source = target
    return FixedNetwork(
        inputs=(declared,),
        populations=tuple(populations),
        projections=tuple(projections),
        outputs=(Output("out", populations[-1].name), Output("first", populations[0].name)),
        dt=1e-3,
    )


@st.composite
def _population(draw: st.DrawFn, name: str, shape: Shape, *, spiking: bool) -> FixedPopulation:
    n = prod(shape)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    initial = draw(st.sampled_from([0, 0, 20000, 2**23 - 1]))
    return population(
        name,
        shape,
        draw(st.sampled_from(list(FixedReset))) if spiking else FixedReset.NONE,
        draw(st.integers(0, 3)),
        du=rng.integers(0, MAX_DU + 1, n),
        dv=rng.integers(0, 1000, n),
        threshold=rng.integers(0, draw(st.sampled_from([20, 2000])), n),
        bias_mant=rng.integers(-100, 200, n),
        bias_exp=rng.integers(0, 4, n),
        initial=rng.integers(-initial, initial + 1, n),
        refractory=draw(st.sampled_from([0, 0, 1, 3])) if spiking else 0,
        spiking=spiking,
        scale=rng.uniform(1, 5000, n),
        offset=rng.normal(0, 1, n),
    )


@st.composite
def _projection(
    draw: st.DrawFn,
    source: FixedInput | FixedPopulation,
    target: FixedPopulation,
    operators: tuple[FixedOperator, ...],
) -> FixedProjection:
    lag = target.lag - (source.lag if isinstance(source, FixedPopulation) else 0)
    own_delay = max(0, 1 - lag) + draw(st.sampled_from([0, 0, 1, 4, 56]))
    largest = source.max_abs if isinstance(source, FixedInput) else 1
    for operator in operators:
        largest *= _fan_in(operator)
    highest = (LARGEST_SUM // largest).bit_length() - 1
    exponents = st.integers(MIN_WEIGHT_EXP, max(MIN_WEIGHT_EXP, min(highest, 7)))
    return FixedProjection(
        name=f"{source.name} to {target.name}",
        origin=(),
        source=source.name,
        target=target.name,
        operators=operators,
        weight_exp=draw(exponents),
        delay=min(own_delay + lag, 63),
    )


def _fan_in(operator: FixedOperator) -> int:
    """Bound the sum of the magnitudes of the weights of one element."""
    match operator:
        case FixedDense(weight=w) | FixedConvolution(weight=w):
            return 128 * prod(w.shape[1:])
        case FixedScaling():
            return 128
        case SumPooling(window=window):
            return prod(window.kernel)
        case MaxPooling():
            return 1


def with_delay(network: FixedNetwork, delay: int) -> FixedNetwork:
    """Give ``network`` with the same delay everywhere."""
    projections = tuple(replace(p, delay=delay) for p in network.projections)
    return replace(network, projections=projections)
