"""The figures of a page: what is drawn where, what is said of it, and names that do no harm."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from snnc.runtime.compare import Divergence
from snnc.runtime.divergence.explanation import Course, Raster
from snnc.runtime.figures.axis import LEFT, Axis
from snnc.runtime.figures.course import course_figure
from snnc.runtime.figures.heat import BOUNDS, heat_figure, level_of
from snnc.runtime.figures.raster import raster_figure
from snnc.runtime.figures.svg import Figure, fitted, ticks
from snnc.runtime.findings import Disagreement
from snnc.runtime.render import TEMPLATES
from tests.runtime.reports import HOSTILE, SHOWN
from tests.runtime.test_picture import contrast, luminance

AT = Divergence(5, 0, "b", (1,), "spikes", 0, 1)
RASTER = Raster(
    population="b",
    neurons=((0,), (1,), (7,)),
    first_step=3,
    steps=4,
    reference=((3, 0), (4, 2), (6, 1)),
    other=((3, 0), (5, 1), (6, 1)),
)


def parsed(figure: Figure) -> ET.Element:
    svg = ET.fromstring(figure.svg())
    title, desc = (svg.find(name) for name in ("title", "desc"))
    assert title is not None
    assert desc is not None
    assert svg.attrib["role"] == "img"
    assert svg.attrib["aria-labelledby"] == f"{title.attrib['id']} {desc.attrib['id']}"
    assert (title.text, desc.text) == (figure.title, figure.description)
    return svg


def of_class(svg: ET.Element, kind: str) -> list[ET.Element]:
    return [e for e in svg.iter() if e.attrib.get("class", "").split()[:1] == [kind]]


def place(e: ET.Element, *names: str) -> list[float]:
    return [float(e.attrib[name]) for name in names]


def courses(reference: tuple[float, ...], other: tuple[float, ...]) -> Course:
    return Course(
        population="b",
        neuron=(1,),
        signal="v",
        first_step=3,
        reference=reference,
        other=other,
        threshold=64,
    )


# --- raster -------------------------------------------------------------------------------------


def drawn_raster(raster: Raster = RASTER) -> Figure:
    axis = Axis.over([(raster.first_step, raster.steps)], AT.step)
    return raster_figure([raster], AT, axis, ("integer", "lava"), "r")


def test_a_spike_in_both_is_a_whole_bar_and_one_of_either_a_half() -> None:
    svg = parsed(drawn_raster())
    both, ref, oth = (of_class(svg, kind) for kind in ("both", "ref", "oth"))
    assert [len(found) for found in (both, ref, oth)] == [2, 1, 1]
    whole, upper, lower = (place(found[0], "height")[0] for found in (both, ref, oth))
    assert whole == 2 * upper == 2 * lower
    rows = [place(row, "y")[0] for row in svg.iter("rect") if "row" in row.attrib["class"]]
    assert place(both[0], "y")[0] - rows[0] == 1  # step 3, the first neuron
    assert place(ref[0], "y")[0] - rows[2] == 1  # step 4, the third, above
    assert place(oth[0], "y")[0] - rows[1] == 1 + upper  # step 5, the second, below


def test_bars_stand_over_their_steps_and_the_step_of_the_divergence_is_shaded() -> None:
    svg = parsed(drawn_raster())
    axis = Axis(3, 4, 5)
    (mark,) = of_class(svg, "at")
    x, width = place(mark, "x", "width")
    assert x + width / 2 == axis.x(5) == LEFT + 2.5 * axis.cell
    (only,) = of_class(svg, "oth")
    assert sum(place(only, "x", "width")) - place(only, "width")[0] / 2 == axis.x(5)
    texts = [(t.text, t.attrib["class"]) for t in svg.iter("text")]
    assert ("5", "mid strong") in texts
    assert ("1", "end strong") in texts
    assert {("0", "end"), ("7", "end")} <= set(texts)


def test_an_index_of_three_axes_is_not_cut() -> None:
    far = RASTER.model_copy(update={"neurons": ((1023, 127, 127), (0, 0, 1), (0, 0, 2))})
    assert ">1023, 127, 127</text>" in drawn_raster(far).svg()


def test_a_raster_says_which_spikes_differ() -> None:
    assert drawn_raster().title == "Spikes of integer and lava around step 5"
    assert drawn_raster().description == (
        "2 spikes are the same in both. These are not: step 4, b, neuron 7: only integer; step 5, "
        "b, neuron 1: only lava."
    )
    same = RASTER.model_copy(update={"other": RASTER.reference})
    assert drawn_raster(same).description == (
        "3 spikes are the same in both. No other spike is there."
    )


def test_a_raster_tells_of_the_first_differences_only() -> None:
    many = RASTER.model_copy(
        update={"steps": 40, "reference": tuple((k, 0) for k in range(3, 33)), "other": ()}
    )
    told = drawn_raster(many).description
    assert told.count("only integer") == 12
    assert told.endswith("; and 18 more.")


# --- axis ---------------------------------------------------------------------------------------


def test_the_axis_holds_every_span() -> None:
    assert Axis.over([(5, 3), (2, 4), (9, 0)], 7) == Axis(2, 6, 7)
    assert Axis.over([(5, 3)], 8) == Axis(5, 3, None)
    assert Axis.over([], 8) == Axis(0, 1, None)


@pytest.mark.parametrize("steps", [1, 7, 40, 500])
def test_numbers_of_steps_do_not_run_into_each_other(steps: int) -> None:
    axis = Axis(990, steps, 990 + steps // 2)
    xs = sorted(
        (float(x), len(text))
        for x, text in re.findall(r'x="([\d.]+)" y="15">(\d+)<', "".join(axis.numbers(0)))
    )
    assert len(xs) >= min(steps, 2)
    assert all(b - a >= 6.7 * (n + m) / 2 for (a, n), (b, m) in pairwise(xs))


# --- course -------------------------------------------------------------------------------------


def drawn_course(course: Course) -> Figure:
    return course_figure([course], Axis(3, 4, 5), ("integer", "lava"), "c")


def test_lines_go_through_their_values() -> None:
    svg = parsed(drawn_course(courses((0, 32, 64, 16), (0, 32, 1, 16))))
    lines = list(svg.iter("polyline"))
    assert [line.attrib["class"] for line in lines] == ["path ref", "path oth"]
    points = [
        [tuple(map(float, p.split(","))) for p in line.attrib["points"].split()] for line in lines
    ]
    assert [x for x, _ in points[0]] == [Axis(3, 4).x(step) for step in (3, 4, 5, 6)]
    (limit,) = [e for e in svg.iter("line") if e.attrib["class"] == "limit"]
    assert place(limit, "y1")[0] == pytest.approx(points[0][2][1])
    zero, half = points[0][0][1], points[0][1][1]
    assert zero - half == pytest.approx((zero - points[0][2][1]) / 2, abs=0.11)
    assert points[1][2][1] > half


def test_a_course_says_where_the_two_part() -> None:
    assert drawn_course(courses((0, 32, 64, 16), (0, 32, 1, 16))).description == (
        "v of b, neuron 1: the same before step 5; in step 5 64 in integer and 1 in lava; the "
        "threshold is 64."
    )
    assert drawn_course(courses((0, 32, 64, 16), (0, 32, 64, 16))).description == (
        "v of b, neuron 1: the same in all of these steps; in step 5 64 in integer and 64 in lava; "
        "the threshold is 64."
    )


def test_lines_are_broken_where_there_is_no_number() -> None:
    values = (0.5, math.nan, 0.5, math.inf)
    svg = parsed(drawn_course(courses(values, values)))
    assert len(of_class(svg, "path")) == 4
    assert "nan" not in ET.tostring(svg, "unicode").partition("</desc>")[2]


def test_what_it_is_of_can_be_read_above_few_steps() -> None:
    course = courses((64,), (64,)).model_copy(update={"population": "encoder.layer1"})
    one = course_figure([course], Axis(3, 1), ("integer", "lava"), "c")
    heads = [t.text for t in parsed(one).iter("text") if t.attrib["class"] == "strong"]
    assert heads == ["v, membrane potential of encoder.layer1, neuron 1"]


def test_values_that_are_all_the_same_are_drawn() -> None:
    for value in (64.0, 1e20):
        flat = courses((value,) * 4, (value,) * 4).model_copy(update={"threshold": value})
        assert "nan" not in drawn_course(flat).svg()


# --- heat ---------------------------------------------------------------------------------------


def drawn_heat(*shares: tuple[float, ...], width: int = 2) -> Figure:
    of = [
        Disagreement(population=n, width=width, shares=s)
        for n, s in zip("ab", shares, strict=False)
    ]
    return heat_figure(of, AT, "h")


def test_cells_are_shaded_by_their_share() -> None:
    svg = parsed(drawn_heat((0, 0, 0, 0), (0, 0.0005, 0.005, 0.6)))
    kinds = [e.attrib["class"] for e in svg.iter("rect")]
    assert kinds[:4] == ["h0"] * 4
    assert kinds[4:10] == ["h0", "h1", "h2", "here", "h5", "h0"]
    told = [t.text for t in svg.iter("title")][1:]
    assert told[6] == "steps 4 to 5: 0.5 %"
    assert told[7] == "the steps from 6: 60 %"  # which need not be two
    assert svg.findtext("title") == (
        "Share of neurons that differ, population by population over the steps"
    )


def test_heat_says_where_it_is() -> None:
    assert drawn_heat((0, 0, 0, 0), (0, 0.0005, 0.6, 0.005)).description == (
        "b differs first in steps 2 to 3 and most in steps 4 to 5, 60 %. 1 of 2 populations are "
        "the same."
    )
    assert drawn_heat((0.0,), (0.0,)).description == "Nothing differs."


def test_names_take_the_room_that_they_need() -> None:
    short, long = (
        heat_figure([Disagreement(population=n, width=1, shares=(0.5,))], None, "h")
        for n in ("a", "encoder.layer1.lif.with.more")
    )
    assert long.width - short.width == 90
    assert (
        "…"
        not in heat_figure(
            [Disagreement(population="encoder.layer1.lif", width=1, shares=(0.5,))], None, "h"
        ).svg()
    )


@pytest.mark.parametrize(("share", "level"), [(0, 0), (1e-9, 1), (0.002, 2), (0.5, 4), (1, 5)])
def test_levels(share: float, level: int) -> None:
    assert level_of(share) == level


def test_many_cells_stay_apart() -> None:
    figure = drawn_heat(tuple([0.1] * 130), tuple([0.0] * 130))
    assert figure.width < 900


# --- all ----------------------------------------------------------------------------------------


def test_names_do_no_harm() -> None:
    raster = RASTER.model_copy(update={"population": HOSTILE})
    course = courses((0,), (1,)).model_copy(update={"population": HOSTILE})
    heat = Disagreement(population=HOSTILE, width=1, shares=(0.5,))
    for figure in (drawn_raster(raster), drawn_course(course), heat_figure([heat], None, "h")):
        text = figure.svg()
        assert "<script" not in text
        svg = ET.fromstring(text)
        assert SHOWN in "".join(e.text or "" for e in svg.iter() if e.tag in {"desc", "title"})


def test_labels_are_shortened_at_their_begin() -> None:
    assert fitted("encoder.layer1.lif", 1000) == "encoder.layer1.lif"
    assert fitted("encoder.layer1.lif", 80) == "…layer1.lif"
    assert fitted("日本語日本語", 50) == "…日本語"


@pytest.mark.parametrize(("low", "high"), [(0, 4096), (-3, 7), (0.001, 0.0013), (-1e6, 1e6)])
def test_ticks_are_round_and_few(low: float, high: float) -> None:
    found = ticks(low, high, 4)
    assert 2 <= len(found) <= 4
    assert low <= found[0] <= found[-1] <= high
    step = found[1] - found[0]
    assert f"{step:.0e}"[0] in "125"


def test_shades_can_be_told_apart() -> None:
    """They go one way, as luminance does; lines stand out by 3 to 1 (WCAG 2.2, 1.4.11)."""
    style = (TEMPLATES / "report.css").read_text()
    for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL):
        colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})\b", block))
        shades = [luminance(colors[f"h{k}"]) for k in range(len(BOUNDS) + 1)]
        assert len({b > a for a, b in pairwise(shades)}) == 1
        for name in ("ref", "oth"):
            assert contrast(colors[name], colors["row"]) >= 3
            assert contrast(colors[name], colors["marked"]) >= 3
