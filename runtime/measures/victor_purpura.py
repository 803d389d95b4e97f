"""The spike time distance of Victor and Purpura."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snnc.runtime.measures.trains import Trains

COST = 5
"""What it costs to add or remove a spike, where moving it by one step costs 1: ``1 / q`` steps."""
FAR = 2**30
"""More than any distance."""


def victor_purpura(reference: Trains, other: Trains, cost: int = COST) -> npt.NDArray[np.int64]:
    """Give the distance of each pair of trains, in units of the cost of moving by one step.

    The distance is what it costs at least to make one train of the other by adding and removing
    spikes, 1 each, and moving them, ``q = 1 / cost`` for each step. In units of ``q`` it is a whole
    number. ``G[t, s]``, the cost for the first ``t`` steps of the one and ``s`` of the other, is

        min(G[t-1, s] + cost a_t, G[t, s-1] + cost b_s, G[t-1, s-1] + |t - s| if a_t and b_s)

    Nothing is moved by ``2 cost`` steps or more, since that is no cheaper than to remove and add
    it. So ``|t - s|`` stays below, and the work grows with the steps and not with their square.

    Args:
        reference: Spikes, ``[steps, trains]``.
        other: Spikes, of the same shape.
        cost: Of adding or removing a spike, in steps of moving one.

    Returns:
        ``cost`` times the distance, ``[trains]``.

    Reference: Victor and Purpura 1996, Journal of Neurophysiology 76:1310.
    """
    steps, n = reference.shape
    reach = 2 * cost - 1
    width = 2 * reach + 1
    a, b = np.asarray(reference) != 0, np.zeros((steps + width, n), np.bool_)
    b[reach + 1 : reach + 1 + steps] = np.asarray(other) != 0  # b_s at s + reach
    added = cost * np.cumsum(b, axis=0, dtype=np.int32)
    moved = np.abs(np.arange(-reach, reach + 1, dtype=np.int32))[:, None]
    row = added[:width].copy()  # of t = 0, for s from t - reach to t + reach
    row[:reach] = FAR
    for t in range(1, steps + 1):
        window = slice(t, t + width)
        best = np.where(a[t - 1] & b[window], row + moved, FAR)
        best[:-1] = np.minimum(best[:-1], row[1:] + cost * a[t - 1])
        row = np.minimum.accumulate(best - added[window], axis=0) + added[window]
    return np.asarray(row[reach], np.int64)
