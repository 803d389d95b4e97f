"""The way of every spike over the mesh: x first, then y, each link of a multicast tree once.

The routers of all chips lie side by side on one grid, x to the right and y downwards, in the order
of chips and slots. Between neighbours there are two links, one for each direction. Where
chips do not fill the last row of the grid its routers are taken to be there all the same.

Sources: x-then-y routing, arXiv:2601.10035, section II-1; that a spike with several targets goes
over each link once, Davies et al. 2018, doi:10.1109/MM.2018.112130359.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.frozen import Frozen
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.mapped import Flows

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

HOST = (0, 0)
"""Router at which inputs of the network enter, the first of chip 0. Our choice: where a host is
connected is not published."""


@dataclass(frozen=True)
class Grid:
    """The routers of all chips that are used.

    Attributes:
        columns: Routers in x.
        rows: Routers in y.
        chip_columns: Routers in x of one chip.
        chip_rows: Routers in y of one chip.
    """

    columns: int
    rows: int
    chip_columns: int
    chip_rows: int

    @classmethod
    def of(cls, hardware: Hardware, chips: int) -> Grid:
        """Give the grid of so many chips, 1 at least."""
        mesh = hardware.mesh
        return cls(
            columns=min(chips, hardware.chip_columns) * mesh.columns,
            rows=-(-chips // hardware.chip_columns) * mesh.rows,
            chip_columns=mesh.columns,
            chip_rows=mesh.rows,
        )


@dataclass(frozen=True)
class Hops:
    """Spikes a step over links of one kind.

    Attributes:
        total: Over all of them.
        heaviest: Over the one that has most.
    """

    total: float
    heaviest: float


@dataclass(frozen=True, eq=False)
class Traffic(Frozen):
    """Spikes a step on every link.

    Attributes:
        grid: The routers.
        east: From column ``i`` to ``i + 1``; shape ``[rows, columns - 1]``.
        west: From column ``i + 1`` to ``i``; the same shape.
        south: From row ``i`` to ``i + 1``; shape ``[rows - 1, columns]``.
        north: From row ``i + 1`` to ``i``; the same shape.
    """

    grid: Grid
    east: Reals
    west: Reals
    south: Reals
    north: Reals

    @property
    def spike_hops(self) -> float:
        """Links that the spikes of a step go over, all together."""
        return float(sum(a.sum() for a in self._links))

    @property
    def heaviest(self) -> float:
        """Spikes a step on the link that has most; 0 where there is no link."""
        return max(float(a.max(initial=0)) for a in self._links)

    @property
    def heaviest_link(self) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """From which router (x, y) to which most go, the first of equals; None where none go."""
        heaviest = self.heaviest
        steps = ((1, 0), (-1, 0), (0, 1), (0, -1))
        for (dx, dy), loads in zip(steps, self._links, strict=True):
            at = np.argwhere(loads == heaviest)
            if heaviest and at.size:
                x, y = int(at[0, 1]) + (dx < 0), int(at[0, 0]) + (dy < 0)
                return (x, y), (x + dx, y + dy)
        return None

    @property
    def inter_chip(self) -> float:
        """Spikes a step over links between chips, a spike once for each of them."""
        return self.hops["hop.chip"].total

    @property
    def hops(self) -> dict[str, Hops]:
        """What goes over links in x and in y within chips, and over those between chips."""
        g = self.grid
        in_x, in_y = np.stack((self.east, self.west)), np.stack((self.south, self.north))
        x_ends = _last(in_x.shape[2], g.chip_columns)
        y_ends = _last(in_y.shape[1], g.chip_rows)
        between = np.concatenate((in_x[:, :, x_ends].ravel(), in_y[:, y_ends].ravel()))
        loads = {"hop.x": in_x[:, :, ~x_ends], "hop.y": in_y[:, ~y_ends], "hop.chip": between}
        return {k: Hops(float(v.sum()), float(v.max(initial=0))) for k, v in loads.items()}

    @property
    def _links(self) -> tuple[Reals, Reals, Reals, Reals]:
        return self.east, self.west, self.south, self.north


@dataclass(frozen=True, eq=False)
class Trees:
    """Multicast trees: a part of the source's row, and parts of columns that begin at that row.

    Attributes:
        x: Column of the source; shape ``[m]``.
        y: Row of the source; shape ``[m]``.
        left: First column of the part of the row, ``x`` at most; shape ``[m]``.
        right: Last column of the part of the row, ``x`` at least; shape ``[m]``.
        owner: Tree of each part of a column, ascending; shape ``[k]``.
        column: Where that part is; shape ``[k]``.
        top: Its first row, the source's at most; shape ``[k]``.
        bottom: Its last row, the source's at least; shape ``[k]``.
    """

    x: Ints
    y: Ints
    left: Ints
    right: Ints
    owner: Ints
    column: Ints
    top: Ints
    bottom: Ints


def routers(chip: npt.ArrayLike, slot: npt.ArrayLike, hardware: Hardware) -> tuple[Ints, Ints]:
    """Give column and row on the grid of each core, shape ``[n]`` each.

    Args:
        chip: Chip of each core, shape ``[n]``.
        slot: Its place on the chip, shape ``[n]``.
        hardware: The chips.
    """
    mesh = hardware.mesh
    chip, router = np.asarray(chip, np.int64), np.asarray(slot, np.int64) // mesh.cores_per_router
    x = chip % hardware.chip_columns * mesh.columns + router % mesh.columns
    return x, chip // hardware.chip_columns * mesh.rows + router // mesh.columns


def ends(flows: Flows, x: Ints, y: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Give column and row of the source of every flow, and of every target.

    Args:
        flows: Their targets are indices of cores.
        x: Column of each core, shape ``[n]``.
        y: Row of each core, shape ``[n]``.

    Returns:
        Shapes ``[m]``, ``[m]``, ``[begin[-1]]`` and ``[begin[-1]]``; inputs start at ``HOST``.
    """
    inside = flows.source >= 0
    source_x = np.where(inside, np.append(x, 0)[flows.source], HOST[0])
    source_y = np.where(inside, np.append(y, 0)[flows.source], HOST[1])
    return source_x, source_y, x[flows.target], y[flows.target]


def trees(x: Ints, y: Ints, begin: Ints, target_x: Ints, target_y: Ints) -> Trees:
    """Give the tree of each source to its targets.

    Args:
        x: Column of each source, shape ``[m]``.
        y: Row of each source, shape ``[m]``.
        begin: Where its targets begin, each has one at least; shape ``[m + 1]``.
        target_x: Column of each target, shape ``[begin[-1]]``.
        target_y: Row of each target, shape ``[begin[-1]]``.
    """
    if not x.size:
        return Trees(x, y, x, x, x, x, x, x)
    left = np.minimum(np.minimum.reduceat(target_x, begin[:-1]), x)
    right = np.maximum(np.maximum.reduceat(target_x, begin[:-1]), x)
    width = int(right.max()) + 1
    key = np.repeat(np.arange(x.size), np.diff(begin)) * width + target_x
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    owner, column = np.divmod(key[first], width)
    rows = target_y[order]
    top = np.minimum(np.minimum.reduceat(rows, first), y[owner])
    bottom = np.maximum(np.maximum.reduceat(rows, first), y[owner])
    return Trees(x, y, left, right, owner, column, top, bottom)


def links_of(t: Trees) -> Ints:
    """Give the number of links of each tree, shape ``[m]``."""
    return t.right - t.left + _summed(t, t.bottom - t.top)


def crossings_of(t: Trees, grid: Grid) -> Ints:
    """Give how many links of each tree lead from chip to chip, shape ``[m]``."""
    across = t.right // grid.chip_columns - t.left // grid.chip_columns
    return across + _summed(t, t.bottom // grid.chip_rows - t.top // grid.chip_rows)


def route(flows: Flows, chip: npt.ArrayLike, slot: npt.ArrayLike, hardware: Hardware) -> Traffic:
    """Send all spikes on their way, and count those on each link.

    Args:
        flows: Each with one target at least.
        chip: Chip of each core, shape ``[n]``.
        slot: Its place on the chip, shape ``[n]``.
        hardware: The chips.
    """
    chip = np.asarray(chip, np.int64)
    grid = Grid.of(hardware, int(chip.max(initial=0)) + 1)
    x, y, target_x, target_y = ends(flows, *routers(chip, slot, hardware))
    t = trees(x, y, flows.begin, target_x, target_y)
    rate, start = flows.rate, t.y[t.owner]
    return Traffic(
        grid=grid,
        east=_loads(t.y, t.x, t.right, rate, grid.rows, grid.columns),
        west=_loads(t.y, t.left, t.x, rate, grid.rows, grid.columns),
        south=_loads(t.column, start, t.bottom, rate[t.owner], grid.columns, grid.rows).T,
        north=_loads(t.column, t.top, start, rate[t.owner], grid.columns, grid.rows).T,
    )


def _last(links: int, length: int) -> npt.NDArray[np.bool_]:
    """Say which links of a line begin at the last router of a chip, shape ``[links]``."""
    return np.asarray(np.arange(1, links + 1) % length == 0)


def _summed(t: Trees, of_columns: Ints) -> Ints:
    """Sum what parts of columns have over their trees."""
    return np.bincount(t.owner, of_columns, minlength=t.x.size).astype(np.int64)


def _loads(line: Ints, begin: Ints, end: Ints, rate: Reals, lines: int, length: int) -> Reals:
    """Add ``rate`` to the links from ``begin`` to ``end`` of a line of ``length`` routers."""
    at = line * (length + 1)
    size = lines * (length + 1)
    steps = np.bincount(at + begin, rate, size) - np.bincount(at + end, rate, size)
    # what is left of sums that cancel is no traffic
    used = np.bincount(at + begin, begin < end, size) - np.bincount(at + end, begin < end, size)
    shape = lines, length + 1
    loads = np.cumsum(steps.reshape(shape), axis=1)
    loads[np.cumsum(used.reshape(shape), axis=1) == 0] = 0
    return np.maximum(loads, 0)[:, : length - 1]
