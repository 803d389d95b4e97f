"""From a difference of whole networks to the smallest case of it, part by part.

Each step proposes less, and what still shows the same difference is kept: in the same neuron, of
the same signal and in the same direction. Nothing is known of the executions but what they give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.regions import Neurons
from snnc.runtime.apart import Part, apart
from snnc.runtime.bisection.bench import Bench
from snnc.runtime.bisection.cases import Case, lines_of, with_parts
from snnc.runtime.bisection.condense import condensed
from snnc.runtime.bisection.delta import AT_ONCE, Items, fewest, one_by_one
from snnc.runtime.bisection.thinned import Inseparable, reached, thinned
from snnc.runtime.bisection.whole import Found

NONE: Neurons = np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Narrowed:
    """The smallest case of a difference.

    Attributes:
        case: Shows it; None where no part of the network does.
        isolated: Whether its population shows it by itself, fed with what the reference sends; None
            where an execution could not run it.
        populations: In the case.
        wired: The same case with all elements of its inputs, and projections as they are in the
            whole; None where there is no case.
    """

    case: Case | None
    isolated: bool | None
    wired: Case | None


def narrowed(bench: Bench, found: Found) -> Narrowed:
    """Narrow a difference to the fewest populations, neurons, synapses and steps.

    Args:
        bench: Runs cases, and knows what is looked for.
        found: The difference in the whole networks, which one sample shows.
    """
    bench.begin("narrowing to a population")
    alone = _until(found, case_of(bench, found, {bench.mark.population}, forced=True))
    case = _thin(alone, {bench.mark.population: _marked(bench, alone)})
    isolated: bool | None = True
    if case is None or not bench.shows(case):
        case = _first(bench, [alone, *_groups(bench, found)])
        if case is None:
            return Narrowed(None, isolated=False, wired=None)
        if case is not alone:
            isolated = None if bench.refused(alone) else False
            case = _fewest_populations(bench, found, case)
        bench.begin("narrowing to neurons")
        case = _fewest_neurons(bench, case)
    bench.begin("narrowing to synapses")
    case = _fewest_lines(bench, case)
    bench.begin("narrowing to steps")
    case = _fewest_events(bench, case)
    return Narrowed(_smallest_of(bench, case), isolated, wired=case)


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


def _groups(bench: Bench, found: Found) -> list[Case]:
    """Give the populations that feed the one, nearest first, up to all; they run freely."""
    network = bench.pair.reference.network
    names = frozenset(p.name for p in network.populations)
    groups = dict.fromkeys((*_nearer(network, bench.mark.population), names))
    return [_until(found, case_of(bench, found, live, forced=False)) for live in groups]


def _first(bench: Bench, cases: Sequence[Case]) -> Case | None:
    """Give the first case that shows the difference by itself, tried side by side before."""
    likely = compress(cases, bench.show_each(cases))
    return next((case for case in chain(likely, cases) if bench.shows(case)), None)


def _fewest_populations(bench: Bench, found: Found, case: Case) -> Case:
    """Keep of the populations of a case those that are needed."""
    names = [p.name for p in case.parts[0].network.populations]
    others = np.array([k for k, n in enumerate(names) if n != bench.mark.population], np.int64)

    def with_others(choice: Items) -> Case:
        live = {bench.mark.population} | {names[int(k)] for k in choice}
        return _until(found, case_of(bench, found, live, forced=False))

    return _fewest(bench, others, with_others) or case


def _fewest(bench: Bench, items: Items, made_of: Callable[[Items], Case | None]) -> Case | None:
    """Keep the fewest items of which a case shows the difference by itself; None where none does.

    All tries of a round are run side by side; where that shows something else than a case does by
    itself, they are run one by one.
    """
    kept = fewest(items, lambda choices: bench.show_each(map(made_of, choices)), AT_ONCE)
    case = made_of(kept)
    smaller = kept.size < items.size
    if _shows(bench, case) and (smaller or bench.show_each([case, case])[0]):
        return case
    case = made_of(fewest(items, one_by_one(lambda choice: _shows(bench, made_of(choice)))))
    return case if _shows(bench, case) else None


def _shows(bench: Bench, case: Case | None) -> bool:
    return case is not None and bench.shows(case)


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


def _marked(bench: Bench, case: Case) -> Neurons:
    """Give the place of the one neuron in its population."""
    return np.flatnonzero(case.parts[0].neurons[bench.mark.population] == bench.mark.neuron)


def _fewest_neurons(bench: Bench, case: Case) -> Case:
    """Keep the one neuron, and of all others those that are needed."""
    spare = _spare(bench, case)
    if sum(map(len, spare.values())) + 1 < sum(map(len, case.parts[0].neurons.values())):
        case = _field(bench, case) or case
        spare = _spare(bench, case)
    if not spare:
        return case
    must = {bench.mark.population: _marked(bench, case)}
    of = np.repeat(np.arange(len(spare)), [neurons.size for neurons in spare.values()])
    neuron = np.concatenate(list(spare.values()))

    def with_others(choice: Items) -> Case | None:
        keep = {
            name: np.union1d(neuron[choice[of[choice] == k]], must.get(name, NONE))
            for k, name in enumerate(spare)
        }
        return _thin(case, keep)

    return _fewest(bench, np.arange(neuron.size), with_others) or case


def _spare(bench: Bench, case: Case) -> dict[str, Neurons]:
    """Give of each population the neurons beside the one, where they can be left out singly."""
    spare: dict[str, Neurons] = {}
    for p in case.parts[0].network.populations:
        every = np.arange(p.size)
        mine = _marked(bench, case) if p.name == bench.mark.population else NONE
        others = np.setdiff1d(every, mine)
        if others.size and _thin(case, {p.name: np.setdiff1d(every, others[:1])}) is not None:
            spare[p.name] = others
    return spare


def _field(bench: Bench, case: Case) -> Case | None:
    """Keep what the one neuron reads, through others too, if that shows the difference.

    Windows of a maximum are cut so, and in no other way.
    """
    part, mark = case.parts[0], bench.mark
    keep = reached(part, mark.population, _marked(bench, case))
    if sum(neurons.size for neurons in keep.values()) == sum(
        p.size for p in part.network.populations
    ):
        return None
    smaller = _thin(case, keep)
    return smaller if _shows(bench, smaller) else None


def _thin(case: Case, keep: Mapping[str, Neurons]) -> Case | None:
    """Give the case with some neurons of some populations, None where they are inseparable."""
    try:
        parts = [thinned(part, keep) for part in case.parts]
    except Inseparable:
        return None
    return _of_parts(case, parts)


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


def _smallest_of(bench: Bench, case: Case) -> Case:
    """Leave out lines that send nothing, and begin as late as possible."""
    smaller = _condensed(case)
    if smaller is not None:
        late = _latest(bench, smaller)
        if late is not None:
            return late
    return _latest(bench, case) or case


def _latest(bench: Bench, case: Case) -> Case | None:
    """Leave out steps before the first value that is not 0; None where the case shows nothing."""
    sending = np.flatnonzero(case.values.any(axis=1))
    first = int(sending[0]) if sending.size else len(case.values) - 1

    def later(k: int) -> npt.NDArray[np.int32]:
        return np.pad(case.values[k:], ((0, k), (0, 0)))

    late = np.flatnonzero(bench.show(case, map(later, range(first + 1))))
    if not late.size or late[0] != 0:
        return None
    k = int(late[-1])
    begin = replace(case, values=later(k), begin=case.begin + k)
    short = replace(begin, values=case.values[k:])
    return short if bench.shows(short) else up_to_difference(bench, begin)


def _condensed(case: Case) -> Case | None:
    """Leave out the lines that send nothing, None where the weights do not allow it."""
    sends = case.values.any(axis=0)
    keep = {name: np.flatnonzero(sends.take(places)) for name, places in lines_of(case)}
    parts = [condensed(part, keep) for part in case.parts]
    if any(part is None for part in parts):
        return None
    return _of_parts(case, [part for part in parts if part is not None])
