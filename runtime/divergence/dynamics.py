"""One step of neurons in integers, with everything in it that another execution may do otherwise.

As it comes from ``dynamics_of`` it is equations 2 to 7 of ``docs/arithmetic.md``; a hypothesis is
the same with one field replaced. It works on elements, so all steps, samples and neurons of a
population can be tried at once, or a few of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import (
    ALIGN_BITS,
    DECAY_BITS,
    STATE_LIMIT,
    FixedPopulation,
    FixedReset,
)
from snnc.targets.integer.reference import Integers

WIDTH = STATE_LIMIT.bit_length()
"""Bits of ``u`` and ``v``."""


class Rounding(StrEnum):
    """How a quotient of integers is rounded."""

    ZERO = "toward zero"
    AWAY = "away from zero"
    FLOOR = "down"
    CEILING = "up"
    NEAREST = "to the nearest, halves up"
    EVEN = "to the nearest, halves to even"
    HALF_AWAY = "to the nearest, halves away from zero"


def quotient(x: Integers, bits: int, rounding: Rounding) -> Integers:
    """Give ``x / 2**bits``, rounded; of ``bits`` below 0 the product."""
    return _ROUNDED[rounding](x, bits) if bits > 0 else x << -bits


def multiples(x: Integers, bits: int, rounding: Rounding) -> Integers:
    """Round to multiples of ``2**bits``."""
    return quotient(x, bits, rounding) << bits


def _magnitude(x: Integers, magnitude: Integers) -> Integers:
    return np.asarray(np.sign(x) * magnitude)


_ROUNDED: dict[Rounding, Callable[[Integers, int], Integers]] = {
    Rounding.ZERO: lambda x, bits: _magnitude(x, np.abs(x) >> bits),
    Rounding.AWAY: lambda x, bits: _magnitude(x, -(-np.abs(x) >> bits)),
    Rounding.FLOOR: lambda x, bits: x >> bits,
    Rounding.CEILING: lambda x, bits: -(-x >> bits),
    Rounding.NEAREST: lambda x, bits: (x + (1 << bits - 1)) >> bits,
    Rounding.EVEN: lambda x, bits: (x + (1 << bits - 1) - 1 + ((x >> bits) & 1)) >> bits,
    Rounding.HALF_AWAY: lambda x, bits: _magnitude(x, (np.abs(x) + (1 << bits - 1)) >> bits),
}


class Overflow(StrEnum):
    """What becomes of a sum that leaves its range."""

    LAVA = "wraps once, as Lava does"
    WRAP = "wraps"
    SATURATE = "saturates"
    SYMMETRIC = "saturates symmetrically"
    NONE = "is not limited"


@dataclass(frozen=True)
class Range:
    """A range of ``bits`` bits, its sign included, and what happens outside."""

    overflow: Overflow
    bits: int = WIDTH

    def held(self, x: Integers) -> Integers:
        """Bring ``x`` into the range."""
        limit = 1 << (self.bits - 1)
        match self.overflow:
            case Overflow.NONE:
                return x
            case Overflow.LAVA:
                x = np.where(x > limit, x - 2 * limit, x)
                return np.asarray(np.where(x <= -limit, x + 2 * limit, x))
            case Overflow.WRAP:
                return np.asarray(((x + limit) & (2 * limit - 1)) - limit)
            case Overflow.SATURATE:
                return np.clip(x, -limit, limit - 1)
            case Overflow.SYMMETRIC:
                return np.clip(x, 1 - limit, limit - 1)

    def __str__(self) -> str:
        return f"{self.overflow} at {self.bits} bits"


class Rest(StrEnum):
    """What a refractory step does to ``v``."""

    HELD = "held"
    ZERO = "set to 0"
    FREE = "integrated"


NONE = FixedReset.NONE
PARTS = {
    NONE: (NONE, NONE),
    FixedReset.ZERO: (NONE, FixedReset.ZERO),
    FixedReset.ZERO_NEXT: (FixedReset.ZERO_NEXT, NONE),
    FixedReset.SUBTRACT: (NONE, FixedReset.SUBTRACT),
    FixedReset.SUBTRACT_DELAYED: (FixedReset.SUBTRACT_DELAYED, NONE),
    FixedReset.SUBTRACT_RETEST: (FixedReset.SUBTRACT_DELAYED, FixedReset.SUBTRACT_RETEST),
}
"""What each reset does in the next step (4), and what at once (6)."""


class Made(NamedTuple):
    """What one step makes of neurons.

    Attributes:
        u: Synaptic current.
        v: Membrane potential after the step.
        s: Spikes.
        tested: What was held against the threshold.
    """

    u: Integers
    v: Integers
    s: Integers
    tested: Integers


@dataclass(frozen=True, eq=False, kw_only=True)
class Dynamics:
    """Parameters of neurons, each of shape ``[n]``, and the rules of their step.

    Attributes:
        keep_u: What is kept of ``u``, in 4096ths.
        keep_v: What is kept of ``v``, in 4096ths.
        theta: Threshold in units of ``v``.
        bias: Added to ``v`` in every step.
        initial: ``v`` before the first step.
        late: What a spike does to ``v`` in the next step: nothing, ``SUBTRACT_DELAYED`` or
            ``ZERO_NEXT``.
        ends: What it does at once: nothing, ``ZERO``, ``SUBTRACT`` or ``SUBTRACT_RETEST``.
        refractory: Steps after a spike without another.
        spiking: False for a read-out.
        round_u: How the decay of ``u`` is rounded.
        round_v: How the decay of ``v`` is rounded.
        range_a: Of the synaptic input.
        range_u: Of ``u``.
        range_v: Of ``v``.
        inclusive: Whether a potential at the threshold spikes.
        clears_u: Whether a spike sets ``u`` to 0.
        reset_first: Whether a delayed reset acts before the decay of the next step.
        rest: What a refractory step does to ``v``.
    """

    keep_u: Integers
    keep_v: Integers
    theta: Integers
    bias: Integers
    initial: Integers
    late: FixedReset
    ends: FixedReset
    refractory: int
    spiking: bool
    round_u: Rounding = Rounding.ZERO
    round_v: Rounding = Rounding.ZERO
    range_a: Range = Range(Overflow.NONE)
    range_u: Range = Range(Overflow.LAVA)
    range_v: Range = Range(Overflow.SYMMETRIC)
    inclusive: bool = False
    clears_u: bool = False
    reset_first: bool = False
    rest: Rest = Rest.HELD

    def at(self, neurons: npt.NDArray[np.intp]) -> Dynamics:
        """Give the dynamics of some elements, by the neuron that each is of."""
        return replace(
            self,
            keep_u=self.keep_u[neurons],
            keep_v=self.keep_v[neurons],
            theta=self.theta[neurons],
            bias=self.bias[neurons],
            initial=self.initial[neurons],
        )

    def step(self, u: Integers, v: Integers, rho: Integers, a: Integers) -> Made:
        """Give what a step makes of its start: equations 2 to 7, under the rules.

        Args:
            u: Synaptic current before the step, shape ``[..., n]``.
            v: Membrane potential before the step.
            rho: Refractory steps left.
            a: Synaptic input.
        """
        u = self.current(u, a)
        r = self.above(v)
        if not self.spiking:
            end = self.range_v.held(self.drift(v) + u + self.bias)
            return Made(u, end, np.zeros_like(end), end)
        tested = self._tested(u, v, r)
        s = self.above(tested)
        s = np.where(rho > 0, 0, s)
        end = self._after(tested, s, r)
        if self.rest is not Rest.FREE:
            end = np.where(rho > 0, v if self.rest is Rest.HELD else 0, end)
        if self.clears_u:
            u = u * (1 - s)
        return Made(u, end, s, tested)

    def current(self, u: Integers, a: Integers) -> Integers:
        """Give ``u`` after the step (3)."""
        kept = quotient(u * self.keep_u, DECAY_BITS, self.round_u)
        return self.range_u.held(kept + (self.range_a.held(a) << ALIGN_BITS))

    def drift(self, v: Integers) -> Integers:
        """Give ``v`` after its decay (2)."""
        return quotient(v * self.keep_v, DECAY_BITS, self.round_v)

    def above(self, v: Integers) -> Integers:
        """Tell by 0 and 1 which potentials are above the threshold (5)."""
        return np.asarray(v >= self.theta if self.inclusive else v > self.theta, np.int64)

    def _tested(self, u: Integers, v: Integers, r: Integers) -> Integers:
        """Give the potential before the spike test (4)."""
        subtracts = self.late is FixedReset.SUBTRACT_DELAYED
        zeroes = self.late is FixedReset.ZERO_NEXT
        start = v
        if self.reset_first:
            start = v * (1 - r) if zeroes else v - r * self.theta if subtracts else v
        total = self.drift(start) + u + self.bias
        if subtracts and not self.reset_first:
            total = total - r * self.theta
        total = self.range_v.held(total)
        return total * (1 - r) if zeroes and not self.reset_first else total

    def _after(self, tested: Integers, s: Integers, r: Integers) -> Integers:
        """Give ``v`` after the reset (6)."""
        match self.ends:
            case FixedReset.ZERO:
                return tested * (1 - s)
            case FixedReset.SUBTRACT:
                return tested - s * self.theta
            case FixedReset.SUBTRACT_RETEST:
                return tested - (s - r) * self.theta
            case _:
                return tested


def dynamics_of(p: FixedPopulation) -> Dynamics:
    """Give the neurons of ``p`` under the rules of ``docs/arithmetic.md``."""
    whole = 1 << DECAY_BITS
    return Dynamics(
        keep_u=whole - (p.du.astype(np.int64) + 1),
        keep_v=whole - p.dv.astype(np.int64),
        theta=p.threshold.astype(np.int64) << ALIGN_BITS,
        bias=p.bias_mant.astype(np.int64) << p.bias_exp,
        initial=p.initial.astype(np.int64),
        late=PARTS[p.reset][0],
        ends=PARTS[p.reset][1],
        refractory=p.refractory,
        spiking=p.spiking,
    )
