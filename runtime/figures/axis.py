"""The steps along which rasters and courses are drawn, so that one stands under the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from snnc.runtime.figures.svg import box, label, ticks

LEFT, RIGHT = 108, 14
"""Room for labels, and beside the last step; pixels."""
WIDEST, NARROWEST, WIDTH = 20.0, 5.0, 620.0
"""Of a step, and what all steps take together where they may choose."""
NAMES = 420.0
"""Width that a figure has at least, so that what it is of can be read above few steps."""
FOOT = 22
"""Height of the numbers of the steps."""


@dataclass(frozen=True)
class Axis:
    """Steps side by side.

    Attributes:
        first: The first of them.
        steps: How many.
        at: The one that is marked, or None.
    """

    first: int
    steps: int
    at: int | None = None

    @classmethod
    def over(cls, spans: Iterable[tuple[int, int]], at: int | None = None) -> Axis:
        """Give the axis that holds all ``(first step, steps)``."""
        found = [(first, first + steps) for first, steps in spans if steps > 0] or [(0, 1)]
        first = min(begin for begin, _ in found)
        last = max(end for _, end in found)
        inside = at is not None and first <= at < last
        return cls(first, last - first, at if inside else None)

    @property
    def cell(self) -> float:
        """Width of a step, pixels."""
        return min(WIDEST, max(NARROWEST, WIDTH // self.steps))

    @property
    def row(self) -> float:
        """Width of the steps and of the room beside them, pixels."""
        return self.steps * self.cell + RIGHT

    @property
    def width(self) -> float:
        """Of the figure, pixels."""
        return max(LEFT + self.row, NAMES)

    def x(self, step: float) -> float:
        """Give where the middle of a step is."""
        return LEFT + (step - self.first + 0.5) * self.cell

    def mark(self, top: float, height: float) -> Iterator[str]:
        """Shade the step that is marked."""
        if self.at is not None:
            x = self.x(self.at) - self.cell / 2
            yield box("at", x, top, self.cell, height)

    def numbers(self, top: float) -> Iterator[str]:
        """Give the numbers below the steps, that of the marked one among them."""
        room = max(2, int(self.steps * self.cell // 44))
        whole = {int(t) for t in ticks(self.first, self.first + self.steps - 1, room) if t % 1 == 0}
        if self.at is not None:
            near = 30 / self.cell
            whole = {t for t in whole if abs(t - self.at) > near}
            yield label(self.x(self.at), top + 11, f"{self.at}", "mid strong")
        for step in sorted(whole):
            yield label(self.x(step), top + 11, f"{step}", "mid soft")
        yield label(LEFT - 10, top + 11, "step", "end soft")
