"""Move and swap whole parts between cores while that saves spikes between them.

Packing looks at room alone. Here the parts stay as they are cut, and the cores as many; what
changes is which parts lie together. METIS proposes a second way to begin, from the graph of parts
that send to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from snnc.compiler.mapping.kahypar import cut_nets
from snnc.compiler.mapping.mapped import Flows, Part
from snnc.compiler.mapping.metis import cut_graph
from snnc.compiler.mapping.pairs import members_of
from snnc.compiler.mapping.partitioners import Partitioner, Way
from snnc.compiler.mapping.refine import Blocks, Ints, Nets
from snnc.compiler.mapping.room import Room
from snnc.compiler.mapping.traffic import Rates, flows

Cores: TypeAlias = list[list[Part]]
MOST_PARTS = 1500
"""Parts beyond which nothing is regrouped: cores are full then, and parts as large as they."""
WORTH_IT = 1.5
"""Parts on a core, in the mean, from which on METIS is asked."""
MOST_PASSES = 8
"""Passes over all parts."""
MOST_ASKED = 6
"""Cores, the most promising first, that are asked for room for a part."""


@dataclass(frozen=True)
class _One:
    """A core with a single part."""

    parts: Sequence[Part]


def regrouped(room: Room, cores: Cores, rates: Rates, way: Way) -> Cores:
    """Give cores with the same parts, no more of them, and no more spikes between them.

    Args:
        room: The limits; ``receivers`` are those of ``cores``.
        cores: Parts of each core.
        rates: Spikes a step.
        way: Who proposes, and the seed of that and of the order in which parts are looked at.
    """
    parts = [part for core in cores for part in core]
    if len(parts) > MOST_PARTS or len(parts) == len(cores) or len(cores) == 1:
        return cores
    found = flows(room.network, [_One([part]) for part in parts], rates)
    nets = _nets(found, len(parts))
    block = np.repeat(np.arange(len(cores)), [len(core) for core in cores])
    starts = [block]
    if len(parts) >= WORTH_IT * len(cores):
        proposed = _proposed(room, parts, found, len(cores), way)
        starts += [] if proposed is None else [proposed]
    groups = [_Groups(room, parts, nets, start, len(cores)) for start in starts]
    for group in groups:
        group.improve(way.seed)
    best = min(groups, key=lambda group: group.blocks.cost)
    return [[parts[i] for i in core] for core in best.members if core]


class _Groups:
    """Parts on cores, all within the limits."""

    def __init__(self, room: Room, parts: list[Part], nets: Nets, block: Ints, k: int) -> None:
        self.room = room
        self.parts = parts
        self.blocks = Blocks(nets, block, np.full(k, np.inf))
        self.members = [list[int]() for _ in range(k)]
        for i, core in enumerate(block):
            self.members[int(core)].append(i)

    def improve(self, seed: int) -> None:
        """Move and swap parts until a pass gains nothing."""
        rng = np.random.default_rng(seed)
        for _ in range(MOST_PASSES):
            gained = [self._improve(int(part)) for part in rng.permutation(len(self.parts))]
            if not any(gained):
                break

    def _improve(self, part: int) -> bool:
        origin = int(self.blocks.block[part])
        gains = self.blocks.gains(np.array([part]))[0]
        gains[origin] = -np.inf
        alone = len(self.members[origin]) == 1
        for target in map(int, np.argsort(-gains, kind="stable")[:MOST_ASKED]):
            if gains[target] > 0 and self._fits(target, part):
                self._move(part, target)
                return True
            if alone and len(self.members[target]) == 1:
                continue  # it would be the other way round
            if self._swap(part, target, float(gains[target])):
                return True
        return False

    def _swap(self, part: int, target: int, gain: float) -> bool:
        """Swap a part with the one of another core that gains most, if that gains."""
        origin = int(self.blocks.block[part])
        others = np.array(self.members[target], np.int64)
        if gain == -np.inf or not others.size:
            return False
        gains = self.blocks.gains_to(others, origin) + gain
        other = int(others[gains.argmax()])
        if gains.max() <= 0 or not self._fits(target, part, other):
            return False
        if not self._fits(origin, other, part):
            return False
        before = self.blocks.cost
        self._move(part, target)
        self._move(other, origin)
        if self.blocks.cost < before:
            return True
        self._move(other, target)
        self._move(part, origin)
        return False

    def _fits(self, core: int, more: int, less: int | None = None) -> bool:
        stay = [self.parts[i] for i in self.members[core] if i != less]
        new = self.parts[more]
        alike = any(part.population == new.population for part in stay)
        return not alike and self.room.fits([*stay, new])

    def _move(self, part: int, target: int) -> None:
        self.members[int(self.blocks.block[part])].remove(part)
        self.members[target].append(part)
        self.blocks.move(part, target)


def _nets(found: Flows, n: int) -> Nets:
    """Give each flow as a net of the parts that it joins."""
    m = found.rate.size
    of = [list[int]() for _ in range(n)]
    for i in range(m):
        pins = set(found.target[found.begin[i] : found.begin[i + 1]].tolist())
        for part in pins | {int(found.source[i])} - {-1}:
            of[part].append(i)
    degree = max(map(len, of), default=0)
    filled = np.array([[*nets, *[m] * (degree - len(nets))] for nets in of], np.int64)
    return Nets(filled.reshape(n, degree), np.append(found.rate, 0.0), np.ones(n))


def _proposed(room: Room, parts: list[Part], found: Flows, k: int, way: Way) -> Ints | None:
    """Give what METIS or another proposes, repaired; None where it cannot be."""
    load = np.array([room.share([part]) for part in parts])
    if way.partitioner is Partitioner.MTKAHYPAR:
        block = cut_nets(_members(found, len(parts)), found.rate, k, load, way.seed)
    else:
        block = cut_graph(_graph(found, len(parts)), k, load, way.seed)
    members = [list[Part]() for _ in range(k)]
    for i in map(int, np.argsort(-load, kind="stable")):
        wish = int(block[i])
        others = sorted(range(k), key=lambda core: -len(members[core]))
        for core in (wish, *others):
            alike = any(part.population == parts[i].population for part in members[core])
            if not alike and room.fits([*members[core], parts[i]]):
                members[core].append(parts[i])
                block[i] = core
                break
        else:
            return None
    return block


def _members(found: Flows, n: int) -> Any:
    """Give the parts of each flow, source or target."""
    from scipy import sparse

    flow, part = members_of(found)
    ones = np.ones(flow.size, np.int32)
    return cast("Any", sparse).csr_array((ones, (flow, part)), (found.rate.size, n))


def _graph(found: Flows, n: int) -> Any:
    """Give the spikes between each two parts, both ways together."""
    from scipy import sparse

    sizes = np.diff(found.begin)
    source, rate = np.repeat(found.source, sizes), np.repeat(found.rate, sizes)
    keep = (source >= 0) & (source != found.target)
    pairs = source[keep], found.target[keep]
    one = cast("Any", sparse).csr_array((rate[keep], pairs), (n, n))
    return (one + one.T).tocsr()
