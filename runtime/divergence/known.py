"""What another network holds in the place of this one's numbers: each item tried by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from snnc.compiler.fixed import ALIGN_BITS, FixedNetwork, FixedProjection
from snnc.compiler.retime import unretimed
from snnc.runtime.divergence.dynamics import dynamics_of
from snnc.runtime.divergence.evidence import Arrival, Course, Evidence, windowed
from snnc.runtime.divergence.explanation import Cause
from snnc.runtime.divergence.hypotheses import Trial
from snnc.runtime.divergence.parameters import WHOLE
from snnc.runtime.divergence.solved import clipped
from snnc.runtime.divergence.synapses import way
from snnc.runtime.text import count
from snnc.targets.integer.reference import Integers

LEVEL, DECAY = Cause.BIAS_OR_THRESHOLD_ROUNDING, Cause.DECAY_ROUNDING
PARAMETERS = (
    ("theta", "threshold", LEVEL),
    ("bias", "bias", LEVEL),
    ("keep_u", "du", DECAY),
    ("keep_v", "dv", DECAY),
)
"""Fields of the dynamics, as they are called, and the class of each."""


def known(evidence: Evidence, twin: FixedNetwork) -> Iterator[Trial]:
    """Suppose what another network of the same topology holds, item by item.

    Args:
        evidence: What the other execution made of what.
        twin: What it executed.

    Raises:
        KeyError: It has no such population.
    """
    plain = unretimed(twin)
    p = plain.population(evidence.population.name)
    d, other = evidence.dynamics, dynamics_of(p)
    for field, name, cause in PARAMETERS:
        was, now = getattr(d, field), getattr(other, field)
        if (was != now).any():
            what = _told(name, _shown(field, was), _shown(field, now))
            yield _trial(cause, what, Course(dynamics=replace(d, **{field: now})))
    if (other.initial != d.initial).any() and not evidence.begin:
        first = evidence.first[0], evidence.first[0] + other.initial
        what = _told("initial potential", d.initial, other.initial)
        yield _trial(LEVEL, what, Course(dynamics=d, first=first))
    if p.reset is not evidence.population.reset:
        what = f"reset {p.reset} and not {evidence.population.reset}"
        course = Course(dynamics=replace(d, late=other.late, ends=other.ends))
        yield _trial(Cause.RESET, what, course)
    if other.refractory != d.refractory:
        what = f"{count(other.refractory, 'refractory step')} and not {d.refractory}"
        yield _trial(Cause.RESET, what, Course(dynamics=replace(d, refractory=other.refractory)))
    there = {q.name: q for q in plain.incoming(p.name)}
    for arrival in evidence.arrivals:
        if arrival.projection.name in there:
            yield from _projection(evidence, arrival, there[arrival.projection.name])


def _projection(evidence: Evidence, arrival: Arrival, other: FixedProjection) -> Iterator[Trial]:
    """Suppose the weights, or the delay, of another projection."""
    q, rest = arrival.projection, evidence.a - arrival.late()
    if late := other.delay - q.delay:
        what = f"{q.name} with a delay of {other.delay} and not {q.delay}"
        course = Course(dynamics=evidence.dynamics, a=rest + arrival.late(late))
        yield _trial(Cause.DELAY, what, course)
    mine, theirs = (way(r.operators).weighted.weight.astype(np.int64) for r in (q, other))
    if mine.shape != theirs.shape:
        return
    if (mine != theirs).any() or q.weight_exp != other.weight_exp:
        what = _told(f"weights of {q.name}", mine.ravel(), theirs.ravel())
        if q.weight_exp != other.weight_exp:
            what = f"weight exponent {other.weight_exp} and not {q.weight_exp} of {q.name}"
        a = rest + windowed(arrival.through(other))
        cause = Cause.WEIGHT_CLIP if clipped(mine, theirs) else Cause.WEIGHT_ROUNDING
        yield _trial(cause, what, Course(dynamics=evidence.dynamics, a=a))


def _trial(cause: Cause, what: str, course: Course) -> Trial:
    return Trial(cause=cause, what=what, numbers=0, course=course)


def _shown(field: str, x: Integers) -> Integers:
    """Give numbers as the records have them."""
    if field == "theta":
        return x >> ALIGN_BITS
    return WHOLE - x - (field == "keep_u") if field.startswith("keep") else x


def _told(name: str, was: Integers, now: Integers) -> str:
    """Name the first number that differs, and how many do."""
    changed = np.flatnonzero(was != now)
    if not changed.size:
        return name
    i = int(changed[0])
    others = f", and so of {count(changed.size - 1, 'other')}" if changed.size > 1 else ""
    return f"{name} {now[i]} and not {was[i]} at {i}{others}"
