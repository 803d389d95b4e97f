"""Move and swap neurons between cores while that saves spikes between them.

Each source of spikes is a net: it connects the core that it is on, if it is on any, with those of
the neurons it reaches. A net of rate ``w`` on ``c`` cores costs ``w * (c - 1)``, and ``w * c`` if
the source lies outside. This is the local search of Kernighan and Lin, and of Fiduccia and
Mattheyses for single moves, on the connectivity metric; only what gains is done.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.frozen import Frozen

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

MOST_PASSES = 12
"""Passes over all vertices; the last ones gain little."""
CHUNK = 2**22
"""Numbers that are looked at at a time."""


@dataclass(frozen=True, eq=False)
class Nets(Frozen):
    """A hypergraph, as each vertex sees it.

    Attributes:
        of: The nets of each vertex, each once, filled up with the last net, which weighs nothing;
            shape ``[vertices, degree]``.
        weight: Of each net; shape ``[nets + 1]``.
        load: How much of its core each vertex takes; shape ``[vertices]``.
    """

    of: Ints
    weight: Reals
    load: Reals


class Blocks:
    """Vertices in blocks, and how many pins of each net every block has.

    Attributes:
        block: Of each vertex; shape ``[vertices]``.
        loads: Of each block; shape ``[k]``.
        pins: Shape ``[nets + 1, k]``.
        most: Largest load of a block; shape ``[k]``.
    """

    def __init__(self, nets: Nets, block: Ints, most: Reals) -> None:
        self.nets = nets
        self.block = block.copy()
        self.most = most
        k = most.size
        self.loads = np.bincount(block, nets.load, k)
        self.pins = np.zeros((nets.weight.size, k), np.int32)
        np.add.at(self.pins, (nets.of.reshape(-1), np.repeat(block, nets.of.shape[1])), 1)

    @property
    def cost(self) -> float:
        """Spikes between blocks, but for a constant: all nets have a first block."""
        return float(self.nets.weight @ (self.pins > 0).sum(axis=1))

    def gains(self, vertices: Ints) -> Reals:
        """Give what is saved by moving vertices to every block; shape ``[vertices, k]``."""
        of = self.nets.of[vertices]
        weight = self.nets.weight[of]
        here = self.pins[of, self.block[vertices][:, None]]
        leaving = (weight * (here == 1)).sum(axis=1)
        arriving = np.einsum("vd,vdk->vk", weight, self.pins[of] == 0)
        return np.asarray(leaving[:, None] - arriving)

    def gains_to(self, vertices: Ints, target: int) -> Reals:
        """Give what is saved by moving vertices to one block; shape ``[vertices]``."""
        of = self.nets.of[vertices]
        here = self.pins[of, self.block[vertices][:, None]]
        saved = (here == 1).astype(np.int8) - (self.pins[of, target] == 0)
        return np.asarray((self.nets.weight[of] * saved).sum(axis=1))

    def move(self, vertex: int, target: int) -> None:
        """Move one vertex."""
        of = self.nets.of[vertex]
        np.add.at(self.pins, (of, self.block[vertex]), -1)
        np.add.at(self.pins, (of, target), 1)
        self.loads[self.block[vertex]] -= self.nets.load[vertex]
        self.loads[target] += self.nets.load[vertex]
        self.block[vertex] = target

    def has_room(self, vertex: int, target: int, leaves: float = 0.0) -> bool:
        """Say whether a block has room for a vertex, when ``leaves`` has left it."""
        load = self.loads[target] + self.nets.load[vertex] - leaves
        return bool(load <= self.most[target] + 1e-9)


def refine(nets: Nets, block: Ints, most: Reals, seed: int) -> Ints:
    """Give better blocks: never more expensive, never over ``most`` where they were not before.

    Args:
        nets: The hypergraph.
        block: Of each vertex; shape ``[vertices]``.
        most: Largest load of each block; shape ``[k]``.
        seed: Of the order in which vertices are looked at.
    """
    blocks = Blocks(nets, block, most)
    rng = np.random.default_rng(seed)
    for _ in range(MOST_PASSES):
        before = blocks.cost
        for vertex, target in _promising(blocks, rng):
            _try(blocks, vertex, target)
        if blocks.cost >= before * (1 - 1e-3):
            break
    return blocks.block


def _promising(blocks: Blocks, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Give vertices, and where to, that gain if there is room, in random order."""
    n, degree = blocks.nets.of.shape
    chunk = max(1, CHUNK // (degree * blocks.most.size))
    found: list[tuple[int, int]] = []
    for begin in range(0, n, chunk):
        vertices = np.arange(begin, min(begin + chunk, n))
        gains = blocks.gains(vertices)
        gains[np.arange(vertices.size), blocks.block[vertices]] = -np.inf
        best = gains.argmax(axis=1)
        good = gains[np.arange(vertices.size), best] > 0
        found += zip(vertices[good].tolist(), best[good].tolist(), strict=True)
    return [found[i] for i in rng.permutation(len(found))]


def _try(blocks: Blocks, vertex: int, target: int) -> None:
    """Move a vertex, or swap it where there is no room, if that gains."""
    origin = int(blocks.block[vertex])
    gain = float(blocks.gains_to(np.array([vertex]), target)[0])
    if origin == target or gain <= 0:
        return
    if blocks.has_room(vertex, target):
        blocks.move(vertex, target)
        return
    members = np.flatnonzero(blocks.block == target)
    others = blocks.gains_to(members, origin)
    if others.max() + gain <= 0:
        return
    other = int(members[others.argmax()])
    if not _swap_fits(blocks, vertex, other, origin, target):
        return
    blocks.move(vertex, target)
    if gain + float(blocks.gains_to(np.array([other]), origin)[0]) > 0:
        blocks.move(other, origin)
    else:
        blocks.move(vertex, origin)


def _swap_fits(blocks: Blocks, vertex: int, other: int, origin: int, target: int) -> bool:
    load = blocks.nets.load
    return blocks.has_room(vertex, target, load[other]) and blocks.has_room(
        other, origin, load[vertex]
    )
