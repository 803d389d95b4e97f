"""Judged links with what made them part: some samples run again, with every signal."""

from __future__ import annotations

from typing import Any

from snnc.compiler.diagnostics import SnncError
from snnc.runtime.divergence.explain import explain, local
from snnc.runtime.divergence.explanation import Explanation, LocalError
from snnc.runtime.divergence.parted import Parted
from snnc.runtime.findings import Link, Status
from snnc.runtime.verification.again import Again
from snnc.runtime.verification.plan import FLOAT, FRAMEWORK
from snnc.targets.artifact import Artifact

LOCAL = 16
"""Samples, the first ones, on which each population of real numbers is measured by itself."""


def explained(links: tuple[Link, ...], again: Again) -> tuple[Link, ...]:
    """Give the links with the explanations of first divergences, and with local errors.

    A link is explained where something of it differs, whether it keeps its promise or not. Local
    errors are measured on the first samples where real numbers are the reference. Elsewhere, where
    all is equal, each population is by itself what it should be, and where not, they are those of
    the sample that differs first.
    """
    return tuple(_explained(link, again) for link in links)


def _explained(link: Link, again: Again) -> Link:
    if again.plan.subject.converted and link.reference == FRAMEWORK:
        return link
    ran = link.status is not Status.NOT_RUN or link.values > 0
    broken = link.status is Status.BROKEN
    if not ran and not broken:
        return link
    changed: dict[str, Any] = {}
    try:
        if link.first_divergence is not None or (broken and link.reference == FRAMEWORK):
            changed["explanation"] = told = _explanation(link, again)
            changed["local"] = told.local if told is not None else ()
        if link.reference in (FRAMEWORK, FLOAT):
            changed["local"] = _local(link, again)
    except SnncError:  # what ran before does not run now: the link stands without
        return link
    return link.model_copy(update=changed)


def _explanation(link: Link, again: Again) -> Explanation | None:
    found = link.first_divergence
    sample = 0 if found is None else found.sample
    return explain(_parted(link, again, sample), found)


def _local(link: Link, again: Again) -> tuple[LocalError, ...]:
    first = again.first(min(LOCAL, again.plan.group))  # as many as fit at once
    reference = again.traces(link.reference, first)
    parted = Parted(
        names=(link.reference, link.other),
        artifact=_artifact(link, again),
        inputs=first.inputs,
        reference=reference,
        other=reference,
        sample=0,
    )
    return local(parted, tuple(range(first.samples)))


def _parted(link: Link, again: Again, sample: int) -> Parted:
    return Parted(
        names=(link.reference, link.other),
        artifact=_artifact(link, again),
        inputs=again.sample(sample),
        reference=again.trace(link.reference, sample),
        other=again.trace(link.other, sample),
        sample=sample,
    )


def _artifact(link: Link, again: Again) -> Artifact:
    """Give what the other executes, on its target; of real numbers whatever there is."""
    if link.other == FLOAT:
        return again.plan.subject.artifact
    return again.plan.artifact(link.other, again.plan.executor(link.other))
