"""Places for cores: those of all chips that are used, and what spikes cost between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.frozen import Frozen
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.routes import HOST, Grid, Trees, crossings_of, links_of, routers

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

CROSSING = 8.0
"""Links within a chip that one between chips counts for on top. Our choice: no public figure tells
the two apart, and designers of chips and tools alike avoid the latter first."""


@dataclass(frozen=True, eq=False)
class System(Frozen):
    """All places, chip after chip and slot after slot.

    Attributes:
        grid: The routers.
        chips: Chips that are used.
        chip: Of each place, shape ``[places]``.
        slot: Of each place, shape ``[places]``.
        x: Column of its router, shape ``[places]``.
        y: Row of its router, shape ``[places]``.
        first: First place of each router, -1 where there is no chip; shape ``[rows, columns]``.
        per_router: Places of a router: the first and those that follow.
    """

    grid: Grid
    chips: int
    chip: Ints
    slot: Ints
    x: Ints
    y: Ints
    first: Ints
    per_router: int

    @classmethod
    def of(cls, hardware: Hardware, n_cores: int) -> System:
        """Give as many chips as so many cores need.

        Raises:
            ValueError: The largest system has fewer cores.
        """
        if n_cores > hardware.cores:
            raise ValueError(f"{n_cores} cores on {hardware.cores}")
        chips = max(1, -(-n_cores // hardware.cores_per_chip))
        chip, slot = np.divmod(np.arange(chips * hardware.cores_per_chip), hardware.cores_per_chip)
        x, y = routers(chip, slot, hardware)
        grid, per_router = Grid.of(hardware, chips), hardware.mesh.cores_per_router
        first = np.full((grid.rows, grid.columns), -1)
        first[y[::per_router], x[::per_router]] = np.arange(0, chip.size, per_router)
        return cls(grid, chips, chip, slot, x, y, first, per_router)

    @property
    def places(self) -> int:
        """Number of places."""
        return self.chip.size

    @property
    def host_distance(self) -> Reals:
        """What one spike from outside costs to each place, shape ``[places]``."""
        return self._between(np.array(HOST[0]), np.array(HOST[1]), self.x, self.y)

    def distance(self, a: Ints, b: Ints) -> Reals:
        """Give what one spike costs from places ``a`` to places ``b``, of shapes that broadcast."""
        return self._between(self.x[a], self.y[a], self.x[b], self.y[b])

    def distances(self, places: Ints) -> Reals:
        """Give what one spike costs from place to place, shape ``[p, p]`` of ``p`` places."""
        return self.distance(places[:, None], places)

    def price(self, t: Trees) -> Reals:
        """Give what one spike of each tree costs, shape ``[m]``."""
        return links_of(t) + CROSSING * crossings_of(t, self.grid)

    def _between(self, x: Ints, y: Ints, to_x: Ints, to_y: Ints) -> Reals:
        g = self.grid
        links = np.abs(x - to_x) + np.abs(y - to_y)
        if self.chips == 1:
            return np.asarray(links, np.float64)
        across = np.abs(x // g.chip_columns - to_x // g.chip_columns)
        down = np.abs(y // g.chip_rows - to_y // g.chip_rows)
        return np.asarray(links + CROSSING * (across + down))
