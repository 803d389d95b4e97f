"""A second reading of ``docs/arithmetic.md``: one neuron at a time, in Python's own integers.

Nothing here is shared with the executors: no NumPy arithmetic, no helper of the package. Equation
numbers are those of the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork, FixedPopulation, FixedProjection
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    SumPooling,
    Window,
)

Steps = list[list[list[int]]]
"""One integer for each hardware step, sample and neuron."""


@dataclass
class Signals:
    """What every population did, in hardware time."""

    spikes: dict[str, Steps] = field(default_factory=dict[str, Steps])
    u: dict[str, Steps] = field(default_factory=dict[str, Steps])
    v: dict[str, Steps] = field(default_factory=dict[str, Steps])


@dataclass(frozen=True)
class Value:
    """What is sent at one step: an integer at each place, in C order."""

    shape: tuple[int, ...]
    at: dict[tuple[int, ...], int]


@dataclass
class Neuron:
    """One neuron: its parameters, and what it remembers; ``theta`` is None of a read-out."""

    du: int
    dv: int
    theta: int | None
    bias: int
    reset: str
    refractory: int
    v: int
    u: int = 0
    rho: int = 0

    def step(self, a: int) -> int:
        """Take up the synaptic input ``a`` and give the spike: equations 2 to 7."""
        theta, was = self.theta, self.v
        spike = self._step(a, 2**99 if theta is None else theta)
        if self.rho > 0:
            self.v, self.rho = was, self.rho - 1
            return 0
        if spike:
            self.rho = self.refractory
        return spike

    def _step(self, a: int, theta: int) -> int:
        r = int(self.v > theta)
        self.u = _decay(self.u, self.du + 1) + a * 64
        if self.u > 2**23:
            self.u -= 2**24
        elif self.u <= -(2**23):
            self.u += 2**24
        d = r if self.reset in ("subtract-delayed", "subtract-retest") else 0
        v = _decay(self.v, self.dv) + self.u + self.bias - d * theta
        v = min(max(v, -(2**23 - 1)), 2**23 - 1)
        if self.reset == "zero-next" and r:
            v = 0
        s = int(v > theta)
        if self.reset == "zero" and s:
            v = 0
        if self.reset == "subtract":
            v -= s * theta
        if self.reset == "subtract-retest":
            v -= (s - r) * theta
        self.v = v
        return s


def run(network: FixedNetwork, inputs: Mapping[str, npt.NDArray[Any]]) -> Signals:
    """Execute ``network`` on ``[steps, batch, n]`` integers for ``steps + latency`` steps."""
    given: dict[str, Steps] = {name: x.tolist() for name, x in inputs.items()}
    samples = [
        _run_sample(network, {n: [step[b] for step in x] for n, x in given.items()})
        for b in range(len(next(iter(given.values()))[0]))
    ]
    joined = Signals()
    for p in network.populations:
        for signal in ("spikes", "u", "v"):
            parts = [getattr(sample, signal)[p.name] for sample in samples]
            getattr(joined, signal)[p.name] = [list(step) for step in zip(*parts, strict=True)]
    return joined


@dataclass
class _Sample:
    spikes: dict[str, list[list[int]]] = field(default_factory=dict[str, list[list[int]]])
    u: dict[str, list[list[int]]] = field(default_factory=dict[str, list[list[int]]])
    v: dict[str, list[list[int]]] = field(default_factory=dict[str, list[list[int]]])


def _run_sample(network: FixedNetwork, inputs: dict[str, list[list[int]]]) -> _Sample:
    steps = len(next(iter(inputs.values())))
    hardware_steps = steps + max((p.lag for p in network.populations), default=0)
    recorded = _Sample()
    for p in network.populations:
        recorded.spikes[p.name], recorded.u[p.name], recorded.v[p.name] = [], [], []
    neurons = {p.name: _neurons(p) for p in network.populations}
    shapes = {i.name: i.shape for i in network.inputs}
    shapes |= {p.name: p.shape for p in network.populations}
    shapes |= {a.name: a.shape for a in network.axons}
    for t in range(1, hardware_steps + 1):
        for p in network.populations:
            alive = 1 + p.lag <= t <= steps + p.lag
            spikes = [0] * p.size
            if alive:
                arriving = [
                    synaptic_input(
                        q,
                        _sent(network, q.source, t - q.delay, inputs | recorded.spikes),
                        shapes[q.source],
                    )
                    for q in network.projections
                    if q.target == p.name
                ]
                for i, neuron in enumerate(neurons[p.name]):
                    spikes[i] = neuron.step(sum(a[i] for a in arriving))
            recorded.spikes[p.name].append(spikes)
            recorded.u[p.name].append([n.u if alive else 0 for n in neurons[p.name]])
            recorded.v[p.name].append([n.v if alive else 0 for n in neurons[p.name]])
    return recorded


def _neurons(p: FixedPopulation) -> list[Neuron]:
    return [
        Neuron(
            du=int(p.du[i]),
            dv=int(p.dv[i]),
            theta=int(p.threshold[i]) * 64 if p.spiking else None,
            bias=int(p.bias_mant[i]) * 2 ** int(p.bias_exp[i]),
            reset=str(p.reset),
            refractory=p.refractory,
            v=int(p.initial[i]),
        )
        for i in range(p.size)
    ]


def _sent(
    network: FixedNetwork, name: str, when: int, sent: dict[str, list[list[int]]]
) -> list[int]:
    """Give what a source sent at hardware step ``when``, counted from 1."""
    for a in network.axons:
        if a.name == name:
            rows = [_sent(network, source, when, sent) for source in a.sources]
            return [rows[m][e] for m, e in zip(a.member.tolist(), a.element.tolist(), strict=True)]
    steps = sent[name]
    if 1 <= when <= len(steps):
        return steps[when - 1]
    sizes = {i.name: i.size for i in network.inputs} | {p.name: p.size for p in network.populations}
    return [0] * sizes[name]


def synaptic_input(q: FixedProjection, row: list[int], shape: tuple[int, ...]) -> list[int]:
    """Equation 1 for one projection and each neuron; ``>>`` of an int rounds down.

    Args:
        q: The projection.
        row: What its source sent, in C order.
        shape: Of the source.
    """
    x = Value(shape, dict(zip(product(*map(range, shape)), row, strict=True)))
    for operator in q.operators:
        x = _operated(operator, x)
    if q.weight_exp >= 0:
        return [total << q.weight_exp for total in x.at.values()]
    return [total >> -q.weight_exp for total in x.at.values()]


def _operated(operator: FixedOperator, x: Value) -> Value:
    if isinstance(operator, FixedDense):
        flat = list(x.at.values())
        rows = operator.weight.tolist()
        sums = [sum(w * value for w, value in zip(row, flat, strict=True)) for row in rows]
        return Value((len(sums),), {(i,): total for i, total in enumerate(sums)})
    if isinstance(operator, FixedSparse):
        return _listed(operator, x)
    if isinstance(operator, FixedScaling):
        weights = operator.weight.tolist()
        products = {place: w * x.at[place] for w, place in zip(weights, x.at, strict=True)}
        return Value(x.shape, products)
    counts = tuple(map(_count, x.shape[1:], *_axes(operator.window)))
    channels = x.shape[0]
    if isinstance(operator, FixedConvolution):
        channels = operator.weight.shape[0]
    at: dict[tuple[int, ...], int] = {}
    for c, *place in product(range(channels), *map(range, counts)):
        if isinstance(operator, FixedConvolution):
            at[c, *place] = _correlated(operator, x, c, place)
        else:
            seen = [value for _, value in _under(operator.window, x, c, place)]
            at[c, *place] = sum(seen) if isinstance(operator, SumPooling) else max(seen)
    return Value((channels, *counts), at)


def _listed(operator: FixedSparse, x: Value) -> Value:
    """Give the sum over the list of each source."""
    at: dict[tuple[int, ...], int] = {(i,): 0 for i in range(operator.n_out)}
    for j, value in enumerate(x.at.values()):
        for k in range(operator.begin[j], operator.begin[j + 1]):
            at[(int(operator.target[k]),)] += int(operator.weight[k]) * value
    return Value((operator.n_out,), at)


def _correlated(operator: FixedConvolution, x: Value, c: int, place: list[int]) -> int:
    """Give one element of a convolution: channel ``c`` sees the channels of its group alone."""
    c_out, n = operator.weight.shape[:2]
    first = c // (c_out // operator.groups) * n
    total = 0
    for k in range(n):
        for element, value in _under(operator.window, x, first + k, place):
            total += int(operator.weight[(c, k, *element)]) * value
    return total


def _under(
    window: Window, x: Value, c: int, place: list[int]
) -> Iterator[tuple[tuple[int, ...], int]]:
    """Give what lies under the window at ``place``, without the padding."""
    kernel, stride, padding, dilation = _axes(window)
    for element in product(*map(range, kernel)):
        where = tuple(
            p * s - pair[0] + e * d
            for p, s, pair, e, d in zip(place, stride, padding, element, dilation, strict=True)
        )
        if (c, *where) in x.at:
            yield element, x.at[c, *where]


def _axes(window: Window) -> tuple[Any, Any, Any, Any]:
    return window.kernel, window.stride, window.padding, window.dilation


def _count(n: int, kernel: int, stride: int, padding: tuple[int, int], dilation: int) -> int:
    """Count the positions of a window, one by one."""
    count, last = 0, dilation * (kernel - 1)
    while count * stride + last < n + sum(padding):
        count += 1
    return count


def _decay(x: int, d: int) -> int:
    """Equation 2."""
    size = abs(x) * (4096 - d) // 4096
    return size if x > 0 else -size


def as_arrays(signals: Signals) -> dict[str, dict[str, npt.NDArray[np.int64]]]:
    """Give ``spikes``, ``u`` and ``v`` of each population as arrays, for comparison."""
    return {
        s: {n: np.array(x, np.int64) for n, x in getattr(signals, s).items()}
        for s in ("spikes", "u", "v")
    }
