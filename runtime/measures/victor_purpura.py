"""The spike time distance of Victor and Purpura."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snnc.runtime.measures.trains import Trains, times_of

COST = 5
"""What it costs to add or remove a spike, where moving it by one step costs 1: ``1 / q`` steps."""


def victor_purpura(reference: Trains, other: Trains, cost: int = COST) -> npt.NDArray[np.int64]:
    """Give the distance of each pair of trains, in units of the cost of moving by one step.

    The distance is what it costs at least to make one train of the other by adding and removing
    spikes, 1 each, and moving them, ``q = 1 / cost`` for each step. In units of ``q`` it is a whole
    number. ``G[i, j]``, the cost for the first ``i`` and ``j`` spikes, is

        min(G[i-1, j] + cost, G[i, j-1] + cost, G[i-1, j-1] + |a_i - b_j|)

    and a row of it, over all trains at once, is a running minimum of ``G[i, j] - cost j``.

    Args:
        reference: Spikes, ``[steps, trains]``.
        other: Spikes, of the same shape.
        cost: Of adding or removing a spike, in steps of moving one.

    Returns:
        ``cost`` times the distance, ``[trains]``.

    Reference: Victor and Purpura 1996, Journal of Neurophysiology 76:1310.
    """
    (a, n), (b, m) = times_of(reference), times_of(other)
    added = cost * np.arange(b.shape[1] + 1, dtype=np.int64)
    row = np.broadcast_to(added, (a.shape[0], added.size))
    found = row
    for i in range(a.shape[1]):
        moved = row[:, :-1] + np.abs(a[:, i, None] - b)
        best = np.concatenate([row[:, :1] + cost, np.minimum(row[:, 1:] + cost, moved)], axis=1)
        row = np.minimum.accumulate(best - added, axis=1) + added
        found = np.where((n > i)[:, None], row, found)
    return np.asarray(np.take_along_axis(found, m[:, None], axis=1)[:, 0])
