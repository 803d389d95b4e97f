"""Which cores share a chip: few spikes from chip to chip, and no chip too full."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pymetis
from scipy.sparse import csr_array

Ints = npt.NDArray[np.int64]

LARGEST = 2**20
"""Integer that the largest weight becomes."""


def metis(weight: csr_array, parts: int, seed: int) -> Ints:
    """Cut a graph into parts of about equal size by METIS.

    Source: Karypis and Kumar 1998, doi:10.1137/S1064827595287997.

    Args:
        weight: Of each pair of cores, symmetric, without diagonal; shape ``[n, n]``.
        parts: Number of parts.
        seed: Of METIS.

    Returns:
        The part of each core, shape ``[n]``.
    """
    scale = LARGEST / max(float(weight.data.max(initial=0)), 1e-300)
    _, found = pymetis.part_graph(
        parts,
        adjacency=pymetis.CSRAdjacency(weight.indptr, weight.indices),
        eweights=np.maximum(np.rint(weight.data * scale), 1).astype(np.int32),
        options=pymetis.Options(seed=seed, ufactor=1),
    )
    return np.asarray(found, np.int64)


def chips_of(weight: csr_array, chips: int, capacity: int, seed: int) -> Ints:
    """Share cores out to chips; of a chip that is too full those leave that lose least.

    Args:
        weight: Of each pair of cores, symmetric, without diagonal; shape ``[n, n]``.
        chips: Number of chips.
        capacity: Cores of a chip; ``n <= chips * capacity``.
        seed: Of METIS.

    Returns:
        Chip of each core, shape ``[n]``.
    """
    chip = metis(weight, chips, seed)
    sizes = np.bincount(chip, minlength=chips)
    for full in np.flatnonzero(sizes > capacity).tolist():
        _empty(weight, chip, sizes, full, capacity)
    return chip


def _empty(weight: csr_array, chip: Ints, sizes: Ints, full: int, capacity: int) -> None:
    """Move cores from chip ``full`` to others until it holds ``capacity``."""
    while sizes[full] > capacity:
        room = sizes < capacity
        moves = (_move(weight, chip, core, room) for core in np.flatnonzero(chip == full).tolist())
        _, core, to = min(moves)
        chip[core] = to
        sizes[[full, to]] += -1, 1


def _move(
    weight: csr_array, chip: Ints, core: int, room: npt.NDArray[np.bool_]
) -> tuple[float, int, int]:
    """Give what the best move of a core loses, the core, and where it goes."""
    row = slice(weight.indptr[core], weight.indptr[core + 1])
    pull = np.bincount(chip[weight.indices[row]], weight.data[row], room.size)
    to = int(np.where(room, pull, -1).argmax())
    return float(pull[chip[core]] - pull[to]), core, to
