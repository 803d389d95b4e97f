"""Fill cores: what is left free on those in use first, then as few new ones as possible."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil

from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.regions import Box
from snnc.compiler.mapping.room import Room
from snnc.compiler.mapping.split import Cost, Share, cores_alone, cover, slab

MOST_OPEN = 24
"""Cores with room that a population is tried on."""
FULL = 0.97
"""Share of a limit from which on a core is not tried again."""
MANY_BOXES = 200
"""Boxes from which on the free room of other cores is of no account."""

MOST_REFUSED = 6
"""Cores with no room for a population, after which no more are asked."""
ENOUGH = 0.7
"""Room on other cores, in parts of what it could save, below which it is of no account."""


@dataclass
class Filled:
    """A core that is being filled.

    Attributes:
        parts: At most one of each population.
        share: Largest share of a limit in use.
    """

    parts: list[Part] = field(default_factory=list)
    share: float = 0.0


@dataclass(frozen=True)
class _Plan:
    """How a population may be laid out.

    Attributes:
        carved: Boxes for cores in use.
        left: What takes cores of its own, None where nothing does.
        fresh: How many those are, the last for the part of it that is in use.
    """

    carved: tuple[tuple[Filled, Box], ...]
    left: Box | None
    fresh: float


class Packer:
    """Places population after population.

    Attributes:
        room: The limits.
        cores: Those in use.
        hopeless: Single neurons that fit no core.
    """

    def __init__(self, room: Room, cores: list[Filled]) -> None:
        self.room = room
        self.cores = cores
        self.hopeless: list[Part] = []

    def place(self, population: str) -> None:
        """Lay out all neurons of a population as boxes."""
        whole = Box.whole(self.room.form(population))
        plan = self._best_plan(population, whole)
        for core, box in plan.carved:
            self._put(core, self.room.part(population, box))
        if plan.left is None:
            return
        boxes, hopeless = cover(plan.left, self._alone(population), self._traffic(population))
        self.hopeless.extend(self.room.part(population, box) for box in hopeless)
        parts = [self.room.part(population, box) for box in boxes]
        beside = len(parts) <= MANY_BOXES
        for part in sorted(parts, key=lambda p: p.region.size) if beside else ():
            core = self._core_beside(part)
            if core is None:
                break
            self._put(core, part)
            parts.remove(part)
        for part in parts:
            self.cores.append(Filled())
            self._put(self.cores[-1], part)

    def put_all(self, cores: Iterable[tuple[Part, ...]]) -> None:
        """Take cores of which it is decided what lies on them."""
        for parts in cores:
            self.cores.append(Filled())
            for part in parts:
                self._put(self.cores[-1], part)

    def _best_plan(self, population: str, whole: Box) -> _Plan:
        """Take slabs off for the room that is left elsewhere, while that saves cores."""
        alone = self._alone(population)
        best = _Plan((), whole, cores_alone(whole, alone))
        carved: list[tuple[Filled, Box]] = []
        left: Box | None = whole
        refused = 0
        for core in self._useful(population, best):
            cut = self._largest_slab(population, core, left)
            if cut is None:
                refused += 1
                if refused == MOST_REFUSED:
                    break
                continue
            first, left = cut
            carved.append((core, first))
            fresh = 0.0 if left is None else cores_alone(left, alone)
            if ceil(fresh) < ceil(best.fresh):
                best = _Plan(tuple(carved), left, fresh)
            if left is None or fresh > best.fresh + 1:
                break
        return best

    def _useful(self, population: str, plan: _Plan) -> list[Filled]:
        """Give the cores with room, if it is enough together to save one."""
        found = self._open(population) if plan.fresh <= MANY_BOXES else []
        last = plan.fresh - ceil(plan.fresh) + 1
        return found if sum(1 - core.share for core in found) > ENOUGH * last else []

    def _largest_slab(
        self, population: str, core: Filled, left: Box
    ) -> tuple[Box, Box | None] | None:
        share = self._beside(population, core)
        axes = [axis for axis, extent in enumerate(left.shape) if extent > 1] or [0]
        cuts = [slab(left, axis, share) for axis in axes]
        return max((c for c in cuts if c is not None), key=lambda c: c[0].size, default=None)

    def _core_beside(self, part: Part) -> Filled | None:
        """Give the fullest core in use that has room for a part."""
        for core in reversed(self._open(part.population)):
            if self.room.fits([*core.parts, part]):
                return core
        return None

    def _open(self, population: str) -> list[Filled]:
        """Give cores with room that have nothing of a population, the emptiest first."""
        found = [
            core
            for core in self.cores
            if core.share < FULL and all(p.population != population for p in core.parts)
        ]
        return sorted(found, key=lambda core: core.share)[:MOST_OPEN]

    def _put(self, core: Filled, part: Part) -> None:
        self.room.receive(core.parts, part)
        core.parts.append(part)
        core.share = self.room.share(core.parts)

    def _alone(self, population: str) -> Share:
        return lambda box: self.room.share([self.room.part(population, box)])

    def _beside(self, population: str, core: Filled) -> Share:
        return lambda box: self.room.share([*core.parts, self.room.part(population, box)])

    def _traffic(self, population: str) -> Cost:
        return lambda box: self.room.incoming_axons(self.room.part(population, box))
