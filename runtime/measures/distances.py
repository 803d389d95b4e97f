"""The distances of spike trains, of chosen trains: they cost more than counting does."""

from __future__ import annotations

import numpy as np

from snnc.runtime.measures.exact import as_float, exact_sum
from snnc.runtime.measures.spike_distance import spike_distance
from snnc.runtime.measures.sums import Sums
from snnc.runtime.measures.trains import SAMPLES, Trains, chosen_neurons
from snnc.runtime.measures.van_rossum import van_rossum
from snnc.runtime.measures.victor_purpura import COST, victor_purpura

AT_ONCE = 2**17
"""Steps of trains that are measured at once: each takes some 130 bytes meanwhile."""


class Distances(Sums):
    """Sums of the distances of trains: of one neuron in one sample each.

    Attributes:
        trains: How many trains.
        rossum: Sum of the van Rossum distances, exact.
        purpura: Sum of the Victor-Purpura distances, in units of moving a spike by one step.
        spike: Sum of the SPIKE-distances, exact.
    """

    trains: int = 0
    rossum: int = 0
    purpura: int = 0
    spike: int = 0

    @property
    def van_rossum(self) -> float | None:
        """Mean van Rossum distance; None without trains."""
        return as_float(self.rossum) / self.trains if self.trains else None

    @property
    def victor_purpura(self) -> float | None:
        """Mean Victor-Purpura distance; None without trains."""
        return self.purpura / (COST * self.trains) if self.trains else None

    @property
    def spike_distance(self) -> float | None:
        """Mean SPIKE-distance; None without trains."""
        return as_float(self.spike) / self.trains if self.trains else None


def distances(reference: Trains, other: Trains, first_sample: int = 0) -> Distances:
    """Measure the trains of the chosen neurons and samples.

    Args:
        reference: Spikes, ``[steps, batch, neurons]``.
        other: Spikes, of the same shape.
        first_sample: Index of the first of these samples among all.
    """
    samples = max(0, SAMPLES - first_sample)
    neurons = chosen_neurons(reference.shape[2])
    steps = len(reference)
    one, two = (x[:, :samples, neurons].reshape(steps, -1) for x in (reference, other))
    differing = np.flatnonzero((one != two).any(axis=0))  # the distance of equal trains is 0
    found, width = Distances(trains=one.shape[1]), max(1, AT_ONCE // steps)
    for begin in range(0, differing.size, width):
        some = differing[begin : begin + width]
        a, b = one[:, some], two[:, some]
        found += Distances(
            rossum=exact_sum(van_rossum(a, b)),
            purpura=int(victor_purpura(a, b).sum()),
            spike=exact_sum(spike_distance(a, b)),
        )
    return found
