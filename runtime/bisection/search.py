"""The search: the whole, the sample, each population by itself, then the smallest part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnc.compiler.trace import SIGNALS
from snnc.runtime.bisection.bench import Bench
from snnc.runtime.bisection.cases import Mark
from snnc.runtime.bisection.narrow import Narrowed, case_of, narrowed
from snnc.runtime.bisection.sides import Pair
from snnc.runtime.bisection.whole import Found, first_difference
from snnc.runtime.divergence.causes import classify
from snnc.runtime.divergence.explanation import Candidate, LocalError
from snnc.runtime.divergence.local import local_errors
from snnc.runtime.stages import Stages
from snnc.targets.running import Inputs


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the search for a difference came to.

    Attributes:
        bench: Runs cases of it.
        found: The difference in the whole networks.
        narrowed: The smallest case; None where no sample shows it by itself.
        local: What each population does wrong by itself.
        causes: What explains it, the best first; nothing where no sample shows it by itself.
    """

    bench: Bench
    found: Found
    narrowed: Narrowed | None
    local: tuple[LocalError, ...]
    causes: tuple[Candidate, ...]


def search(pair: Pair, inputs: Inputs, told: Stages) -> Outcome | None:
    """Look for a difference and narrow it; None where there is none.

    Args:
        pair: Who executes the networks.
        inputs: Of each input ``[steps, batch, *shape]``.
        told: Of each stage.

    Raises:
        InputError: The inputs do not fit.
        EnvironmentFault: A target cannot run, or does not give the same twice.
    """
    found = first_difference(pair, inputs, told)
    if found is None:
        return None
    seen = found.seen
    bench = Bench(pair, Mark(seen.divergence.population, seen.neuron, seen.kind), told)
    if not found.alone:
        return Outcome(bench, found, None, (), ())
    bench.begin("running each population by itself")
    names = [p.name for p in pair.reference.network.populations]
    local = tuple(_local_errors(bench, found, names))
    told("looking for a cause")
    first = replace(seen.divergence, sample=0)
    executed = pair.other.network
    causes = classify(pair.reference.network, found.sample, found.other, first, executed=executed)
    return Outcome(bench, found, narrowed(bench, found), local, causes)


def _local_errors(bench: Bench, found: Found, names: Sequence[str]) -> Iterator[LocalError]:
    """Yield what each population makes of the reference's spikes, all of them in one run.

    Where they cannot be run beside each other they are run one after the other.
    """
    case = case_of(bench, found, names, forced=True)
    traces = bench.traces(case, case.values[np.newaxis])
    if traces is None:
        for name in names if len(names) > 1 else ():
            yield from _local_errors(bench, found, [name])
        return
    yield from local_errors(*traces, SIGNALS, [found.seen.divergence.sample])
