"""The sections of the page, in their order: each a template, shown where there is something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from snnc.runtime.findings import Findings
from snnc.runtime.page.next_steps import next_steps


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        name: Of its template, and its anchor.
        title: Its heading.
        needed: Whether a report has anything for it.
    """

    name: str
    title: str
    needed: Callable[[Findings], object] = lambda _: True


SECTIONS = (
    Section("divergence", "First divergence", lambda r: r.first_divergence),
    Section("next", "What to do next", next_steps),
    Section("evidence", "What shows it", lambda r: r.first_broken and r.first_broken.explanation),
    Section("problems", "What kept links from being run", lambda r: r.problems),
    Section("chain", "The chain"),
    Section("executions", "Executions"),
    Section("accuracy", "Accuracy, paired", lambda r: any(link.statistics for link in r.links)),
    Section("populations", "Population by population"),
    Section("quantization", "What quantization cost", lambda r: r.populations),
    Section("relays", "Relay neurons", lambda r: r.relays or r.divided),
    Section("mapping", "Over the cores", lambda r: r.mapping),
    Section("budget", "Budget", lambda r: r.budget),
    Section("warnings", "Chosen, and warned of", lambda r: r.choices or r.warnings),
    Section("repeat", "To repeat it"),
)
"""Verdict first, above all of them; then what broke it, what helps, and what shows it."""
