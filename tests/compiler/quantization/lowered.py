"""Networks before and after they are lowered, which have to give the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.linear import Weighted, apply
from snnc.compiler.network import Junction, Network, Reset
from snnc.compiler.operators import (
    MaxPooling,
    Operator,
    Scaling,
    SumPooling,
    result_shape,
)
from snnc.compiler.quantization.lower import Lowered, lower
from snnc.compiler.quantization.paths import Path
from tests.builders import convolution, network, population, projection, window
from tests.real_oracle import Oracle

Doubles = npt.NDArray[Any]


@dataclass
class Group:
    """The lowered equations of one population, all neurons at once."""

    n: Lowered

    def __post_init__(self) -> None:
        p = self.n.population
        self.v = self.n.initial
        self.u = self.rho = np.zeros(p.size)
        self.theta: Doubles = self.n.threshold if p.spiking else np.full(p.size, np.inf)
        decay, of_current = p.decay.astype(float), p.current_decay.astype(float)
        self.beta: Doubles = 1 - decay if p.integration.is_euler else decay
        self.alpha: Doubles = np.zeros(p.size)
        if p.integration.has_current:
            self.alpha = 1 - of_current if p.integration.is_euler else of_current

    def step(self, a: Doubles) -> Doubles:
        """Take up ``a`` and give the spikes."""
        r = self.v > self.theta
        self.u = self.alpha * self.u + a
        new = self.beta * self.v + self.u + self.n.bias
        if self.n.reset in ("subtract-delayed", "subtract-retest"):
            new = np.where(r, new - self.n.threshold, new)
        if self.n.reset == "zero-next":
            new = np.where(r, 0, new)
        s = new > self.theta
        if self.n.reset == "zero":
            new = np.where(s, 0, new)
        if self.n.reset == "subtract":
            new = np.where(s, new - self.n.threshold, new)
        if self.n.reset == "subtract-retest":
            new = new - (s.astype(float) - r) * self.n.threshold
        held = self.rho > 0
        self.v, s = np.where(held, self.v, new), s & ~held
        self.rho = np.where(s, self.n.population.refractory, np.maximum(self.rho - 1, 0))
        return s.astype(float)


def arriving(path: Path, sent: Doubles, t: int) -> Doubles:
    value = sent[t - path.delay] if t >= path.delay else np.zeros(sent[0].shape)
    value = value.reshape(1, *path.shape)
    for step in path.steps:
        value = apply(step, value)
    return value.ravel()


def run(lowered: Sequence[Lowered], x: Doubles) -> tuple[dict[str, Doubles], dict[str, Doubles]]:
    """Give spikes and ``v`` of every population, ``[steps, n]``."""
    groups = {n.population.name: Group(n) for n in lowered}
    sent = {"x": x}
    for name, group in groups.items():
        sent[name] = np.zeros((x.shape[0], group.v.size))
        if group.n.constant is not None:
            sent[group.n.constant.source] = np.ones((x.shape[0], 1))
    potentials: dict[str, list[Doubles]] = {name: [] for name in groups}
    for t in range(x.shape[0]):
        for name, group in groups.items():
            a = np.zeros(group.v.size)
            for path in group.n.arriving:
                a = a + arriving(path, sent[path.source], t)
            sent[name][t] = group.step(a)
            potentials[name].append(group.n.unit * group.v + group.n.offset)
    return sent, {name: np.array(rows) for name, rows in potentials.items()}


def ensure_the_same(net: Network, seed: int = 0) -> tuple[Lowered, ...]:
    """Compare what is lowered with a second reading of the network, in spikes and ``v``."""
    x = np.random.default_rng(seed).normal(0, 2, (10, net.inputs[0].size))
    lowered = lower(net)
    spikes, v = run(lowered, x)
    wanted = Oracle(net, {"x": x}, float).run()
    for n in lowered:
        p = n.population
        assert all(sum(isinstance(s, Weighted) for s in path.steps) == 1 for path in n.paths)
        assert (spikes[p.name] == wanted.spikes[p.name]).all()
        seen: Doubles = np.array(wanted.v[p.name])
        if p.reset is Reset.ZERO_DELAYED and p.spiking:
            seen = np.where(seen > p.threshold, 0, seen)  # seen before its reset, not after
        assert np.allclose(v[p.name], seen, rtol=1e-9, atol=1e-9)
    return lowered


def numbers(*shape: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(len(shape)).normal(0, 1, shape).astype(np.float32)


def norm(*factors: float, shift: float = 0.25, axes: int = 2) -> Scaling:
    """Make a batch norm of a factor for each channel."""
    factor = np.array(factors, np.float32).reshape(-1, *[1] * axes)
    return Scaling(factor=factor, shift=np.full_like(factor, shift))


MAX = MaxPooling(window=window(2, 2))
SUM = SumPooling(window=window(2, 2))
KERNELS = convolution(numbers(4, 2, 3, 2), numbers(4), padding=(1, 0))
GROUPED = convolution(numbers(4, 2, 2, 2), numbers(4), groups=2)
UNEVEN = Scaling(factor=numbers(2, 5, 4), shift=numbers(2, 5, 4))
LEAKY: dict[str, Any] = {"decay": 0.75}


def through(*operators: Operator, **fields: Any) -> Network:
    """Make ``lif`` behind ``operators`` on an input of two channels of 5 by 4."""
    shape = result_shape(operators, (2, 5, 4))
    lif = population(n=int(np.prod(shape)), shape=shape, **(LEAKY | fields))
    return network(
        [lif], [projection("x", "lif", None, *operators, name="fc")], inputs={"x": (2, 5, 4)}
    )


def summed(
    branches: Sequence[tuple[Operator, ...]],
    *behind: Operator,
    delay: int = 0,
    shape: tuple[int, ...] = (),
    **fields: Any,
) -> Network:
    """Make ``lif`` behind the sum ``j`` of branches of one input of two channels of 5 by 4."""
    place = shape or result_shape(branches[0], (2, 5, 4))
    after = result_shape(behind, place)
    lif = population(n=int(np.prod(after)), shape=after, **(LEAKY | fields))
    into = [projection("x", "j", None, *b, name=f"b{i}") for i, b in enumerate(branches)]
    return network(
        [lif],
        [*into, projection("j", "lif", None, *behind, delay=delay, name="out")],
        inputs={"x": (2, 5, 4)},
        junctions=[Junction(name="j", origin=("add",), shape=place)],
    )
