"""The picture of the chips: what it shows, and that everybody can read it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from snnc.compiler.mapping.hardware import Hardware, Mesh
from snnc.compiler.mapping.routes import Traffic, route
from snnc.runtime.picture import DARK, LEVELS, LIGHT, Drawn, level_of, picture
from tests.compiler.mapping.made import flows_of, hardware_of

SVG = "{http://www.w3.org/2000/svg}"
ONE = hardware_of(Mesh(3, 2, 2))
MANY = hardware_of(Mesh(2, 2, 1), chip_columns=5, chips=20)


def drawn(uses: Sequence[float], hardware: Hardware) -> list[Drawn]:
    """Give a core of each use, slot after slot."""
    return [
        Drawn(*divmod(k, hardware.cores_per_chip), use, f"core {k}: a & b")
        for k, use in enumerate(uses)
    ]


def sent(hardware: Hardware, n: int) -> Traffic:
    """Give the traffic of a ring of cores, slot after slot; core ``k`` sends ``k`` spikes."""
    flows = flows_of(*((k, ((k + 1) % n,), float(k)) for k in range(n)))
    chip, slot = zip(*(divmod(k, hardware.cores_per_chip) for k in range(n)), strict=True)
    return route(flows, chip, slot, hardware)


def parsed(uses: Sequence[float], hardware: Hardware = ONE) -> ET.Element:
    """Draw cores and read the picture."""
    return ET.fromstring(picture(hardware, drawn(uses, hardware), sent(hardware, len(uses)), "m"))


def classes(svg: ET.Element, tag: str, letters: str) -> list[str]:
    """Give the classes of what is drawn above the legend."""
    end = float(svg.attrib["height"]) - 58
    return [
        e.attrib["class"]
        for e in svg.iter(SVG + tag)
        if re.fullmatch(f"[{letters}]\\d|free", e.attrib["class"])
        and float(e.attrib.get("y", e.attrib.get("y1", "0"))) < end
    ]


def test_every_core_is_there() -> None:
    svg = parsed([0.0, 0.1, 0.5, 1.0])
    assert sorted(classes(svg, "rect", "u")) == [*["free"] * 8, "u0", "u1", "u3", "u5"]
    numbers = [t.text for t in svg.iter(SVG + "text") if t.attrib["class"].startswith("n")]
    assert numbers == ["0", "10", "50", "100"]
    assert [t.text for t in svg.findall(f"{SVG}g/{SVG}title")] == [
        f"core {k}: a & b" for k in range(4)
    ]


def test_every_link_is_there_in_both_directions() -> None:
    """Two rows of three routers: 4 links along rows and 3 along columns, each of two lines."""
    svg = parsed([0.5] * 12)
    assert len(classes(svg, "line", "t")) == 14
    t = sent(ONE, 12)
    loads = [load for of in (t.east, t.west, t.south, t.north) for load in of.ravel() if load]
    told = [title.text for title in svg.findall(f"{SVG}line/{SVG}title")]
    assert told == [f"{load:g} spikes a step" for load in loads]
    assert "t5" in classes(svg, "line", "t")


def test_words() -> None:
    svg = parsed([0.25, 0.75, 0.5])
    title, desc = svg.find(SVG + "title"), svg.find(SVG + "desc")
    assert title is not None
    assert desc is not None
    assert svg.attrib["role"] == "img"
    assert svg.attrib["aria-labelledby"] == f"{title.attrib['id']} {desc.attrib['id']}"
    assert title.text == "3 cores on 1 chip of made"
    assert desc.text == (
        "Every square is a core, with the share of its fullest resource in percent: 25 to 75, 50 "
        "on average. Lines are links between routers: 2 spikes a step go over the busiest link, "
        "from router (1, 0) to (0, 0). Inputs enter at router (0, 0)."
    )
    assert [t.text for t in svg.iter(SVG + "text") if t.attrib["class"] == "key"] == [
        "0 to 100 % of the fullest resource of a core",
        "0 to 2 spikes a step over a link: the upper line leads right, the right one down",
    ]


def test_one_core_and_no_link() -> None:
    svg = ET.fromstring(picture(ONE, drawn([0.5], ONE), route(flows_of(), [0], [0], ONE), "m"))
    desc = svg.find(SVG + "desc")
    assert desc is not None
    assert desc.text is not None
    assert "no spike goes over a link" in desc.text
    assert len([t for t in svg.iter(SVG + "text") if t.attrib["class"] == "key"]) == 1
    assert {*classes(svg, "line", "t")} == {"t0"}


def test_many_chips_are_a_square_each() -> None:
    """Twenty chips of four cores, five in a row."""
    svg = parsed([0.5] * 78, MANY)
    assert classes(svg, "rect", "u") == [*["u3"] * 19, "u2"]
    told = [t.text for t in svg.findall(f"{SVG}g/{SVG}title")]
    assert (svg.findtext(f"{SVG}desc") or "").startswith("Every square is a chip, with the mean")
    assert told[0] == "chip 0: 4 of 4 cores"
    assert told[-1] == "chip 19: 2 of 4 cores"
    assert len(classes(svg, "line", "t")) == 2 * (4 * 4 + 5 * 3)


def test_names_do_no_harm() -> None:
    core = Drawn(0, 0, 0.5, "core 0: 5 of </title><script>\x1b[2J")
    text = picture(replace(ONE, name="<b>&\x07"), [core], sent(ONE, 1), "m")
    titles = [title.text for title in ET.fromstring(text).iter(SVG + "title")]
    assert titles[:2] == [
        "1 core on 1 chip of <b>&\\x07",
        "core 0: 5 of </title><script>\\x1b[2J",
    ]


def test_the_legend_is_as_wide_as_its_words() -> None:
    """Of a single core, and in a font whose letters are 0.65 of its 11 pixels wide."""
    svg = parsed([0.25, 0.75, 0.5], hardware_of(Mesh(2, 1, 2)))
    (*_, words) = [t for t in svg.iter(SVG + "text") if t.attrib["class"] == "key"]
    end = float(words.attrib["x"]) + 0.65 * 11 * len(words.text or "")
    assert end <= float(svg.attrib["width"])


def test_it_stands_by_itself() -> None:
    text = picture(ONE, drawn([0.5] * 3, ONE), sent(ONE, 3), "m")
    assert "<script" not in text
    assert re.findall(r"(?:href|src|url\(|@import)", text) == []
    assert set(re.findall(r'id="(.*?)"', text)) == {"m-title", "m-desc"}
    (style,) = re.findall(r"<style>(.*)</style>", text)
    rules = re.findall(r"[^{};]+(?={)", style)
    assert len(rules) > 3 * LEVELS
    assert [r for r in rules if not r.startswith((".chips", "@media"))] == []


@pytest.mark.parametrize(("share", "level"), [(0, 0), (1e-9, 1), (0.2, 2), (0.79, 4), (2, 5)])
def test_levels(share: float, level: int) -> None:
    assert level_of(share) == level


@pytest.mark.parametrize("colors", [LIGHT, DARK])
def test_numbers_can_be_read_on_every_shade(colors: dict[str, str | tuple[str, ...]]) -> None:
    """The contrast of text that WCAG 2.2 asks for, 4.5; shades go one way."""
    for level in range(LEVELS):
        assert contrast(colors["on"][level], colors["use"][level]) >= 4.5
    for name in ("use", "load"):
        light = [luminance(color) for color in colors[name]]
        steps = [b > a for a, b in pairwise(light)]
        assert len(set(steps)) == 1


def luminance(color: str) -> float:
    """Give the relative luminance of a color, WCAG 2.2."""
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    """Give the contrast of two colors, WCAG 2.2."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)
