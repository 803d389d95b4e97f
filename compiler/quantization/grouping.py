"""Few different thresholds: neurons share levels, and give up some of their scale for it.

Below its limit the scale of a neuron is free, and so are the counts of its threshold. Loihi keeps
thresholds in a table of each core: 16 entries in nengo-loihi (``hardware/validate.py``, where 8 are
what its ``nxsdk_objects.py`` uses). A neuron takes a level that is not above the counts that it
could have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import FixedPopulation
from snnc.compiler.linear import Doubles


def shared_levels(counts: Doubles, costs: Doubles, most: int) -> Doubles:
    """Give each neuron a level, of ``most`` at most, so that ``sum costs / level**2`` is least.

    The best levels are counts of neurons, and those that share one are neighbors in the order of
    their counts: it is a shortest path over the sorted counts. With ``n`` of them it takes
    ``O(n log n + most n)`` steps.

    Args:
        counts: Largest level of each neuron, above 0, shape ``[n]``.
        costs: What the square of the rounding error weighs, shape ``[n]``.
        most: Different levels, 1 or more.
    """
    values, places = np.unique(counts, return_inverse=True)
    starts = _best_starts(values, np.bincount(places, costs).astype(np.float64), most)
    return np.asarray(values[starts[np.searchsorted(starts, places, side="right") - 1]])


def too_many_thresholds(populations: Iterable[FixedPopulation], most: int) -> Iterator[Diagnostic]:
    """Yield which populations have more than ``most`` thresholds all the same.

    Neurons that share weights have one scale, and their thresholds are as different as they were.
    """
    for p in populations:
        n = len(np.unique(p.threshold))
        if n > most:
            yield Diagnostic(
                rule=rules.THRESHOLDS_FEW,
                node=" + ".join(p.origin) or p.name,
                found=f"{n} different thresholds among neurons that share weights",
                limit=f"{most}, as --max-thresholds{' or --lava stock' if most == 1 else ''} says",
                remedy="allow more, or train one threshold and one time constant for each channel",
            )


def _best_starts(values: Doubles, costs: Doubles, most: int) -> npt.NDArray[np.intp]:
    """Give where the parts begin that ``values``, ascending, are best cut into."""
    n = len(values)
    if n <= most:
        return np.arange(n)
    slopes: list[float] = (1 / np.square(values)).tolist()
    totals: list[float] = [0.0, *np.cumsum(costs).tolist()]
    least = [slopes[0] * total for total in totals]
    steps: list[list[int]] = []
    for _ in range(most - 1):
        least, last = _with_one_more(least, slopes, totals)
        steps.append(last)
    starts, end = [0], n
    for last in reversed(steps):
        end = last[end]
        if end == 0:
            break
        starts.append(end)
    return np.sort(np.array(starts, np.intp))


def _with_one_more(
    least: list[float], slopes: list[float], totals: list[float]
) -> tuple[list[float], list[int]]:
    """Cut into one part more at most.

    ``min_i least[i] + slopes[i] (totals[j] - totals[i])`` for every ``j`` is the lower envelope of
    lines whose slopes fall, at places that rise: each line enters and leaves it once.

    Args:
        least: Cost of the first ``j`` values in parts of one fewer, ``j`` from 0.
        slopes: Cost of a unit in a part that begins at each value.
        totals: Sum of the first ``j`` costs.

    Returns:
        ``least`` of one part more, and where its last part begins.
    """
    heights = [c - s * t for c, s, t in zip(least, slopes, totals, strict=False)]
    best, last = [0.0], [0]
    lines: list[int] = []
    at = 0
    for j in range(1, len(totals)):
        while len(lines) - at > 1 and _never_least(lines[-2], lines[-1], j - 1, slopes, heights):
            lines.pop()
        lines.append(j - 1)
        total = totals[j]
        here = slopes[lines[at]] * total + heights[lines[at]]
        while at + 1 < len(lines):
            there = slopes[lines[at + 1]] * total + heights[lines[at + 1]]
            if there > here:
                break
            at, here = at + 1, there
        best.append(here)
        last.append(lines[at])
    return best, last


def _never_least(a: int, b: int, c: int, slopes: list[float], heights: list[float]) -> bool:
    """Say whether line ``b`` lies above ``a`` or ``c`` everywhere; slopes fall from a to c."""
    return (heights[c] - heights[a]) * (slopes[a] - slopes[b]) <= (heights[b] - heights[a]) * (
        slopes[a] - slopes[c]
    )
