"""Two executions as classifiers of the same samples: tables, and what they are worth."""

from __future__ import annotations

from collections.abc import Iterator

from snnc.runtime.findings import Findings, Link
from snnc.runtime.measures.records import Claim, Interval
from snnc.runtime.page.table import Cell, Table, arrow, made, real, share, whole
from snnc.runtime.text import count, drop_within, points

MEASURED = "on these samples accuracy {fall}; the margin is {margin}"
CLAIMS: dict[Claim | None, str] = {
    Claim.SHOWN: "not inferior: with 95 % confidence accuracy {bound}, within the margin "
    "of {margin}",
    Claim.REFUTED: "inferior: with 95 % confidence accuracy falls by more than the margin of "
    "{margin}; on these samples it {fall}",
    Claim.OPEN: "not decided: on these samples accuracy {fall}, and with 95 % confidence it "
    "{bound}; the margin is {margin}",
}
"""What the samples say of the margin (non-inferiority)."""
MOST = 20
"""Pairs of classes that the table of disagreements shows."""


def accuracy_table(report: Findings) -> Table | None:
    """Give both accuracies of each link, and the drop; None without labels."""
    links = [link for link in report.links if link.statistics is not None]
    if not links:
        return None
    return made(
        f"{report.accuracy_of.capitalize()} on the same samples",
        (
            "link",
            "samples",
            "first",
            "second",
            "only first right",
            "only second right",
            "drop, points",
            "95 % bound, points",
            "McNemar p",
        ),
        map(_row, links),
    )


def _row(link: Link) -> tuple[Cell | str, ...]:
    s = link.statistics
    if s is None:
        return ()
    return (
        arrow(link),
        whole(s.n),
        _within(s.accuracy_reference, s.interval_reference),
        _within(s.accuracy_other, s.interval_other),
        whole(s.only_reference),
        whole(s.only_other),
        f"{s.drop_points:.2f}",
        f"{s.drop_bound_points:.2f}",
        real(s.mcnemar_p, 3),
    )


def _within(accuracy: float, interval: Interval | None) -> Cell:
    if interval is None:
        return Cell(share(accuracy))
    below = f"{100 * interval.low:.2f} to {share(interval.high)}"
    return Cell(share(accuracy), below=below)


def accuracy_notes(report: Findings) -> Iterator[str]:
    """Say of each link what its samples can tell of a drop of the budget."""
    for link in report.links:
        s = link.statistics
        if s is None:
            continue
        said = CLAIMS.get(s.claim, MEASURED).format(
            fall=_fall(s.drop_points),
            bound=drop_within(s.drop_bound_points),
            margin=points(report.max_drop),
        )
        yield f"{arrow(link)}: {said}{_needed(s.n, s.enough, s.needed)}."


def _fall(points: float) -> str:
    if not points:
        return "is the same"
    return f"{'falls' if points > 0 else 'rises'} by {abs(points):.2f} points"


def _needed(n: int, enough: bool | None, needed: int | None) -> str:
    if enough is not False:
        return ""
    more = "" if needed is None else f"; about {whole(needed)} should"
    return f". {count(n, 'sample')} cannot decide it{more}"


def confusion_table(link: Link) -> Table | None:
    """Give the classes of the samples that get another; None where all get the same."""
    if not link.confusion:
        return None
    left = len(link.confusion) - MOST
    more = f", the {MOST} most frequent of {len(link.confusion)} pairs" if left > 0 else ""
    return made(
        f"{arrow(link)}: samples that get another class{more}",
        (f"class, {link.reference}", f"class, {link.other}", "samples"),
        ((str(c.reference), str(c.other), whole(c.samples)) for c in link.confusion[:MOST]),
    )
