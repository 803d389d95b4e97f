"""A table of the page: what it is of, its columns, its cells; and numbers as cells show them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from snnc.runtime.findings import Link

NONE = "\N{EN DASH}"
"""What stands where there is no value."""
UNIT = "\N{NO-BREAK SPACE}"
"""Between a number and its unit, which stay on one line."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: Its head.
        numeric: Whether its cells are numbers, which stand to the right.
    """

    name: str
    numeric: bool = True


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        text: What stands there.
        differs: Whether it is one that is to be seen, because two executions differ in it.
        below: What stands below it, smaller.
    """

    text: str
    differs: bool = False
    below: str = ""


@dataclass(frozen=True)
class Table:
    """A table, whose first column names the rows.

    Attributes:
        caption: What it is of, in a few words.
        columns: From left to right.
        rows: As many cells each as there are columns.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


def made(
    caption: str, columns: Iterable[Column | str], rows: Iterable[Iterable[Cell | str]]
) -> Table:
    """Make a table; a column that is a mere name is one of numbers, but for the first."""
    heads = tuple(
        column if isinstance(column, Column) else Column(column, numeric=k > 0)
        for k, column in enumerate(columns)
    )
    cells = tuple(
        tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows
    )
    return Table(caption, heads, cells)


def words(name: str) -> Column:
    """Give a column of words."""
    return Column(name, numeric=False)


def whole(value: int | None) -> str:
    """Give an integer with its thousands apart."""
    return NONE if value is None else f"{value:,}"


def real(value: float | None, digits: int = 4) -> str:
    """Give a number with a few digits; whole ones as they are."""
    if value is None:
        return NONE
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.{digits}g}"


def share(value: float | None, digits: int = 2, sign: str = "") -> str:
    """Give a share, 0 to 1, in percent; nothing is rounded to none or all that is neither.

    Args:
        value: The share.
        digits: Behind the point.
        sign: ``+`` where what is above 0 has its sign, too.
    """
    if value is None:
        return NONE
    percent, least = 100 * value, 10.0**-digits
    text = f"{percent:{sign}.{digits}f}"
    if percent and float(text) == 0:
        text = f"<{UNIT}{least:g}" if percent > 0 else f">{UNIT}-{least:g}"
    elif percent < 100 and float(text) == 100:
        text = f">{UNIT}{100 - least:g}"
    return f"{text}{UNIT}%"


def span(low: float, high: float, digits: int = 4) -> str:
    """Give a range, or the one value that it is."""
    return real(low, digits) if low == high else f"{real(low, digits)} to {real(high, digits)}"


def arrow(link: Link) -> str:
    """Give the name of a link with an arrow."""
    return f"{link.reference} → {link.other}"


def indices(neuron: Iterable[int]) -> str:
    """Give the index of a neuron, one number for each axis."""
    return ", ".join(map(str, neuron))
