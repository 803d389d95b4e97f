"""What the compiler made of the network for its hardware, as tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from snnc.runtime.budgeted import COSTS, budget_rows, cost_rows
from snnc.runtime.costs import metrics_text, sentence
from snnc.runtime.findings import Findings
from snnc.runtime.mapped import RESOURCES, mapping_headline, resource_rows, traffic_text
from snnc.runtime.page.table import Table, made, words
from snnc.runtime.relayed import COLUMNS, DIVIDED, divided_row, relay_rows


def relays_table(report: Findings) -> Table:
    """Give the neurons that pass spikes on."""
    name, neurons, *others = COLUMNS
    return made(
        "Neurons that pass spikes on",
        (name, neurons, *map(words, others)),
        relay_rows(report.relays),
    )


def divided_table(report: Findings) -> Table:
    """Give the sums that are divided over relay neurons."""
    return made("Sums that are divided", DIVIDED, map(divided_row, report.divided))


def mapping_sentences(account: Mapping[str, Any]) -> Iterator[str]:
    """Give how many cores, what goes between them, and what a step is estimated to take."""
    for tell in (mapping_headline, traffic_text, sentence, metrics_text):
        said = tell(account)
        yield f"{said[:1].upper()}{said[1:]}."


def resources_table(account: Mapping[str, Any]) -> Table:
    """Give how full the fullest core is of each resource."""
    name, *numbers, source = RESOURCES
    return made(str(account["summary"]), (name, *numbers, words(source)), resource_rows(account))


def budget_tables(found: Mapping[str, Any]) -> Iterator[Table]:
    """Give the widths and why, and what they cost."""
    columns = ("population", "weights", "bits", "memory", "sensitivity", words("why"))
    yield made("Widths, and why", columns, budget_rows(found))
    yield made("What they cost", COSTS, cost_rows(found))
