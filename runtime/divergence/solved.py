"""Single weights that would give what the other has, solved for from its currents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from math import prod

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import ALIGN_BITS, STATE_LIMIT
from snnc.compiler.operators import FixedConvolution, result_shape
from snnc.runtime.divergence.dynamics import Made
from snnc.runtime.divergence.evidence import Arrival, Course, Evidence, Mask, Place, windowed
from snnc.runtime.divergence.explanation import Cause
from snnc.runtime.divergence.hypotheses import Trial
from snnc.runtime.divergence.synapses import Synapses, synapses_of, way
from snnc.runtime.divergence.weights import MANTISSAS, with_weights
from snnc.runtime.text import count
from snnc.targets.integer.reference import Integers

GROUPS = 64
"""Neurons, or channels of a convolution, whose weights are solved for, at most."""
FITTED = 8
"""Of these those by least squares."""
SHOWN = 512
"""Values that differ that are looked at of each; of equal ones twice as many."""
CHANGED = 16
"""Weights of one group that may differ, where there are more than the values can tell."""
SURELY = 4
"""Times the square root of the number of products that the error of their sum hardly exceeds."""

Deltas = dict[int, int]
"""By the index of a weight what it is off by."""


@dataclass(frozen=True, eq=False)
class Gap:
    """What is missing in the sums of some elements.

    Attributes:
        synapses: Of the elements, of one group: each has the same weights.
        low: Smallest of what has to be added to each sum of products.
        high: Largest.
    """

    synapses: Synapses
    low: Integers
    high: Integers

    def closed(self, delta: Integers) -> bool:
        """Tell whether weights that are off by ``delta``, shape ``[synapses]``, fill it."""
        added = self.synapses.brought @ delta
        return bool(((added >= self.low) & (added <= self.high)).all())


def missing_input(evidence: Evidence, base: Made) -> Integers | None:
    """Give what is missing in the synaptic input; None where something else is wrong of ``u``."""
    if "u" not in evidence.after or not evidence.forced:
        return None
    off = evidence.after["u"] - base.u
    off = (off + STATE_LIMIT) % (2 * STATE_LIMIT) - STATE_LIMIT
    return off >> ALIGN_BITS if off.any() and not (off % (1 << ALIGN_BITS)).any() else None


def solved(evidence: Evidence, base: Made) -> Iterator[Trial]:
    """Suppose single weights of a projection."""
    missing = missing_input(evidence, base)
    if missing is None:
        return
    for arrival in evidence.arrivals:
        deltas, refuted = _deltas(arrival, missing)
        if deltas:
            yield _trial(evidence, arrival, deltas)
        yield from _of_floats(evidence, arrival, missing)
        if not refuted:
            yield _off_by_one(evidence, arrival, missing)


def _deltas(arrival: Arrival, missing: Integers) -> tuple[Deltas, bool]:
    """Give what weights are off by, and whether no weights of some group give what is missing."""
    deltas: Deltas = {}
    refuted = False
    if not way(arrival.projection.operators).linear:
        return deltas, refuted
    for n, place in enumerate(islice(_groups(arrival, missing), GROUPS)):
        gap = _gap(arrival, missing, place)
        if gap is None:
            return {}, True
        delta = _single(gap)
        if delta is None:
            delta = _pursued(gap)
        if delta is None and n < FITTED:
            delta, impossible = _fitted(gap)
            refuted |= impossible
        if delta is not None:
            index = gap.synapses.index[0]
            deltas |= {int(index[k]): int(delta[k]) for k in np.flatnonzero(delta)}
    return deltas, refuted


def _groups(arrival: Arrival, missing: Integers) -> Iterator[Place]:
    """Give elements of each group of neurons with the same weights, in which some are wrong."""
    found = way(arrival.projection.operators)
    n = missing.shape[-1]
    size = 1
    if isinstance(found.weighted, FixedConvolution):
        size = prod(result_shape(arrival.projection.operators, arrival.shape)[1:])
    wrong = (missing != 0).any(axis=(0, 1)).reshape(n // size, size).any(axis=1)
    for group in np.flatnonzero(wrong):
        of = missing[..., group * size : (group + 1) * size]
        chosen = np.concatenate(
            [_spread(np.argwhere(of != 0), SHOWN), _spread(np.argwhere(of == 0), 2 * SHOWN)]
        )
        steps, samples, neurons = chosen.T
        yield steps, samples, neurons + group * size


def _spread(places: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    chosen = np.linspace(0, len(places) - 1, min(most, len(places))).astype(np.intp)
    return places[chosen]


def _gap(arrival: Arrival, missing: Integers, place: Place) -> Gap | None:
    """Give what is missing in the sums of products, before the exponent and its rounding.

    None where no sum of products can be missing.
    """
    synapses = synapses_of(arrival, place)
    if synapses is None or not synapses.index.size:
        return None
    q = arrival.projection
    weights = way(q.operators).weighted.weight.astype(np.int64).ravel()
    y = (synapses.brought * weights[synapses.index]).sum(axis=1)
    wanted = arrival.late()[place] + missing[place]
    if q.weight_exp >= 0:
        if (wanted % (1 << q.weight_exp)).any():
            return None
        exact = (wanted >> q.weight_exp) - y
        return Gap(synapses, exact, exact)
    low = (wanted << -q.weight_exp) - y
    return Gap(synapses, low, low + (1 << -q.weight_exp) - 1)


def _single(gap: Gap) -> Integers | None:
    """Give the one weight, and what it is off by, that fills a gap."""
    x = gap.synapses.brought
    low, high = gap.low[:, None], gap.high[:, None]
    divisor = np.where(x == 0, 1, x)
    near, far = np.where(x < 0, high, low), np.where(x < 0, low, high)
    least = np.where(x != 0, -(-near // divisor), -(2**30)).max(axis=0)
    most = np.where(x != 0, far // divisor, 2**30).min(axis=0)
    possible = ((x != 0) | ((low <= 0) & (high >= 0))).all(axis=0) & (x != 0).any(axis=0)
    possible &= least <= most
    if not possible.any():
        return None
    nearest = np.clip(0, least, np.maximum(least, most))
    k = int(np.where(possible, np.abs(nearest), 2**40).argmin())
    delta = np.zeros(x.shape[1], np.int64)
    delta[k] = nearest[k]
    return delta


def _pursued(gap: Gap) -> Integers | None:
    """Change one weight after the other, each time the one that leaves least.

    Orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad 1993, Asilomar), in integers.
    """
    x = gap.synapses.brought
    norms = np.maximum((x * x).sum(axis=0), 1)
    delta = np.zeros(x.shape[1], np.int64)
    for _ in range(2 * CHANGED):
        rest = (gap.low + gap.high) // 2 - x @ delta
        step = np.rint(rest @ x / norms).astype(np.int64)
        gain = 2 * step * (rest @ x) - step * step * norms
        k = int(gain.argmax())
        if gain[k] <= 0:
            break
        delta[k] += step[k]
    return delta if gap.closed(delta) else None


def _fitted(gap: Gap) -> tuple[Integers | None, bool]:
    """Give weights by least squares, and whether no others can fill the gap.

    So it is where there are as many independent equations as weights: if integers solve them all,
    least squares find them.
    """
    x, wanted = gap.synapses.brought.astype(np.float64), (gap.low + gap.high) / 2
    active = x.any(axis=0)
    delta = np.zeros(x.shape[1], np.int64)
    found, _, rank, _ = np.linalg.lstsq(x[:, active], wanted, rcond=None)
    delta[active] = np.rint(found).astype(np.int64)
    if gap.closed(delta):
        return delta, False
    return None, bool(rank == active.sum() and (gap.low == gap.high).all())


def _trial(evidence: Evidence, arrival: Arrival, deltas: Deltas) -> Trial:
    """Suppose that weights are off by ``deltas``."""
    q = arrival.projection
    weights = way(q.operators).weighted.weight.astype(np.int64)
    flat = weights.flatten()
    flat[list(deltas)] += list(deltas.values())
    other: Integers = flat.reshape(weights.shape)
    a = evidence.a - arrival.late() + windowed(arrival.through(with_weights(q, other)))
    first = min(deltas)
    place = ", ".join(map(str, np.unravel_index(first, weights.shape)))
    what = f"weight {flat[first]} and not {flat[first] - deltas[first]} of {q.name} [{place}]"
    if len(deltas) > 1:
        what += f", and so of {count(len(deltas) - 1, 'other')}"
    course = Course(dynamics=evidence.dynamics, a=a)
    cause = Cause.WEIGHT_CLIP if clipped(weights, other) else Cause.WEIGHT_ROUNDING
    return Trial(cause=cause, what=what, numbers=2 * len(deltas), course=course)


def clipped(weights: Integers, other: Integers) -> bool:
    """Tell whether ``other`` are ``weights``, limited to a range of which they show both ends.

    One that changed alone has to be at a power of two or one less, where a register ends, and no
    other beyond it.
    """
    were, are = weights[weights != other], other[weights != other]
    if not are.size or (np.abs(are) >= np.abs(were)).any():
        return False
    low, high = int(are.min()), int(are.max())
    limited = np.clip(weights, low if low < 0 else None, high if high >= 0 else None)
    registers = all(_is_power(abs(int(e))) or _is_power(abs(int(e)) + 1) for e in (low, high))
    return bool((limited == other).all()) and (are.size > 2 or registers)


def _is_power(x: int) -> bool:
    return x > 0 and x & (x - 1) == 0


def _of_floats(evidence: Evidence, arrival: Arrival, missing: Integers) -> Iterator[Trial]:
    """Suppose sums of floats, in whatever order: no more than how much they are off by at most.

    ``n`` products add up with an error below ``n * 2**-bits`` times the sum of their magnitudes,
    and most often below ``sqrt(n)`` in the place of ``n`` (Higham and Mary 2019, A New Approach to
    Probabilistic Rounding Error Analysis, SIAM Journal on Scientific Computing 41:A2815).
    """
    q = arrival.projection
    weights = np.abs(way(q.operators).weighted.weight.astype(np.int64))
    size = _magnitudes(arrival, weights)
    terms = _magnitudes(arrival, np.sign(weights), signs=True).astype(np.float64)
    terms = np.minimum(terms, SURELY * np.sqrt(terms))
    wrong = missing != 0
    for bits, name in MANTISSAS.items():
        most = size * np.minimum(1, terms / (1 << bits)) * 2.0**q.weight_exp + 1
        left = wrong & ((size <= 1 << bits) | (np.abs(missing) > most))
        what = f"the sums of {q.name} in {name}: all below {1 << bits:,} are right"
        yield _bound(evidence, Cause.FLOAT_ORDER, what, left)


def _off_by_one(evidence: Evidence, arrival: Arrival, missing: Integers) -> Trial:
    """Suppose no more than that weights are off by 1."""
    q = arrival.projection
    most = _magnitudes(arrival, np.ones_like(way(q.operators).weighted.weight, np.int64))
    left = (missing != 0) & (np.abs(missing) > most * 2.0**q.weight_exp + (q.weight_exp < 0))
    what = f"weights of {q.name} that are each off by 1 at most"
    return _bound(evidence, Cause.WEIGHT_ROUNDING, what, left)


def _magnitudes(arrival: Arrival, weights: Integers, *, signs: bool = False) -> Integers:
    """Give the sum of the magnitudes of products, the exponent left out; or of their signs."""
    sent = np.sign(np.abs(arrival.sent)) if signs else np.abs(arrival.sent)
    q = replace(with_weights(arrival.projection, weights), weight_exp=0)
    return windowed(Arrival(q, arrival.shape, sent).wide)


def _bound(evidence: Evidence, cause: Cause, what: str, left: Mask) -> Trial:
    course = Course(dynamics=evidence.dynamics)
    return Trial(cause=cause, what=what, numbers=0, course=course, left=left)
