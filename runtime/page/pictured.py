"""The figures of the page."""

from __future__ import annotations

from snnc.runtime.divergence.explanation import Explanation
from snnc.runtime.figures.axis import Axis
from snnc.runtime.figures.course import course_figure
from snnc.runtime.figures.heat import heat_figure
from snnc.runtime.figures.raster import raster_figure
from snnc.runtime.figures.svg import Figure
from snnc.runtime.findings import Link


def scope(e: Explanation, name: str) -> list[Figure]:
    """Give the rasters and, under them, the courses, over the same steps."""
    spans = [(raster.first_step, raster.steps) for raster in e.rasters]
    spans += [(c.first_step, max(len(c.reference), len(c.other))) for c in e.courses]
    axis, executions = Axis.over(spans, e.divergence.step), (e.reference, e.other)
    figures: list[Figure] = []
    if e.rasters:
        figures.append(raster_figure(e.rasters, e.divergence, axis, executions, f"{name}-raster"))
    if e.courses:
        figures.append(course_figure(e.courses, axis, executions, f"{name}-course"))
    return figures


def heat(link: Link, name: str) -> Figure:
    """Give where and when the populations of a link differ."""
    return heat_figure(link.disagreement, link.first_divergence, name)
