"""The outcome of a verification as lines for the terminal."""

from __future__ import annotations

from snnc.runtime.findings import Execution, Link
from snnc.runtime.page.next_steps import next_steps
from snnc.runtime.report import Report
from snnc.runtime.text import count, percent, seconds, shown, table


def summary_table(report: Report) -> str:
    """Give one row for each execution: what it is compared with, and how many values differ."""
    into = {link.other: link for link in report.links if link.values}
    accuracy = shown(report.accuracy_of)
    header = ("execution", accuracy, "compared with", "differ", "latency", "time")
    return table(header, [_row(e, into.get(e.name)) for e in report.executions])


def accuracy_table(report: Report) -> str:
    """Give the accuracy of each execution after so many steps; nothing without labels."""
    if not report.shown_steps:
        return ""
    header = (f"{shown(report.accuracy_of)} after", *(count(t, "step") for t in report.shown_steps))
    rows = [
        (e.name, *(percent(e.accuracy_by_step[t - 1]) for t in report.shown_steps))
        for e in report.executions
    ]
    return table(header, rows)


def summary_text(report: Report) -> str:
    """Give the tables, the first divergence with its cause, and the verdict, which comes last."""
    tables = [summary_table(report), accuracy_table(report)]
    lines = ["\n\n".join(filter(None, tables)), ""]
    lines += [f"{e.name} by {e.executor}" for e in report.executions if ", " in e.executor]
    if report.first_broken is not None:
        said = *report.first_broken.told, *(f"next: {step}" for step in next_steps(report)[:1])
        lines += map(shown, said)
    lines.append(f"{report.verdict}: {shown(report.headline)}")
    return "\n".join(lines)


def _row(execution: Execution, link: Link | None) -> tuple[str, ...]:
    name = execution.name
    if name == "framework":
        name = f"framework ({execution.executor})"
    return (
        name,
        "-" if execution.accuracy is None else percent(execution.accuracy),
        "-" if link is None else f"{link.reference}: {', '.join(link.signals)}",
        "-" if link is None else f"{link.differing:,} of {link.values:,}",
        count(execution.latency_steps, "step"),
        "-" if execution.seconds is None else seconds(execution.seconds),
    )
