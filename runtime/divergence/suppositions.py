"""What could be different in a population of real numbers, each tried on every step of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from snnc.compiler.network import Network, Population, Projection, Reset
from snnc.compiler.operators import Reals
from snnc.compiler.trace import Trace
from snnc.runtime.divergence.explanation import Candidate, Cause
from snnc.runtime.divergence.single_steps import Flags, Stepped, Steps, arriving, stepped, wrong
from snnc.targets.float.operators import Signal

SHIFTS = (-3, -2, -1, 1, 2, 3)
"""Steps by which a delay is supposed to be off."""
REFRACTORY = range(6)
"""Refractory steps that are supposed."""
_SUBTRACTING = (Reset.SUBTRACT, Reset.SUBTRACT_DELAYED)
_SEEN_BEFORE = (Reset.NONE, Reset.SUBTRACT_DELAYED, Reset.ZERO_DELAYED, Reset.ZERO_NEXT)
"""Resets of which the potential that is seen after a step is the one that was tested."""
SMALLEST = 1e-6
"""Magnitude from which on a value serves to fit a factor, as a share of the largest."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """A population beside what another execution recorded of it.

    Attributes:
        network: What should have been computed.
        inputs: float32 of each input, of one sample: ``[steps, 1, n]``.
        trace: What the other execution recorded, of that sample.
        p: The population.
        steps: What was recorded of it.
        currents: What arrives in each step, projection by projection.
        made: What the population makes of each step.
    """

    network: Network
    inputs: Mapping[str, Reals]
    trace: Trace
    p: Population
    steps: Steps
    currents: list[Signal]
    made: Stepped

    @classmethod
    def of(
        cls, network: Network, inputs: Mapping[str, Reals], trace: Trace, population: str
    ) -> Case:
        """Step a population through a recorded run."""
        p = network.population(population)
        steps, currents = Steps.of(trace, p), arriving(network, inputs, trace, population)
        return cls(
            network=network,
            inputs=inputs,
            trace=trace,
            p=p,
            steps=steps,
            currents=currents,
            made=stepped(p, steps, currents),
        )

    def flags(self) -> Flags:
        """Say which steps of which neurons are not what was recorded, ``[steps, n]``."""
        return wrong(self.p, self.steps, self.made)

    def wrong(self, p: Population | None = None, currents: list[Signal] | None = None) -> int:
        """Count them, with another population or other currents."""
        p, currents = p or self.p, self.currents if currents is None else currents
        with np.errstate(all="ignore"):
            return int(wrong(p, self.steps, stepped(p, self.steps, currents)).sum())


def tried(case: Case) -> tuple[Candidate, ...]:
    """Give all suppositions and how much of what is wrong each explains, the best first.

    Args:
        case: Of which something is wrong.
    """
    whole = case.wrong()
    found = [
        Candidate(cause=s.cause, what=s.what, explains=max(0.0, 1 - s.left / whole))
        for s in _suppositions(case)
    ]
    return tuple(sorted(found, key=lambda c: -c.explains))


@dataclass(frozen=True)
class Supposed:
    """A supposition that was tried, and how many values it leaves wrong."""

    cause: Cause
    what: str
    left: int


def _suppositions(case: Case) -> Iterator[Supposed]:
    yield from _resets(case)
    yield from _delays(case)
    for fit in (_decay, _current_decay, _gain, _constant, _threshold):
        yield from fit(case)


def _resets(case: Case) -> Iterator[Supposed]:
    p = case.p
    if not p.spiking:
        return
    for reset in (r for r in Reset if r is not p.reset):
        changed = replace(p, reset=reset, reset_value=_reset_value(case, reset))
        yield Supposed(Cause.RESET, f"the reset is {reset} and not {p.reset}", case.wrong(changed))
    for steps in (k for k in REFRACTORY if k != p.refractory):
        what = f"{steps} refractory steps and not {p.refractory}"
        yield Supposed(Cause.RESET, what, case.wrong(replace(p, refractory=steps)))
    signs = (">", ">=") if p.inclusive else (">=", ">")
    changed = replace(p, inclusive=not p.inclusive)
    yield Supposed(
        Cause.TIE, f"a neuron spikes at v {signs[0]} threshold, not {signs[1]}", case.wrong(changed)
    )


def _reset_value(case: Case, reset: Reset) -> Reals:
    """Give what spikes are supposed to set the potential to: the middle one of what they do."""
    p, spikes = case.p, case.steps.spikes
    if reset is not Reset.VALUE or spikes is None or not spikes.any():
        return p.reset_value
    return np.full(p.size, np.median(case.steps.v[spikes > 0]), np.float32)


def _delays(case: Case) -> Iterator[Supposed]:
    """Yield delays of one projection, and of all where there are several."""
    own = tuple(case.network.incoming(case.p.name))
    groups: list[tuple[Cause, tuple[Projection, ...]]] = [(Cause.DELAY, (q,)) for q in own]
    groups += [(Cause.LATENCY, own)] if len(own) > 1 else []
    for cause, moved in groups:
        for k in (k for k in SHIFTS if all(q.delay + k >= 0 for q in moved)):
            names = {q.name for q in moved}
            place = f"the population {case.p.name}" if len(moved) > 1 else moved[0].name
            way = "later" if k > 0 else "earlier"
            what = f"{place} gets its input {abs(k)} {'step' if abs(k) == 1 else 'steps'} {way}"
            yield Supposed(cause, what, case.wrong(None, _shifted(case, names, k)))


def _shifted(case: Case, names: set[str], k: int) -> list[Signal]:
    def moved(q: Projection) -> Projection:
        return replace(q, delay=q.delay + k) if q.name in names else q

    network = replace(case.network, projections=tuple(map(moved, case.network.projections)))
    return arriving(network, case.inputs, case.trace, case.p.name)


# --- what is fitted ----------------------------------------------------------------------------

Fit = Callable[[Case], Iterator[Supposed]]


def _decay(case: Case) -> Iterator[Supposed]:
    """Fit the decay of the potential on the steps of no spike.

    With the state before, ``v`` is linear in it: ``v = v_1 + (decay - 1) * (v_1 - v_0)``, where
    ``v_0`` and ``v_1`` are what decays of 0 and 1 give.
    """
    yield from _linear(case, "decay", lambda case: case.steps.v, lambda made: made.v, "potential")


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
    slope, rest = with_it - without, case.steps.v - without
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
    rest = case.steps.v - base
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
    fits = [_subtracted(case)] if p.reset in _SUBTRACTING and spikes.any() else []
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


def _subtracted(case: Case) -> Reals:
    """Give what spikes subtract, the middle one of all."""
    p, spikes = case.p, case.steps.spikes
    fired = np.zeros(case.steps.v.shape, np.bool_) if spikes is None else spikes > 0
    if p.reset is not Reset.SUBTRACT:  # in the step after it
        fired = np.concatenate((np.zeros((1, p.size), np.bool_), fired[:-1]))
    kept = stepped(replace(p, reset=Reset.NONE), case.steps, case.currents)
    lost = (kept.v - case.steps.v)[fired]
    return np.full(p.size, np.median(lost) if lost.size else p.threshold[0], np.float32)


def _resetting(case: Case) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Say where a reset, of this step or of the last, or a pause may have moved the potential."""
    if case.steps.spikes is None:
        return np.zeros(case.steps.v.shape, np.bool_)
    spikes = case.steps.spikes > 0
    moved = spikes.copy()
    moved[1:] |= spikes[:-1]
    for k in range(1, case.p.refractory + 1):
        moved[k:] |= spikes[:-k]
    return moved


def _with(p: Population, name: str, values: float | Signal) -> Population:
    """Give a population with other numbers in a field."""
    changed: dict[str, Any] = {name: np.full(p.size, values, np.float32)}
    return replace(p, **changed)


def _ratio(
    a: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    b: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    otherwise: Signal,
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Give ``a / b``, and another value where there is nothing to fit."""
    enough = b > SMALLEST * b.max(initial=0)
    return np.divide(a, b, out=otherwise.astype(np.float64), where=enough)
