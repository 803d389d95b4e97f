"""A second reading of ``compiler/network.py``: one value at a time, in plain loops.

Nothing here is shared with the executor: what a projection gives is computed by walking over the
elements, neurons one float32 operation after the other. The order in which a projection adds up
products is the executor's own business, so it is asked only where none is rounded: sums are taken
in Python's floats, and one that float32 does not hold is an ``Inexact``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from operator import ge, gt
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.network import Network, Population, Projection
from snnc.compiler.operators import (
    AveragePooling,
    Convolution,
    Dense,
    MaxPooling,
    Operator,
    Scaling,
    Window,
)

F = np.float32
Values = npt.NDArray[Any]


class Inexact(Exception):
    """A sum of a projection is rounded in float32, so its order would matter."""


def exact(values: list[Any]) -> Values:
    """Give ``values``, none of them rounded, as float32.

    Raises:
        Inexact: One is rounded.
    """
    wide = np.array(values, np.float64)
    if (wide.astype(F) != wide).any():
        raise Inexact
    return wide.astype(F)


class Oracle:
    """Runs one sample.

    Attributes:
        v: Potentials after each step, one list a population.
        u: Synaptic currents.
        spikes: 0 or 1.
    """

    def __init__(self, network: Network, inputs: Mapping[str, Values]) -> None:
        self.network = network
        self.v: dict[str, list[list[F]]] = {p.name: [] for p in network.populations}
        self.u: dict[str, list[list[F]]] = {p.name: [] for p in network.populations}
        self.spikes: dict[str, list[list[int]]] = {p.name: [] for p in network.populations}
        self._inputs = inputs
        self._rest = {p.name: [0] * p.size for p in network.populations}

    def run(self) -> Oracle:
        """Go through all steps."""
        for t in range(len(next(iter(self._inputs.values())))):
            for p in self.network.populations:
                self._step(p, t)
        return self

    def _step(self, p: Population, t: int) -> None:
        arriving = [self._through(q, t) for q in self.network.incoming(p.name)]
        before_v = self.v[p.name][-1] if t else list(p.initial)
        before_u = self.u[p.name][-1] if t else [F(0)] * p.size
        v: list[F] = []
        u: list[F] = []
        spikes: list[int] = []
        for i in range(p.size):
            currents = [F(a.flat[i]) for a in arriving]
            after, current, s = neuron(p, i, before_v[i], before_u[i], currents)
            rest = self._rest[p.name]
            if rest[i] > 0:
                after, s = before_v[i], 0
            rest[i] = p.refractory if s else max(rest[i] - 1, 0)
            v.append(after)
            u.append(current)
            spikes.append(s)
        self.v[p.name].append(v)
        self.u[p.name].append(u)
        self.spikes[p.name].append(spikes)

    def _through(self, q: Projection, t: int) -> Values:
        value = self._sent(q.source, t - q.delay).reshape(self.network.shapes[q.source])
        for operator in q.operators:
            value = applied(operator, value)
        return value

    def _sent(self, name: str, t: int) -> Values:
        if name in self._inputs:
            return np.asarray(self._inputs[name][max(t, 0)] * (t >= 0), F)
        if name in self.v:
            p = self.network.population(name)
            if t < 0:
                return np.zeros(p.size, F)
            if not p.spiking:
                return np.array(self.v[name][t], F)
            return np.array([s * g for s, g in zip(self.spikes[name][t], p.spike, strict=True)], F)
        arriving = [self._through(q, t) for q in self.network.incoming(name)]
        total = arriving[0].ravel()
        for current in arriving[1:]:
            total = np.array([F(a + b) for a, b in zip(total, current.ravel(), strict=True)], F)
        return total


def applied(operator: Operator, x: Values) -> Values:
    """Give what ``operator`` makes of one value ``x``."""
    match operator:
        case Dense():
            flat = [float(n) for n in x.ravel()]
            rows = zip(operator.weight.tolist(), operator.bias.tolist(), strict=True)
            return exact(
                [sum(w * n for w, n in zip(row, flat, strict=True)) + bias for row, bias in rows]
            )
        case Scaling():
            factor = np.broadcast_to(operator.factor, x.shape).ravel().tolist()
            shift = np.broadcast_to(operator.shift, x.shape).ravel().tolist()
            parts = zip(x.ravel().tolist(), factor, shift, strict=True)
            return exact([n * a + b for n, a, b in parts]).reshape(x.shape)
        case Convolution():
            return _convolved(operator, x)
        case _:
            return _pooled(operator, x)


def _convolved(operator: Convolution, x: Values) -> Values:
    c_out, each = len(operator.weight), len(operator.weight) // operator.groups
    rows: list[list[float]] = []
    for channel in range(c_out):
        first = channel // each * operator.weight.shape[1]
        kernels = operator.weight[channel]
        parts = [
            [
                sum(float(w) * n for w, n in zip(kernel.ravel(), under, strict=True))
                for under in _under(operator.window, x[first + i], 0.0)
            ]
            for i, kernel in enumerate(kernels)
        ]
        sums = [sum(column) for column in zip(*parts, strict=True)]
        rows.append([total + float(operator.bias[channel]) for total in sums])
    return exact(rows).reshape(c_out, *operator.window.positions(x.shape[1:]))


def _pooled(operator: Any, x: Values) -> Values:
    largest = isinstance(operator, MaxPooling)
    padding = float("-inf") if largest else 0.0
    pooled = [
        [max(under) if largest else sum(under) for under in _under(operator.window, plane, padding)]
        for plane in x
    ]
    result = exact(pooled).reshape(len(x), *operator.window.positions(x.shape[1:]))
    if isinstance(operator, AveragePooling):
        for divisor in operator.divisors:
            result = result / np.broadcast_to(divisor, result.shape[1:])
    return result


def _under(window: Window, plane: Values, padding: float) -> Iterator[list[float]]:
    """Give the elements of ``plane`` under the window, position by position, in order."""
    for position in product(*map(range, window.positions(plane.shape))):
        elements: list[float] = []
        for place in product(*map(range, window.kernel)):
            at = [
                i * s - before + k * d
                for i, k, s, d, (before, _) in zip(
                    position, place, window.stride, window.dilation, window.padding, strict=True
                )
            ]
            inside = all(0 <= a < n for a, n in zip(at, plane.shape, strict=True))
            elements.append(float(plane[tuple(at)]) if inside else padding)
        yield elements


def neuron(p: Population, i: int, v: F, u: F, currents: list[F]) -> tuple[F, F, int]:
    """The equations of ``network.Reset`` and ``network.Integration``, one float32 at a time."""
    theta = p.threshold[i]
    fires = ge if p.inclusive else gt
    r = F(p.spiking and fires(v, theta))
    if p.reset == "zero-delayed" and r:
        v = F(0)
    v, u = integrated(p, i, v, u, currents)
    if not p.spiking:
        return v, u, 0
    if p.reset in ("subtract-delayed", "subtract-retest"):
        v = F(v - F(r * theta))
    if p.reset == "zero-next" and r:
        v = F(0)
    s = F(fires(v, theta))
    after = {
        "zero": F(0) if s else v,
        "value": p.reset_value[i] if s else v,
        "subtract": F(v - F(s * theta)),
        "subtract-retest": F(v - F(F(s - r) * theta)),
    }
    return after.get(p.reset, v), u, int(s)


def _above(p: Population, i: int, v: F, currents: list[F]) -> F:
    """Give what ``v`` goes towards, less ``v``."""
    total = F(0)
    for c in currents:
        total = F(total + F(p.gain[i] * c))
    if p.integration == "leak-euler":
        return F(F(p.leak[i] - v) + total)
    return F(F(total + p.leak[i]) - v)


def integrated(p: Population, i: int, v: F, u: F, currents: list[F]) -> tuple[F, F]:
    """Give potential and current after the input."""
    decay, gain, of_current = p.decay[i], p.gain[i], p.current_decay[i]
    if p.integration.has_current:
        if p.integration == "current-decay":
            u = F(of_current * u)
        for c in currents:
            u = F(u + F(gain * c))
        if p.integration == "current-decay":
            return F(F(decay * v) + u), u
        v = F(v + F(decay * F(F(p.leak[i] - v) + u)))
        return v, F(u - F(of_current * u))
    if p.integration in ("euler", "leak-euler"):
        return F(v + F(decay * _above(p, i, v, currents))), u
    v = F(decay * v)
    for c in currents:
        v = F(v + F(gain * c))
    return v, u
