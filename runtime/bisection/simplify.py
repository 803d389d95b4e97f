"""A case made simpler: what is not needed for the difference is set to what is simplest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import compress
from typing import Any

import numpy as np

from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import MAX_DU, MAX_DV, FixedNetwork, FixedProjection
from snnc.compiler.retime import retime, unretimed
from snnc.runtime.apart import Part
from snnc.runtime.bisection.bench import Bench
from snnc.runtime.bisection.cases import Case
from snnc.runtime.bisection.narrow import up_to_difference

SIMPLEST = {"bias_mant": 0, "initial": 0, "du": MAX_DU, "dv": MAX_DV}
"""No bias, at rest, no memory of the current, none of the potential."""
Change = Callable[[FixedNetwork], FixedNetwork]


def simplified(bench: Bench, case: Case) -> Case:
    """Give a case of simpler networks: each change that keeps the difference is kept.

    Args:
        bench: Runs cases, and knows what is looked for.
        case: Shows it.
    """
    changes = (_at_once, _undelayed, *_simpler_neurons(case))
    simplest = _changed(case, changes)
    if simplest is None or not bench.shows(simplest):
        possible = bench.show_each(_changed(case, [change]) for change in changes)
        simplest = _together(bench, case, list(compress(changes, possible)))
    return up_to_difference(bench, simplest)


def _together(bench: Bench, case: Case, changes: Sequence[Change]) -> Case:
    """Give a case with all changes, or with one after the other that keeps the difference."""
    simplest = _changed(case, changes)
    if simplest is not None and bench.shows(simplest):
        return simplest
    for change in changes:
        simpler = _changed(case, [change])
        if simpler is not None and bench.shows(simpler):
            case = simpler
    return case


def _changed(case: Case, changes: Iterable[Change]) -> Case | None:
    """Give the case with some changes; None where a loop would have no delay left."""
    try:
        for change in changes:
            parts = [replace(part, network=change(part.network)) for part in case.parts]
            case = replace(case, parts=_two(parts))
    except InputError:
        return None
    return case


def _two(parts: list[Part]) -> tuple[Part, Part]:
    reference, other = parts
    return reference, other


def _at_once(network: FixedNetwork) -> FixedNetwork:
    """Let every population run as little behind the input as it can."""
    return retime(unretimed(network))


def _undelayed(network: FixedNetwork) -> FixedNetwork:
    """Leave out the delays of the model from inputs; hardware keeps its step."""
    inputs = {i.name for i in network.inputs}

    def at_once(q: FixedProjection) -> FixedProjection:
        return replace(q, delay=0) if q.source in inputs else q

    of_model = unretimed(network)
    return retime(replace(of_model, projections=tuple(map(at_once, of_model.projections))))


def _simpler_neurons(case: Case) -> Iterator[Change]:
    for p in case.parts[0].network.populations:
        for field, value in SIMPLEST.items():
            yield _setting(p.name, field, np.full(p.size, value, np.int32))
        yield _setting(p.name, "refractory", 0)


def _setting(population: str, field: str, value: Any) -> Change:
    def change(network: FixedNetwork) -> FixedNetwork:
        populations = tuple(
            replace(p, **{field: value}) if p.name == population else p for p in network.populations
        )
        return replace(network, populations=populations)

    return change
