"""What the figures are drawn with: elements, labels that fit, and words for who cannot see them.

Colors, fonts and widths of lines are those of the page (``templates/report.css``): a figure has
classes only, so that light, dark and paper are told once.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from snnc.runtime.text import shown

GLYPH = 6.7
"""Width of a letter of the labels: 11 pixels high, of fixed width, 0.602 of that; and a little."""
ASCENT = 4
"""From the middle of a line of text down to where its letters stand."""


@dataclass(frozen=True)
class Figure:
    """A drawing and what it is called.

    Attributes:
        name: Of letters, digits and hyphens: tells it from others on the same page.
        width: Pixels.
        height: Pixels.
        title: What it is.
        description: What is to be seen in it, for who does not see it.
        body: Its elements.
    """

    name: str
    width: float
    height: float
    title: str
    description: str
    body: tuple[str, ...]

    def svg(self) -> str:
        """Give the ``svg`` element; whatever users named is harmless."""
        head = (
            f'<svg class="figure" role="img" viewBox="0 0 {self.width:g} {self.height:g}" '
            f'width="{self.width:g}" height="{self.height:g}" '
            f'aria-labelledby="{self.name}-title {self.name}-desc">'
        )
        title = f'<title id="{self.name}-title">{harmless(self.title)}</title>'
        description = f'<desc id="{self.name}-desc">{harmless(self.description)}</desc>'
        return "\n".join((head, title, description, *self.body, "</svg>"))


def harmless(text: str) -> str:
    """Give text as it may stand between tags."""
    return escape(shown(text))


def element(tag: str, kind: str, inner: str = "", **places: float | str) -> str:
    """Give an element.

    Args:
        tag: Such as ``rect``.
        kind: Its class.
        inner: What stands in it, escaped already.
        **places: Its attributes; ``x1=3.0`` and the like.
    """
    pairs = [("class", kind), *places.items()]
    attributes = " ".join(f"{name}={quoteattr(_short(value))}" for name, value in pairs)
    return f"<{tag} {attributes}>{inner}</{tag}>" if inner else f"<{tag} {attributes}/>"


def box(kind: str, x: float, y: float, width: float, height: float, inner: str = "") -> str:
    """Give a rectangle."""
    return element("rect", kind, inner, x=x, y=y, width=width, height=height)


def label(x: float, y: float, text: str, kind: str, room: float = math.inf) -> str:
    """Give a line of text around the height ``y``, shortened to ``room`` pixels.

    What was shortened stands there whole for who points at it.
    """
    whole = shown(text)
    fits = fitted(whole, room)
    title = "" if fits == whole else f"<title>{escape(whole)}</title>"
    return element("text", kind, title + escape(fits), x=x, y=y + ASCENT)


def wide(text: str) -> float:
    """Give how many pixels a label takes."""
    return sum(map(_cells, shown(text))) * GLYPH


def fitted(text: str, room: float) -> str:
    """Shorten text to ``room`` pixels: its end is what tells names of layers apart."""
    if wide(text) <= room:
        return text
    kept, left = "", room - GLYPH
    for c in reversed(text):
        left -= _cells(c) * GLYPH
        if left < 0:
            break
        kept = c + kept
    return "…" + kept


def ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Give round numbers from ``low`` to ``high``: at most ``most``, in steps of 1, 2 or 5."""
    if high <= low:
        return (low,)
    decade = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 5, 10, 20, 50):
        step = factor * decade
        first, last = math.ceil(low / step), math.floor(high / step)
        if last - first < most:
            return tuple(k * step for k in range(first, last + 1))
    return ()


def listed(items: Sequence[str], most: int) -> str:
    """Join with semicolons the first ``most``, and say how many more there are."""
    more = len(items) - most
    return "; ".join((*items[:most], *([f"and {more:,} more"] if more > 0 else [])))


def _cells(c: str) -> int:
    """Give how many letters wide a character is (Unicode standard annex 11)."""
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{round(value, 2):g}"
