"""What another network holds in the place of this one's numbers: each item tried by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from snnc.compiler.fixed import ALIGN_BITS, FixedNetwork, FixedProjection
from snnc.compiler.retime import unretimed
from snnc.runtime.divergence.dynamics import dynamics_of
from snnc.runtime.divergence.evidence import (
    MARGIN,
    Arrival,
    Course,
    Evidence,
    differing,
    made,
    windowed,
)
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


@dataclass(frozen=True, eq=False)
class Item:
    """One thing that the other network holds otherwise.

    Attributes:
        cause: Its class.
        what: What it is, as it is told.
        fields: Of the dynamics that it changes.
        brought: What it adds to the synaptic input.
        first: ``u`` and ``v`` before the first step, where it changes them.
    """

    cause: Cause
    what: str
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    brought: Integers | int = 0
    first: tuple[Integers, Integers] | None = None


def known(evidence: Evidence, twin: FixedNetwork) -> Iterator[Trial]:
    """Suppose what another network of the same topology holds: each item by itself, then all.

    Args:
        evidence: What the other execution made of what.
        twin: What it executed.

    Raises:
        KeyError: It has no such population.
    """
    items = tuple(_items(evidence, unretimed(twin)))
    for item in items:
        yield _trial(item.cause, item.what, _course(evidence, (item,)))
    if len(items) > 1:
        ordered = sorted(items, key=lambda item: not _is_needed(evidence, items, item))
        what = "; ".join(item.what for item in ordered)
        yield _trial(ordered[0].cause, what, _course(evidence, items))


def _trial(cause: Cause, what: str, course: Course) -> Trial:
    return Trial(cause=cause, what=what, numbers=0, course=course)


def _course(evidence: Evidence, items: Iterable[Item]) -> Course:
    """Give the population with these items as the other network has them."""
    a, dynamics, first = evidence.a, evidence.dynamics, None
    for item in items:
        a = a + item.brought
        dynamics = replace(dynamics, **item.fields)
        first = item.first or first
    return Course(dynamics=dynamics, a=a, first=first)


def _is_needed(evidence: Evidence, items: Iterable[Item], item: Item) -> bool:
    """Say whether the value that differs first is not had without ``item``."""
    without = _course(evidence, (other for other in items if other is not item))
    return bool(differing(evidence, made(evidence, without))[evidence.place])


def _items(evidence: Evidence, plain: FixedNetwork) -> Iterator[Item]:
    """Give what is held otherwise, in the order in which a step uses it."""
    p = plain.population(evidence.population.name)
    there = {q.name: q for q in plain.incoming(p.name)}
    for arrival in evidence.arrivals:
        if arrival.projection.name in there:
            yield from _projection(arrival, there[arrival.projection.name])
    d, other = evidence.dynamics, dynamics_of(p)
    for name, told, cause in PARAMETERS:
        was, now = getattr(d, name), getattr(other, name)
        if (was != now).any():
            what = _told(told, _shown(name, was), _shown(name, now))
            yield Item(cause, what, {name: now})
    if (other.initial != d.initial).any() and not evidence.begin:
        first = evidence.first[0], evidence.first[0] + other.initial
        what = _told("initial potential", d.initial, other.initial)
        yield Item(LEVEL, what, first=first)
    if p.reset is not evidence.population.reset:
        what = f"reset {p.reset} and not {evidence.population.reset}"
        yield Item(Cause.RESET, what, {"late": other.late, "ends": other.ends})
    if other.refractory != d.refractory:
        what = f"{count(other.refractory, 'refractory step')} and not {d.refractory}"
        yield Item(Cause.RESET, what, {"refractory": other.refractory})


def _projection(arrival: Arrival, other: FixedProjection) -> Iterator[Item]:
    """Give what another projection has otherwise: its delay, its weights."""
    q, late = arrival.projection, other.delay - arrival.projection.delay
    if abs(late) > MARGIN:
        return
    if late:
        what = f"{q.name} with a delay of {other.delay} and not {q.delay}"
        yield Item(Cause.DELAY, what, brought=arrival.late(late) - arrival.late())
    mine, theirs = (way(r.operators).weighted.weight.astype(np.int64) for r in (q, other))
    shifted = q.weight_exp != other.weight_exp
    if mine.shape != theirs.shape or not (shifted or (mine != theirs).any()):
        return
    what = _told("weight", mine, theirs, f" of {q.name}")
    if shifted:
        what = f"weight exponent {other.weight_exp} and not {q.weight_exp} of {q.name}"
    is_clip = not shifted and clipped(mine, theirs)
    brought = windowed(arrival.through(other), late) - arrival.late(late)
    cause = Cause.WEIGHT_CLIP if is_clip else Cause.WEIGHT_ROUNDING
    yield Item(cause, what, brought=brought)


def _shown(field: str, x: Integers) -> Integers:
    """Give numbers as the records have them."""
    if field == "theta":
        return x >> ALIGN_BITS
    return WHOLE - x - (field == "keep_u") if field.startswith("keep") else x


def _told(name: str, was: Integers, now: Integers, of: str = "") -> str:
    """Name the first number that differs, and how many do."""
    changed = np.argwhere(was != now)
    if not changed.size:
        return name + of
    at = tuple(changed[0])
    others = f", and so of {count(len(changed) - 1, 'other')}" if len(changed) > 1 else ""
    place = ", ".join(map(str, at))
    return f"{name} {now[at]} and not {was[at]}{of} [{place}]{others}"
