"""Signals of a neuron in two executions over some steps, and the threshold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from snnc.runtime.divergence.explanation import Course
from snnc.runtime.figures.axis import FOOT, LEFT, Axis
from snnc.runtime.figures.svg import Figure, box, element, label, ticks

PANEL, HEAD, PAD = 104, 26, 8
"""Height of a panel, of the name above it, and what is free within it above and below; pixels."""
NEAR = 12
"""Pixels between two numbers beside a panel, so that both can be read."""
NAMES = {"a": "a, accumulator", "u": "u, synaptic current", "v": "v, membrane potential"}


def course_figure(
    courses: Sequence[Course], axis: Axis, executions: tuple[str, str], name: str
) -> Figure:
    """Draw one signal below the other.

    The reference is a broad pale line and the other a narrow dark one upon it, so that both are to
    be seen where they are the same.

    Args:
        courses: Of one neuron, or of some.
        axis: The steps of all, and of what stands above.
        executions: Names of the reference and of the other.
        name: Tells the figure from others on the page.
    """
    body: list[str] = []
    for k, course in enumerate(courses):
        body += _panel(course, axis, k * (HEAD + PANEL))
    height = len(courses) * (HEAD + PANEL)
    body += axis.numbers(height)
    what = ", ".join(dict.fromkeys(_neuron(c) for c in courses))
    return Figure(
        name,
        axis.width,
        height + FOOT,
        f"Signals of {what} in {' and '.join(executions)}",
        " ".join(_told(course, axis, executions) for course in courses),
        tuple(body),
    )


def _panel(course: Course, axis: Axis, top: float) -> Iterator[str]:
    low, high = _range(course)
    plot = top + HEAD

    def y(value: float) -> float:
        return plot + PANEL - PAD - (value - low) / (high - low) * (PANEL - 2 * PAD)

    yield label(0, top + HEAD / 2 + 1, _heading(course), "strong", axis.width)
    width = axis.row
    yield box("row", LEFT, plot, width, PANEL)
    yield from axis.mark(plot, PANEL)
    limit = None if course.threshold is None else y(course.threshold)
    for tick in ticks(low, high, 4):
        if limit is not None and abs(y(tick) - limit) < NEAR:
            continue
        yield element("line", "grid", x1=LEFT, x2=LEFT + width, y1=y(tick), y2=y(tick))
        yield label(LEFT - 10, y(tick), _number(tick), "end soft", LEFT - 14)
    if limit is not None and course.threshold is not None:
        yield element("line", "limit", x1=LEFT, x2=LEFT + width, y1=limit, y2=limit)
        yield label(LEFT - 10, limit, _number(course.threshold), "end strong", LEFT - 14)
    for kind, values in (("ref", course.reference), ("oth", course.other)):
        for run in _finite(values):
            points = [(axis.x(course.first_step + k), y(values[k])) for k in run]
            path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
            yield element("polyline", f"path {kind}", points=path)
            if axis.cell >= 8 or len(run) == 1:
                radius = 3.4 if kind == "ref" else 2.0
                yield from (
                    element("circle", f"dot {kind}", cx=px, cy=py, r=radius) for px, py in points
                )


def _range(course: Course) -> tuple[float, float]:
    """Give what the panel spans: all values that are numbers, and the threshold."""
    values = [v for v in (*course.reference, *course.other) if math.isfinite(v)]
    if course.threshold is not None:
        values.append(course.threshold)
    low, high = min(values, default=0.0), max(values, default=1.0)
    beside = max(1.0, abs(low) / 2)  # so that it is not lost in rounding
    return (low, high) if high > low else (low - beside, high + beside)


def _finite(values: Sequence[float]) -> Iterator[list[int]]:
    """Give the runs of indices whose values are numbers; elsewhere the line is broken."""
    for finite, run in groupby(range(len(values)), key=lambda k: math.isfinite(values[k])):
        if finite:
            yield list(run)


def _told(course: Course, axis: Axis, executions: tuple[str, str]) -> str:
    """Say where the two part and what they hold at the marked step."""
    pairs = list(zip(course.reference, course.other, strict=False))
    parted = [
        k for k, (a, b) in enumerate(pairs) if a != b and not (math.isnan(a) and math.isnan(b))
    ]
    said = "the same in all of these steps"
    if parted:
        said = f"the same before step {course.first_step + parted[0]}"
    at = -1 if axis.at is None else axis.at - course.first_step
    here = ""
    if 0 <= at < len(pairs):
        of = (f"{_number(v)} in {e}" for v, e in zip(pairs[at], executions, strict=True))
        here = f"; in step {axis.at} {' and '.join(of)}"
    limit = "" if course.threshold is None else f"; the threshold is {_number(course.threshold)}"
    return f"{course.signal} of {_neuron(course)}: {said}{here}{limit}."


def _heading(course: Course) -> str:
    return f"{NAMES.get(course.signal, course.signal)} of {_neuron(course)}"


def _neuron(course: Course) -> str:
    return f"{course.population}, neuron {', '.join(map(str, course.neuron))}"


def _number(value: float) -> str:
    whole = math.isfinite(value) and value == int(value) and abs(value) < 1e9
    return f"{int(value):,}" if whole else f"{value:.6g}"
