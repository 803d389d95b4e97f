"""A second reading of ``compiler/network.py``: one neuron at a time, in Python's own floats.

For comparison with what the compiler makes of a network: no order of sums, no float32, no NumPy
arithmetic, no helper of the package.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy.typing as npt

from snnc.compiler.network import Network, Population, Projection
from snnc.compiler.operators import (
    AveragePooling,
    Convolution,
    Dense,
    MaxPooling,
    Operator,
    Scaling,
    SumPooling,
    Window,
)

Place = tuple[int, ...]
Value = dict[Place, float]
"""A number at each place, in C order."""
Row = list[float]


@dataclass
class Signals:
    """What every population did: a row of numbers for each step."""

    spikes: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    v: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])


@dataclass
class Neuron:
    """One neuron: its parameters by name, and what it remembers."""

    p: dict[str, float]
    integration: str
    reset: str
    refractory: int
    spiking: bool
    v: float
    i: float = 0.0
    rho: int = 0

    def step(self, arriving: float) -> float:
        """Take up the current of a step and give 1 for a spike."""
        p, was = self.p, self.v
        theta = p["threshold"] if self.spiking else float("inf")
        r = self.v > theta
        if self.reset == "zero-delayed" and r:
            self.v = 0.0
        self._integrate(p["gain"] * arriving)
        if self.reset in ("subtract-delayed", "subtract-retest") and r:
            self.v -= theta
        if self.reset == "zero-next" and r:
            self.v = 0.0
        s = self.v > theta
        self._reset(theta, r, s)
        if self.rho > 0:
            self.v, self.rho = was, self.rho - 1
            return 0.0
        self.rho = self.refractory if s else 0
        return float(s)

    def _integrate(self, current: float) -> None:
        p = self.p
        if self.integration == "decay":
            self.v = p["decay"] * self.v + current
        elif self.integration in ("euler", "leak-euler"):
            self.v += p["decay"] * (current + p["leak"] - self.v)
        elif self.integration == "current-decay":
            self.i = p["current_decay"] * self.i + current
            self.v = p["decay"] * self.v + self.i
        else:
            self.i += current
            self.v += p["decay"] * (p["leak"] - self.v + self.i)
            self.i -= p["current_decay"] * self.i

    def _reset(self, theta: float, r: bool, s: bool) -> None:
        if self.reset == "subtract-retest":
            self.v -= (s - r) * theta if s != r else 0.0
        elif s and self.reset == "zero":
            self.v = 0.0
        elif s and self.reset == "value":
            self.v = self.p["reset_value"]
        elif s and self.reset == "subtract":
            self.v -= theta


FIELDS = ("decay", "current_decay", "gain", "leak", "threshold", "reset_value", "initial")


def run(network: Network, inputs: dict[str, npt.NDArray[Any]]) -> Signals:
    """Execute ``network`` on one sample, ``[steps, n]`` of each input."""
    sent: dict[str, list[Row]] = {name: x.tolist() for name, x in inputs.items()}
    sent |= {j.name: [] for j in network.junctions} | {p.name: [] for p in network.populations}
    neurons = {p.name: _neurons(p) for p in network.populations}
    signals = Signals()
    for p in network.populations:
        signals.spikes[p.name], signals.v[p.name] = [], []
    shapes = network.shapes
    waiting = [*network.junctions, *network.populations]
    for t in range(len(next(iter(sent.values())))):
        done = {i.name for i in network.inputs}
        for place in _evaluated(network, waiting, done):
            arriving = [0.0] * place.size
            for q in network.projections:
                if q.target == place.name:
                    rest = _at_rest(network, q.source)
                    row = _delivered(q, sent[q.source], shapes[q.source], t, rest)
                    arriving = [a + b for a, b in zip(arriving, row, strict=True)]
            if isinstance(place, Population):
                group = neurons[place.name]
                spikes = [n.step(a) for n, a in zip(group, arriving, strict=True)]
                signals.spikes[place.name].append(spikes)
                signals.v[place.name].append([n.v for n in group])
                arriving = [s * float(k) for s, k in zip(spikes, place.spike, strict=True)]
            sent[place.name].append(arriving)
    return signals


def _evaluated(network: Network, waiting: list[Any], done: set[str]) -> Iterator[Any]:
    """Give the places, each after those that it depends on within the step."""
    left = list(waiting)
    while left:
        ready = [
            place
            for place in left
            if all(
                q.source in done
                for q in network.projections
                if q.target == place.name and q.delay == 0
            )
        ]
        for place in ready:
            yield place
            done.add(place.name)
            left.remove(place)


def _neurons(p: Population) -> list[Neuron]:
    return [
        Neuron(
            p={name: float(getattr(p, name)[i]) for name in FIELDS},
            integration=str(p.integration),
            reset=str(p.reset) if p.spiking else "none",
            refractory=p.refractory,
            spiking=p.spiking,
            v=float(p.initial[i]),
        )
        for i in range(p.size)
    ]


def _at_rest(network: Network, name: str) -> Row:
    """Give what is sent before the first step: the biases of sums, and else nothing."""
    shapes = network.shapes
    total = [0.0] * len(list(product(*map(range, shapes[name]))))
    for q in network.projections:
        if q.target == name and name in {j.name for j in network.junctions}:
            rest = _at_rest(network, q.source)
            row = _delivered(q, [], shapes[q.source], -1, rest)
            total = [a + b for a, b in zip(total, row, strict=True)]
    return total


def _delivered(q: Projection, rows: list[Row], shape: Place, t: int, rest: Row) -> Row:
    row = rows[t - q.delay] if t >= q.delay else rest
    x: Value = dict(zip(product(*map(range, shape)), row, strict=True))
    for operator in q.operators:
        x = _operated(operator, x)
    return list(x.values())


def _operated(operator: Operator, x: Value) -> Value:
    if isinstance(operator, Dense):
        flat = list(x.values())
        rows = zip(operator.weight.tolist(), operator.bias.tolist(), strict=True)
        sums = [sum(w * v for w, v in zip(row, flat, strict=True)) + b for row, b in rows]
        return {(i,): total for i, total in enumerate(sums)}
    if isinstance(operator, Scaling):
        return {
            place: _at(operator.factor, place) * v + _at(operator.shift, place)
            for place, v in x.items()
        }
    shape = tuple(1 + max(axis) for axis in zip(*x, strict=True))
    counts = _counts(operator.window, shape[1:])
    channels = operator.weight.shape[0] if isinstance(operator, Convolution) else shape[0]
    places = product(range(channels), *map(range, counts))
    return {place: _element(operator, x, place) for place in places}


def _element(operator: Operator, x: Value, place: Place) -> float:
    c, where = place[0], place[1:]
    if isinstance(operator, Convolution):
        c_out, n = operator.weight.shape[:2]
        first = c // (c_out // operator.groups) * n
        return float(operator.bias[c]) + sum(
            float(operator.weight[(c, k, *e)]) * v
            for k in range(n)
            for e, v in _under(operator.window, x, first + k, where)
        )
    if isinstance(operator, SumPooling | MaxPooling | AveragePooling):
        seen = [v for _, v in _under(operator.window, x, c, where)]
        if isinstance(operator, MaxPooling):
            return max(seen)
        total = sum(seen)
        if isinstance(operator, AveragePooling):
            for divisor in operator.divisors:
                total /= _at(divisor, place)
        return total
    raise TypeError(operator)


def _under(window: Window, x: Value, c: int, where: Place) -> Iterator[tuple[Place, float]]:
    """Give what lies under the window, without the padding."""
    for element in product(*map(range, window.kernel)):
        at = tuple(
            p * s - pair[0] + e * d
            for p, s, pair, e, d in zip(
                where, window.stride, window.padding, element, window.dilation, strict=True
            )
        )
        if (c, *at) in x:
            yield element, x[c, *at]


def _counts(window: Window, shape: Place) -> Place:
    axes = zip(shape, window.kernel, window.stride, window.padding, window.dilation, strict=True)
    return tuple((n + sum(pair) - d * (k - 1) - 1) // s + 1 for n, k, s, pair, d in axes)


def _at(array: npt.NDArray[Any], place: Place) -> float:
    """Give the element that broadcasting puts at ``place``."""
    own = place[len(place) - array.ndim :]
    return float(array[tuple(min(i, n - 1) for i, n in zip(own, array.shape, strict=True))])
