"""The SPIKE-distance of Kreuz and others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.runtime.measures.trains import Trains

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Neighbors:
    """The spikes around every interval between two steps, of trains of one execution.

    Spikes lie in the middle of their steps, at ``k + 1/2`` in ``[0, steps]``; interval ``j`` is
    from ``j - 1/2`` to ``j + 1/2``, the first and the last are half as long. All arrays are
    ``[steps + 1, trains]``.

    Attributes:
        before: The last spike before the interval.
        behind: The first spike behind it.
        has_before: Whether there is one; else ``before`` is an auxiliary spike.
        has_behind: The same of ``behind``.
        empty: Trains without any spike, ``[trains]``.
    """

    before: Reals
    behind: Reals
    has_before: npt.NDArray[np.bool_]
    has_behind: npt.NDArray[np.bool_]
    empty: npt.NDArray[np.bool_]


def spike_distance(reference: Trains, other: Trains) -> Reals:
    """Give the time-averaged SPIKE-distance of each pair of trains.

    At any time ``x_k`` is the interval between the spikes around it in train ``k``, and ``s_k`` the
    distance of these two to the nearest spike of the other train, weighted by how near they are:

        S = (s_1 x_2 + s_2 x_1) / 2 / ((x_1 + x_2) / 2)^2

    ``S`` is linear between two spikes, so its mean over a step is its value in the middle.

    At the ends there are auxiliary spikes: a train begins as if there had been one as far before
    its first spike as the second is behind it, or at the beginning, whatever is earlier; it ends
    likewise. A train without spikes has one at either end (Mulansky and Kreuz 2016, PySpike).

    Args:
        reference: Spikes, ``[steps, trains]``.
        other: Spikes, of the same shape.

    Returns:
        0 for equal trains to about 1, ``[trains]``.

    Reference: Kreuz and others 2013, Journal of Neurophysiology 109:1457.
    """
    one, two = _neighbors(reference), _neighbors(other)
    steps = len(reference)
    near = _nearest(reference, one, two), _nearest(other, two, one)
    (s_1, x_1), (s_2, x_2) = (_local(*of) for of in zip((one, two), near, strict=True))
    mean = (x_1 + x_2) / 2
    area = (s_1 * x_2 + s_2 * x_1) / 2 / (mean * mean)
    area[[0, -1]] /= 2
    return np.asarray(np.add.accumulate(area, axis=0)[-1] / steps)  # in this order, always


def _neighbors(trains: Trains) -> _Neighbors:
    """Find the spikes around each interval, auxiliary ones where there are no others."""
    steps, n = trains.shape
    spikes = np.asarray(trains) != 0
    step = np.arange(steps, dtype=np.int64)[:, None]
    rows = np.zeros((1, n), np.int64)
    last = np.vstack([rows - 1, np.maximum.accumulate(np.where(spikes, step, -1), axis=0)])
    later = np.where(spikes, step, steps)[::-1]
    following = np.vstack([np.minimum.accumulate(later, axis=0)[::-1], rows + steps])
    has_before, has_behind = last >= 0, following < steps
    count = spikes.sum(axis=0)
    first, final = following[0] + 0.5, last[-1] + 0.5
    start, end = _auxiliary(spikes, count, first, final)
    return _Neighbors(
        before=np.where(has_before, last + 0.5, start),
        behind=np.where(has_behind, following + 0.5, end),
        has_before=has_before,
        has_behind=has_behind,
        empty=count == 0,
    )


def _auxiliary(
    spikes: npt.NDArray[np.bool_], count: npt.NDArray[np.int64], first: Reals, final: Reals
) -> tuple[Reals, Reals]:
    """Give the auxiliary spikes before and behind each train, ``[trains]``."""
    steps = len(spikes)
    number = np.cumsum(spikes, axis=0)
    second = np.where(spikes & (number == 2), 1, 0).argmax(axis=0) + 0.5
    previous = np.where(spikes & (number == count - 1), 1, 0).argmax(axis=0) + 0.5
    several = count > 1
    start = np.where(several, np.minimum(0, 2 * first - second), 0.0)
    end = np.where(several, np.maximum(steps, 2 * final - previous), float(steps))
    return start, end


def _nearest(trains: Trains, own: _Neighbors, other: _Neighbors) -> tuple[Reals, Reals]:
    """Give how far the spikes around each interval are from the nearest of the other train.

    Returns:
        Of the spike before and of the one behind, ``[steps + 1, trains]``.
    """
    steps = len(trains)

    def distance(times: Reals) -> Reals:
        """Give the distance of ``times``, of a step each or an end, to the nearest spike."""
        j = np.clip(np.ceil(times), 0, steps).astype(np.int64)
        before = np.take_along_axis(other.before, j, axis=0)
        behind = np.take_along_axis(other.behind, j, axis=0)
        return np.asarray(np.minimum(np.abs(times - before), np.abs(behind - times)))

    before, behind = distance(own.before), distance(own.behind)
    alone_before, alone_behind = ~own.has_before & ~own.empty, ~own.has_behind & ~own.empty
    return np.where(alone_before, behind, before), np.where(alone_behind, before, behind)


def _local(side: _Neighbors, near: tuple[Reals, Reals]) -> tuple[Reals, Reals]:
    """Give ``s`` and ``x`` in the middle of each interval, ``[steps + 1, trains]``."""
    steps = len(side.before) - 1
    middle = np.clip(np.arange(steps + 1)[:, None], 0.25, steps - 0.25)
    interval = side.behind - side.before
    weighted = near[0] * (side.behind - middle) + near[1] * (middle - side.before)
    return weighted / interval, interval
