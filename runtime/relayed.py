"""The relay neurons of an artifact as tables: whose spikes they pass on, and for what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from snnc.compiler.fixed import MAX_DELAY
from snnc.runtime.text import table

COLUMNS = ("spikes of", "relay neurons", "relays", f"for delays above {MAX_DELAY} steps")

DIVIDED = ("sums of", "synapses", "divided to", "digits", "relay neurons")
"""Columns of the tables."""


def relayed_tables(account: Mapping[str, Any]) -> Iterator[str]:
    """Give a table of each kind of relays that there are.

    Args:
        account: Of an artifact.
    """
    if account.get("relays"):
        yield relays_table(account["relays"])
    if account.get("divided"):
        yield table(DIVIDED, map(divided_row, account["divided"]))


def divided_row(of: Mapping[str, Any]) -> list[str]:
    """Give of a sum its synapses, how many are left of them, digits, and relay neurons."""
    numbers = (of["synapses"], of["synapses_left"], of["digits"], of["neurons"])
    return [str(of["projection"]), *(f"{n:,}" for n in numbers)]


def relays_table(relays: Iterable[Mapping[str, Any]]) -> str:
    """Give the table.

    Args:
        relays: What the account of an artifact holds under ``relays``.
    """
    return table(COLUMNS, map(tuple, relay_rows(relays)))


def relay_rows(relays: Iterable[Mapping[str, Any]]) -> Iterator[list[str]]:
    """Give of each relayed population its name, the neurons, the relays, and the delays."""
    for r in relays:
        names, delays = r["relays"], r["delays"]
        yield [
            str(r["source"]),
            f"{r['neurons']:,}",
            " to ".join(dict.fromkeys((names[0], names[-1]))),
            ", ".join(f"{name} ({steps:,})" for name, steps in sorted(delays.items())),
        ]
