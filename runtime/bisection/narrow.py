"""From a difference of whole networks to the smallest case of it, part by part.

Each step proposes less, and what still shows the same difference is kept: in the same neuron, of
the same signal and in the same direction. Nothing is known of the executions but what they give.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.regions import Neurons
from snnc.runtime.bisection.cases import Bench, Case, lines_of, with_parts
from snnc.runtime.bisection.condense import condensed
from snnc.runtime.bisection.delta import AT_ONCE, Items, fewest, one_by_one
from snnc.runtime.bisection.parts import Inseparable, Part, apart, thinned
from snnc.runtime.bisection.whole import Found
from snnc.runtime.stages import Stages


@dataclass(frozen=True, eq=False)
class Narrowed:
    """The smallest case of a difference.

    Attributes:
        case: Shows it; None where no part of the network does.
        isolated: Whether its population shows it by itself, fed with what the reference sends.
        populations: In the case.
        wired: The same case with all elements of its inputs, and projections as they are in the
            whole; None where there is no case.
    """

    case: Case | None
    isolated: bool
    wired: Case | None


def narrowed(bench: Bench, found: Found, told: Stages) -> Narrowed:
    """Narrow a difference to the fewest populations, neurons, synapses and steps.

    Args:
        bench: Runs cases, and knows what is looked for.
        found: The difference in the whole networks, which one sample shows.
        told: Of each stage.
    """
    told("narrowing to a population")
    case = _until(found, case_of(bench, found, {bench.mark.population}, forced=True))
    neuron = _only_neuron(bench, case)
    isolated = neuron is not None or bench.shows(case)
    if not isolated:
        together = _together(bench, found)
        if together is None:
            return Narrowed(None, isolated=False, wired=None)
        case = together
    told("narrowing to neurons")
    case = neuron or _fewest_neurons(bench, case)
    told("narrowing to synapses")
    case = _fewest_lines(bench, case)
    told("narrowing to steps")
    case = _fewest_events(bench, case)
    return Narrowed(_latest(bench, _condensed(bench, case)), isolated, wired=case)


def up_to_difference(bench: Bench, case: Case) -> Case:
    """Give a case without the steps behind its first difference."""
    seen = bench.seen(case)
    if seen is None or seen.divergence.step + 1 == len(case.values):
        return case
    cut = replace(case, values=case.values[: seen.divergence.step + 1])
    return cut if bench.shows(cut) else case


# --- populations -------------------------------------------------------------------------------


def case_of(bench: Bench, found: Found, live: Iterable[str], *, forced: bool) -> Case:
    """Give populations with what the reference sent them, of one sample and all its steps.

    Args:
        bench: Of both executions.
        found: What the reference sent.
        live: Names of the populations.
        forced: Also what they send each other is what the reference sent.
    """
    live = frozenset(live)
    parts = [apart(side.network, live, forced=forced) for side in bench.pair.sides]
    empty = Case((parts[0], parts[1]), np.zeros((0, 0), np.int32))
    values = {name: found.sent[lines.source] for name, lines in parts[0].lines.items()}
    return with_parts(empty, parts, values)


def _until(found: Found, case: Case) -> Case:
    """Leave out the steps behind the difference."""
    return replace(case, values=case.values[: found.seen.divergence.step + 1])


def _together(bench: Bench, found: Found) -> Case | None:
    """Give the fewest populations that show it together: the nearest before the one, then fewer."""
    network = bench.pair.reference.network
    names = [p.name for p in network.populations]

    def case(live: Iterable[str]) -> Case:
        return _until(found, case_of(bench, found, live, forced=False))

    for live in (*_nearer(network, bench.mark.population), frozenset(names)):
        if bench.shows(case(live)):
            break
    else:
        return None
    others = np.array([k for k, n in enumerate(names) if n in live and n != bench.mark.population])

    def with_others(choice: Items) -> set[str]:
        return {bench.mark.population, *(names[k] for k in choice)}

    kept = fewest(others, one_by_one(lambda choice: bench.shows(case(with_others(choice)))))
    return case(with_others(kept))


def _nearer(network: FixedNetwork, population: str) -> Sequence[frozenset[str]]:
    """Give the population alone, with those that feed it, with those that feed these, and so on."""
    inputs = {i.name for i in network.inputs}
    reached = [frozenset({population})]
    while True:
        feeding = {q.source for q in network.projections if q.target in reached[-1]} - inputs
        more = reached[-1] | feeding
        if more == reached[-1]:
            return reached
        reached.append(more)


# --- neurons -----------------------------------------------------------------------------------


def _only_neuron(bench: Bench, case: Case) -> Case | None:
    """Keep the one neuron of its population; None where it does not show the difference so."""
    return _thin(bench, case, bench.mark.population, _marked(bench, case))


def _marked(bench: Bench, case: Case) -> Neurons:
    """Give the place of the one neuron in its population."""
    return np.flatnonzero(case.parts[0].neurons[bench.mark.population] == bench.mark.neuron)


def _fewest_neurons(bench: Bench, case: Case) -> Case:
    """Keep the one neuron of its population, and of others those that are needed."""
    alone = _only_neuron(bench, case)
    case = alone or case
    for p in case.parts[0].network.populations:
        if p.name != bench.mark.population:
            case = _fewest_of(bench, case, p.name, np.zeros(0, np.int64))
        elif alone is None:
            case = _fewest_of(bench, case, p.name, _marked(bench, case))
    return case


def _fewest_of(bench: Bench, case: Case, population: str, must: Neurons) -> Case:
    """Keep the fewest neurons of one population, ``must`` and one at least among them."""
    best = case

    def shows(choice: Items) -> bool:
        nonlocal best
        keep = np.union1d(choice, must)
        found = _thin(bench, case, population, keep) if keep.size else None
        best = found or best
        return found is not None

    size = case.parts[0].neurons[population].size
    others = np.setdiff1d(np.arange(size), must)
    if shows(np.arange(size)):
        fewest(others, one_by_one(shows))
    return best


def _thin(bench: Bench, case: Case, population: str, keep: Neurons) -> Case | None:
    """Give the case with some neurons of a population, if it shows the difference."""
    try:
        parts = [thinned(part, {population: keep}) for part in case.parts]
    except Inseparable:
        return None
    smaller = _of_parts(case, parts)
    return smaller if bench.shows(smaller) else None


def _of_parts(case: Case, parts: Sequence[Part]) -> Case:
    """Give a case of smaller parts: of its values those that are still read."""
    old, values = case.parts[0].lines, case.by_input(case.values)
    kept = {
        name: values[name][:, np.searchsorted(old[name].elements, lines.elements)]
        for name, lines in parts[0].lines.items()
    }
    return with_parts(case, parts, kept)


# --- synapses and steps ------------------------------------------------------------------------


def _fewest_lines(bench: Bench, case: Case) -> Case:
    """Silence the lines that are not needed; they all are of one run of the same networks."""

    def kept(choice: Items) -> npt.NDArray[np.int32]:
        values = np.zeros_like(case.values)
        values[:, choice] = case.values[:, choice]
        return values

    def fails(choices: Sequence[Items]) -> npt.NDArray[np.bool_]:
        return bench.show(case, map(kept, choices))

    used = np.flatnonzero(case.values.any(axis=0))
    return replace(case, values=kept(fewest(used, fails, AT_ONCE)))


def _fewest_events(bench: Bench, case: Case) -> Case:
    """Silence single values that are not needed; a line that sends one is."""
    if np.count_nonzero(case.values) == np.count_nonzero(case.values.any(axis=0)):
        return up_to_difference(bench, case)
    shape = case.values.shape

    def kept(choice: Items) -> npt.NDArray[np.int32]:
        values = np.zeros(case.values.size, np.int32)
        values[choice] = case.values.ravel()[choice]
        return values.reshape(shape)

    def fails(choices: Sequence[Items]) -> npt.NDArray[np.bool_]:
        return bench.show(case, map(kept, choices))

    used = np.flatnonzero(case.values)
    return up_to_difference(bench, replace(case, values=kept(fewest(used, fails, AT_ONCE))))


def _latest(bench: Bench, case: Case) -> Case:
    """Begin as late as possible: leave out steps before the first value that is not 0."""
    sending = np.flatnonzero(case.values.any(axis=1))
    first = int(sending[0]) if sending.size else len(case.values) - 1
    if first == 0:
        return case

    def later(k: int) -> npt.NDArray[np.int32]:
        return np.pad(case.values[k:], ((0, k), (0, 0)))

    late = np.flatnonzero(bench.show(case, map(later, range(1, first + 1))))
    if not late.size:
        return case
    k = int(late[-1]) + 1
    begin = replace(case, values=later(k), begin=case.begin + k)
    short = replace(begin, values=case.values[k:])
    return short if bench.shows(short) else up_to_difference(bench, begin)


def _condensed(bench: Bench, case: Case) -> Case:
    """Leave out the lines that send nothing, if the difference stays."""
    sends = case.values.any(axis=0)
    keep = {name: np.flatnonzero(sends.take(places)) for name, places in lines_of(case)}
    parts = [condensed(part, keep) for part in case.parts]
    if any(part is None for part in parts):
        return case
    smaller = _of_parts(case, [part for part in parts if part is not None])
    return smaller if bench.shows(smaller) else case
