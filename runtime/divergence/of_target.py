"""``integer -> target``, and all links that promise the same bits: which step of the arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from snnc.compiler.fixed import ALIGN_BITS, FixedNetwork, FixedPopulation
from snnc.compiler.mapping.cut import homes
from snnc.compiler.retime import unretimed
from snnc.compiler.trace import SIGNALS, Array
from snnc.runtime.compare import Divergence
from snnc.runtime.divergence.causes import classify
from snnc.runtime.divergence.explanation import Candidate, Cause, Explanation, State
from snnc.runtime.divergence.operands import LISTED, fixed_ways, operands
from snnc.runtime.divergence.parted import Parted
from snnc.runtime.divergence.remedies import for_target
from snnc.runtime.divergence.states import flat_index, integer_parameters, integer_state
from snnc.runtime.divergence.windows import courses, rasters, window
from snnc.runtime.text import percent
from snnc.targets.integer.reference import Integers, neuron_step, synaptic_input


def explain(parted: Parted, found: Divergence) -> Explanation:
    """Explain the first value that differs.

    Args:
        parted: The two executions of its sample.
        found: The value, as it was found among all samples.
    """
    again = parted.first(SIGNALS)
    here = again or found
    fixed = parted.artifact.required_fixed
    p = fixed.population(here.population)
    neuron, step = flat_index(p.shape, here.neuron), here.step
    delivered = operands(fixed_ways(fixed, p.name), step, neuron, *parted.sent)
    states = _states(parted, fixed, here, neuron)
    candidates = _candidates(parted, again)
    threshold = float(int(p.threshold[neuron]) << ALIGN_BITS) if p.spiking else None
    shown = window(step, len(next(iter(parted.inputs.values()))))
    compared = states[0].compared
    traces = parted.reference, parted.other
    return Explanation(
        reference=parted.names[0],
        other=parted.names[1],
        divergence=here,
        layer=parted.layer(p.name),
        cause=candidates[0].cause,
        because=_because(parted, again, candidates, here) + _core(parted, here, neuron),
        candidates=candidates,
        operands=delivered[:LISTED],
        n_operands=len(delivered),
        states=states,
        parameters=integer_parameters(p, neuron),
        threshold=threshold,
        distance=None if threshold is None or compared is None else compared - threshold,
        courses=tuple(courses(traces, p.name, here.neuron, neuron, shown, threshold)),
        rasters=tuple(rasters(parted.sent, p.name, here.neuron, delivered, shown)),
        remedy=for_target(parted.names[1]),
    )


def _candidates(parted: Parted, again: Divergence | None) -> tuple[Candidate, ...]:
    """Try what could make the other execution what it is."""
    if again is None:
        return (Candidate(cause=Cause.UNKNOWN, what="", explains=0.0),)
    fixed = parted.artifact.required_fixed
    return classify(fixed, parted.inputs, parted.other, replace(again, sample=0))


def _because(
    parted: Parted, again: Divergence | None, candidates: tuple[Candidate, ...], here: Divergence
) -> str:
    name, other = parted.names
    if again is None:
        return (
            f"Run by itself, the sample gives the same in {name} and {other}: what differs needs "
            "the samples beside it, or is left to chance."
        )
    said = f"{here.signal} is {here.reference:.9g} in {name} and {here.other:.9g} in {other}."
    best, *others = candidates
    if best.cause is Cause.UNKNOWN:
        said += f" {best.what[:1].upper()}{best.what[1:]}."
        return said + "".join(map(_nearest, others[:1]))
    said += f" With {best.what} the arithmetic gives {percent(best.explains)} of the values "
    said += f"of {here.population} that differ."
    as_much = (c for c in others if round(c.explains, 3) == round(best.explains, 3))
    for c in [c for c in as_much if c.cause is not best.cause][:1]:
        said += f" It may as well be {c.cause}: {c.what}."
    return said


def _nearest(best: Candidate) -> str:
    return (
        f" The nearest is {best.cause}, {best.what}: {percent(best.explains)}. Two faults at once "
        "look like this, too."
    )


def _core(parted: Parted, here: Divergence, neuron: int) -> str:
    """Say where a neuron is, where the other execution is cut over cores."""
    mapped = parted.artifact.mapped
    if mapped is None:
        return ""
    k = int(homes(mapped)[here.population].core[neuron])
    core = mapped.cores[k]
    return f" The neuron is on core {k}, which is slot {core.slot} of chip {core.chip}."


def _states(
    parted: Parted, fixed: FixedNetwork, here: Divergence, neuron: int
) -> tuple[State, State]:
    """Give both states: of the reference what the arithmetic makes of the step before."""
    p = fixed.population(here.population)
    reference, other = (
        integer_state(p, trace, here.step, neuron) for trace in (parted.reference, parted.other)
    )
    if reference.u_before is None or reference.v_before is None:
        return reference, other
    a = _arriving(fixed, parted.sent[0], here, neuron)
    rho = _pause(p, parted.sent[0][p.name], here.step, neuron) if p.refractory else 0
    before = (_only(p.size, neuron, x) for x in (reference.u_before, reference.v_before, rho, a))
    made = neuron_step(p, *before)
    told = {"a": float(a), "compared": float(made.v_sum[0, neuron])}
    return reference.model_copy(update=told), other


def _pause(p: FixedPopulation, sent: Array, step: int, neuron: int) -> int:
    """Give the refractory steps that are left before a step; a population that has them spikes."""
    spiked = np.flatnonzero(sent.reshape(len(sent), -1)[:step, neuron])
    return max(p.refractory - (step - 1 - int(spiked[-1])), 0) if spiked.size else 0


def _arriving(fixed: FixedNetwork, sent: Mapping[str, Array], here: Divergence, neuron: int) -> int:
    """Give what arrives at a neuron in the step."""
    total = 0
    for q in unretimed(fixed).incoming(here.population):
        if 0 <= here.step - q.delay < len(sent[q.source]):
            x = sent[q.source][here.step - q.delay].astype(np.int64)
            total += int(synaptic_input(q, x.reshape(1, *fixed.shapes[q.source]))[0, neuron])
    return total


def _only(n: int, neuron: int, value: float) -> Integers:
    """Give ``n`` zeros, and a value at one place; shape ``[1, n]``."""
    values = np.zeros((1, n), np.int64)
    values[0, neuron] = int(value)
    return values
