"""One neuron in float64, which holds integers exactly: any of its numbers may be either kind."""

from __future__ import annotations

from dataclasses import dataclass
from math import trunc

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import STATE_LIMIT, FixedReset
from snnc.compiler.linear import Doubles


@dataclass(frozen=True, kw_only=True)
class Neuron:
    """What makes the potential of one neuron, in counts of the integers' potential.

    Attributes:
        keeps_u: Part of the current that is left after a step.
        keeps_v: Part of the potential.
        truncates_u: Whether what is left of the current is rounded toward zero.
        truncates_v: The same of the potential.
        takes: Factor of what arrives: another than 1 where it makes up for a rounded decay.
        bias: Added in every step.
        bias_takes: Factor of the bias, for the same reason.
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
    takes: float
    bias: float
    bias_takes: float
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
        tested, held = v, False
        for t, a in enumerate(arriving.tolist()):
            u = _kept(u, self.keeps_u, truncates=self.truncates_u) + self.takes * a
            if self.wraps and not -STATE_LIMIT < u <= STATE_LIMIT:  # (3)
                u, wrapped = u - 2 * STATE_LIMIT * (1 if u > 0 else -1), True
            before, spike, r = v, int(spikes[t]), self._refires(v, t, spikes)
            v = _kept(v, self.keeps_v, truncates=self.truncates_v)
            v += u + self.bias_takes * self.bias  # (4)
            if self.reset in (FixedReset.SUBTRACT_DELAYED, FixedReset.SUBTRACT_RETEST):
                v -= r * self.threshold
            if self.saturates and abs(v) > STATE_LIMIT - 1:
                v, clipped = (STATE_LIMIT - 1.0) * (1 if v > 0 else -1), True
            if self.reset is FixedReset.ZERO_NEXT and r:
                v = 0.0
            tested, held = (before if rest else v), rest > 0
            v = before if held else self._reset(v, spike, r)
            rest = self.refractory if spike else max(rest - 1, 0)  # (7)
        distance = tested - self.threshold
        return Tested(tested, distance, self.above(distance) and not held, wrapped, clipped)

    def above(self, distance: float) -> bool:
        """Say whether so much above the threshold is enough for a spike."""
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
        spikes: Whether that makes a spike: none in a refractory step.
        wrapped: Whether the current wrapped around in any step.
        clipped: Whether the potential was held at its limit in any.
    """

    v: float
    distance: float
    spikes: bool
    wrapped: bool
    clipped: bool


def _kept(x: float, part: float, *, truncates: bool) -> float:
    """Give what is left of a state; products with fractions of 4096 are exact."""
    return float(trunc(x * part)) if truncates else x * part
