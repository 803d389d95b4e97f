"""What could be different in a population of real numbers, each tried on every step of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from snnc.compiler.network import Projection, Reset
from snnc.compiler.operators import Reals
from snnc.runtime.divergence.cases import Case, Supposed
from snnc.runtime.divergence.explanation import Candidate, Cause
from snnc.runtime.divergence.fits import fitted
from snnc.runtime.divergence.single_steps import arriving
from snnc.targets.float.operators import Signal

SHIFTS = (-3, -2, -1, 1, 2, 3)
"""Steps by which a delay is supposed to be off."""
REFRACTORY = range(6)
"""Refractory steps that are supposed."""


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
    return tuple(sorted(found, key=lambda c: -round(c.explains, 3)))  # and then as they were tried


def _suppositions(case: Case) -> Iterator[Supposed]:
    yield from _resets(case)
    yield from _delays(case)
    yield from fitted(case)


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
    groups: list[tuple[Cause, str, tuple[Projection, ...]]]
    groups = [(Cause.DELAY, q.name, (q,)) for q in own]
    if len(own) > 1:
        groups.append((Cause.LATENCY, f"the population {case.p.name}", own))
    for cause, place, moved in groups:
        names = {q.name for q in moved}
        for k in (k for k in SHIFTS if all(q.delay + k >= 0 for q in moved)):
            way = "later" if k > 0 else "earlier"
            what = f"{place} gets its input {abs(k)} {'step' if abs(k) == 1 else 'steps'} {way}"
            yield Supposed(cause, what, case.wrong(None, _shifted(case, names, k)))


def _shifted(case: Case, names: set[str], k: int) -> list[Signal]:
    def moved(q: Projection) -> Projection:
        return replace(q, delay=q.delay + k) if q.name in names else q

    network = replace(case.network, projections=tuple(map(moved, case.network.projections)))
    return arriving(network, case.inputs, case.trace, case.p.name)
