"""``float -> integer``: what rounding did to the neuron that parts first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from snnc.compiler.fixed import FixedPopulation
from snnc.compiler.network import Population
from snnc.compiler.quantization.decays import Decays
from snnc.compiler.trace import Array, Trace
from snnc.runtime.divergence.ablation import ablate
from snnc.runtime.divergence.explanation import Explanation, Operand, State
from snnc.runtime.divergence.operands import LISTED, Way, operands, real_ways, strongest_first
from snnc.runtime.divergence.parted import Parted
from snnc.runtime.divergence.remedies import for_rounding
from snnc.runtime.divergence.states import (
    flat_index,
    integer_parameters,
    real_parameters,
    real_state,
)
from snnc.runtime.divergence.twins import Twins, twins
from snnc.runtime.divergence.windows import courses, rasters, window

SPIKES = ("spikes",)


def explain(parted: Parted) -> Explanation | None:
    """Explain the first spike that only one of the two has; None where there is none.

    States, courses and the distance are in the units of the model; parameters are those of the real
    neuron, and of the integers under names that begin with ``integer``.

    Raises:
        InputError: The network has no integers.
    """
    found = parted.first(SPIKES)
    if found is None:
        return None
    network, fixed = parted.artifact.network, parted.artifact.required_fixed
    name, step = found.population, found.step
    p, q = network.population(name), fixed.population(name)
    neuron, sent = flat_index(p.shape, found.neuron), parted.sent_reals
    pair = twins(network, fixed, _decays(parted), name, neuron, sent[0])
    spikes = sent[0][name].reshape(len(sent[0][name]), -1)[:, neuron]
    came = ablate(pair, spikes[: step + 1], reference=int(found.reference), other=int(found.other))
    delivered = _delivered(pair, real_ways(network, name), step, neuron, *sent)
    shown, threshold = window(step, len(spikes)), float(p.threshold[neuron])
    other = _in_units(parted.other, q, keeps=p.integration.has_current)
    return Explanation(
        reference=parted.names[0],
        other=parted.names[1],
        divergence=found,
        layer=parted.layer(name),
        cause=came.cause,
        because=came.because,
        candidates=came.candidates,
        operands=delivered[:LISTED],
        n_operands=len(delivered),
        states=(
            _held(p, parted.reference, step, neuron, came.real.v / pair.count + pair.offset),
            _held(p, other, step, neuron, came.rounded.v / pair.count + pair.offset),
        ),
        parameters=real_parameters(p, neuron)
        | {f"integer {n}": x for n, x in integer_parameters(q, neuron).items()},
        threshold=threshold,
        threshold_other=pair.rounded.threshold / pair.count + pair.offset,
        distance=came.real.distance / pair.count,
        courses=tuple(
            courses((parted.reference, other), name, found.neuron, neuron, shown, threshold)
        ),
        rasters=tuple(rasters(sent, name, found.neuron, delivered, shown)),
        remedy=for_rounding(came.cause, parted.layer(name), parted.artifact, name),
    )


def _delivered(
    pair: Twins,
    ways: Sequence[Way],
    step: int,
    neuron: int,
    sent: Mapping[str, Array],
    sent_other: Mapping[str, Array],
) -> tuple[Operand, ...]:
    """Give what arrived, with the integers of the weights in the units of the model."""
    carriers = {c.path.name: c for c in pair.carriers if c.linear}
    found: list[Operand] = []
    for way in ways:
        c = carriers.get(way.name)
        for o in operands([way], step, neuron, sent, sent_other):
            other = None if c is None else float(c.rounded[o.neuron]) / c.factor
            found.append(o.model_copy(update={"weight_other": other}))
    return strongest_first(found)


def _decays(parted: Parted) -> Decays:
    return Decays(parted.artifact.options.get("decays", Decays.NEAREST))


def _in_units(trace: Trace, q: FixedPopulation, *, keeps: bool) -> Trace:
    """Give a population of integers in the units of the model: ``v / scale + offset``.

    Its current only where the model ``keeps`` one from step to step.
    """
    scale, offset = (x.reshape(q.shape) for x in (q.scale, q.offset))
    v = {q.name: trace.v[q.name] / scale + offset} if q.name in trace.v else {}
    u = {q.name: trace.u[q.name] / scale} if q.name in trace.u and keeps else {}
    return replace(trace, u=u, v=v)


def _held(p: Population, trace: Trace, step: int, neuron: int, compared: float) -> State:
    """Give a state, with the potential before the reset as it was computed."""
    return real_state(p, trace, step, neuron).model_copy(update={"compared": compared})
