"""Parameters of neurons that would give what the other has: solved for, from its own states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import ALIGN_BITS, DECAY_BITS, STATE_LIMIT, FixedReset
from snnc.runtime.divergence.dynamics import Dynamics, Made, Rounding, multiples, quotient
from snnc.runtime.divergence.evidence import Course, Evidence, Mask
from snnc.runtime.divergence.explanation import Cause
from snnc.runtime.divergence.hypotheses import Trial
from snnc.runtime.text import count
from snnc.targets.integer.reference import Integers

OFFSETS = (1, -1, 2, -2, 3, -3, 4, -4)
"""By which a parameter of all neurons is supposed to be off."""
UNIT = 1 << ALIGN_BITS
WHOLE = 1 << DECAY_BITS
FAR = np.int64(2**40)
"""Farther than any potential."""

Neurons = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Solver:
    """What the other execution shows of the parameters of its neurons.

    Attributes:
        evidence: What it made of what.
        base: What should have come of it.
        wrong: Where it did not.
    """

    evidence: Evidence
    base: Made
    wrong: Mask

    @cached_property
    def neurons(self) -> Neurons:
        """Neurons of which something is wrong."""
        return np.asarray(self.wrong.any(axis=(0, 1)))

    @cached_property
    def spikes(self) -> Integers:
        """Spikes of the other; 0 where there are none."""
        return self.evidence.after.get("spikes", self.evidence.nothing)

    @cached_property
    def plain(self) -> Mask:
        """Where nothing but decay and sums made ``v``: no reset, no refractory step, no limit."""
        e = self.evidence
        still = e.resting(e.population.refractory) == 0
        calm = (self.spikes == 0) & (self.base.s == 0)
        inside = (np.abs(self.base.tested) < STATE_LIMIT - 1) & (
            np.abs(e.after["v"]) < STATE_LIMIT - 1
        )
        resets = e.population.reset not in (FixedReset.NONE, FixedReset.ZERO, FixedReset.SUBTRACT)
        r = e.dynamics.above(e.before("v", e.first[1])) if resets and e.dynamics.spiking else 0
        return np.asarray(still & calm & inside & (r == 0))

    def trials(self) -> Iterator[Trial]:
        """Give a trial for each parameter that may be off."""
        yield from self._rounded()
        if self.evidence.dynamics.spiking:
            yield from self._thresholds()
        if "v" in self.evidence.after and self.evidence.forced:
            yield from self._biases()
            yield from self._decays_of_v()
            yield from self._initial()
        if "u" in self.evidence.after and self.evidence.forced:
            yield from self._decays_of_u()

    def _rounded(self) -> Iterator[Trial]:
        """Suppose the same of all neurons: an offset, or fewer bits."""
        d = self.evidence.dynamics
        for off in OFFSETS:
            told = f"{'larger' if off > 0 else 'smaller'} by {abs(off)}"
            if d.spiking:
                other = replace(d, theta=d.theta + off * UNIT)
                yield _trial(Cause.BIAS_OR_THRESHOLD_ROUNDING, f"threshold {told}", other)
            yield _trial(Cause.DECAY_ROUNDING, f"dv {told}", replace(d, keep_v=d.keep_v - off))
            yield _trial(Cause.DECAY_ROUNDING, f"du {told}", replace(d, keep_u=d.keep_u - off))
            both = replace(d, keep_u=d.keep_u - off, keep_v=d.keep_v - off)
            yield _trial(Cause.DECAY_ROUNDING, f"du and dv {told}", both)
        for bits in range(1, DECAY_BITS):
            for rounding in (Rounding.NEAREST, Rounding.FLOOR, Rounding.CEILING):
                yield from self._coarser(bits, rounding)
        none = replace(d, bias=np.zeros_like(d.bias))
        yield _trial(Cause.BIAS_OR_THRESHOLD_ROUNDING, "no bias", none, 0)

    def _coarser(self, bits: int, rounding: Rounding) -> Iterator[Trial]:
        d = self.evidence.dynamics
        told = f"rounded {rounding} to multiples of {1 << bits}"
        cause = Cause.BIAS_OR_THRESHOLD_ROUNDING
        theta = multiples(d.theta, bits + ALIGN_BITS, rounding)
        yield _trial(cause, f"threshold {told}", replace(d, theta=theta))
        bias = multiples(d.bias, bits, rounding)
        yield _trial(cause, f"bias {told}", replace(d, bias=bias))
        keep_v = WHOLE - multiples(WHOLE - d.keep_v, bits, rounding)
        yield _trial(Cause.DECAY_ROUNDING, f"dv {told}", replace(d, keep_v=keep_v))
        keep_u = WHOLE - multiples(WHOLE - d.keep_u, bits, rounding)
        yield _trial(Cause.DECAY_ROUNDING, f"du + 1 {told}", replace(d, keep_u=keep_u))

    def _thresholds(self) -> Iterator[Trial]:
        """Suppose the thresholds that lie between what spiked and what did not."""
        e, d = self.evidence, self.evidence.dynamics
        free = e.resting(d.refractory) == 0
        tested = self.base.tested
        silent = np.where(free & (self.spikes == 0), tested, -FAR).max(axis=(0, 1))
        spiking = np.where(self.spikes > 0, tested, FAR).min(axis=(0, 1)) - 1
        possible = silent <= spiking
        nearest = np.clip(d.theta, silent, np.maximum(spiking, silent))
        down, up = nearest // UNIT * UNIT, -(-nearest // UNIT) * UNIT
        nearest = np.where((nearest < d.theta) & (down >= silent), down, nearest)
        nearest = np.where((nearest > d.theta) & (up <= spiking), up, nearest)
        yield from self._threshold(np.where(possible & self.neurons, nearest, d.theta))
        if "v" in e.after:
            r = d.above(e.before("v", e.first[1])) if e.forced else self.spikes
            subtracted = self.wrong & ((self.spikes > 0) | (r > 0))
            off = self.base.v - e.after["v"]
            for last in (False, True):
                yield from self._threshold(d.theta + _one_of(off, subtracted, last=last))

    def _threshold(self, theta: Integers) -> Iterator[Trial]:
        d = self.evidence.dynamics
        yield from self._each("threshold", d.theta, theta, UNIT, replace(d, theta=theta))

    def _biases(self) -> Iterator[Trial]:
        """Suppose that what ``v`` is off by is the bias."""
        d = self.evidence.dynamics
        off = self.evidence.after["v"] - self.base.v
        for last in (False, True):
            bias = d.bias + _one_of(off, self.wrong & self.plain, last=last)
            yield from self._each("bias", d.bias, bias, 1, replace(d, bias=bias))

    def _decays_of_v(self) -> Iterator[Trial]:
        e, d = self.evidence, self.evidence.dynamics
        kept = e.after["v"] - e.after.get("u", self.base.u) - d.bias
        keep = self._kept(e.before("v", e.first[1]), kept, self.plain, d.keep_v)
        other = replace(d, keep_v=keep)
        yield from self._each("dv", WHOLE - d.keep_v, WHOLE - keep, 1, other, Cause.DECAY_ROUNDING)

    def _decays_of_u(self) -> Iterator[Trial]:
        e, d = self.evidence, self.evidence.dynamics
        before = e.before("u", e.first[0])
        whole = quotient(before * d.keep_u, DECAY_BITS, d.round_u) + (e.a << ALIGN_BITS)
        inside = np.abs(whole) < STATE_LIMIT
        keep = self._kept(before, e.after["u"] - (e.a << ALIGN_BITS), inside, d.keep_u)
        was, now = WHOLE - d.keep_u - 1, WHOLE - keep - 1
        yield from self._each("du", was, now, 1, replace(d, keep_u=keep), Cause.DECAY_ROUNDING)

    def _kept(self, before: Integers, kept: Integers, plain: Mask, keep: Integers) -> Integers:
        """Give the factors by which ``before`` became ``kept``, next to ``keep``.

        ``|kept| = |before| * k >> 12`` holds for an interval of ``k``; each element narrows it.
        """
        size, seen = np.abs(before), np.abs(kept)
        use = plain & (size > 0) & ((kept == 0) | ((kept > 0) == (before > 0)))
        divisor = np.maximum(size, 1)
        least = np.where(use, -(-seen * WHOLE // divisor), 0).max(axis=(0, 1))
        most = np.where(use, ((seen + 1) * WHOLE - 1) // divisor, FAR).min(axis=(0, 1))
        solved = self.neurons & (least <= most)
        return np.where(solved, np.clip(keep, least, np.maximum(least, most)), keep)

    def _initial(self) -> Iterator[Trial]:
        """Suppose that a population began with another potential."""
        e, d = self.evidence, self.evidence.dynamics
        if e.begin or not self.wrong[0].any():
            return
        kept = e.after["v"][0] - e.after.get("u", self.base.u)[0] - d.bias
        keep = np.maximum(d.keep_v, 1)
        solved = np.sign(kept) * -(-np.abs(kept) * WHOLE // keep)
        begun = np.where(self.wrong[0] & (d.keep_v > 0), solved, e.first[1])
        for what, initial in (("0", np.zeros_like(begun)), (_values(begun), begun)):
            was = f"initial potential {what} and not {_values(e.first[1])}"
            course = Course(dynamics=d, first=(e.first[0], initial))
            cause = Cause.BIAS_OR_THRESHOLD_ROUNDING
            yield Trial(cause=cause, what=was, numbers=1, course=course)

    def _each(
        self,
        name: str,
        was: Integers,
        now: Integers,
        unit: int,
        other: Dynamics,
        cause: Cause = Cause.BIAS_OR_THRESHOLD_ROUNDING,
    ) -> Iterator[Trial]:
        """Suppose a parameter for each neuron."""
        changed = np.flatnonzero(was != now)
        if not changed.size:
            return
        i = int(changed[0])
        what = f"{name} {now[i] / unit:g} and not {was[i] / unit:g}"
        if changed.size < was.size or np.unique(now - was).size > 1:
            index = ", ".join(map(str, np.unravel_index(i, self.evidence.population.shape)))
            what += f" of neuron {index}"
        if changed.size > 1:
            what += f", and so of {count(changed.size - 1, 'other')}"
        numbers = min(changed.size, 1 + np.unique((now - was)[changed]).size)
        yield _trial(cause, what, other, numbers)


def _trial(cause: Cause, what: str, other: Dynamics, numbers: int = 1) -> Trial:
    return Trial(cause=cause, what=what, numbers=numbers, course=Course(dynamics=other))


def _one_of(values: Integers, where: Mask, *, last: bool) -> Integers:
    """Give of each neuron the first or the last value ``where``; 0 if there is none."""
    n = values.shape[-1]
    rows, places = values.reshape(-1, n), where.reshape(-1, n)
    if last:
        rows, places = rows[::-1], places[::-1]
    found = rows[places.argmax(axis=0), np.arange(n)]
    return np.where(places.any(axis=0), found, 0)


def _values(x: Integers) -> str:
    known = np.unique(x)
    return str(known[0]) if known.size == 1 else f"{known[0]} to {known[-1]}"
