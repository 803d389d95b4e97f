"""Fill cores: what is left free on those in use first, then as few new ones as possible."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from math import ceil

from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.regions import Box
from snnc.compiler.mapping.room import Room
from snnc.compiler.mapping.split import Cost, Share, cores_alone, cover, slab

MOST_OPEN = 24
"""Cores with room that a population is tried on."""
MOST_OPEN_OF_MANY = 6
"""The same where there are ``MANY_CORES`` and more."""
MANY_CORES = 400
"""Cores of which each one is a small part of the result."""
FULL = 0.99
"""Share of a limit from which on a core is not tried again."""
MANY_BOXES = 200
"""Boxes from which on the free room of other cores is of no account."""

ENOUGH = 0.7
"""Room on other cores, in parts of what it could save, below which it is of no account."""


@dataclass(eq=False)
class Filled:
    """A core that is being filled.

    Attributes:
        parts: At most one of each population.
        share: Largest share in use of a limit that parts take from each other.
        neurons: Share of its neurons in use.
    """

    parts: list[Part] = field(default_factory=list[Part])
    share: float = 0.0
    neurons: float = 0.0

    def used(self, *, neurons_only: bool) -> float:
        """Give how full it is for parts that need all, or neurons only."""
        return self.neurons if neurons_only else self.share

    def lacks(self, population: str) -> bool:
        """Say whether nothing of a population is here."""
        return all(part.population != population for part in self.parts)


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
        self._with_room: list[Filled] = []

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
            partner = self._core_beside(part)
            if partner is None:
                break
            self._put(partner, part)
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
        left = whole
        each = whole.size / best.fresh
        for core in self._useful(population, best):
            cut = self._largest_slab(population, core, left, each)
            if cut is None:
                continue
            first, rest = cut
            carved.append((core, first))
            fresh = 0.0 if rest is None else cores_alone(rest, alone)
            if ceil(fresh) < ceil(best.fresh):
                best = _Plan(tuple(carved), rest, fresh)
            if rest is None or fresh > best.fresh + 1:
                break
            left = rest
        return best

    def _useful(self, population: str, plan: _Plan) -> list[Filled]:
        """Give the cores with room, if it is enough together to save one."""
        found = self._open(population) if plan.fresh <= MANY_BOXES else []
        last = plan.fresh - ceil(plan.fresh) + 1
        only = self.room.needs_neurons_only(population)
        room = sum(1 - core.used(neurons_only=only) for core in found)
        return found if room > ENOUGH * last else []

    def _largest_slab(
        self, population: str, core: Filled, left: Box, each: float
    ) -> tuple[Box, Box | None] | None:
        """Give the largest slab that fits beside what a core has; ``each`` would fill a core."""
        share = self._beside(population, core)
        used = core.used(neurons_only=self.room.needs_neurons_only(population))
        axes = [axis for axis, extent in enumerate(left.shape) if extent > 1] or [0]
        cuts: list[tuple[Box, Box | None]] = []
        for axis in axes:
            layer = left.size / left.shape[axis]
            guess = max(1, int((1 - used) * each / layer))
            cut = slab(left, axis, share, guess)
            cuts += [] if cut is None else [cut]
        return max(cuts, key=lambda cut: cut[0].size, default=None)

    def _core_beside(self, part: Part) -> Filled | None:
        """Give the fullest core in use that has room for a part."""
        for core in reversed(self._open(part.population)):
            if self.room.fits([*core.parts, part]):
                return core
        return None

    def _open(self, population: str) -> list[Filled]:
        """Give cores with room that have nothing of a population, the emptiest first."""
        if self.room.needs_neurons_only(population):
            return self._with_neurons(population)
        most = MOST_OPEN if len(self.cores) < MANY_CORES else MOST_OPEN_OF_MANY
        return list(islice((c for c in self._with_room if c.lacks(population)), most))

    def _with_neurons(self, population: str) -> list[Filled]:
        """Give the same by neurons alone: memory may be full."""
        found = [c for c in self.cores if c.neurons < FULL and c.lacks(population)]
        return sorted(found, key=lambda core: core.neurons)[:MANY_BOXES]

    def _put(self, core: Filled, part: Part) -> None:
        self.room.receive(core.parts, part)
        if core.parts and core.share < FULL:
            self._with_room.remove(core)
        core.parts.append(part)
        core.share = self.room.share(core.parts)
        core.neurons = self.room.neurons(core.parts)
        if core.share < FULL:
            insort(self._with_room, core, key=_share)

    def _alone(self, population: str) -> Share:
        return lambda box: self.room.share([self.room.part(population, box)])

    def _beside(self, population: str, core: Filled) -> Share:
        return lambda box: self.room.share([*core.parts, self.room.part(population, box)])

    def _traffic(self, population: str) -> Cost:
        return lambda box: self.room.incoming_axons(self.room.part(population, box))


def _share(core: Filled) -> float:
    return core.share
