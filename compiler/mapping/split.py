"""Cut a box into as few boxes as keep the limits of a core.

Whatever a core holds for a box grows with the box, so a box that is too large rules out all that
contain it. The search halves the number of boxes that are left to look at with every question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from math import inf, prod

import numpy as np
import numpy.typing as npt

from snnc.compiler.mapping.regions import Box

Extents = tuple[int, ...]
Share = Callable[[Box], float]
"""Gives the largest share of a limit that a box takes: it fits where that is 1 or less."""
Cost = Callable[[Box], float]

MOST_QUESTIONS = 2000
"""Boxes of one search that are held against the limits: more only where there are four axes."""
MOST_COMPARED = 8
"""Ways with the same number of boxes whose traffic is compared."""

NEARLY_FULL = 0.96
"""Share of a limit above which a guess is good enough."""


@dataclass(frozen=True)
class Grid:
    """A box cut along each of its axes at equal distances; the last box of a row may be smaller.

    Attributes:
        whole: What is cut.
        tile: Extent of a box.
    """

    whole: Box
    tile: Extents

    @property
    def counts(self) -> Extents:
        """Boxes along each axis."""
        return tuple(-(-n // t) for n, t in zip(self.whole.shape, self.tile, strict=True))

    def box(self, place: Extents) -> Box:
        """Give the box at ``place``, one index an axis."""
        begin = tuple(b + p * t for b, p, t in zip(self.whole.begin, place, self.tile, strict=True))
        ends = zip(begin, self.tile, self.whole.end, strict=True)
        return Box(begin, tuple(min(b + t, end) for b, t, end in ends))

    def boxes(self) -> Iterator[Box]:
        """Give all boxes, the last axis running fastest."""
        return map(self.box, product(*map(range, self.counts)))

    @property
    def middle(self) -> Box:
        """A box of full extent that has neighbors on both sides, where there is one."""
        return self.box(tuple((c - 1) // 2 for c in self.counts))


def cover(whole: Box, share: Share, cost: Cost) -> tuple[list[Box], list[Box]]:
    """Cut ``whole`` into boxes that fit.

    Args:
        whole: What is cut.
        share: What a box takes of a core of its own.
        cost: Traffic of a box, to choose between ways with the same number of boxes.

    Returns:
        The boxes, and the single neurons that fit nowhere.
    """
    if len(whole.shape) == 1:
        return _row(whole, share)
    fitting: list[Box] = []
    hopeless: list[Box] = []
    left = [whole]
    while left:
        box = left.pop()
        if share(box) <= 1:
            fitting.append(box)
        elif box.size == 1:
            hopeless.append(box)
        else:
            left.extend(reversed(list(best_grid(box, share, cost).boxes())))
    return fitting, hopeless


def _row(whole: Box, share: Share) -> tuple[list[Box], list[Box]]:
    """Cut a row of neurons: each box as long as fits, which gives the fewest."""
    fitting: list[Box] = []
    hopeless: list[Box] = []
    left: Box | None = whole
    taken = share(whole)
    if taken <= 1:
        return [whole], []
    length, hint = whole.size, _hint(whole, taken)
    while left is not None:
        cut = slab(left, 0, share, length, hint=hint)
        hint = None
        if cut is None:
            first, left = cut_at(left, 0, 1)
            hopeless.append(first)
        else:
            first, left = cut
            fitting.append(first)
            length = first.size
    return fitting, hopeless


def cores_alone(whole: Box, share: Share) -> float:
    """Give the cores that ``whole`` takes, the last one for the part of it that is in use.

    It is an estimate: boxes are taken to be as large as the middle one can be.
    """
    taken = share(whole)
    if taken <= 1:
        return taken
    if len(whole.shape) == 1:
        cut = slab(whole, 0, share, hint=_hint(whole, taken))
        return whole.size / (1 if cut is None else cut[0].size)
    grid = best_grid(whole, share, lambda _: 0.0)
    last = grid.box(tuple(count - 1 for count in grid.counts))
    return prod(grid.counts) - 1 + last.size / prod(grid.tile)


def best_grid(whole: Box, share: Share, cost: Cost) -> Grid:
    """Give the grid with the fewest boxes whose middle one fits; single neurons if there is none.

    ``whole`` itself does not count.
    """
    tiles = _tiles(whole.shape)[1:]
    counts = _counts(whole.shape, tiles)
    best = _fewest(whole, tiles, counts, share)
    if best is None:
        return Grid(whole, (1,) * len(whole.shape))
    same = tiles[counts == counts[(tiles == best).all(axis=1)][0]]
    grids = [Grid(whole, _extents(tile)) for tile in same[:MOST_COMPARED]]
    chosen = [g for g in grids if share(g.middle) <= 1] or [Grid(whole, best)]
    return _grown(min(chosen, key=lambda grid: cost(grid.middle)), share)


def _fewest(
    whole: Box, tiles: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], share: Share
) -> Extents | None:
    """Give the tile of the grid with the fewest boxes that fit."""
    best = None
    open_ = np.arange(len(tiles))
    for _ in range(MOST_QUESTIONS):
        if not open_.size:
            break
        middle = open_[open_.size // 2]
        middle = open_[np.searchsorted(counts[open_], counts[middle])]
        if share(Grid(whole, _extents(tiles[middle])).middle) <= 1:
            best = _extents(tiles[middle])
            open_ = open_[counts[open_] < counts[middle]]
        else:
            contains = (tiles[open_] >= tiles[middle]).all(axis=1)
            open_ = open_[~contains]
    return best


def _grown(grid: Grid, share: Share) -> Grid:
    """Let boxes grow along one axis while they are as many: it leaves the last of them small."""
    counts, tile = grid.counts, grid.tile
    axis = max(range(len(tile)), key=lambda i: (counts[i] > 1, tile[i]))
    if counts[axis] == 1:
        return grid
    low, high = tile[axis], -(-grid.whole.shape[axis] // (counts[axis] - 1)) - 1
    while low < high:
        middle = (low + high + 1) // 2
        larger = Grid(grid.whole, (*tile[:axis], middle, *tile[axis + 1 :]))
        low, high = (middle, high) if share(larger.middle) <= 1 else (low, middle - 1)
    return Grid(grid.whole, (*tile[:axis], low, *tile[axis + 1 :]))


def slab(
    whole: Box, axis: int, share: Share, guess: int | None = None, *, hint: int | None = None
) -> tuple[Box, Box | None] | None:
    """Cut the thickest slab that fits off the beginning of ``whole``.

    Args:
        whole: What is cut.
        axis: The slab is thin along this one.
        share: What a slab takes; one that is thinner takes no more.
        guess: A thickness that may be the answer.
        hint: One that is near it, asked of first.

    Returns:
        The slab and what is left, None where not even the thinnest fits.
    """
    low, high = 0, whole.shape[axis]
    at_low, at_high = 0.0, inf
    ask = min(x for x in (hint, guess, high) if x is not None)
    while low < high:
        taken = share(cut_at(whole, axis, ask)[0])
        if taken <= 1:
            low, at_low = ask, taken
            if ask == guess and taken > NEARLY_FULL:
                break
        else:
            high, at_high = ask - 1, taken
        ask = _next(low, high, at_low, at_high)
    return cut_at(whole, axis, low) if low else None


def _hint(whole: Box, taken: float) -> int | None:
    """Give the neurons of a row that fill a core, if all take as much; ``taken`` is that of all."""
    return max(1, int(whole.size / taken)) if taken < inf else None


def _next(low: int, high: int, at_low: float, at_high: float) -> int:
    """Give a thickness above ``low``, which fits, up to ``high``: where shares come to 1."""
    if at_high < inf:
        part = (1 - at_low) / max(at_high - at_low, 1e-9)
        ask = low + int(part * (high + 1 - low))
    elif at_low:
        ask = int(low / at_low)
    else:
        ask = (low + high + 1) // 2
    return min(max(ask, low + 1), high)


def cut_at(whole: Box, axis: int, thickness: int) -> tuple[Box, Box | None]:
    """Give the first ``thickness`` layers of ``whole`` along ``axis``, and the others."""
    place = whole.begin[axis] + thickness
    first = Box(whole.begin, _replaced(whole.end, axis, place))
    if place == whole.end[axis]:
        return first, None
    return first, Box(_replaced(whole.begin, axis, place), whole.end)


def _replaced(values: Extents, axis: int, value: int) -> Extents:
    return (*values[:axis], value, *values[axis + 1 :])


def _extents(tile: npt.NDArray[np.int64]) -> Extents:
    return tuple(int(t) for t in tile)


def _tiles(shape: Extents) -> npt.NDArray[np.int64]:
    """Give the extents of which boxes can be: smallest for each number of boxes along an axis.

    Ascending by number of boxes, then by the sum of their extents; the whole is the first.
    Shape ``[m, axes]``.
    """
    axes = [np.unique(-(-n // np.arange(1, n + 1))) for n in shape]
    tiles = np.stack([a.reshape(-1) for a in np.meshgrid(*axes, indexing="ij")], axis=1)
    return tiles[np.lexsort((tiles.sum(axis=1), _counts(shape, tiles)))]


def _counts(shape: Extents, tiles: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    counts: npt.NDArray[np.int64] = (-(-np.array(shape) // tiles)).prod(axis=1)
    return counts
