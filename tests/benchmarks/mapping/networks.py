"""Networks whose cores others have counted, and larger ones to see how time and memory grow.

* ``mlp``: 784-128-64-10, 5 cores from Intel's compiler (lava-dl, ``netx/mnist``), 3 from NxTF.
* ``oxford``: 200-256-200, 5 cores from Intel's compiler (lava-dl, ``netx/oxford``), 4 of NxTF with
  a soft reset.
* ``pilotnet``: 74 cores from Intel's compiler (lava-dl, ``netx/pilotnet_snn/benchmark.ipynb``,
  which prints all extents).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedPopulation, FixedProjection
from snnc.compiler.operators import FixedConvolution, FixedOperator, FixedSparse, Window
from tests.builders import fixed_dense, fixed_network, fixed_population, fixed_projection

Weights = npt.NDArray[np.int8]


def mlp() -> FixedNetwork:
    """Give the network for MNIST: 784-128-64-10."""
    return layered([784, 128, 64, 10])


def oxford() -> FixedNetwork:
    """Give the network for the Oxford spike train: 200-256-200."""
    return layered([200, 256, 200])


def layered(sizes: Sequence[int], seed: int = 0) -> FixedNetwork:
    """Give dense layers of these sizes, the first of which is the input.

    Layers of the same extents have the same weights, in memory, too.
    """
    rng = np.random.default_rng(seed)
    weights: dict[tuple[int, int], FixedOperator] = {}
    populations: list[FixedPopulation] = []
    projections: list[FixedProjection] = []
    source = "x"
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        if (n_out, n_in) not in weights:
            weights[n_out, n_in] = fixed_dense(some_weights(rng, (n_out, n_in)))
        name = f"layer{i}"
        populations.append(fixed_population(name, n_out, lag=i + 1))
        projections.append(fixed_projection(source, name, None, weights[n_out, n_in]))
        source = name
    return fixed_network(populations, projections, inputs=[FixedInput("x", (sizes[0],))])


def pilotnet() -> FixedNetwork:
    """Give PilotNet: a layer of 39,600 neurons that encode the image, 5 convolutions, 4 dense."""
    rng = np.random.default_rng(0)
    shape: tuple[int, ...] = (3, 200, 66)
    encoder = fixed_population("encoder", int(np.prod(shape)), shape=shape, bias_mant=1)
    populations = [encoder]
    projections: list[FixedProjection] = []
    layers = [(24, (2, 2), 0), (36, (2, 2), 0), (48, (2, 2), 0), (64, (1, 2), 1), (64, (1, 1), 0)]
    for i, (channels, stride, padding) in enumerate(layers):
        window = Window((3, 3), stride, ((0, 0), (padding, padding)), (1, 1))
        weight = some_weights(rng, (channels, shape[0], 3, 3))
        shape = _add(
            populations,
            projections,
            shape,
            FixedConvolution(weight=weight, window=window, groups=1),
            i,
        )
    for i, n in enumerate((100, 50, 10, 1)):
        dense = fixed_dense(some_weights(rng, (n, int(np.prod(shape)))))
        shape = _add(populations, projections, shape, dense, i + 5)
    return fixed_network(populations, projections, inputs=[FixedInput("x", (1,))])


def convolutional(n: int, channels: int = 32, layers: int = 8) -> FixedNetwork:
    """Give about ``n`` neurons in layers of convolutions 3 by 3, none of which is smaller."""
    rng = np.random.default_rng(0)
    side = round((n / channels / layers) ** 0.5)
    shape: tuple[int, ...] = (2, side, side)
    window = Window((3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))
    populations: list[FixedPopulation] = []
    projections: list[FixedProjection] = []
    for i in range(layers):
        weight = some_weights(rng, (channels, shape[0], 3, 3))
        shape = _add(
            populations,
            projections,
            shape,
            FixedConvolution(weight=weight, window=window, groups=1),
            i,
        )
    return fixed_network(populations, projections, inputs=[FixedInput("x", (2, side, side))])


def sheet(side: int = 100, seed: int = 0) -> tuple[FixedNetwork, npt.NDArray[np.float64]]:
    """Give neurons on a square, and their rates: each reaches 24 near it and 2 anywhere.

    Those near it lie at normal distances, a standard deviation of 3 neurons; edges are joined.
    Rates are of a gamma distribution of shape 2.
    """
    rng = np.random.default_rng(seed)
    n = side * side
    neuron = np.arange(n)
    sources, targets = [np.repeat(neuron, 2)], [rng.integers(0, n, 2 * n)]
    for _ in range(24):
        rows, columns = np.divmod(neuron, side) + np.rint(rng.normal(0, 3, (2, n))).astype(int)
        sources.append(neuron)
        targets.append(rows % side * side + columns % side)
    source, target = np.concatenate(sources), np.concatenate(targets)
    pairs = np.unique(source[source != target] * n + target[source != target])
    source, target = np.divmod(pairs, n)
    operator = FixedSparse(
        weight=some_weights(rng, (pairs.size,)),
        target=target.astype(np.int32),
        begin=np.searchsorted(source, np.arange(n + 1)).astype(np.int64),
        n_out=n,
    )
    network = fixed_network(
        [fixed_population("sheet", n)],
        [fixed_projection("sheet", "sheet", None, operator)],
    )
    return network, rng.gamma(2.0, 0.01, n)


def some_weights(rng: np.random.Generator, shape: tuple[int, ...]) -> Weights:
    """Draw weights of 8 bits, none of which is zero."""
    drawn = rng.integers(1, 128, shape) * rng.choice([-1, 1], shape)
    return np.asarray(drawn, np.int8)


def _add(
    populations: list[FixedPopulation],
    projections: list[FixedProjection],
    shape: tuple[int, ...],
    operator: FixedOperator,
    place: int,
) -> tuple[int, ...]:
    """Add a layer behind the last population, or behind the input; give its shape."""
    source = populations[-1].name if populations else "x"
    result = operator.result_shape(shape)
    name = f"layer{place}"
    n = int(np.prod(result))
    populations.append(fixed_population(name, n, shape=result, lag=place + 1))
    projections.append(fixed_projection(source, name, None, operator))
    return result
