"""Weights otherwise rounded, clipped or summed: the same change of all weights of a projection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import MAX_WEIGHT_BITS, FixedProjection
from snnc.runtime.divergence.dynamics import Overflow, Range, Rounding, multiples, quotient
from snnc.runtime.divergence.evidence import (
    Arrival,
    Course,
    Evidence,
    Place,
    differing_at,
    stepped_at,
    windowed,
)
from snnc.runtime.divergence.explanation import Cause
from snnc.runtime.divergence.hypotheses import Trial
from snnc.runtime.divergence.synapses import Synapses, synapses_of, way
from snnc.targets.integer.reference import Integers

HALVES = (Rounding.NEAREST, Rounding.EVEN, Rounding.HALF_AWAY)
MANTISSAS = {8: "bfloat16", 11: "float16", 24: "float32"}
"""Significant bits of the floats in which sums are kept."""
SHARE = 0.5
"""Of the values that differ, those that a change has to explain to be tried on all."""

Change = Callable[[Integers], Integers]


def _shifted(
    y: Integers, exponent: int, rounding: Rounding = Rounding.FLOOR, bits: int = 0
) -> Integers:
    """Apply an exponent to a sum, of which so many significant bits are kept, or all."""
    return quotient(significant(y, bits) if bits else y, -exponent, rounding)


def _limited(x: Integers, low: int, high: int) -> Integers:
    return np.clip(x, low, high)


@dataclass(frozen=True)
class Other:
    """A change of what a projection brings.

    Attributes:
        cause: Its class.
        what: What is supposed of the weights, or of their sum.
        numbers: How many were chosen for it, as of a ``Trial``.
        weights: Makes weights of weights.
        exponent: Added to the exponent of the sum.
        total: Makes the sum, its exponent applied, of the sum of products and the exponent.
    """

    cause: Cause
    what: str
    numbers: int = 1
    weights: Change = np.asarray
    exponent: int = 0
    total: Callable[[Integers, int], Integers] = _shifted

    def of(self, projection: FixedProjection, brought: Integers, index: Integers) -> Integers:
        """Give the synaptic input of some elements."""
        weights = self.weights(way(projection.operators).weighted.weight.astype(np.int64).ravel())
        y = (brought * weights[index]).sum(axis=1) if weights.size else brought.sum(axis=1)
        return self.total(y, projection.weight_exp + self.exponent)

    def through(self, arrival: Arrival) -> Integers:
        """Give the synaptic input of all elements, with margins."""
        q = arrival.projection
        other = with_weights(q, self.weights(way(q.operators).weighted.weight.astype(np.int64)))
        y = arrival.through(replace(other, weight_exp=0))
        return self.total(y, q.weight_exp + self.exponent)


def with_weights(q: FixedProjection, weights: Integers) -> FixedProjection:
    """Give the projection with other weights, of the same shape."""
    found = way(q.operators)
    weighted = replace(found.weighted, weight=weights.astype(np.int16))
    return replace(q, operators=(*found.before, weighted, *found.behind))


def changes(evidence: Evidence, place: Place) -> Iterator[Trial]:
    """Suppose a change of one projection, or of all of them.

    Args:
        evidence: What the other made of what.
        place: Values that differ, on which a change is tried first.
    """
    alone: list[Sequence[Arrival]] = [(arrival,) for arrival in evidence.arrivals]
    for arrivals in (*alone, evidence.arrivals) if len(alone) > 1 else alone:
        synapses = [synapses_of(arrival, place) for arrival in arrivals]
        for other in _others(arrivals):
            if _plausible(evidence, place, arrivals, synapses, other):
                yield _trial(evidence, arrivals, other)


def _trial(evidence: Evidence, arrivals: Sequence[Arrival], other: Other) -> Trial:
    a = evidence.a
    for arrival in arrivals:
        a = a - arrival.late() + windowed(other.through(arrival))
    what = f"{other.what} of {' and '.join(q.projection.name for q in arrivals)}"
    course = Course(dynamics=evidence.dynamics, a=a)
    return Trial(cause=other.cause, what=what, numbers=other.numbers, course=course)


def _plausible(
    evidence: Evidence,
    place: Place,
    arrivals: Sequence[Arrival],
    synapses: Sequence[Synapses | None],
    other: Other,
) -> bool:
    """Tell whether a change explains enough of some elements to be tried on all."""
    if not evidence.forced:
        return True
    a = evidence.a[place]
    for arrival, reached in zip(arrivals, synapses, strict=True):
        if reached is None:
            return True
        a = a - arrival.late()[place]
        a = a + other.of(arrival.projection, reached.brought, reached.index)
    result = stepped_at(evidence, Course(dynamics=evidence.dynamics), place, a)
    return bool(1 - differing_at(evidence, result, place).mean() >= SHARE)


def _others(arrivals: Sequence[Arrival]) -> Iterator[Other]:
    """Give every change that may be, those of fewer choices first."""
    weights = [way(q.projection.operators).weighted.weight for q in arrivals]
    largest = max((int(np.abs(w.astype(np.int64)).max(initial=0)) for w in weights), default=0)
    yield from _clipped(largest)
    yield from _rounded(min(q.projection.weight_exp for q in arrivals))
    yield from _sums()


def _clipped(largest: int) -> Iterator[Other]:
    powers = [2**b for b in range(MAX_WEIGHT_BITS, 0, -1)]
    registers = [(-p, p - 1) for p in powers] + [(1 - p, p - 1) for p in powers]
    registers += [(0, largest), (-largest, 0)]
    limits = [(-p, p) for p in range(largest - 1, 0, -1)]
    for numbers, pairs in ((1, registers), (3, limits)):
        for low, high in pairs:
            if -low < largest or high < largest:
                what = f"weights clipped to {low} ... {high}"
                change = partial(_limited, low=low, high=high)
                yield Other(Cause.WEIGHT_CLIP, what, numbers, change)
    for bits in range(2, MAX_WEIGHT_BITS + 1):
        if 1 << bits - 1 <= largest:
            yield Other(
                Cause.WRAP,
                f"weights wrapped at {bits} bits",
                1,
                Range(Overflow.WRAP, bits).held,
            )


def _rounded(exponent: int) -> Iterator[Other]:
    cause = Cause.WEIGHT_ROUNDING
    for bits in range(1, MAX_WEIGHT_BITS + 1):
        for rounding in Rounding:
            yield Other(
                cause,
                f"weights rounded {rounding} to multiples of {1 << bits}",
                1,
                partial(multiples, bits=bits, rounding=rounding),
            )
    for off in (1, -1, 2, -2, 3, -3):
        yield Other(cause, f"weight exponent {'+' if off > 0 else '-'} {abs(off)}", exponent=off)
    for rounding in Rounding if exponent < 0 else ():
        yield Other(
            cause,
            f"each weight, and not their sum, shifted and rounded {rounding}",
            1,
            partial(quotient, bits=-exponent, rounding=rounding),
            exponent=-exponent,
        )
        if rounding is not Rounding.FLOOR:
            what = f"the sum of weights rounded {rounding} and not {Rounding.FLOOR}"
            yield Other(cause, what, total=partial(_shifted, rounding=rounding))


def _sums() -> Iterator[Other]:
    for bits, name in MANTISSAS.items():
        yield Other(
            Cause.FLOAT_ORDER,
            f"the sum in {name}, {bits} significant bits,",
            total=partial(_shifted, bits=bits),
        )


def significant(y: Integers, bits: int) -> Integers:
    """Round integers to so many significant bits, halves to even, as floats of them do."""
    mantissa, exponent = np.frexp(y.astype(np.float64))
    rounded = np.rint(np.ldexp(mantissa, bits))
    whole: npt.NDArray[np.float64] = np.ldexp(rounded, exponent - bits)
    return whole.astype(np.int64)
