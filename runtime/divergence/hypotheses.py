"""What may be otherwise in the other execution: rules of the arithmetic, and steps of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from snnc.compiler.fixed import FixedReset
from snnc.runtime.divergence.dynamics import PARTS, WIDTH, Dynamics, Overflow, Range, Rest, Rounding
from snnc.runtime.divergence.evidence import MARGIN, Course, Evidence, Mask, windowed
from snnc.runtime.divergence.explanation import Cause
from snnc.runtime.text import count
from snnc.targets.integer.reference import Integers

WIDEST = 32
"""Bits of the widest register that is tried."""
NARROWEST = 2
"""Bits of the narrowest."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Trial:
    """A hypothesis about a population.

    Attributes:
        cause: Its class.
        what: What is supposed, as it is told.
        numbers: How many numbers were chosen so that it fits: the more, the less it says.
        course: What follows of it.
        left: Of hypotheses that only bound what the other has, where it is beyond the bound. They
            are the last resort: any that gives its very integers comes before them.
    """

    cause: Cause
    what: str
    numbers: int
    course: Course
    left: Mask | None = None


def rules(evidence: Evidence) -> Iterator[Trial]:
    """Give every rule of a step of neurons that may be another."""
    d = evidence.dynamics
    resets = _resets(d, evidence.population.reset) if d.spiking else ()
    for cause, what, other in (*_ties(d), *resets, *_decays(d), *_ranges(d)):
        yield Trial(cause=cause, what=what, numbers=0, course=Course(dynamics=other))


Rule = tuple[Cause, str, Dynamics]


def _ties(d: Dynamics) -> Iterator[Rule]:
    if d.spiking:
        what = "a potential at the threshold spikes: >= and not >"
        yield Cause.TIE, what, replace(d, inclusive=True)


def _resets(d: Dynamics, known: FixedReset) -> Iterator[Rule]:
    for (late, ends), first, clears in product(_modes(), (False, True), (False, True)):
        if (late, ends) == (d.late, d.ends) and not (first or clears):
            continue
        if first and late is FixedReset.NONE:
            continue
        other = replace(d, late=late, ends=ends, reset_first=first, clears_u=clears)
        what = f"reset {_named(late, ends)}"
        what += f" and not {known}" if (late, ends) != (d.late, d.ends) else ""
        what += ", before the decay of the next step" if first else ""
        what += ", which sets u to 0 too" if clears else ""
        yield Cause.RESET, what, other
    for steps in range(d.refractory + MARGIN):
        if steps != d.refractory:
            what = f"{count(steps, 'refractory step')} and not {d.refractory}"
            yield Cause.RESET, what, replace(d, refractory=steps)
    if d.refractory:
        for rest in (Rest.ZERO, Rest.FREE):
            yield Cause.RESET, f"v is {rest} in refractory steps", replace(d, rest=rest)


def _modes() -> tuple[tuple[FixedReset, FixedReset], ...]:
    """Give each reset by its parts, and then what else these make together."""
    late, ends = (dict.fromkeys(parts) for parts in zip(*PARTS.values(), strict=True))
    return tuple(dict.fromkeys((*PARTS.values(), *product(late, ends))))


def _named(late: FixedReset, ends: FixedReset) -> str:
    names = {parts: str(reset) for reset, parts in PARTS.items()}
    return names.get((late, ends), f"{late} and {ends}")


def _decays(d: Dynamics) -> Iterator[Rule]:
    for rounding in (r for r in Rounding if r is not Rounding.ZERO):
        told = f"is rounded {rounding} and not {Rounding.ZERO}"
        yield Cause.DECAY_ROUNDING, f"the decay of v {told}", replace(d, round_v=rounding)
        if d.keep_u.any():
            yield Cause.DECAY_ROUNDING, f"the decay of u {told}", replace(d, round_u=rounding)
            both = replace(d, round_u=rounding, round_v=rounding)
            yield Cause.DECAY_ROUNDING, f"the decay of u and of v {told}", both


def _ranges(d: Dynamics) -> Iterator[Rule]:
    unlimited = Range(Overflow.NONE)
    yield Cause.WRAP, f"u {unlimited.overflow}", replace(d, range_u=unlimited)
    yield Cause.SATURATION, f"v {unlimited.overflow}", replace(d, range_v=unlimited)
    kinds = (Overflow.WRAP, Overflow.SATURATE, Overflow.SYMMETRIC)
    for kind, bits in product(kinds, range(NARROWEST, WIDEST + 1)):
        other = Range(kind, bits)
        cause = Cause.WRAP if kind is Overflow.WRAP else Cause.SATURATION
        if bits < WIDTH:
            yield cause, f"the synaptic input {other}", replace(d, range_a=other)
        yield cause, f"u {other}", replace(d, range_u=other)
        if other != d.range_v:
            yield cause, f"v {other}", replace(d, range_v=other)


def latencies(evidence: Evidence) -> Iterator[Trial]:
    """Suppose that the whole population runs earlier or later."""
    name = evidence.population.name
    for late in _offsets(MARGIN):
        a = sum(
            (q.late(0 if q.projection.source == name else late) for q in evidence.arrivals),
            evidence.nothing,
        )
        yield Trial(
            cause=Cause.LATENCY,
            what=f"the population runs {_late(late)}",
            numbers=1,
            course=Course(
                dynamics=evidence.dynamics,
                a=a,
                first=_ahead(evidence, late),
                idle=max(0, late - evidence.begin),
            ),
        )


def delays(evidence: Evidence) -> Iterator[Trial]:
    """Suppose that one projection delivers earlier or later."""
    for arrival in evidence.arrivals:
        rest = evidence.a - arrival.late()
        for late in _offsets(min(MARGIN, arrival.projection.delay)):
            yield Trial(
                cause=Cause.DELAY,
                what=f"{arrival.projection.name} delivers {_late(late)}",
                numbers=1,
                course=Course(dynamics=evidence.dynamics, a=rest + arrival.late(late)),
            )


def _offsets(earliest: int) -> Iterator[int]:
    for steps in range(1, MARGIN + 1):
        yield steps
        if steps <= earliest:
            yield -steps


def _late(steps: int) -> str:
    return f"{count(abs(steps), 'step')} {'late' if steps > 0 else 'early'}"


def _ahead(evidence: Evidence, late: int) -> tuple[Integers, Integers] | None:
    """Give the state before the first step of a population that began before the input did."""
    if late >= 0 or evidence.begin:
        return None
    wide = sum((q.wide for q in evidence.arrivals), np.zeros(1, np.int64))
    early = windowed(wide)[:-late] if wide.ndim > 1 else evidence.nothing[:-late]
    u, v, rho = evidence.first
    for a in early:
        step = evidence.dynamics.step(u, v, rho, a)
        u, v = step.u, step.v
        rho = np.where(step.s > 0, evidence.population.refractory, np.maximum(rho - 1, 0))
    return u, v
