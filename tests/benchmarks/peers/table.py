"""Tables of what was measured, for a terminal and in Markdown."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.peers.rounds import Row, ratios
from tests.benchmarks.peers.simulators import ENGINE, REFERENCE, SIMULATORS

Cells = list[list[str]]
HEADER = ["network", "batch", "simulator", "steps/s", "snnc is faster", "MiB", "rates, %", ""]
BEGIN, END = "<!-- {name}: begin -->", "<!-- {name}: end -->"


def cells(groups: list[list[Row]]) -> Cells:
    """Give a line for each row of each network, the header first."""
    lines: Cells = [HEADER]
    for rows in groups:
        factors = ratios(rows)
        lines += [_line(row, factors) for row in rows]
    return lines


def _line(row: Row, factors: dict[str, float]) -> list[str]:
    head = [row.network, str(row.batch), SIMULATORS[row.simulator].title]
    if row.reason:
        return [*head, "", "", "", "", f"not measured: {row.reason}"]
    factor = factors.get(row.simulator)
    return [
        *head,
        f"{row.steps_s:,.0f}",
        "" if factor is None or row.simulator == ENGINE else f"{factor:,.1f} x",
        "" if row.peak_mib is None else f"{row.peak_mib:,.0f}",
        " / ".join(f"{100 * rate:.1f}" for _, rate in sorted(row.rates.items())),
        _remark(row),
    ]


def _remark(row: Row) -> str:
    remarks = [f"other rates: {', '.join(row.differs)}"] if row.differs else []
    if row.exact is not None and row.simulator != REFERENCE:
        remarks.append("the same spikes" if row.exact else "OTHER SPIKES")
    return "; ".join([*remarks, row.remark] if row.remark else remarks)


def versions(groups: list[list[Row]]) -> str:
    """Give the versions of every simulator that was measured, as a list of Markdown."""
    found = {row.simulator: row.versions for rows in groups for row in rows if row.versions}
    return "\n".join(
        f"- {SIMULATORS[name].title}: {', '.join(f'{k} {v}' for k, v in known.items())}"
        for name, known in found.items()
    )


def in_terminal(lines: Cells) -> str:
    """Set ``lines`` in columns."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    right = {i for i, name in enumerate(lines[0]) if name in ("batch", "steps/s", "MiB")}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def in_markdown(lines: Cells) -> str:
    """Give ``lines`` as a table of Markdown."""
    rows = [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines]
    return "\n".join([rows[0], "|---" * len(lines[0]) + "|", *rows[1:]])


def put_into(page: Path, name: str, text: str) -> None:
    """Put ``text`` between the marks ``name`` of ``page``.

    Raises:
        ValueError: The page has no such marks.
    """
    begin, end = BEGIN.format(name=name), END.format(name=name)
    head, mark, rest = page.read_text().partition(begin)
    _, second, tail = rest.partition(end)
    if not (mark and second):
        raise ValueError(f"{page} has no lines {begin} and {end}")
    page.write_text(f"{head}{begin}\n{text}\n{end}{tail}")
