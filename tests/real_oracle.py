"""A second reading of ``compiler/network.py``: one value at a time, in plain loops.

Nothing here is shared with the executor or with the compiler's passes: what a projection gives is
computed by walking over the elements, neurons one operation after the other. Numbers are of a type
that the caller names:

* ``np.float32``: every operation is rounded, in the order of the equations, as frameworks compute.
  The order in which a projection adds up products is the executor's own business, so it is asked
  only where none is rounded: a sum that float32 does not hold is an ``Inexact``.
* ``float``: Python's own, in place of real numbers, to compare with what a pass makes of a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
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

Real = Callable[[Any], Any]
"""``np.float32`` or ``float``."""
Row = list[Any]
"""One number a neuron, or a value in C order."""
FIELDS = (
    "decay",
    "current_decay",
    "gain",
    "leak",
    "initial",
    "threshold",
    "reset_value",
    "spike",
)


class Inexact(Exception):
    """A sum of a projection is rounded, so its order would matter."""


@dataclass
class Neuron:
    """One neuron: its parameters by name, and what it remembers."""

    p: Population
    n: dict[str, Any]
    real: Real
    v: Any
    u: Any
    rest: int = 0

    def step(self, currents: Row) -> int:
        """Take up the currents of a step, one after the other, and give 1 for a spike."""
        was = self.v
        spike = self._step(currents) if self.p.spiking else self._integrate(currents)
        if self.rest > 0:
            self.v, spike = was, 0
        self.rest = self.p.refractory if spike else max(self.rest - 1, 0)
        return spike

    def _step(self, currents: Row) -> int:
        """The equations of ``network.Reset``."""
        real, theta, reset = self.real, self.n["threshold"], str(self.p.reset)
        fires = ge if self.p.inclusive else gt
        r = real(fires(self.v, theta))
        if reset == "zero-delayed" and r:
            self.v = real(0)
        self._integrate(currents)
        if reset in ("subtract-delayed", "subtract-retest"):
            self.v = real(self.v - real(r * theta))
        if reset == "zero-next" and r:
            self.v = real(0)
        v, s = self.v, real(fires(self.v, theta))
        after = {
            "zero": real(0) if s else v,
            "value": self.n["reset_value"] if s else v,
            "subtract": real(v - real(s * theta)),
            "subtract-retest": real(v - real(real(s - r) * theta)),
        }
        self.v = after.get(reset, v)
        return int(s)

    def _integrate(self, currents: Row) -> int:
        """The equations of ``network.Integration``."""
        real, decay, of_current = self.real, self.n["decay"], self.n["current_decay"]
        inputs = [real(self.n["gain"] * c) for c in currents]
        integration = str(self.p.integration)
        if integration == "current-decay":
            self.u = _added(real, real(of_current * self.u), inputs)
            self.v = real(real(decay * self.v) + self.u)
        elif integration == "current-euler":
            self.u = _added(real, self.u, inputs)
            self.v = real(self.v + real(decay * real(real(self.n["leak"] - self.v) + self.u)))
            self.u = real(self.u - real(of_current * self.u))
        elif integration == "leak-euler":
            above = real(real(self.n["leak"] - self.v) + _added(real, real(0), inputs))
            self.v = real(self.v + real(decay * above))
        elif integration == "euler":
            above = real(real(_added(real, real(0), inputs) + self.n["leak"]) - self.v)
            self.v = real(self.v + real(decay * above))
        else:
            self.v = _added(real, real(decay * self.v), inputs)
        return 0


def _added(real: Real, start: Any, values: Row) -> Any:
    for value in values:
        start = real(start + value)
    return start


class Oracle:
    """Runs one sample.

    Attributes:
        v: Potentials after each step, one list a population.
        u: Synaptic currents.
        spikes: 0 or 1.
    """

    def __init__(
        self, network: Network, inputs: Mapping[str, npt.NDArray[Any]], real: Real = np.float32
    ) -> None:
        self.network, self.real = network, real
        self.v: dict[str, list[Row]] = {p.name: [] for p in network.populations}
        self.u: dict[str, list[Row]] = {p.name: [] for p in network.populations}
        self.spikes: dict[str, list[list[int]]] = {p.name: [] for p in network.populations}
        self._steps = len(next(iter(inputs.values())))
        self._shapes = network.shapes
        self._sent = {n: [list(map(real, row)) for row in x.tolist()] for n, x in inputs.items()}
        self._sent |= {p.name: [] for p in network.populations}
        self._neurons = {p.name: self._neurons_of(p) for p in network.populations}

    def _neurons_of(self, p: Population) -> list[Neuron]:
        numbers = [{f: self.real(getattr(p, f)[i]) for f in FIELDS} for i in range(p.size)]
        return [Neuron(p, n, self.real, n["initial"], self.real(0)) for n in numbers]

    def run(self) -> Oracle:
        """Go through all steps."""
        for t in range(self._steps):
            for p in self.network.populations:
                arriving = [self._through(q, t) for q in self.network.incoming(p.name)]
                neurons = self._neurons[p.name]
                s = [neuron.step([a[i] for a in arriving]) for i, neuron in enumerate(neurons)]
                self.spikes[p.name].append(s)
                self.v[p.name].append([n.v for n in neurons])
                self.u[p.name].append([n.u for n in neurons])
                sizes = [self.real(k * n.n["spike"]) for k, n in zip(s, neurons, strict=True)]
                self._sent[p.name].append(sizes if p.spiking else self.v[p.name][t])
        return self

    def _through(self, q: Projection, t: int) -> Row:
        shape, value = self._shapes[q.source], self._value(q.source, t - q.delay)
        for operator in q.operators:
            value = applied(operator, value, shape, self.real)
            shape = operator.result_shape(shape)
        return value

    def _value(self, name: str, t: int) -> Row:
        """Give what ``name`` sends at step ``t``; before the first, nothing but biases of sums."""
        if name in self._sent:
            return self._sent[name][t] if t >= 0 else [self.real(0)] * prod(self._shapes[name])
        total, *others = [self._through(q, t) for q in self.network.incoming(name)]
        for current in others:
            total = [self.real(a + b) for a, b in zip(total, current, strict=True)]
        return total


def applied(operator: Operator, x: Row, shape: tuple[int, ...], real: Real) -> Row:
    """Give what ``operator`` makes of one value ``x`` of ``shape``."""
    values = list(map(float, x))
    match operator:
        case Dense():
            rows = zip(operator.weight.tolist(), operator.bias.tolist(), strict=True)
            sums = [sum(w * n for w, n in zip(row, values, strict=True)) + b for row, b in rows]
        case Scaling():
            factor = np.broadcast_to(operator.factor, shape).ravel().tolist()
            shift = np.broadcast_to(operator.shift, shape).ravel().tolist()
            sums = [n * a + b for n, a, b in zip(values, factor, shift, strict=True)]
        case Convolution():
            sums = list(_convolved(operator, _planes(values, shape), shape[1:]))
        case _:
            over = max if isinstance(operator, MaxPooling) else sum
            under = [
                [n for _, n in seen]
                for plane in _planes(values, shape)
                for seen in _windows(operator.window, plane, shape[1:])
            ]
            sums = [float(over(seen)) for seen in under]
    results = _exact(sums, real)
    if isinstance(operator, AveragePooling):
        result = operator.result_shape(shape)
        for divisor in operator.divisors:
            by = np.broadcast_to(divisor, result).ravel().tolist()
            results = [real(n / real(d)) for n, d in zip(results, by, strict=True)]
    return results


def _exact(sums: list[float], real: Real) -> Row:
    """Give ``sums`` as they are.

    Raises:
        Inexact: One is rounded.
    """
    results = list(map(real, sums))
    if any(float(r) != s for r, s in zip(results, sums, strict=True)):
        raise Inexact
    return results


def _planes(values: list[float], shape: tuple[int, ...]) -> list[list[float]]:
    """Cut a value into its channels."""
    size = prod(shape[1:])
    return [values[i * size : (i + 1) * size] for i in range(shape[0])]


def _convolved(
    operator: Convolution, planes: list[list[float]], extent: tuple[int, ...]
) -> Iterator[float]:
    each = len(operator.weight) // operator.groups
    for channel, (kernels, bias) in enumerate(
        zip(operator.weight, operator.bias.tolist(), strict=True)
    ):
        first = channel // each * len(kernels)
        seen = [_windows(operator.window, plane, extent) for plane in planes[first:]]
        for at_position in zip(*seen[: len(kernels)], strict=True):
            products = (
                float(kernel[element]) * value
                for kernel, under in zip(kernels, at_position, strict=True)
                for element, value in under
            )
            yield sum(products) + bias


def _windows(
    window: Window, plane: list[float], extent: tuple[int, ...]
) -> Iterator[list[tuple[tuple[int, ...], float]]]:
    """Give position by position, in order, what lies under the window without the padding."""
    values = dict(zip(product(*map(range, extent)), plane, strict=True))
    axes = list(zip(window.stride, window.dilation, window.padding, strict=True))
    for position in product(*(range(n) for n in _counts(window, extent))):
        under: list[tuple[tuple[int, ...], float]] = []
        for element in product(*map(range, window.kernel)):
            at = tuple(
                i * s - before + k * d
                for i, k, (s, d, (before, _)) in zip(position, element, axes, strict=True)
            )
            if at in values:
                under.append((element, values[at]))
        yield under


def _counts(window: Window, extent: tuple[int, ...]) -> list[int]:
    axes = zip(extent, window.kernel, window.stride, window.padding, window.dilation, strict=True)
    return [(n + sum(pair) - d * (k - 1) - 1) // s + 1 for n, k, s, pair, d in axes]
