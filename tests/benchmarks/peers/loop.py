"""The networks in a plain loop over NumPy: what everybody else is compared with, bit for bit.

It shares no code with snnc. Where layers are dense or convolutional it multiplies matrices of
float32, which holds every sum exactly (all are below 2**24); where synapses are sparse it adds up
those of the neurons that have spiked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.benchmarks.peers.networks import (
    ALIGN,
    DECAY_ONE,
    INPUT,
    Array,
    Convolution,
    Dense,
    Network,
    Population,
    Sparse,
    Weights,
)

CLIP = 2**23 - 1
DECAY_BITS = 12


@dataclass(frozen=True, eq=False)
class Result:
    """What a run gave.

    Attributes:
        spikes: Of the last population, uint8, ``[steps, batch, n]``.
        means: Of the input and each population, spikes a neuron in each step.
    """

    spikes: Array
    means: dict[str, list[float]]

    @property
    def rates(self) -> dict[str, float]:
        """Spikes a neuron and step, by population."""
        return {name: sum(values) / len(values) for name, values in self.means.items()}


def decayed(v: Array, dv: int) -> Array:
    """Give ``v * (4096 - dv) / 4096``, rounded toward zero."""
    product = v * (DECAY_ONE - dv)
    return np.asarray(np.sign(product) * (np.abs(product) >> DECAY_BITS))


def step(p: Population, v: Array, arriving: Array) -> tuple[Array, Array]:
    """Give ``v`` and the spikes, bool, of one step; int64, ``[batch, n]``."""
    v = np.clip(decayed(v, p.dv) + ALIGN * arriving + p.bias, -CLIP, CLIP)
    spikes = v > ALIGN * p.threshold
    return np.where(spikes, 0, v), spikes


class Arriving:
    """What weights make of spikes, 0 or 1, ``[batch, n_in]``: int64, ``[batch, n_out]``."""

    def __init__(self, weights: Weights, shape: tuple[int, ...], n_out: int) -> None:
        self._weights, self._shape, self._n_out = weights, shape, n_out
        if isinstance(weights, Dense):
            self._matrix = weights.weight.T.astype(np.float32)
        elif isinstance(weights, Convolution):
            self._matrix = weights.folded().reshape(len(weights.weight), -1).T.astype(np.float32)
        else:
            self._values = weights.weight.astype(np.float64)

    def __call__(self, spikes: Array) -> Array:
        match self._weights:
            case Dense():
                return (spikes.astype(np.float32) @ self._matrix).astype(np.int64)
            case Convolution(weight):
                return self._convolved(spikes, weight.shape[2] + 1)
            case Sparse(target, _):
                where = np.flatnonzero(spikes)
                if not where.size:
                    return np.zeros((1, self._n_out), np.int64)
                sums = np.bincount(target[where].ravel(), self._values[where].ravel(), self._n_out)
                return sums.astype(np.int64)[None]

    def _convolved(self, spikes: Array, k: int) -> Array:
        x = spikes.reshape(-1, *self._shape).astype(np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))[:, :, ::2, ::2]
        batch, channels, h, w = windows.shape[:4]
        columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(batch * h * w, channels * k * k)
        y = (columns @ self._matrix).reshape(batch, h * w, -1)
        return y.transpose(0, 2, 1).reshape(batch, -1).astype(np.int64)


class Loop:
    """A network that is ready to run from rest, ``batch`` samples at once."""

    def __init__(self, network: Network, batch: int) -> None:
        self._network, self._batch = network, batch
        self.arriving = [
            Arriving(weights, shape, p.size)
            for weights, shape, p in zip(
                network.weights, network.shapes, network.populations, strict=True
            )
        ]

    def run(self) -> Result:
        """Run all steps."""
        net, batch = self._network, self._batch
        states = [np.zeros((batch, p.size), np.int64) for p in net.populations]
        means: dict[str, list[float]] = {p.name: [] for p in net.populations}
        if net.x is not None:
            means[INPUT] = net.x[:, :batch].reshape(net.steps, -1).mean(axis=1).tolist()
        last = np.zeros((net.steps, batch, net.populations[-1].size), np.uint8)
        for t in range(net.steps):
            spikes = last[t - 1] if net.x is None else net.x[t, :batch].reshape(batch, -1)
            for i, p in enumerate(net.populations):
                states[i], spikes = step(p, states[i], self.arriving[i](spikes))
                means[p.name].append(float(spikes.mean()))
            last[t] = spikes
        return Result(last, means)
