"""``framework -> float``: what the module computes otherwise than the network made of it."""

from __future__ import annotations

import numpy as np

from snnc.runtime.compare import Divergence
from snnc.runtime.divergence.cases import Case
from snnc.runtime.divergence.explanation import Candidate, Cause, Explanation
from snnc.runtime.divergence.operands import LISTED, operands, real_ways
from snnc.runtime.divergence.parted import Parted
from snnc.runtime.divergence.remedies import for_framework
from snnc.runtime.divergence.single_steps import ulps
from snnc.runtime.divergence.states import flat_index, real_parameters, real_state
from snnc.runtime.divergence.suppositions import tried
from snnc.runtime.divergence.windows import courses, rasters, window
from snnc.runtime.text import percent
from snnc.targets.float.replay import TIE_ULP, can_replay
from snnc.targets.inputs import real_inputs

SPIKES = ("spikes",)
ENOUGH = 0.5
"""Share of the wrong values that a supposition has to explain to be taken for the cause."""


def explain(parted: Parted) -> Explanation | None:
    """Explain the first spike that only one has, or the first state that is off.

    A spike that rounding explains is no reason where another population is wrong: that is told.

    Returns:
        None where neither is there, or the framework did not record every state.
    """
    network = parted.artifact.network
    inputs = real_inputs(network, parted.inputs)
    if not can_replay(network, parted.reference):
        return None
    cases = [Case.of(network, inputs, parted.reference, p.name) for p in network.populations]
    found = parted.first(SPIKES)
    wrong = {c.p.name for c in cases if c.wrong()}
    if found is None or (wrong and found.population not in wrong):
        found = _off(parted, cases)
    if found is None:
        return None
    (case,) = (c for c in cases if c.p.name == found.population)
    p, step = case.p, found.step
    neuron, sent = flat_index(p.shape, found.neuron), parted.sent_reals
    candidates = tried(case) if case.wrong() else ()
    cause, because = _judged(case, found, neuron, candidates)
    delivered = operands(real_ways(network, p.name), step, neuron, *sent)
    shown = window(step, len(case.steps.v))
    threshold = float(p.threshold[neuron]) if p.spiking else None
    tested = float(case.made.tested[step, neuron])
    states = [real_state(p, trace, step, neuron) for trace in (parted.reference, parted.other)]
    traces = parted.reference, parted.other
    return Explanation(
        reference=parted.names[0],
        other=parted.names[1],
        divergence=found,
        layer=parted.layer(p.name),
        cause=cause,
        because=because,
        candidates=candidates,
        operands=delivered[:LISTED],
        n_operands=len(delivered),
        states=(states[0], states[1]),
        parameters=real_parameters(p, neuron),
        threshold=threshold,
        distance=None if threshold is None else tested - threshold,
        courses=tuple(courses(traces, p.name, found.neuron, neuron, shown, threshold)),
        rasters=tuple(rasters(sent, p.name, found.neuron, delivered, shown)),
        remedy=for_framework(cause),
    )


def _judged(
    case: Case,
    found: Divergence,
    neuron: int,
    candidates: tuple[Candidate, ...],
) -> tuple[Cause, str]:
    """Give the class, and what shows it."""
    p = case.p
    if not candidates:
        return _rounded(case, found, neuron)
    best = candidates[0]
    n = case.wrong()
    said = (
        f"Begun from the framework's own states, {n:,} of {case.steps.v.size:,} steps of the "
        f"neurons of {p.name} come out otherwise than in the framework."
    )
    if best.explains < ENOUGH:
        return Cause.UNKNOWN, f"{said} Nothing that was tried explains half of them."
    return best.cause, (
        f"{said} In the framework it is as if {best.what}: that explains "
        f"{percent(best.explains)} of them."
    )


def _rounded(case: Case, found: Divergence, neuron: int) -> tuple[Cause, str]:
    """Tell of a spike that only rounding explains: in this step, or over many."""
    p, t = case.p, found.step
    ulp = float(ulps(p, case.made.tested)[t, neuron])
    v = float(case.made.tested[t, neuron])
    place = (
        f"Begun from the framework's own state, the potential is {v:.9g} at a threshold of "
        f"{p.threshold[neuron]:.9g}, {ulp:.3g} ulp apart"
    )
    if ulp <= TIE_ULP:
        return Cause.TIE, f"{place}: the order of a float32 sum decides."
    return Cause.FLOAT_ORDER, (
        f"{place}, and spikes as in the framework. Every step does; only from step to step "
        "rounding adds up until the two part."
    )


def _off(parted: Parted, cases: list[Case]) -> Divergence | None:
    """Give the first potential that is not what the step makes of the state before."""
    places: list[tuple[int, int, Divergence]] = []
    for rank, case in enumerate(cases):
        off = case.flags()
        if off.any():
            step, neuron = map(int, np.unravel_index(off.argmax(), off.shape))
            index = tuple(map(int, np.unravel_index(neuron, case.p.shape)))
            values = float(case.steps.v[step, neuron]), float(case.made.v[step, neuron])
            at = Divergence(step, parted.sample, case.p.name, index, "v", *values)
            places.append((step, rank, at))
    return min(places, key=lambda place: place[:2])[2] if places else None
