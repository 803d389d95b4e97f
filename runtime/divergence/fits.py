"""Numbers of a population of real numbers, fitted to what another execution recorded of it.

With the state before, what a step gives is linear in most of them. Steps in which a reset may have
moved the potential are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from snnc.compiler.network import Population, Reset
from snnc.compiler.operators import Reals
from snnc.compiler.trace import Array
from snnc.runtime.divergence.cases import Case, Supposed
from snnc.runtime.divergence.explanation import Cause
from snnc.runtime.divergence.operands import Way, acting_weights, came, real_ways
from snnc.runtime.divergence.single_steps import Flags, Stepped, stepped
from snnc.targets.float.operators import Signal

Doubles = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
_SUBTRACTING = (Reset.SUBTRACT, Reset.SUBTRACT_DELAYED)
_SEEN_BEFORE = (Reset.NONE, Reset.SUBTRACT_DELAYED, Reset.ZERO_DELAYED, Reset.ZERO_NEXT)
"""Resets of which the potential that is seen after a step is the one that was tested."""
SMALLEST = 1e-12
"""Square from which on a value serves to fit a factor, as a share of the largest."""


def fitted(case: Case) -> Iterator[Supposed]:
    """Yield what was fitted, first one number for all neurons, then one for each."""
    for fit in (_decay, _current_decay, _gain, _constant, _threshold, _initial, _weights):
        yield from fit(case)


def _decay(case: Case) -> Iterator[Supposed]:
    """Fit the decay of the potential on the steps of no spike.

    With the state before, ``v`` is linear in it: ``v = v_1 + (decay - 1) * (v_1 - v_0)``, where
    ``v_0`` and ``v_1`` are what decays of 0 and 1 give.
    """
    yield from _linear(case, "decay", _without_resets, lambda made: made.v, "potential")


def _current_decay(case: Case) -> Iterator[Supposed]:
    if case.steps.u is not None:
        yield from _linear(
            case,
            "current_decay",
            lambda case: np.zeros(0) if case.steps.u is None else case.steps.u,
            lambda made: made.u,
            "current",
        )


def _linear(
    case: Case,
    name: str,
    wanted: Callable[[Case], Signal],
    given: Callable[[Stepped], Signal],
    told: str,
) -> Iterator[Supposed]:
    """Fit a field in which a signal is linear, for all neurons by one number, and for each."""
    p = replace(case.p, reset=Reset.NONE, refractory=0)
    ends = [given(stepped(_with(p, name, end), case.steps, case.currents)) for end in (0.0, 1.0)]
    slope = (ends[1] - ends[0]).astype(np.float64)
    rest = wanted(case).astype(np.float64) - ends[0]
    slope[_resetting(case)] = 0
    each = _ratio((slope * rest).sum(axis=0), (slope * slope).sum(axis=0), getattr(p, name))
    middle = float(np.median(each))
    for values in (np.full(p.size, middle), each):
        fitted = values.astype(np.float32)
        changed = _with(case.p, name, fitted)
        was, at = getattr(case.p, name), int(np.abs(fitted - getattr(case.p, name)).argmax())
        what = f"the {told} decays by {fitted[at]:.6g} and not {was[at]:.6g}"
        yield Supposed(Cause.DECAY_ROUNDING, what, case.wrong(changed))


def _gain(case: Case) -> Iterator[Supposed]:
    """Fit a factor of all that arrives."""
    if not case.currents:
        return
    nothing = [np.zeros_like(c) for c in case.currents]
    p = replace(case.p, reset=Reset.NONE, refractory=0)
    without, with_it = (
        stepped(p, case.steps, c).v.astype(np.float64) for c in (nothing, case.currents)
    )
    slope, rest = with_it - without, _without_resets(case) - without
    slope[_resetting(case)] = 0
    each = _ratio((slope * rest).sum(axis=0), (slope * slope).sum(axis=0), np.ones(p.size))
    for factors in (np.full(p.size, np.median(each)), each):
        scaled = [(c * factors).astype(np.float32) for c in case.currents]
        at = int(np.abs(factors - 1).argmax())
        what = f"the weights are {factors[at]:.6g} times as large"
        yield Supposed(Cause.WEIGHT_ROUNDING, what, case.wrong(None, scaled))


def _constant(case: Case) -> Iterator[Supposed]:
    """Fit something that arrives in every step."""
    p = replace(case.p, reset=Reset.NONE, refractory=0)
    one = np.ones((len(case.steps.v), p.size), np.float32)
    base = stepped(p, case.steps, case.currents).v.astype(np.float64)
    slope = stepped(p, case.steps, [*case.currents, one]).v.astype(np.float64) - base
    rest = _without_resets(case) - base
    slope[_resetting(case)] = 0
    each = _ratio((slope * rest).sum(axis=0), (slope * slope).sum(axis=0), np.zeros(p.size))
    for values in (np.full(p.size, np.median(each)), each):
        at = int(np.abs(values).argmax())
        what = f"the bias is larger by {values[at]:.6g}"
        extra = [*case.currents, (one * values).astype(np.float32)]
        yield Supposed(Cause.BIAS_OR_THRESHOLD_ROUNDING, what, case.wrong(None, extra))


def _threshold(case: Case) -> Iterator[Supposed]:
    """Fit a threshold to what spikes subtract, or between potentials without a spike and with one.

    Those tell it but for a range; where that holds the threshold itself, nothing is changed.
    """
    if case.steps.spikes is None:
        return
    p, spikes = case.p, case.steps.spikes > 0
    tested = case.steps.v if p.reset in _SEEN_BEFORE else case.made.tested
    low = np.where(spikes, -np.inf, tested).max(axis=0)
    high = np.where(spikes, tested, np.inf).min(axis=0)
    fits = list(_subtracted(case)) if p.reset in _SUBTRACTING and spikes.any() else []
    fits += [_between(p, low.max(), high.min()), _between(p, low, high)]
    for fitted in fits:
        at = int(np.abs(fitted - p.threshold).argmax())
        what = f"the threshold is near {fitted[at]:.6g} and not {p.threshold[at]:.6g}"
        changed = replace(p, threshold=fitted)
        yield Supposed(Cause.BIAS_OR_THRESHOLD_ROUNDING, what, case.wrong(changed))


def _between(p: Population, low: Signal, high: Signal) -> Reals:
    """Give the middle of a range that holds the threshold, or the threshold where it is inside."""
    low, high = (np.broadcast_to(end, (p.size,)) for end in (low, high))
    known = np.isfinite(low) & np.isfinite(high) & (low < high)
    outside = known & ((p.threshold < low) | (p.threshold >= high))
    with np.errstate(invalid="ignore"):
        return np.where(outside, (low + high) / 2, p.threshold).astype(np.float32)


def _subtracted(case: Case) -> Iterator[Reals]:
    """Yield what spikes subtract: the middle one of all, and that of each neuron."""
    p, spikes = case.p, case.steps.spikes
    if spikes is None:
        return
    fired = _subtracting(p, spikes)
    kept = stepped(replace(p, reset=Reset.NONE), case.steps, case.currents)
    lost = kept.v - case.steps.v
    if fired.any():
        yield np.full(p.size, np.median(lost[fired]), np.float32)
    each = p.threshold.copy()
    for i in np.flatnonzero(fired.any(axis=0)):
        each[i] = np.median(lost[fired[:, i], i])
    yield each


def _initial(case: Case) -> Iterator[Supposed]:
    """Fit the potential before the first step."""
    first = replace(case.p, reset=Reset.NONE, initial=np.zeros(case.p.size, np.float32))
    at_zero, at_one = (
        stepped(_with(first, "initial", end), case.steps, case.currents).v[0].astype(np.float64)
        for end in (0.0, 1.0)
    )
    slope = at_one - at_zero
    fitted = _ratio((_without_resets(case)[0] - at_zero) * slope, slope * slope, case.p.initial)
    kept = ~_resetting(case)[0]
    fitted[~kept] = np.median(fitted[kept]) if kept.any() else case.p.initial[~kept]
    at = int(np.abs(fitted - case.p.initial).argmax())
    what = f"the potential begins at {fitted[at]:.6g} and not {case.p.initial[at]:.6g}"
    changed = _with(case.p, "initial", fitted.astype(np.float32))
    yield Supposed(Cause.BIAS_OR_THRESHOLD_ROUNDING, what, case.wrong(changed))


def _weights(case: Case) -> Iterator[Supposed]:
    """Fit one weight of each neuron that is wrong: the one that explains most of what it lacks."""
    ways = [way for way in real_ways(case.network, case.p.name) if way.source in case.sent]
    affected = np.flatnonzero(case.flags().any(axis=0))
    if not ways or not case.currents or not affected.size:
        return
    lacking, free = _lacking(case), ~_resetting(case)
    extra = np.zeros_like(case.currents[0])
    told: list[tuple[float, str]] = []
    for i in map(int, affected):
        best = max(
            (_one_weight(way, case.sent[way.source], lacking[:, i], free[:, i], i) for way in ways),
            key=lambda found: found.gain,
        )
        extra[:, i] = best.brings
        index = ", ".join(map(str, np.unravel_index(best.element, best.way.shape)))
        told.append((abs(best.change), f"from {best.way.source} {index} by {best.change:.6g}"))
    more = f", and those of {len(told) - 1} other neurons" if len(told) > 1 else ""
    what = f"a weight is larger, {max(told)[1]}{more}"
    yield Supposed(Cause.WEIGHT_ROUNDING, what, case.wrong(None, [*case.currents, extra]))


@dataclass(frozen=True, eq=False)
class _Weight:
    """A weight that is supposed to be another: how much, and what of the error that takes away."""

    way: Way
    element: int
    change: float
    gain: float
    brings: Signal


def _one_weight(way: Way, sent: Signal, lacking: Doubles, free: Flags, neuron: int) -> _Weight:
    """Fit the change of each weight of a way by itself, and give the best.

    Args:
        way: Into the population.
        sent: What its source sent, ``[steps, *shape]``.
        lacking: What the neuron lacks in each step, shape ``[steps]``.
        free: The steps that count.
        neuron: Its index.
    """
    x = came(way, sent).reshape(len(sent), -1)
    acting = acting_weights(way.steps, np.ones(way.shape), neuron).ravel() != 0
    x = x * acting
    products, powers = x[free].T @ lacking[free], np.square(x[free]).sum(axis=0)
    changes = _ratio(products, powers, np.zeros(len(powers)))
    gains = changes * products
    j = int(gains.argmax())
    return _Weight(way, j, float(changes[j]), float(gains[j]), changes[j] * x[:, j])


def _lacking(case: Case) -> Doubles:
    """Give what would have to arrive beside what does, ``[steps, n]``."""
    p = replace(case.p, reset=Reset.NONE, refractory=0)
    one = np.ones((len(case.steps.v), p.size), np.float32)
    base = stepped(p, case.steps, case.currents).v.astype(np.float64)
    slope = stepped(p, case.steps, [*case.currents, one]).v.astype(np.float64) - base
    return _ratio(_without_resets(case) - base, slope, np.zeros(slope.shape))


def _without_resets(case: Case) -> Doubles:
    """Give the recorded potential with what spikes subtract added again, ``[steps, n]``."""
    v, p, spikes = case.steps.v.astype(np.float64), case.p, case.steps.spikes
    if spikes is None or p.reset not in _SUBTRACTING:
        return v
    return v + _subtracting(p, spikes) * p.threshold


def _subtracting(p: Population, spikes: Array) -> Flags:
    """Say where a threshold was subtracted: in the step of a spike, or in the one after it."""
    fired = spikes > 0
    if p.reset is Reset.SUBTRACT:
        return np.asarray(fired)
    return np.concatenate((np.zeros((1, p.size), np.bool_), fired[:-1]))


def _resetting(case: Case) -> Flags:
    """Say where a reset, of this step or of the last, or a pause may have moved the potential.

    What is subtracted is known, and ``_without_resets`` adds it again.
    """
    moved = np.zeros(case.steps.v.shape, np.bool_)
    if case.steps.spikes is None:
        return moved
    spikes = case.steps.spikes > 0
    if case.p.reset not in _SUBTRACTING:
        moved |= spikes
        moved[1:] |= spikes[:-1]
    for k in range(1, case.p.refractory + 1):
        moved[k:] |= spikes[:-k]
    return moved


def _with(p: Population, name: str, values: float | Signal) -> Population:
    """Give a population with other numbers in a field."""
    changed: dict[str, Any] = {name: np.full(p.size, values, np.float32)}
    return replace(p, **changed)


def _ratio(
    a: Doubles,
    b: Doubles,
    otherwise: Signal,
) -> Doubles:
    """Give ``a / b``, and another value where there is nothing to fit."""
    enough = np.abs(b) > SMALLEST * np.abs(b).max(initial=0)
    return np.divide(a, b, out=otherwise.astype(np.float64), where=enough)
