"""Spikes of two executions side by side, neuron by neuron and step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from snnc.runtime.compare import Divergence
from snnc.runtime.divergence.explanation import Raster
from snnc.runtime.figures.axis import FOOT, LEFT, Axis
from snnc.runtime.figures.svg import Figure, box, label, listed

ROW, HEAD, BAR = 20, 24, 6
"""Height of a neuron and of the name above its population, width of a spike; pixels."""
TOLD = 12
"""Spikes of which the description tells one by one."""


def raster_figure(
    rasters: Sequence[Raster],
    divergence: Divergence,
    axis: Axis,
    executions: tuple[str, str],
    name: str,
) -> Figure:
    """Draw one population below the other, as they feed each other.

    A spike of the reference is the upper half of a bar, one of the other the lower half: both
    together are a whole bar.

    Args:
        rasters: From what sends to what receives.
        divergence: The first value that differs; its neuron and its step are marked.
        axis: Of all rasters, and of what stands below.
        executions: Names of the reference and of the other.
        name: Tells the figure from others on the page.
    """
    body: list[str] = []
    top = 0.0
    for raster in rasters:
        body += _block(raster, divergence, axis, top)
        top += HEAD + ROW * len(raster.neurons)
    body += axis.numbers(top)
    return Figure(
        name,
        axis.width,
        top + FOOT,
        f"Spikes of {' and '.join(executions)} around step {divergence.step}",
        _description(rasters, executions),
        tuple(body),
    )


def _block(raster: Raster, divergence: Divergence, axis: Axis, top: float) -> Iterator[str]:
    """Give the rows of one population."""
    first = top + HEAD
    here = raster.population == divergence.population
    yield label(0, top + HEAD / 2 + 1, f"spikes of {raster.population}", "strong", axis.width)
    for row, neuron in enumerate(raster.neurons):
        y = first + ROW * row
        marked = here and neuron == divergence.neuron
        kind = "row marked" if marked else "row"
        yield box(kind, LEFT, y, axis.row, ROW - 2)
        text = ", ".join(map(str, neuron))
        yield label(LEFT - 10, y + ROW / 2 - 1, text, "end strong" if marked else "end", LEFT - 14)
    yield from axis.mark(first, ROW * len(raster.neurons) - 2)
    reference, other = set(raster.reference), set(raster.other)
    bar = min(BAR, axis.cell - 1)
    for step, row in sorted(reference | other):
        y, x = first + ROW * row + 1, axis.x(step) - bar / 2
        half = (ROW - 4) / 2
        if (step, row) in reference & other:
            yield box("both", x, y, bar, 2 * half)
        elif (step, row) in reference:
            yield box("ref", x, y, bar, half)
        else:
            yield box("oth", x, y + half, bar, half)


def _description(rasters: Sequence[Raster], executions: tuple[str, str]) -> str:
    """Say which spikes only one of the two has."""
    differing: list[str] = []
    common = 0
    for raster in rasters:
        reference, other = set(raster.reference), set(raster.other)
        common += len(reference & other)
        for step, row in sorted(reference ^ other):
            who = executions[0] if (step, row) in reference else executions[1]
            neuron = ", ".join(map(str, raster.neurons[row]))
            differing.append(f"step {step}, {raster.population}, neuron {neuron}: only {who}")
    both = "1 spike is" if common == 1 else f"{common:,} spikes are"
    told = f"These are not: {listed(differing, TOLD)}." if differing else "No other spike is there."
    return f"{both} the same in both. {told}"
