"""From tallies to the links of a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from snnc.compiler.trace import SIGNALS
from snnc.runtime.findings import Link, Status
from snnc.runtime.links import End, Judge, Pair
from snnc.runtime.measures.layers import disagreements
from snnc.runtime.text import count
from snnc.runtime.verification.batch import REFERENCE
from snnc.runtime.verification.plan import FLOAT, FRAMEWORK, INTEGER, Plan
from snnc.runtime.verification.tally import LinkTally, Ran, Tally


def judged(plan: Plan, tally: Tally, ends: Mapping[str, End], judge: Judge) -> tuple[Link, ...]:
    """Judge every link of the chain."""
    return tuple(_links(plan, tally, ends, judge))


def _links(plan: Plan, tally: Tally, ends: Mapping[str, End], judge: Judge) -> Iterator[Link]:
    def pair(reference: str, other: str) -> Pair:
        found = tally.links.get(f"{reference} -> {other}")
        return Pair((reference, other), (ends[reference], ends[other]), found)

    if plan.subject.converted:
        yield judge.converted(pair(FRAMEWORK, FLOAT))
    else:
        yield judge.framework(pair(FRAMEWORK, FLOAT), tally.replay)
    checked, integer = tally.links.get(f"{REFERENCE} -> {INTEGER}"), ends.get(INTEGER)
    if checked is not None and checked.first is not None and isinstance(integer, Ran):
        yield _wrong(checked, integer)
    if len(plan.chain) > 1:
        yield judge.budget(pair(FLOAT, INTEGER))
    for stage in plan.chain[2:]:
        yield judge.exact(pair(INTEGER, stage), SIGNALS)


def repeated(integer: Ran, checked: LinkTally) -> str:
    """Say what came of the samples that the reference repeated."""
    equal = f"all {checked.values:,} values are equal"
    differ = f"{checked.differing:,} of {count(checked.values, 'value')} differ"
    return (
        f"{checked.samples} of {count(integer.classes.size, 'sample')} repeated by the "
        f"reference: {equal if checked.first is None else differ}"
    )


def _wrong(checked: LinkTally, integer: Ran) -> Link:
    """Give the link that only a wrong engine makes."""
    return Link(
        reference=REFERENCE,
        other=INTEGER,
        promise="the same spikes, u and v, bit for bit",
        status=Status.BROKEN,
        reason=repeated(integer, checked),
        signals=SIGNALS,
        values=checked.values,
        differing=checked.differing,
        differences=checked.differences,
        uncompared=checked.uncompared,
        first_divergence=checked.first,
        count_error=checked.count_error,
        layers=tuple(layer.measures for layer in checked.layers),
        disagreement=disagreements(checked.layers),
    )
