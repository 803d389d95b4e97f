"""The executions of a report as tables."""

from __future__ import annotations

from snnc.runtime.findings import Findings
from snnc.runtime.page.table import Table, made, share, whole, words


def executions_table(report: Findings) -> Table:
    """Give who ran what, and what came out."""
    return made(
        "What was run",
        (
            "execution",
            words("by"),
            report.accuracy_of,
            "right",
            "output spikes",
            "latency, steps",
        ),
        (
            (
                e.name,
                e.executor,
                share(e.accuracy),
                whole(e.correct),
                whole(e.output_spikes),
                whole(e.latency_steps),
            )
            for e in report.executions
        ),
    )


def over_time_table(report: Findings) -> Table | None:
    """Give the accuracy of each after so many steps; None without labels."""
    if not report.shown_steps:
        return None
    return made(
        f"Over time: {report.accuracy_of}",
        ("after steps", *(whole(t) for t in report.shown_steps)),
        (
            (e.name, *(share(e.accuracy_by_step[t - 1]) for t in report.shown_steps))
            for e in report.executions
        ),
    )
