"""All batches of a verification, and what they give together."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from heapq import merge
from typing import Any, Protocol

import numpy.typing as npt

from snnc.runtime.stages import Stages, silent
from snnc.runtime.text import count
from snnc.runtime.verification.bar import Bar
from snnc.runtime.verification.journal import Journal
from snnc.runtime.verification.outcome import Outcome, outcome
from snnc.runtime.verification.plan import Batch, Plan
from snnc.runtime.verification.tally import Failed, Tally
from snnc.targets.running import Inputs


class Workers(Protocol):
    """Whoever runs batches."""

    def outcomes(
        self, plan: Plan, batches: Iterator[Batch], within: Callable[[Batch], Stages]
    ) -> Generator[Outcome]:
        """Run ``batches``, of which the next is taken when there is room, in any order.

        Args:
            plan: What is done with each.
            batches: The samples.
            within: Gives what may be told the stages of a batch.
        """
        ...


class Here:
    """Runs batches in this process, one after the other."""

    def outcomes(
        self, plan: Plan, batches: Iterator[Batch], within: Callable[[Batch], Stages]
    ) -> Generator[Outcome]:
        """Run ``batches``."""
        for batch in batches:
            yield outcome(plan, batch, within(batch))


def carry_out(
    plan: Plan,
    inputs: Inputs,
    labels: npt.NDArray[Any] | None,
    journal: Journal,
    workers: Workers,
    progress: Stages = silent,
) -> Tally:
    """Run all samples through all stages.

    Args:
        plan: What is done.
        inputs: Of each input, ``[steps, batch, *shape]``.
        labels: The true class of each sample, or None.
        journal: Where what is done is kept, and what is done already.
        workers: Who does it.
        progress: Told the stages of a single batch, or the samples done of several.

    Raises:
        InputError: The data or the module cannot be used.
        EnvironmentFault: The journal cannot be written, or all workers are gone.
    """
    whole = Batch(first=0, inputs=inputs, labels=labels)
    if whole.samples <= journal.size and not journal.done:
        return _as_read(outcome(plan, whole, progress)).given
    bar = Bar(plan, progress(f"verifying {count(whole.samples, 'sample')}"), whole.samples)
    again: dict[int, Outcome] = {}  # incomplete, and so not kept

    def left() -> Iterator[Batch]:
        for batch in whole.groups(journal.size):
            if batch.first not in journal.done:
                yield batch.skipping(_failures(again.values()))

    bar.begin(sum(min(journal.size, whole.samples - first) for first in journal.done))
    with closing(workers.outcomes(plan, left(), bar.within)) as outcomes:
        for found in outcomes:
            found.raise_what_it_tells()
            if found.complete:
                journal.add(found)
            else:
                again[found.first] = found
            bar.add(found.samples)
    rest = map(_as_read, sorted(again.values(), key=_first))
    return _summed(merge(journal.outcomes(), rest, key=_first))


def _first(found: Outcome) -> int:
    return found.first


def _as_read(found: Outcome) -> Outcome:
    """Give what the journal would give back, so that it makes no difference who kept it."""
    return Outcome.model_validate_json(found.model_dump_json())


def _failures(outcomes: Iterable[Outcome]) -> set[str]:
    """Give the stages that failed of some batch: they are not tried again."""
    stages = (o.tally.stages for o in outcomes if o.tally is not None)
    return {name for s in stages for name, stage in s.items() if isinstance(stage, Failed)}


def _summed(outcomes: Iterable[Outcome]) -> Tally:
    """Add up batches in the order of their samples."""
    total = Tally()
    for one in outcomes:
        total = total + one.given
    return total
