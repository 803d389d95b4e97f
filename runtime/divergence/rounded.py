"""One neuron twice, in the real numbers it was trained with and in the integers it became.

Both are in counts of the integers' potential, so that each item of one can take the place of the
same item of the other, and everything is computed in float64, which holds these integers exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import trunc

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import (
    ALIGN_BITS,
    DECAY_BITS,
    STATE_LIMIT,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
    weight_limits,
)
from snnc.compiler.linear import Doubles, apply, as_steps, is_linear
from snnc.compiler.network import Network
from snnc.compiler.operators import MaxPooling, SumPooling
from snnc.compiler.quantization.decays import (
    Decays,
    lost_of_current,
    lost_of_potential,
    lowered_for,
)
from snnc.compiler.quantization.lower import Lowered
from snnc.compiler.quantization.paths import Path
from snnc.compiler.retime import unretimed
from snnc.compiler.trace import Array
from snnc.runtime.divergence.operands import acting_weights

UNIT = 2**ALIGN_BITS
ONE = 2**DECAY_BITS
MOST_ROUNDED = 1.5
"""Integers by which rounding may move a weight: a half to the nearest, and one more to make up for
others (see ``compiler/quantization/feedback.py``), which rarely takes more."""
DUST = 1e-9
"""What a sum of real weights may be below an integer by rounding of float64 alone."""


@dataclass(frozen=True, kw_only=True)
class Neuron:
    """What makes the potential of one neuron, in counts of the integers' potential.

    Attributes:
        keeps_u: Part of the current that is left after a step.
        keeps_v: Part of the potential.
        truncates_u: Whether what is left of the current is rounded toward zero.
        truncates_v: The same of the potential.
        bias: Added in every step.
        initial: Potential before the first step.
        threshold: What it is held against.
        inclusive: Whether it spikes at the threshold itself, too.
        reset: What a spike does.
        refractory: Steps after a spike in which the potential is held.
        wraps: Whether the current has 24 bits.
        saturates: Whether the potential has.
    """

    keeps_u: float
    keeps_v: float
    truncates_u: bool
    truncates_v: bool
    bias: float
    initial: float
    threshold: float
    inclusive: bool
    reset: FixedReset
    refractory: int
    wraps: bool
    saturates: bool

    def tested(self, arriving: Doubles, spikes: npt.NDArray[np.integer]) -> Tested:
        """Run to the last step, with the spikes that there were.

        Equation numbers are those of ``docs/arithmetic.md``.

        Args:
            arriving: Aligned synaptic input of each step, shape ``[steps]``.
            spikes: What the neuron sent in each step; that of the last is of no interest.
        """
        u, v, rest, wrapped, clipped = 0.0, self.initial, 0, False, False
        tested = v
        for t, a in enumerate(arriving.tolist()):
            u = _kept(u, self.keeps_u, truncates=self.truncates_u) + a
            if self.wraps and not -STATE_LIMIT < u <= STATE_LIMIT:  # (3)
                u, wrapped = u - 2 * STATE_LIMIT * (1 if u > 0 else -1), True
            before, spike, r = v, int(spikes[t]), self._refires(v, t, spikes)
            v = _kept(v, self.keeps_v, truncates=self.truncates_v) + u + self.bias  # (4)
            if self.reset in (FixedReset.SUBTRACT_DELAYED, FixedReset.SUBTRACT_RETEST):
                v -= r * self.threshold
            if self.saturates and abs(v) > STATE_LIMIT - 1:
                v, clipped = (STATE_LIMIT - 1.0) * (1 if v > 0 else -1), True
            if self.reset is FixedReset.ZERO_NEXT and r:
                v = 0.0
            tested = before if rest else v
            v = before if rest else self._reset(v, spike, r)
            rest = self.refractory if spike else max(rest - 1, 0)  # (7)
        return Tested(tested, tested - self.threshold, wrapped, clipped)

    def above(self, distance: float) -> bool:
        """Say whether it spikes at so much above the threshold."""
        return distance >= 0 if self.inclusive else distance > 0

    def _refires(self, v: float, t: int, spikes: npt.NDArray[np.integer]) -> int:
        """Give ``r``: the last spike, where nothing but a delayed reset has moved ``v`` since."""
        if t and not self.refractory and self.reset is not FixedReset.SUBTRACT_RETEST:
            return int(spikes[t - 1])
        return int(self.above(v - self.threshold))

    def _reset(self, v: float, spike: int, r: int) -> float:
        """Give the potential after (6)."""
        match self.reset:
            case FixedReset.ZERO:
                return 0.0 if spike else v
            case FixedReset.SUBTRACT:
                return v - spike * self.threshold
            case FixedReset.SUBTRACT_RETEST:
                return v - (spike - r) * self.threshold
            case _:
                return v


@dataclass(frozen=True)
class Tested:
    """What was held against the threshold in the last step.

    Attributes:
        v: The potential.
        distance: By how much it is above the threshold.
        wrapped: Whether the current wrapped around in any step.
        clipped: Whether the potential was held at its limit in any.
    """

    v: float
    distance: float
    wrapped: bool
    clipped: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class Carrier:
    """What one projection brings the neuron, in real numbers and in integers.

    Attributes:
        path: In real numbers.
        q: In integers; its delay is that of the network.
        factor: Integers for a real weight of 1, in the neuron's own scale.
        step: Real value of the integer 1 of the source.
        neuron: Index in the population, in C order.
        sent: What the source sent, real, ``[steps, *shape]``.
    """

    path: Path
    q: FixedProjection
    factor: float
    step: float
    neuron: int
    sent: Array

    @property
    def floors(self) -> bool:
        """Whether the exponent rounds the sum down."""
        return self.q.weight_exp < 0

    @cached_property
    def linear(self) -> bool:
        """Whether no element wins over others on the way."""
        return all(map(is_linear, self.path.steps))

    @cached_property
    def real(self) -> Doubles:
        """The weights in units of the integers, in the shape of the source."""
        zero = np.zeros(self.path.shape)
        return acting_weights(self.path.steps, zero, self.neuron) * self.factor

    @cached_property
    def rounded(self) -> Doubles:
        """The integers."""
        zero = np.zeros(self.path.shape)
        return acting_weights(as_steps(self.q.operators, self.path.shape), zero, self.neuron)

    @cached_property
    def clipped(self) -> npt.NDArray[np.bool_]:
        """Which of the integers are as large as any is, and would be larger.

        Nothing tells a weight that was clipped from one that was rounded the wrong way but how far
        it is off: it counts as clipped at the limit of its width, or if it is off by more than
        rounding explains.
        """
        pooled = any(isinstance(s, SumPooling | MaxPooling) for s in self.path.steps)
        if pooled or not self.linear:
            return np.zeros(self.path.shape, np.bool_)
        low, high = weight_limits(self.q.weight_bits, self.q.sign_mode)
        size, lacks = np.abs(self.rounded), np.abs(self.real) - np.abs(self.rounded)
        limited = (self.rounded == high) | (self.rounded == low)
        same_sign = self.real * self.rounded > 0
        largest = size == size.max(initial=0)
        return np.asarray(
            same_sign & ((limited & (lacks > 0.5)) | (largest & (lacks > MOST_ROUNDED)))
        )

    def weights(self, *, real: bool, unclipped: bool) -> Doubles:
        """Give the integers, with the real weights in place of those that were clipped or not."""
        back = np.where(self.clipped, unclipped, real)
        return np.where(back, self.real, self.rounded)

    def arriving(
        self,
        *,
        real: bool = False,
        unclipped: bool = False,
        exact_input: bool = False,
        exact_sum: bool = False,
        own_delay: bool = False,
    ) -> Doubles:
        """Give the aligned synaptic input of each step, shape ``[steps]``.

        Args:
            real: With the real weights in place of those that were rounded.
            unclipped: With the real weights in place of those that were clipped.
            exact_input: With the real values of the input.
            exact_sum: Without rounding down what the exponent shifts.
            own_delay: With the delay of the network of real numbers.
        """
        x = self.sent.astype(np.float64) / self.step
        x = x if exact_input or self.step == 1 else np.rint(x)
        x = _delayed(x, self.path.delay if own_delay else self.q.delay)
        if self.linear:
            y = x.reshape(len(x), -1) @ self.weights(real=real, unclipped=unclipped).ravel()
        else:
            y = self._pooled(x, real=real)
        total = y * 2.0**self.q.weight_exp
        if self.floors and not exact_sum:
            total = np.floor(total + DUST * (real or unclipped))
        return np.asarray(total * UNIT)

    def _pooled(self, x: Doubles, *, real: bool) -> Doubles:
        steps = self.path.steps if real else as_steps(self.q.operators, self.path.shape)
        for step in steps:
            x = apply(step, x)
        y = x.reshape(len(x), -1)[:, self.neuron]
        return y * self.factor if real else y


@dataclass(frozen=True, eq=False, kw_only=True)
class Twins:
    """A neuron in real numbers and in integers.

    Attributes:
        real: In real numbers.
        rounded: In integers.
        carriers: What arrives, projection by projection.
        count: Counts of the integers' potential for 1 of the real one.
        unmatched: Projections that only one of the two has.
    """

    real: Neuron
    rounded: Neuron
    carriers: tuple[Carrier, ...]
    count: float
    unmatched: tuple[str, ...]


def twins(
    network: Network,
    fixed: FixedNetwork,
    decays: Decays,
    population: str,
    neuron: int,
    sent: Mapping[str, Array],
) -> Twins:
    """Give a neuron in both forms.

    Args:
        network: The float network.
        fixed: What became of it, retimed or not.
        decays: What was kept of decays as they were rounded.
        population: Name of the population.
        neuron: Index there, in C order.
        sent: What inputs and populations of ``network`` sent, ``[steps, *shape]`` of each.

    Raises:
        InputError: The network cannot be lowered.
    """
    (n,) = (n for n in lowered_for(network, decays) if n.population.name == population)
    p, plain = fixed.population(population), unretimed(fixed)
    counts = float(p.scale[neuron] * n.unit[neuron])  # of the potential for 1 of the lowered one
    integers = {q.name: q for q in plain.incoming(population)}
    steps = len(next(iter(sent.values())))
    inputs = {i.name: i.step for i in fixed.inputs}
    carriers = list[Carrier]()
    for path in n.arriving:
        if path.name not in integers:
            continue
        q = integers.pop(path.name)
        step = inputs.get(path.source, 1.0)
        carriers.append(
            Carrier(
                path=path,
                q=replace(q, delay=_delay(q, plain, sent)),
                factor=counts / UNIT * step / 2.0**q.weight_exp,
                step=step,
                neuron=neuron,
                sent=sent.get(path.source, np.ones((steps, *path.shape))),
            )
        )
    missing = {path.name for path in n.arriving} - {c.path.name for c in carriers}
    return Twins(
        real=_real(n, neuron, counts),
        rounded=_rounded(p, neuron),
        carriers=tuple(carriers),
        count=float(p.scale[neuron]),
        unmatched=tuple(sorted({*missing, *integers})),
    )


def _real(n: Lowered, i: int, counts: float) -> Neuron:
    p = n.population
    return Neuron(
        keeps_u=float(1 - lost_of_current(p)[i]),
        keeps_v=float(1 - lost_of_potential(p)[i]),
        truncates_u=False,
        truncates_v=False,
        bias=float(counts * n.bias[i]),
        initial=float(counts * n.initial[i]),
        threshold=float(counts * n.threshold[i]),
        inclusive=p.inclusive,
        reset=n.reset,
        refractory=p.refractory,
        wraps=False,
        saturates=False,
    )


def _rounded(p: FixedPopulation, i: int) -> Neuron:
    return Neuron(
        keeps_u=(ONE - (int(p.du[i]) + 1)) / ONE,
        keeps_v=(ONE - int(p.dv[i])) / ONE,
        truncates_u=True,
        truncates_v=True,
        bias=float(int(p.bias_mant[i]) << int(p.bias_exp[i])),
        initial=float(p.initial[i]),
        threshold=float(int(p.threshold[i]) << ALIGN_BITS),
        inclusive=False,
        reset=p.reset,
        refractory=p.refractory,
        wraps=True,
        saturates=True,
    )


def _delay(q: FixedProjection, plain: FixedNetwork, known: Mapping[str, Array]) -> int:
    """Give the delay from the source in the model: relays stand between it and ``q``."""
    delay, source = q.delay, q.source
    while source not in known and (before := tuple(plain.incoming(source))):
        delay, source = delay + before[0].delay, before[0].source
    return delay


def _kept(x: float, part: float, *, truncates: bool) -> float:
    """Give what is left of a state; products with fractions of 4096 are exact."""
    return float(trunc(x * part)) if truncates else x * part


def _delayed(x: Doubles, delay: int) -> Doubles:
    came = np.zeros_like(x)
    came[delay:] = x[: max(len(x) - delay, 0)]
    return came
