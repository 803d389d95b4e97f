"""Which cores share a chip: few spikes from chip to chip, and no chip too full."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pymetis

from snnc.compiler.mapping.metis import silent
from snnc.compiler.mapping.pairs import Pairs

Ints = npt.NDArray[np.int64]

LARGEST = 2**20
"""Integer that the largest weight becomes."""


def metis(near: Pairs, parts: int, seed: int) -> Ints:
    """Cut a graph into parts of about equal size by METIS.

    Source: Karypis and Kumar 1998, doi:10.1137/S1064827595287997.

    Args:
        near: Which cores exchange spikes, and how many.
        parts: Number of parts.
        seed: Of METIS.

    Returns:
        The part of each core, shape ``[n]``.
    """
    scale = LARGEST / max(float(near.weight.max(initial=0)), 1e-300)
    with silent():
        _, found = pymetis.part_graph(
            parts,
            adjacency=pymetis.CSRAdjacency(near.begin, near.near),
            eweights=np.maximum(np.rint(near.weight * scale), 1).astype(np.int32),
            options=pymetis.Options(seed=seed, ufactor=1),
        )
    return np.asarray(found, np.int64)


def chips_of(near: Pairs, chips: int, capacity: int, seed: int) -> Ints:
    """Share cores out to chips; of a chip that is too full those leave that lose least.

    Args:
        near: Which cores exchange spikes, and how many.
        chips: Number of chips.
        capacity: Cores of a chip; ``n <= chips * capacity``.
        seed: Of METIS.

    Returns:
        Chip of each core, shape ``[n]``.
    """
    chip = metis(near, chips, seed)
    sizes = np.bincount(chip, minlength=chips)
    for full in np.flatnonzero(sizes > capacity).tolist():
        _empty(near, chip, sizes, full, capacity)
    return chip


def _empty(near: Pairs, chip: Ints, sizes: Ints, full: int, capacity: int) -> None:
    """Move cores from chip ``full`` to others until it holds ``capacity``."""
    while sizes[full] > capacity:
        room = sizes < capacity
        moves = (_move(near, chip, core, room) for core in np.flatnonzero(chip == full).tolist())
        _, core, to = min(moves)
        chip[core] = to
        sizes[[full, to]] += -1, 1


def _move(
    near: Pairs, chip: Ints, core: int, room: npt.NDArray[np.bool_]
) -> tuple[float, int, int]:
    """Give what the best move of a core loses, the core, and where it goes."""
    row = slice(near.begin[core], near.begin[core + 1])
    pull = np.bincount(chip[near.near[row]], near.weight[row], room.size)
    to = int(np.where(room, pull, -1).argmax())
    return float(pull[chip[core]] - pull[to]), core, to
