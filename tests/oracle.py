"""A second reading of ``docs/arithmetic.md``: one neuron at a time, in Python's own integers.

Nothing here is shared with the executors: no NumPy arithmetic, no helper of the package. Equation
numbers are those of the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork, FixedPopulation, FixedProjection

Steps = list[list[list[int]]]
"""One integer for each hardware step, sample and neuron."""


@dataclass
class Signals:
    """What every population did, in hardware time."""

    spikes: dict[str, Steps] = field(default_factory=dict[str, Steps])
    u: dict[str, Steps] = field(default_factory=dict[str, Steps])
    v: dict[str, Steps] = field(default_factory=dict[str, Steps])


@dataclass
class Neuron:
    """One neuron: its parameters, and what it remembers."""

    du: int
    dv: int
    theta: int
    bias: int
    reset: str
    u: int = 0
    v: int = 0

    def step(self, a: int) -> int:
        """Take up the synaptic input ``a`` and give the spike: equations 2 to 6."""
        r = int(self.v > self.theta)
        self.u = _decay(self.u, self.du + 1) + a * 64
        if self.u > 2**23:
            self.u -= 2**24
        elif self.u <= -(2**23):
            self.u += 2**24
        d = r if self.reset in ("subtract-delayed", "subtract-retest") else 0
        v = _decay(self.v, self.dv) + self.u + self.bias - d * self.theta
        v = min(max(v, -(2**23 - 1)), 2**23 - 1)
        if self.reset == "zero-next" and r:
            v = 0
        s = int(v > self.theta)
        if self.reset == "zero" and s:
            v = 0
        if self.reset == "subtract":
            v -= s * self.theta
        if self.reset == "subtract-retest":
            v -= (s - r) * self.theta
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
    for t in range(1, hardware_steps + 1):
        for p in network.populations:
            alive = 1 + p.lag <= t <= steps + p.lag
            spikes: list[int] = []
            for i, neuron in enumerate(neurons[p.name]):
                if not alive:
                    spikes.append(0)
                    continue
                a = sum(
                    _synaptic_input(q, i, _sent(q, t, inputs, recorded.spikes))
                    for q in network.projections
                    if q.target == p.name
                )
                spikes.append(neuron.step(a))
            recorded.spikes[p.name].append(spikes)
            recorded.u[p.name].append([n.u if alive else 0 for n in neurons[p.name]])
            recorded.v[p.name].append([n.v if alive else 0 for n in neurons[p.name]])
    return recorded


def _neurons(p: FixedPopulation) -> list[Neuron]:
    return [
        Neuron(
            du=int(p.du[i]),
            dv=int(p.dv[i]),
            theta=int(p.threshold[i]) * 64,
            bias=int(p.bias_mant[i]) * 2 ** int(p.bias_exp[i]),
            reset=str(p.reset),
        )
        for i in range(p.size)
    ]


def _sent(
    q: FixedProjection,
    t: int,
    inputs: dict[str, list[list[int]]],
    spikes: dict[str, list[list[int]]],
) -> list[int]:
    """Give what the source sent ``delay`` hardware steps before step ``t``, counted from 1."""
    source = inputs[q.source] if q.source in inputs else spikes[q.source]
    when = t - q.delay
    if 1 <= when <= len(source):
        return source[when - 1]
    return [0] * q.weight.shape[1]


def _synaptic_input(q: FixedProjection, i: int, x: list[int]) -> int:
    """Equation 1 for neuron ``i`` and one projection; ``>>`` of an int rounds down."""
    total = sum(int(w) * value for w, value in zip(q.weight[i].tolist(), x, strict=True))
    if q.weight_exp >= 0:
        return total << q.weight_exp
    return total >> -q.weight_exp


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
