"""A picture of the chips: how full each core is, and how many spikes go over each link.

One SVG that stands by itself or within a page: no script, no font and no file besides. Colors
follow the reader's light or dark setting, and paper is light; what colors tell stands there in
numbers too, or in the width of a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import ceil, sqrt
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt

from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.ledger import Use
from snnc.compiler.mapping.mapped import Core, MappedNetwork
from snnc.compiler.mapping.routes import HOST, Traffic, route
from snnc.compiler.mapping.traffic import Rates, flows
from snnc.compiler.mapping.usage import usage
from snnc.runtime.text import shown

Reals = npt.NDArray[np.float64]

CHIPS = 16
"""Chips that are drawn core by core; of more than that each is one square."""
CORE, GAP, LINK, BORDER = 26, 2, 20, 14
"""Side of a core, room between those of a router, between routers, and more between chips."""
MARGIN, LEGEND, GLYPH = 12, 58, 7.2
"""Room around all, height of the legend, and width of its letters at most; pixels."""
_STEP = CORE + LINK
LEVELS = 6
"""Shades of either color: of nothing, and five parts of the way to the most."""

_KEY = MARGIN + LEVELS * 16 + 8
"""Where the words of the legend begin."""
_LINES = "spikes a step over a link: the upper line leads right, the right one down"

LIGHT: dict[str, str | tuple[str, ...]] = {
    "ink": "#23262b",
    "soft": "#5c636d",
    "edge": "#c9ccc6",
    "use": ("#f1f4f7", "#cfe0f0", "#a3c6e5", "#6aa2d2", "#2a6cab", "#123f70"),
    "on": ("#23262b", "#23262b", "#23262b", "#15181b", "#ffffff", "#ffffff"),
    "load": ("#d8d8d3", "#e3b06f", "#d98f3a", "#c26f14", "#974f05", "#653200"),
}
DARK: dict[str, str | tuple[str, ...]] = {
    "ink": "#e4e6e8",
    "soft": "#9aa2ac",
    "edge": "#474c54",
    "use": ("#22262b", "#24394d", "#2a5273", "#3a77a6", "#78b3df", "#bcdcf5"),
    "on": ("#e4e6e8", "#e4e6e8", "#ffffff", "#ffffff", "#15181b", "#15181b"),
    "load": ("#3a3e44", "#7a5527", "#a8702b", "#d18c35", "#f0ae5c", "#ffd7a0"),
}


@dataclass(frozen=True)
class Drawn:
    """A core that is used.

    Attributes:
        chip: Its chip.
        slot: Its place on the chip.
        use: Share of its fullest resource, 0 to 1.
        text: What lies on it and what it uses, for whoever points at it.
    """

    chip: int
    slot: int
    use: float
    text: str


def picture(hardware: Hardware, cores: Sequence[Drawn], traffic: Traffic, name: str) -> str:
    """Draw the chips that are used.

    Args:
        hardware: Whose chips.
        cores: Those that are used, each at a place of its own.
        traffic: What goes over the links between routers.
        name: Of letters: tells this picture from others on the same page.

    Returns:
        An ``svg`` element.
    """
    chips = len({core.chip for core in cores})
    few = chips <= CHIPS
    drawing = _Cores(hardware, traffic) if few else _Chips(hardware, traffic)
    body = [*drawing.links(), *drawing.squares(cores)]
    legend = _legend("core" if few else "chip", drawing.heaviest)
    width = max(drawing.width, *(_KEY + ceil(len(text) * GLYPH) for _, text in legend))
    height = drawing.height + LEGEND
    body += _key(legend, drawing.height + 8)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chips" role="img" '
            f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'aria-labelledby="{name}-title {name}-desc">',
            f'<title id="{name}-title">{escape(shown(_title(hardware, cores, chips)))}</title>',
            f'<desc id="{name}-desc">{escape(_description(cores, traffic, few=few))}</desc>',
            f"<style>{style_text()}</style>",
            *body,
            "</svg>",
        )
    )


def picture_of(mapped: MappedNetwork, rates: Rates, name: str) -> str:
    """Draw the cores of a mapping, and what goes over links at these rates.

    Args:
        mapped: The network over cores.
        rates: Spikes a step of inputs and populations; 1 where nothing is said.
        name: Of letters: tells this picture from others on the same page.
    """
    used = (uses for _, uses in usage(mapped.fixed, mapped.hardware, mapped.cores))
    cores = [
        _drawn(k, core, max(uses, key=lambda use: use.share))
        for k, (core, uses) in enumerate(zip(mapped.cores, used, strict=True))
    ]
    places = [core.chip for core in cores], [core.slot for core in cores]
    traffic = route(flows(mapped.fixed, mapped.cores, rates), *places, mapped.hardware)
    return picture(mapped.hardware, cores, traffic, name)


def _drawn(k: int, core: Core, fullest: Use) -> Drawn:
    parts = ", ".join(f"{part.region.size:,} of {part.population}" for part in core.parts)
    text = f"core {k}: {parts}; {fullest.used:,} of {fullest.limit.value:,} {fullest.resource}"
    return Drawn(core.chip, core.slot, fullest.share, text)


class _Cores:
    """Routers with their cores, and links between the routers."""

    def __init__(self, hardware: Hardware, traffic: Traffic) -> None:
        mesh, grid = hardware.mesh, traffic.grid
        self._mesh, self._columns, self._traffic = mesh, hardware.chip_columns, traffic
        self.heaviest = traffic.heaviest
        self._across = ceil(sqrt(mesh.cores_per_router))
        self._down = ceil(mesh.cores_per_router / self._across)
        self._x = _lines(grid.columns, self._across, mesh.columns)
        self._y = _lines(grid.rows, self._down, mesh.rows)
        self.width = self._x[-1] + _side(self._across) + MARGIN
        self.height = self._y[-1] + _side(self._down) + MARGIN

    def squares(self, cores: Sequence[Drawn]) -> Iterator[str]:
        """Give all places, those that are free as outlines."""
        used = {(core.chip, core.slot): core for core in cores}
        routers = self._mesh.columns * self._mesh.rows
        for chip in range(1 + max(core.chip for core in cores)):
            for slot in range(routers * self._mesh.cores_per_router):
                x, y = self._corner(chip, slot)
                yield from _square(x, y, CORE, used.get((chip, slot)))

    def _corner(self, chip: int, slot: int) -> tuple[int, int]:
        router, k = divmod(slot, self._mesh.cores_per_router)
        column = chip % self._columns * self._mesh.columns + router % self._mesh.columns
        row = chip // self._columns * self._mesh.rows + router // self._mesh.columns
        down, across = divmod(k, self._across)
        return self._x[column] + across * (CORE + GAP), self._y[row] + down * (CORE + GAP)

    def links(self) -> Iterator[str]:
        """Give both directions of each link, side by side."""
        traffic, most = self._traffic, self.heaviest
        middle_x = [x + _side(self._across) // 2 for x in self._x]
        middle_y = [y + _side(self._down) // 2 for y in self._y]
        ends_x = [(a + _side(self._across), b) for a, b in pairwise(self._x)]
        ends_y = [(a + _side(self._down), b) for a, b in pairwise(self._y)]
        for loads, aside in ((traffic.east, -4), (traffic.west, 4)):
            for row, column in _places(loads):
                (begin, end), y = ends_x[column], middle_y[row] + aside
                yield _line(begin, y, end, y, float(loads[row, column]), most)
        for loads, aside in ((traffic.south, 4), (traffic.north, -4)):
            for row, column in _places(loads):
                (begin, end), x = ends_y[row], middle_x[column] + aside
                yield _line(x, begin, x, end, float(loads[row, column]), most)


class _Chips:
    """One square for each chip, and what goes between chips."""

    def __init__(self, hardware: Hardware, traffic: Traffic) -> None:
        grid, self._hardware = traffic.grid, hardware
        across, down = grid.chip_columns, grid.chip_rows
        self._x_loads = [
            (_by_chip(loads[:, across - 1 :: across], down, 0), aside)
            for loads, aside in ((traffic.east, -4), (traffic.west, 4))
        ]
        self._y_loads = [
            (_by_chip(loads[down - 1 :: down], across, 1), aside)
            for loads, aside in ((traffic.south, 4), (traffic.north, -4))
        ]
        both = (*self._x_loads, *self._y_loads)
        self.heaviest = max(float(loads.max(initial=0)) for loads, _ in both)
        self.width = grid.columns // across * _STEP - LINK + 2 * MARGIN
        self.height = grid.rows // down * _STEP - LINK + 2 * MARGIN

    def squares(self, cores: Sequence[Drawn]) -> Iterator[str]:
        """Give each chip, with the mean use of all its cores."""
        for chip in sorted({core.chip for core in cores}):
            on = [core for core in cores if core.chip == chip]
            mean = sum(core.use for core in on) / self._hardware.cores_per_chip
            text = f"chip {chip}: {len(on)} of {self._hardware.cores_per_chip} cores"
            row, column = divmod(chip, self._hardware.chip_columns)
            x, y = MARGIN + column * _STEP, MARGIN + row * _STEP
            yield from _square(x, y, CORE, Drawn(chip, 0, mean, text))

    def links(self) -> Iterator[str]:
        """Give what goes from chip to chip, in either direction."""
        half, most = CORE // 2, self.heaviest
        for loads, aside in self._x_loads:
            for row, column in _places(loads):
                x, y = MARGIN + column * _STEP + CORE, MARGIN + row * _STEP + half + aside
                yield _line(x, y, x + LINK, y, float(loads[row, column]), most)
        for loads, aside in self._y_loads:
            for row, column in _places(loads):
                x, y = MARGIN + column * _STEP + half + aside, MARGIN + row * _STEP + CORE
                yield _line(x, y, x, y + LINK, float(loads[row, column]), most)


def level_of(share: float) -> int:
    """Give the shade of a share: 0 of nothing, ``LEVELS - 1`` of 80 % and more."""
    return 0 if share <= 0 else min(LEVELS - 1, 1 + int(share * (LEVELS - 1)))


def _by_chip(loads: Reals, length: int, axis: int) -> Reals:
    """Sum the links of each two chips, which are ``length`` along ``axis``."""
    starts = range(0, int(loads.shape[axis]), length)
    return np.asarray(np.add.reduceat(loads, list(starts), axis=axis), np.float64)


def _places(loads: Reals) -> Iterator[tuple[int, int]]:
    """Give row and column of each element."""
    return product(range(len(loads)), range(loads.shape[1]))


def _lines(routers: int, cores: int, of_chip: int) -> list[int]:
    """Give where each line of routers begins."""
    step = _side(cores) + LINK
    return [MARGIN + k * step + k // of_chip * BORDER for k in range(routers)]


def _side(cores: int) -> int:
    return cores * (CORE + GAP) - GAP


def _square(x: int, y: int, side: int, core: Drawn | None) -> Iterator[str]:
    place = f'x="{x}" y="{y}" width="{side}" height="{side}" rx="3"'
    if core is None:
        yield f'<rect class="free" {place}/>'
        return
    level = level_of(core.use)
    yield f"<g><title>{escape(shown(core.text))}</title>"
    yield f'<rect class="u{level}" {place}/>'
    middle_x, middle_y = x + side // 2, y + side // 2 + 4
    yield f'<text class="n{level}" x="{middle_x}" y="{middle_y}">{100 * core.use:.0f}</text></g>'


def _line(x: int, y: int, to_x: int, to_y: int, load: float, most: float) -> str:
    level = level_of(load / most if most else 0)
    of = "" if not load else f"<title>{load:,.4g} spikes a step</title>"
    return f'<line class="t{level}" x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}">{of}</line>'


def _legend(unit: str, heaviest: float) -> tuple[tuple[str, str], ...]:
    """Give what the shades of squares and of lines stand for."""
    squares = ("u", f"0 to 100 % of the fullest resource of a {unit}")
    return (squares, ("t", f"0 to {heaviest:,.4g} {_LINES}")) if heaviest else (squares,)


def _key(legend: tuple[tuple[str, str], ...], y: int) -> Iterator[str]:
    for k, (kind, text) in enumerate(legend):
        top = y + 20 * k
        for level in range(LEVELS):
            x, middle = MARGIN + level * 16, top + 6
            if kind == "u":
                yield f'<rect class="u{level}" x="{x}" y="{top}" width="15" height="12"/>'
            else:
                line = f'x1="{x}" y1="{middle}" x2="{x + 15}" y2="{middle}"'
                yield f'<line class="t{level}" {line}/>'
        yield f'<text class="key" x="{_KEY}" y="{top + 10}">{escape(text)}</text>'


def _title(hardware: Hardware, cores: Sequence[Drawn], chips: int) -> str:
    of_chips = "1 chip" if chips == 1 else f"{chips} chips"
    of_cores = "1 core" if len(cores) == 1 else f"{len(cores)} cores"
    return f"{of_cores} on {of_chips} of {hardware.name}"


def _description(cores: Sequence[Drawn], traffic: Traffic, *, few: bool) -> str:
    shares = [core.use for core in cores]
    busiest = traffic.heaviest_link
    link = "no spike goes over a link"
    if busiest is not None:
        (x, y), (to_x, to_y) = busiest
        link = (
            f"{traffic.heaviest:,.4g} spikes a step go over the busiest link, from router "
            f"({x}, {y}) to ({to_x}, {to_y})"
        )
    what = "core, with the share of its fullest resource in percent"
    if not few:
        what = "chip, with the mean of its cores, of which each has such a share in percent"
    return (
        f"Every square is a {what}: {100 * min(shares):.0f} to {100 * max(shares):.0f}, "
        f"{100 * np.mean(shares):.0f} on average. Lines are links between routers: {link}. "
        f"Inputs enter at router {HOST}."
    )


def style_text() -> str:
    """Give the colors, for light and dark and for paper."""
    fixed = (
        ".chips{max-width:100%;height:auto;font:11px system-ui,sans-serif;"
        "print-color-adjust:exact;-webkit-print-color-adjust:exact}"
        ".chips text{text-anchor:middle;font-variant-numeric:tabular-nums}"
        ".chips .key{text-anchor:start;fill:var(--soft)}"
        ".chips .free{fill:none;stroke:var(--edge);stroke-dasharray:2 2}"
        ".chips line{stroke-linecap:butt}"
    )
    shades = "".join(
        f".chips .u{k}{{fill:var(--u{k});stroke:var(--edge)}}.chips .n{k}{{fill:var(--n{k})}}"
        f".chips .t{k}{{stroke:var(--t{k});stroke-width:{1 + k}}}"
        for k in range(LEVELS)
    )
    light, dark = _variables(LIGHT), _variables(DARK)
    return (
        f"{fixed}{shades}.chips{{{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{.chips{{{dark}}}}}"
    )


def _variables(colors: dict[str, str | tuple[str, ...]]) -> str:
    short = {"use": "u", "on": "n", "load": "t"}
    found = [f"--{name}:{value}" for name, value in colors.items() if isinstance(value, str)]
    for name, letter in short.items():
        found += [f"--{letter}{k}:{value}" for k, value in enumerate(colors[name])]
    return ";".join(found)
