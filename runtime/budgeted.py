"""What a search for a budget found, as tables: which widths, why, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from snnc.compiler.quantization.budget import Budget, Metric, memory_text, read_budget
from snnc.runtime.text import count, percent, table

COSTS = ("", "error", "accuracy", "right", "only float", "only this", "p")
"""Columns of what widths cost."""


def budget_text(found: Mapping[str, Any]) -> str:
    """Give all of it.

    Args:
        found: What the account of an artifact holds under ``budget``.
    """
    memory, widest = found["memory_bits"], found["memory_bits_widest"]
    lines = [
        f"budget {found['budget']}: the weights take {memory_text(memory)}, "
        f"{percent(memory / (widest or 1))} of {memory_text(widest)} with 8 bits everywhere",
        "",
        table(
            ("population", "weights", "bits", "memory", "sensitivity", "why"),
            map(tuple, budget_rows(found)),
        ),
        "",
        table(COSTS, cost_rows(found)),
        "",
        *notes(found),
    ]
    return "\n".join(lines)


def budget_rows(found: Mapping[str, Any]) -> Iterator[list[str]]:
    """Give of each population weights, bits, memory, sensitivity and why it is so wide."""
    metric = read_budget(found["budget"])
    for p in found["populations"]:
        yield [
            str(p["name"]),
            f"{p['weights']:,}",
            str(p["bits"]),
            memory_text(p["memory_bits"]),
            percent(p["sensitivity"][str(p["bits"])]),
            _why(p, isinstance(metric, Budget) and metric.metric is Metric.MEMORY),
        ]


def _why(p: Mapping[str, Any], of_memory: bool) -> str:
    narrowest = min(map(int, p["sensitivity"]))
    if not p["weights"]:
        return "no weights"
    if p["refused_bits"] is not None:
        return f"{count(p['refused_bits'], 'bit')} would break the budget"
    if p["bits"] == narrowest:
        return "the narrowest considered"
    return "the least error within the memory" if of_memory else "no narrower one was tried"


def cost_rows(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Give a row for the float network, for 8 bits everywhere and for the widths chosen."""
    statistics = found["chosen"]["statistics"]
    accuracy = ("-", "-")
    if statistics is not None:
        share = statistics["accuracy_reference"]
        accuracy = percent(share), f"{round(share * statistics['n']):,}"
    yield ("float", "-", *accuracy, "-", "-", "-")
    for name, key in (("8 bits everywhere", "widest"), ("these widths", "chosen")):
        one = found[key]
        yield (name, percent(one["error"]), *_accuracy(one["statistics"]))


def _accuracy(statistics: Mapping[str, Any] | None) -> tuple[str, ...]:
    if statistics is None:
        return ("-",) * 5
    right = round(statistics["accuracy_other"] * statistics["n"])
    return (
        percent(statistics["accuracy_other"]),
        f"{right:,}",
        str(statistics["only_reference"]),
        str(statistics["only_other"]),
        f"{statistics['mcnemar_p']:.2g}",
    )


def notes(found: Mapping[str, Any]) -> Iterator[str]:
    """Give what the figures are worth, as sentences."""
    statistics = found["chosen"]["statistics"]
    if statistics is not None:
        drop, bound = statistics["drop_points"], statistics["drop_bound_points"]
        said = "is the same"
        if drop:
            said = f"{'falls' if drop > 0 else 'rises'} by {abs(drop):.2f} points"
        yield (
            f"Accuracy {said} on these samples, which chose the widths. Had others chosen them, it "
            f"would fall by less than {bound:.2f} with 95 % confidence; snnc verify tells what it "
            "does on others."
        )
    yield (
        f"Measured on {count(found['samples'], 'sample')} of calibration data in "
        f"{count(found['runs'], 'run')}, sensitivities on {found['sensitivity_samples']:,} of them "
        f"in {found['sensitivity_runs']:,}."
    )
    if not found["complete"]:
        yield "The search ended at its limit of runs: single populations may be narrower still."
