"""What to do next, from what came out."""

from __future__ import annotations

from collections.abc import Iterator

from snnc.runtime.findings import Findings, Link, Status
from snnc.runtime.page.table import whole

ACCURACY = "docs/accuracy_dropped.md leads from what this report shows to what helps."
BISECT = (
    "snnc bisect narrows the difference to the smallest part that shows it, and snnc reduce makes "
    "a small network of that (docs/bisect.md)."
)


def next_steps(report: Findings) -> tuple[str, ...]:
    """Give what helps, most urgent first; nothing where nothing is left to do."""
    tellers = (_of_broken, _of_not_run, _of_measured)
    found = [step for tell in tellers for link in report.links for step in tell(link)]
    return tuple(dict.fromkeys(found))


def _of_broken(link: Link) -> Iterator[str]:
    if link.status is not Status.BROKEN:
        return
    if link.explanation is not None and link.explanation.remedy:
        yield link.explanation.remedy  # which names the page that leads on
    elif link.statistics is not None or link.reference == "framework":
        yield ACCURACY
    else:
        yield BISECT


def _of_not_run(link: Link) -> Iterator[str]:
    if link.status is Status.NOT_RUN and link.asked:
        yield f"{link.name} was not run: {link.reason}. Once that is mended, verify again."


def _of_measured(link: Link) -> Iterator[str]:
    s = link.statistics
    if link.status is Status.MEASURED and s is None and link.differing:
        yield f"{link.name} was measured only: give --labels, so that accuracy can be judged."
    if s is not None and s.enough is False and s.needed is not None:
        yield f"{link.name}: verify on {whole(s.needed)} samples or more; {whole(s.n)} are too few."
