"""A second reading of the arithmetic: loops over Python's own integers, nothing of the package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork, FixedPopulation, FixedProjection
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    MaxPooling,
    SumPooling,
    Window,
)

Array = npt.NDArray[Any]
Index = tuple[int, ...]


class Neuron:
    """One neuron: its parameters, and what it remembers."""

    def __init__(self, p: FixedPopulation, i: int) -> None:
        self.p, self.i = p, i
        self.theta = int(p.threshold[i]) * 64
        self.u, self.v, self.pause = 0, int(p.initial[i]), 0

    def step(self, a: int) -> int:
        """Take up the synaptic input ``a`` and give what leaves: the spike, or v of a read-out."""
        p, i, reset = self.p, self.i, str(self.p.reset)
        r = int(p.spiking and self.v > self.theta)
        self.u = _decay(self.u, int(p.du[i]) + 1) + a * 64
        if self.u > 2**23:
            self.u -= 2**24
        elif self.u <= -(2**23):
            self.u += 2**24
        if self.pause:
            self.pause -= 1
            return 0
        v = _decay(self.v, int(p.dv[i])) + self.u + int(p.bias_mant[i]) * 2 ** int(p.bias_exp[i])
        if reset in ("subtract-delayed", "subtract-retest"):
            v -= r * self.theta
        v = min(max(v, 1 - 2**23), 2**23 - 1)
        if reset == "zero-next" and r:
            v = 0
        s = int(p.spiking and v > self.theta)
        if reset == "zero" and s:
            v = 0
        if reset == "subtract":
            v -= s * self.theta
        if reset == "subtract-retest":
            v -= (s - r) * self.theta
        self.v = v
        if s:
            self.pause = p.refractory
        return s if p.spiking else v


def _decay(x: int, d: int) -> int:
    size = abs(x) * (4096 - d) // 4096
    return size if x > 0 else -size


def run(network: FixedNetwork, inputs: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """Give spikes, u and v of every population in hardware time, ``[steps, batch, n]``."""
    steps, batch = next(iter(inputs.values())).shape[:2]
    total = steps + max(p.lag for p in network.populations)
    sizes = {p.name: p.size for p in network.populations}
    signals = {
        s: {name: np.zeros((total, batch, n), np.int64) for name, n in sizes.items()}
        for s in ("spikes", "u", "v")
    }
    for b in range(batch):
        sent: dict[str, list[list[int]]] = {n: x[:, b].tolist() for n, x in inputs.items()}
        sent |= {name: [] for name in sizes}
        neurons = {p.name: [Neuron(p, i) for i in range(p.size)] for p in network.populations}
        for t in range(total):
            for p in network.populations:
                if not p.lag <= t < p.lag + steps:
                    sent[p.name].append([0] * p.size)
                    continue
                a = [0] * p.size
                for q in network.projections:
                    if q.target == p.name and 0 <= t - q.delay < len(sent[q.source]):
                        x = sent[q.source][t - q.delay]
                        a = [i + j for i, j in zip(a, arriving(network, q, x), strict=True)]
                group = neurons[p.name]
                out = [n.step(i) for n, i in zip(group, a, strict=True)]
                sent[p.name].append(out)
                signals["spikes"][p.name][t, b] = out if p.spiking else 0
                signals["u"][p.name][t, b] = [n.u for n in group]
                signals["v"][p.name][t, b] = [n.v for n in group]
    return signals


def arriving(network: FixedNetwork, q: FixedProjection, x: list[int]) -> list[int]:
    """Give the synaptic input that ``x`` becomes."""
    shape = network.shapes[q.source]
    value = dict(zip(_indices(shape), x, strict=True))
    for operator in q.operators:
        value, shape = apply(operator, value, shape)
    e = q.weight_exp
    return [y * 2**e if e >= 0 else y // 2**-e for y in value.values()]


def apply(
    operator: FixedOperator, x: dict[Index, int], shape: Index
) -> tuple[dict[Index, int], Index]:
    """Give what an operator makes of a value, element by element, in C order."""
    out = operator.result_shape(shape)
    y: dict[Index, int] = {}
    flat = list(x.values())
    for position, index in enumerate(_indices(out)):
        match operator:
            case FixedDense(weight=w):
                y[index] = sum(a * b for a, b in zip(w[index[0]].tolist(), flat, strict=True))
            case FixedScaling(weight=w):
                y[index] = int(w[position]) * flat[position]
            case SumPooling(window=window):
                y[index] = sum(x.get((index[0], *i), 0) for _, i in _under(window, index[1:]))
            case MaxPooling(window=window):
                under = [(index[0], *i) for _, i in _under(window, index[1:])]
                y[index] = max(x[i] for i in under if i in x)
            case FixedConvolution(weight=w, window=window, groups=groups):
                first = index[0] // (w.shape[0] // groups) * w.shape[1]
                y[index] = sum(
                    int(w[(index[0], c, *k)]) * x.get((first + c, *i), 0)
                    for c in range(w.shape[1])
                    for k, i in _under(window, index[1:])
                )
    return y, out


def _indices(shape: Index) -> Iterator[Index]:
    return product(*map(range, shape))


def _under(window: Window, position: Index) -> Iterator[tuple[Index, Index]]:
    """Yield each element of the kernel with the place under it, padding included."""
    assert prod(window.kernel)
    for k in _indices(window.kernel):
        yield (
            k,
            tuple(
                p * s + j * d - before
                for p, s, j, d, (before, _) in zip(
                    position, window.stride, k, window.dilation, window.padding, strict=True
                )
            ),
        )
