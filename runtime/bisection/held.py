"""What two artifacts hold otherwise: in the smallest part, and in all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from snnc.compiler.fixed import FixedNetwork, FixedProjection
from snnc.compiler.mapping.cut import PARAMETERS
from snnc.compiler.operators import FixedSparse, FixedWeighted
from snnc.compiler.retime import unretimed
from snnc.runtime.bisection.cases import Case, lines_of
from snnc.runtime.bisection.condense import response
from snnc.runtime.bisection.found import Held, Otherwise, Synapse

OF_POPULATION = ("reset", "refractory")
"""What all neurons of a population have in common."""
OF_PROJECTION = ("delay", "weight_exp")
"""What all synapses of a projection have in common, and what acts on what is computed."""


def synapses_of(case: Case, networks: tuple[FixedNetwork, FixedNetwork]) -> Iterator[Synapse]:
    """Yield the synapses over which anything is sent into a case.

    Args:
        case: With its projections as they are in the whole.
        networks: The whole ones.
    """
    delays = [{q.name: q.delay for q in unretimed(n).projections} for n in networks]
    shapes = networks[0].shapes
    places = dict(lines_of(case))
    inputs = {i.name: i for i in case.inputs}
    both = [{q.name: q for q in part.network.projections} for part in case.parts]
    for name, q in both[0].items():
        if q.source not in places:
            continue
        lines, values = case.parts[0].lines[q.source], case.values[:, places[q.source]]
        sending = np.flatnonzero(values.any(axis=0))
        if not sending.size:
            continue
        weights = [response(by[name], inputs[q.source], sending) for by in both]
        for k, line in enumerate(sending):
            at = np.unravel_index(int(lines.elements[line]), shapes[lines.source])
            steps = np.flatnonzero(values[:, line])
            for row in np.flatnonzero(weights[0][:, k] | weights[1][:, k]):
                yield Synapse(
                    projection=name,
                    source=lines.source,
                    neuron=tuple(map(int, at)),
                    target=q.target,
                    weight=int(weights[0][row, k]),
                    weight_other=int(weights[1][row, k]),
                    delay=delays[0][name],
                    delay_other=delays[1][name],
                    sent=tuple((case.begin + int(t), int(values[t, line])) for t in steps),
                )


def held_in(case: Case, networks: tuple[FixedNetwork, FixedNetwork]) -> Iterator[Held]:
    """Yield the numbers of the neurons and projections of a case that differ.

    Args:
        case: The smallest part.
        networks: The whole ones.
    """
    reference, other = map(unretimed, networks)
    for p in case.parts[0].network.populations:
        a, b = reference.population(p.name), other.population(p.name)
        for field in OF_POPULATION:
            yield from _held(p.name, field, getattr(a, field), getattr(b, field))
        for field in PARAMETERS:
            for neuron in case.parts[0].neurons[p.name]:
                at = tuple(map(int, np.unravel_index(int(neuron), a.shape)))
                one, two = (int(getattr(of, field)[neuron]) for of in (a, b))
                yield from _held(f"{p.name}, neuron {index(at)}", field, one, two)
    kept = {q.name for q in case.parts[0].network.projections}
    for q, r in zip(reference.projections, other.projections, strict=True):
        for field in OF_PROJECTION if q.name in kept else ():
            yield from _held(q.name, field, getattr(q, field), getattr(r, field))


def weights_held(synapses: tuple[Synapse, ...]) -> Iterator[Held]:
    """Yield the weights among ``synapses`` that differ."""
    for s in synapses:
        where = f"{s.projection}, from {s.source} {index(s.neuron)}"
        yield from _held(where, "weight", s.weight, s.weight_other)


def otherwise(networks: tuple[FixedNetwork, FixedNetwork]) -> Iterator[Otherwise]:
    """Yield how many numbers of each population and projection differ in all."""
    reference, other = map(unretimed, networks)
    for p, r in zip(reference.populations, other.populations, strict=True):
        for field in (*OF_POPULATION, *PARAMETERS):
            yield from _differing(p.name, field, getattr(p, field), getattr(r, field))
    for q, s in zip(reference.projections, other.projections, strict=True):
        for field in OF_PROJECTION:
            yield from _differing(q.name, field, getattr(q, field), getattr(s, field))
        yield from _differing_weights(q, s)


def _differing_weights(q: FixedProjection, s: FixedProjection) -> Iterator[Otherwise]:
    for o, t in zip(q.operators, s.operators, strict=True):
        if not isinstance(o, FixedWeighted) or not isinstance(t, FixedWeighted):
            continue
        if isinstance(o, FixedSparse) and isinstance(t, FixedSparse):
            yield from _differing_lists(q.name, o, t)
        else:
            yield from _differing(q.name, "weight", o.weight, t.weight)


def _differing_lists(where: str, o: FixedSparse, t: FixedSparse) -> Iterator[Otherwise]:
    """Yield how many weights differ of matrices of which what is 0 may not be listed."""
    one, two = (of.source * of.n_out + of.target for of in (o, t))
    places = np.union1d(one, two)
    dense = np.zeros((2, places.size), np.int64)
    dense[0, np.searchsorted(places, one)] = o.weight
    dense[1, np.searchsorted(places, two)] = t.weight
    yield from _differing(where, "weight", dense[0], dense[1])


def _differing(where: str, what: str, one: object, two: object) -> Iterator[Otherwise]:
    a, b = np.atleast_1d(np.asarray(one)), np.atleast_1d(np.asarray(two))
    differing = int((a != b).sum()) if a.shape == b.shape else max(a.size, b.size)
    if differing:
        yield Otherwise(where=where, what=what, numbers=a.size, differing=differing)


def _held(where: str, what: str, one: int | str, two: int | str) -> Iterator[Held]:
    if one != two:
        yield Held(where=where, what=what, reference=_plain(one), other=_plain(two))


def _plain(value: int | str) -> int | str:
    return str(value) if isinstance(value, str) else int(value)


def index(neuron: tuple[int, ...]) -> str:
    """Give the index of a neuron as it is told."""
    return ", ".join(map(str, neuron))


def synapses_in(network: FixedNetwork) -> int:
    """Count the synapses of a network: a weight for each pair of an element and a neuron."""
    total, shapes = 0, network.shapes
    for q in network.projections:
        shape = shapes[q.source]
        for operator in q.operators:
            given = operator.result_shape(shape)
            total += _synapses(operator, given)
            shape = given
    return total


def _synapses(operator: object, given: tuple[int, ...]) -> int:
    if not isinstance(operator, FixedWeighted):
        return 0
    if not hasattr(operator, "window"):
        return operator.weight.size
    return int(operator.weight.size * np.prod(given[1:]))
