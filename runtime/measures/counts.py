"""How alike spikes are by counting: those that both executions have, and how many each neuron has.

``n`` are the spikes of the reference and ``m`` those of the other. A train is one neuron in one
sample.
"""

from __future__ import annotations

from math import fsum, sqrt

import numpy as np
import numpy.typing as npt

from snnc.runtime.measures.sums import Sums
from snnc.runtime.measures.trains import Trains
from snnc.runtime.verification.packed import Packed

Integers = npt.NDArray[np.int64]


class Counts(Sums):
    """Spikes of a population, counted.

    Attributes:
        samples: How many.
        same: Samples in which every spike is the same.
        reference: Spikes of each neuron, ``[neurons]``.
        other: The same of the other.
        both: Those that both have in the same step.
        rates_reference: Trains with 0, 1, ... spikes, ``[steps + 1]``.
        rates_other: The same of the other.
        difference: ``sum |n - m|`` over the spike counts of trains.
        squares_reference: ``sum n^2`` over the same.
        squares_other: ``sum m^2``.
        products: ``sum n m``.
    """

    samples: int
    same: int
    reference: Packed
    other: Packed
    both: Packed
    rates_reference: Packed
    rates_other: Packed
    difference: int
    squares_reference: int
    squares_other: int
    products: int

    @property
    def steps(self) -> int:
        """Steps of a sample."""
        return int(self.rates_reference.size) - 1

    @property
    def length(self) -> int:
        """Steps of all samples: the length of a neuron's spikes, one sample after the other."""
        return self.steps * self.samples

    @property
    def spikes(self) -> tuple[int, int, int]:
        """Spikes of the reference, of the other, and those that both have."""
        return int(self.reference.sum()), int(self.other.sum()), int(self.both.sum())

    @property
    def hamming(self) -> int:
        """Spikes that only one of the two has."""
        n, m, both = self.spikes
        return n + m - 2 * both

    @property
    def count_error(self) -> float | None:
        """``sum |n - m| / sum n``."""
        return _share(self.difference, self.spikes[0])

    @property
    def rate_error(self) -> float | None:
        """``(sum m - sum n) / sum n``."""
        n, m, _ = self.spikes
        return _share(m - n, n)

    @property
    def precision(self) -> float | None:
        """Share of the other's spikes that the reference has."""
        return _share(self.spikes[2], self.spikes[1])

    @property
    def recall(self) -> float | None:
        """Share of the reference's spikes that the other has."""
        return _share(self.spikes[2], self.spikes[0])

    @property
    def coincidence(self) -> float | None:
        """The coincidence factor, its mean over the neurons for which it is defined.

        With ``n``, ``m`` and ``c`` spikes of the reference, of the other and of both in ``K`` steps

            (c - n m / K) / ((n + m) / 2) / (1 - m / K)

        It is not defined for a neuron that spikes in neither, nor where the other spikes in every
        step.

        Reference: Kistler, Gerstner and van Hemmen 1997, Neural Computation 9:1015, with a window
        of one step.
        """
        n, m, both = (x.tolist() for x in (self.reference, self.other, self.both))
        k = self.length
        factors = [
            2 * (c * k - a * b) / ((a + b) * (k - b))
            for a, b, c in zip(n, m, both, strict=True)
            if a + b and b < k
        ]
        return fsum(factors) / len(factors) if factors else None

    @property
    def emd_rates(self) -> float | None:
        """Earth mover's distance of the rates of trains, in spikes a step.

        The area between the two cumulative distributions, which is what it costs on a line.

        References: Rubner, Tomasi and Guibas 2000, International Journal of Computer Vision
        40:99; Vallender 1974, Theory of Probability and its Applications 18:784.
        """
        area = int(np.abs(np.cumsum(self.rates_reference - self.rates_other)).sum())
        return _share(area, self.steps * int(self.rates_reference.sum()))

    @property
    def rate_cosine(self) -> float | None:
        """Cosine of the spike counts of all trains, as vectors."""
        return _cosine(self.products, self.squares_reference, self.squares_other)

    @property
    def spike_cosine(self) -> float | None:
        """Cosine of the spikes, as vectors of 0 and 1."""
        n, m, both = self.spikes
        return _cosine(both, n, m)

    @property
    def dead(self) -> tuple[int, int]:
        """Neurons that never spike, of the reference and of the other."""
        return int((self.reference == 0).sum()), int((self.other == 0).sum())

    @property
    def saturated(self) -> tuple[int, int]:
        """Neurons that spike in every step, of the reference and of the other."""
        k = self.length
        return int((self.reference == k).sum()), int((self.other == k).sum())


def counts(reference: Trains, other: Trains) -> Counts:
    """Count the spikes of a population.

    Args:
        reference: 0 or 1, ``[steps, batch, neurons]``.
        other: Of the same shape.
    """
    steps, batch = reference.shape[:2]
    n = reference.sum(axis=0, dtype=np.int64)
    equal = np.array_equal(reference, other)
    m = n if equal else other.sum(axis=0, dtype=np.int64)
    by_neuron = n.sum(axis=0)
    return Counts(
        samples=batch,
        same=batch if equal else int((reference == other).all(axis=(0, 2)).sum()),
        reference=by_neuron,
        other=m.sum(axis=0),
        both=by_neuron if equal else np.logical_and(reference, other).sum(axis=(0, 1)),
        rates_reference=np.bincount(n.ravel(), minlength=steps + 1),
        rates_other=np.bincount(m.ravel(), minlength=steps + 1),
        difference=int(np.abs(n - m).sum()),
        squares_reference=int(np.square(n).sum()),
        squares_other=int(np.square(m).sum()),
        products=int((n * m).sum()),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _cosine(product: int, one: int, two: int) -> float | None:
    """Give the cosine of two vectors by their products; 0 where one of them is zero, not both."""
    if not one and not two:
        return None
    return min(1.0, product / sqrt(one * two)) if product else 0.0
