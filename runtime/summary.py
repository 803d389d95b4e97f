"""The outcome of a verification as lines for the terminal."""

from __future__ import annotations

from snnc.runtime.report import Execution, Link, Report
from snnc.runtime.text import percent, seconds, shown, table


def summary_table(report: Report) -> str:
    """Give one row for each execution: what it is compared with, and how many values differ."""
    into = {link.other: link for link in report.links if link.values}
    accuracy = shown(report.accuracy_of)
    header = ("execution", accuracy, "compared with", "differ", "latency", "time")
    return table(header, [_row(e, into.get(e.name)) for e in report.executions])


def summary_text(report: Report) -> str:
    """Give the table, the first divergence and the verdict, which comes last."""
    lines = [summary_table(report), ""]
    if report.first_divergence is not None:
        lines.append(f"first divergence: {shown(str(report.first_divergence))}")
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
        f"{execution.latency_steps} steps",
        seconds(execution.seconds),
    )
