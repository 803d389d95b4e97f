"""Spike trains: which are chosen for the costly distances, and when their neurons spike."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Trains = npt.NDArray[Any]
"""0 or 1, ``[steps, trains]``."""
SAMPLES = 32
"""Samples whose trains are chosen: the first ones."""
NEURONS = 128
"""Neurons of a population that are chosen at most."""


def chosen_neurons(size: int) -> npt.NDArray[np.int64]:
    """Give the neurons whose trains are chosen: all, or ``NEURONS`` evenly spread over ``size``."""
    n = min(size, NEURONS)
    return np.arange(n, dtype=np.int64) * size // n


def times_of(trains: Trains) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Give the steps in which each train spikes.

    Returns:
        Steps in order, ``[trains, most]``, where ``most`` is the largest number of spikes, and a
        shorter train is filled up with 0; and the number of spikes, ``[trains]``.
    """
    train, step = np.nonzero(trains.T)
    counts = np.bincount(train, minlength=trains.shape[1]).astype(np.int64)
    first = np.cumsum(counts) - counts
    times = np.zeros((counts.size, int(counts.max(initial=0))), np.int64)
    times[train, np.arange(train.size) - first[train]] = step
    return times, counts
