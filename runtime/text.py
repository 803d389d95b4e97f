"""Text for people: names that cannot do harm, and tables."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories of what moves a cursor, turns text around, hides or breaks a line."""


def shown(text: str) -> str:
    """Give ``text`` with every control, format and unpaired character escaped.

    What users name (files, nodes, options) may hold terminal commands or turn the direction of
    writing; shown like this it is what it is.
    """
    return "".join(
        c.encode("unicode_escape").decode("ascii") if unicodedata.category(c) in HARMFUL else c
        for c in text
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a table as lines: columns two spaces apart, never cut, numbers to the right."""
    body = [[shown(cell) for cell in row] for row in rows]
    columns = list(zip(header, *body, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [bool(body) and all(map(_is_number, column[1:])) for column in columns]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(cells, widths, right, strict=True)
        )
        return "  ".join(padded).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(header), rule, *map(line, body)])


def _is_number(cell: str) -> bool:
    return not cell or cell == "-" or cell.lstrip("+-<")[:1].isdigit()


def percent(share: float) -> str:
    """Give a share, 0 to 1, as a percentage with two digits."""
    return f"{100 * share:.2f} %"


def seconds(value: float) -> str:
    """Give a time in a unit that suits it."""
    return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.1f} s"


def duration(value: float) -> str:
    """Give seconds as people say how long something takes: to a few percent."""
    whole = round(value)
    if whole < 100:
        return f"{whole} s"
    minutes = round(value / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def count(number: int, noun: str) -> str:
    """Give ``1 spike``, ``2 spikes``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def points(value: float) -> str:
    """Give points of percent: ``1 point``, ``0.5 points``."""
    return f"{value:g} point{'' if value == 1 else 's'}"


def drop_within(bound: float) -> str:
    """Say what an upper bound of a drop, in points of percent, says of what fell."""
    return (
        f"falls by less than {bound:.2f} points"
        if bound >= 0
        else f"rises by more than {-bound:.2f} points"
    )
