"""The networks as snnc's records."""

from __future__ import annotations

from math import prod

import numpy as np

from snnc.compiler.fixed import (
    MAX_DU,
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
    SignMode,
)
from snnc.compiler.network import Output
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedSparse,
    SumPooling,
    Window,
)
from tests.benchmarks.peers.networks import (
    INPUT,
    Convolution,
    Dense,
    Network,
    Population,
    Sparse,
    Weights,
    synapses,
)


def fixed_network(network: Network) -> FixedNetwork:
    """Give ``network`` as records, retimed: each layer runs a step behind the one before it."""
    recurrent = network.x is None
    names = [p.name for p in network.populations]
    sources = names if recurrent else [INPUT, *names[:-1]]
    populations = tuple(
        _population(p, 0 if recurrent else lag)
        for lag, p in enumerate(network.populations, start=1)
    )
    return FixedNetwork(
        inputs=(FixedInput(INPUT, (1,) if network.x is None else network.x.shape[2:]),),
        populations=populations,
        projections=tuple(
            _projection(source, target, _operators(weights, shape, prod(p.shape)))
            for source, target, weights, shape, p in zip(
                sources, names, network.weights, network.shapes, network.populations, strict=True
            )
        ),
        outputs=(Output("out", names[-1]),),
        dt=1e-3,
    )


def _population(p: Population, lag: int) -> FixedPopulation:
    def all_of(value: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        return np.full(p.size, value, np.int32)

    return FixedPopulation(
        name=p.name,
        origin=(p.name,),
        shape=p.shape,
        du=all_of(MAX_DU),
        dv=all_of(p.dv),
        threshold=all_of(p.threshold),
        bias_mant=p.bias,
        bias_exp=all_of(0),
        initial=all_of(0),
        reset=FixedReset.ZERO,
        refractory=0,
        spiking=True,
        lag=lag,
        scale=np.ones(p.size),
        offset=np.zeros(p.size),
    )


def _projection(source: str, target: str, operators: tuple[FixedOperator, ...]) -> FixedProjection:
    return FixedProjection(
        name=f"{source}->{target}",
        origin=(target,),
        source=source,
        target=target,
        operators=operators,
        weight_bits=8,
        sign_mode=SignMode.MIXED,
        weight_exp=0,
        delay=1,
    )


def _operators(weights: Weights, shape: tuple[int, ...], n_out: int) -> tuple[FixedOperator, ...]:
    match weights:
        case Dense(weight):
            return (FixedDense(weight=np.ascontiguousarray(weight)),)
        case Convolution(weight):
            k = weight.shape[2]
            pool = SumPooling(window=_window(2, stride=2))
            return FixedConvolution(weight=weight, window=_window(k), groups=1), pool
        case Sparse():
            _, target, values = synapses(weights, shape)
            begin = len(weights.target[0]) * np.arange(prod(shape) + 1, dtype=np.int64)
            sparse = FixedSparse(
                weight=values.astype(np.int8), target=target, begin=begin, n_out=n_out
            )
            return (sparse,)


def _window(size: int, stride: int = 1) -> Window:
    return Window((size, size), (stride, stride), ((0, 0), (0, 0)), (1, 1))
