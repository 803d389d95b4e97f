"""The networks that all simulators run, as integers: needs NumPy and nothing else.

Every neuron is one of current without memory, leak and reset to zero. With ``i`` what arrives,

    v <- trunc(v * (4096 - dv) / 4096) + 64 * i + bias,   spike and v <- 0 where v > 64 * threshold

which is ``docs/arithmetic.md`` with ``du`` 4095 and weight exponents of 0. In real numbers it is
``v <- decay * v + i + bias`` with a threshold of 1, and the weights and biases of ``Real``. What a
layer sends arrives in the next layer in the same step, what recurs in the next step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from itertools import pairwise
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Synapses: TypeAlias = tuple[Array, Array, Array]
"""Source, target and weight of each synapse; int32, int32 and int16, sorted by source."""

INPUT = "input"
DECAY_ONE, ALIGN = 4096, 64
MAX_BATCH = 64


@dataclass(frozen=True, eq=False)
class Dense:
    """``weight`` int8, ``[n_out, n_in]``."""

    weight: Array


@dataclass(frozen=True, eq=False)
class Convolution:
    """Cross-correlation with ``weight``, int8, ``[c_out, c_in, k, k]``; then sums of 2 x 2."""

    weight: Array

    def folded(self) -> Array:
        """Give the kernel ``[c_out, c_in, k + 1, k + 1]`` that does both, in steps of 2; int16."""
        c_out, c_in, k, _ = self.weight.shape
        kernel = np.zeros((c_out, c_in, k + 1, k + 1), np.int16)
        for y, x in np.ndindex(2, 2):
            kernel[:, :, y : y + k, x : x + k] += self.weight
        return kernel


@dataclass(frozen=True, eq=False)
class Sparse:
    """``fan`` synapses of each source: ``target`` int32 and ``weight`` int8, ``[n_in, fan]``."""

    target: Array
    weight: Array


Weights: TypeAlias = Dense | Convolution | Sparse


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons of one kind.

    Attributes:
        name: Unique, and not ``input``.
        shape: ``[n]`` or ``[channels, height, width]``.
        dv: Decay, 0 to 4096.
        threshold: Mantissa, 0 to 131071.
        bias: int32, ``[n]``.
    """

    name: str
    shape: tuple[int, ...]
    dv: int
    threshold: int
    bias: Array

    @property
    def size(self) -> int:
        """Number of neurons."""
        return prod(self.shape)

    @property
    def decay(self) -> float:
        """Factor of ``v``."""
        return (DECAY_ONE - self.dv) / DECAY_ONE

    def real_weight(self, weight: Array) -> Array:
        """Give weights into this population for a threshold of 1, float32."""
        return (weight.astype(np.float64) / self.threshold).astype(np.float32)

    def real_bias(self) -> Array:
        """Give the bias for a threshold of 1, float32."""
        return (self.bias.astype(np.float64) / (ALIGN * self.threshold)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Network:
    """Layers behind an input, or one population that drives itself.

    Attributes:
        name: What it is called in tables.
        x: Spikes of the input, uint8, ``[steps, 64, *shape]``, or None where biases drive.
        populations: One after the other.
        weights: Into each population, from the one before it; from itself where there is no input.
        steps: Steps of one run.
    """

    name: str
    x: Array | None
    populations: tuple[Population, ...]
    weights: tuple[Weights, ...]
    steps: int

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of the source of each of ``weights``."""
        if self.x is None:
            return (self.populations[0].shape,)
        return (self.x.shape[2:], *(p.shape for p in self.populations[:-1]))

    def digest(self) -> str:
        """Sum up every number, so that two simulators can be seen to have run the same."""
        sha = hashlib.sha256(f"{self.name} {self.steps}".encode())
        if self.x is not None:
            sha.update(np.packbits(self.x).tobytes())
        for population, weights in zip(self.populations, self.weights, strict=True):
            sha.update(f"{population.shape} {population.dv} {population.threshold}".encode())
            sha.update(np.ascontiguousarray(population.bias).tobytes())
            for field in fields(weights):
                sha.update(np.ascontiguousarray(getattr(weights, field.name)).tobytes())
        return sha.hexdigest()[:16]


def synapses(weights: Weights, shape: tuple[int, ...]) -> Synapses:
    """Give every synapse of ``weights`` behind a source of ``shape``, sorted by source."""
    source, target, values = _listed(weights, shape)
    return source.astype(np.int32), target.astype(np.int32), values.astype(np.int16)


def _listed(weights: Weights, shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
    match weights:
        case Dense(weight):
            source, target = np.nonzero(weight.T)
            return source, target, weight.T[source, target]
        case Sparse(target, values):
            source = np.repeat(np.arange(shape[0]), target.size // shape[0])
            return source, target.ravel(), values.ravel()
        case Convolution():
            return _unrolled(weights.folded(), shape)


def _unrolled(kernel: Array, shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Give the synapses of a convolution with ``kernel`` in steps of 2."""
    c_out, c_in, k, _ = kernel.shape
    _, height, width = shape
    h, w = (height - k) // 2 + 1, (width - k) // 2 + 1
    o, c, y, x, ky, kx = np.indices((c_out, c_in, h, w, k, k), np.int32)
    source = ((c * height + 2 * y + ky) * width + 2 * x + kx).ravel()
    target = ((o * h + y) * w + x).ravel()
    values = kernel[o, c, ky, kx].ravel()
    order = np.lexsort((target, source))
    order = order[values[order] != 0]
    return source[order], target[order], values[order]


def even(rng: np.random.Generator, low: int, high: int, shape: tuple[int, ...]) -> Array:
    """Draw even weights, which Lava has in its mixed sign mode; int8, both ends included."""
    return (2 * rng.integers(low // 2, high // 2 + 1, shape)).astype(np.int8)


def layered(
    name: str,
    x: Array,
    weights: list[Weights],
    shapes: list[tuple[int, ...]],
    thresholds: list[int],
) -> Network:
    """Give layers without biases whose potentials decay by a tenth a step."""
    populations = tuple(
        Population(f"layer{i}", shape, 410, threshold, np.zeros(prod(shape), np.int32))
        for i, (shape, threshold) in enumerate(zip(shapes, thresholds, strict=True), start=1)
    )
    return Network(name, x, populations, tuple(weights), len(x))


def mlp(steps: int = 100) -> Network:
    """Give 784-256-256-10; about 10, 6.7, 7 and 5 % spike in a step."""
    rng = np.random.default_rng(1)
    sizes = (784, 256, 256, 10)
    weights: list[Weights] = [Dense(even(rng, -64, 64, (m, n)).T) for m, n in pairwise(sizes)]
    x = (rng.random((steps, MAX_BATCH, sizes[0])) < 0.1).astype(np.uint8)
    return layered("mlp", x, weights, [(n,) for n in sizes[1:]], [550, 300, 250])


def cnn(steps: int = 25) -> Network:
    """Give two convolutions with sum pooling and a dense layer on 28 x 28 pixels.

    The weights of the convolutions are so small that their folded kernels fit Lava's 8 bits.
    """
    rng = np.random.default_rng(2)
    weights: list[Weights] = [
        Convolution(even(rng, -20, 30, (8, 1, 5, 5))),
        Convolution(even(rng, -20, 24, (16, 8, 5, 5))),
        Dense(even(rng, -60, 70, (10, 256))),
    ]
    x = (rng.random((steps, MAX_BATCH, 1, 28, 28)) < 0.1).astype(np.uint8)
    return layered("cnn", x, weights, [(8, 12, 12), (16, 4, 4), (10,)], [300, 800, 800])


def random(
    neurons: int = 1000, fan: int = 100, threshold: int = 1000, steps: int = 1000
) -> Network:
    """Give neurons driven by their biases, each with ``fan`` synapses to others.

    Its targets are one of each of ``fan`` stretches of neurons, moved on by a random number.
    """
    rng = np.random.default_rng(3)
    stretch = neurons // fan
    target = np.arange(fan) * stretch + rng.integers(0, stretch, (neurons, fan))
    target = (target + rng.integers(0, neurons, (neurons, 1))) % neurons
    weight = even(rng, -40, 40, (neurons, fan))
    bias = rng.integers(1500, 4000, neurons).astype(np.int32)
    population = Population("neurons", (neurons,), 40, threshold, bias)
    weights = Sparse(np.sort(target, axis=1).astype(np.int32), weight)
    return Network(f"{neurons} neurons", None, (population,), (weights,), steps)


KINDS: dict[str, Callable[..., Network]] = {"mlp": mlp, "cnn": cnn, "random": random}
SPECS = {
    "mlp": "mlp",
    "cnn": "cnn",
    "recurrent": "random:neurons=1000",
    "sparse-10k": "random:neurons=10000",
    "sparse-100k": "random:neurons=100000,steps=200",
}
"""The networks of the table, each written as ``network`` reads it."""


def network(spec: str) -> Network:
    """Make the network of ``spec``: a key of ``SPECS``, or a kind and numbers as they stand there.

    Raises:
        KeyError: There is no such network.
    """
    kind, _, numbers = SPECS.get(spec, spec).partition(":")
    pairs = (number.partition("=") for number in numbers.split(",") if number)
    return KINDS[kind](**{name: int(value) for name, _, value in pairs})
