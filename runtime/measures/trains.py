"""Spike trains: which are chosen for the costly distances."""

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
