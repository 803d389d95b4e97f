"""Where in the network and when two executions disagree: population x step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from snnc.runtime.compare import Divergence
from snnc.runtime.figures.svg import Figure, box, label, listed, wide
from snnc.runtime.findings import Disagreement

BOUNDS = (0.0, 0.001, 0.01, 0.1, 0.5)
"""Shares above which a cell is a shade darker; disagreement spreads by orders of magnitude."""
NARROW, LEFT, RIGHT, ROW, FOOT, KEY = 60, 150, 14, 22, 24, 34
"""Room for names, from and to, and beside the last cell; height of a row, of the steps and of the
key; pixels."""
WIDEST, NARROWEST, WIDTH = 24.0, 4.0, 620.0
KEY_WIDTH = 78


def heat_figure(
    disagreement: Sequence[Disagreement], divergence: Divergence | None, name: str
) -> Figure:
    """Draw the share of values of each cell that differ.

    Args:
        disagreement: Of each population, in the order of the network; all with cells of one width.
        divergence: The first value that differs, whose cell is outlined; or None.
        name: Tells the figure from others on the page.
    """
    cells = max((len(d.shares) for d in disagreement), default=0)
    cell = min(WIDEST, max(NARROWEST, WIDTH // max(cells, 1)))
    height = ROW * len(disagreement)
    longest = max((wide(d.population) for d in disagreement), default=0)
    left = min(LEFT, max(NARROW, longest + 12))
    body = [e for row, d in enumerate(disagreement) for e in _row(d, row, left, cell, divergence)]
    body += _steps(disagreement[0].width if disagreement else 1, cells, left, cell, height)
    body += _key(left, height + FOOT)
    width = left + max(cell * cells, KEY_WIDTH * (len(BOUNDS) + 1)) + RIGHT
    return Figure(
        name,
        width,
        height + FOOT + KEY,
        "Share of neurons that differ, population by population over the steps",
        _description(disagreement),
        tuple(body),
    )


def level_of(share: float) -> int:
    """Give the shade of a share: 0 of nothing, then one more for each of ``BOUNDS``."""
    return sum(share > bound for bound in BOUNDS)


def _row(
    d: Disagreement, row: int, left: float, cell: float, first: Divergence | None
) -> Iterator[str]:
    y = ROW * row
    yield label(left - 10, y + ROW / 2, d.population, "end", left - 12)
    for k, share in enumerate(d.shares):
        title = f"<title>{_steps_text(d, k)}: {_share(share)}</title>"
        place = (left + cell * k, y + 1.0, cell - 1, ROW - 2.0)
        yield box(f"h{level_of(share)}", *place, title)
        if first is not None and first.population == d.population and first.step // d.width == k:
            yield box("here", *place)


def _steps(width: int, cells: int, left: float, cell: float, top: float) -> Iterator[str]:
    """Give the first step of every so many cells."""
    every = next(e for e in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, cells) if e * cell >= 36)
    for k in range(0, cells, every):
        yield label(left + cell * (k + 0.5), top + 12, f"{k * width}", "mid soft")
    yield label(left - 10, top + 12, "step", "end soft")


def _key(left: float, top: float) -> Iterator[str]:
    yield label(left - 10, top + 12, "differ", "end soft")
    names = ("none", *(f"> {_share(bound)}" if bound else "some" for bound in BOUNDS))
    for level, text in enumerate(names):
        x = left + KEY_WIDTH * level
        yield box(f"h{level}", x, top + 4, 15, 16)
        yield label(x + 20, top + 12, text, "soft")


def _description(disagreement: Sequence[Disagreement]) -> str:
    parts: list[str] = []
    for d in disagreement:
        if not any(d.shares):
            continue
        first = next(k for k, share in enumerate(d.shares) if share)
        most = max(range(len(d.shares)), key=lambda k: d.shares[k])
        parts.append(
            f"{d.population} differs first in {_steps_text(d, first)} and most in "
            f"{_steps_text(d, most)}, {_share(d.shares[most])}"
        )
    equal = sum(not any(d.shares) for d in disagreement)
    same = f" {equal:,} of {len(disagreement):,} populations are the same." if equal else ""
    return f"{listed(parts, 20)}.{same}" if parts else "Nothing differs."


def _steps_text(d: Disagreement, k: int) -> str:
    begin = k * d.width
    if d.width == 1:
        return f"step {begin}"
    if k == len(d.shares) - 1:  # which may have fewer steps
        return f"the steps from {begin}"
    return f"steps {begin} to {begin + d.width - 1}"


def _share(share: float) -> str:
    return f"{100 * share:.3g} %"
