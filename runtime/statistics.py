"""Two classifiers on the same samples: what their difference in accuracy is worth."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
"""Of the one-sided bound of the drop."""

Integers = npt.NDArray[np.integer]
Reals = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Paired:
    """Right and wrong answers of two classifiers on the same ``n`` samples.

    Attributes:
        n: Samples.
        correct_reference: Right answers of the reference.
        correct_other: Right answers of the other.
        only_reference: Samples that only the reference gets right (``b``).
        only_other: Samples that only the other gets right (``c``).
    """

    n: int
    correct_reference: int
    correct_other: int
    only_reference: int
    only_other: int

    @property
    def drop(self) -> float:
        """Accuracy lost, in points of percent; negative where the other is better."""
        return 100 * (self.only_reference - self.only_other) / self.n

    @property
    def drop_bound(self) -> float:
        """Upper end of the one-sided 95 % interval of the drop, in points of percent."""
        return 100 * drop_bound(self.n, self.only_reference, self.only_other)

    @property
    def mcnemar_p(self) -> float:
        """Two-sided p of the exact McNemar test: both are right equally often."""
        return mcnemar_p(self.only_reference, self.only_other)


def paired(labels: Integers, reference: Integers, other: Integers) -> Paired:
    """Count right and wrong answers.

    Args:
        labels: The true class of each sample, shape ``[n]``.
        reference: The class that the reference gives, shape ``[n]``.
        other: The class that the other gives, shape ``[n]``.
    """
    a, b = reference == labels, other == labels
    return Paired(
        n=labels.size,
        correct_reference=int(a.sum()),
        correct_other=int(b.sum()),
        only_reference=int((a & ~b).sum()),
        only_other=int((b & ~a).sum()),
    )


def accuracy_by_step(
    outputs: Integers | Reals, labels: npt.ArrayLike, *, weights: npt.ArrayLike | None = None
) -> npt.NDArray[np.float64]:
    """Give the share of samples that is classified right after each number of steps.

    Args:
        outputs: As for ``correct_by_step``; so are the others.
        labels: The true class of each sample.
        weights: What a spike of each neuron counts for.

    Returns:
        0 to 1 for 1 step, 2 steps, ..., shape ``[steps]``.
    """
    return np.asarray(correct_by_step(outputs, labels, weights=weights) / outputs.shape[1])


def correct_by_step(
    outputs: Integers | Reals, labels: npt.ArrayLike, *, weights: npt.ArrayLike | None = None
) -> npt.NDArray[np.int64]:
    """Count the samples that are classified right after each number of steps.

    The class is the neuron with most spikes, or the largest sum, in the steps so far; among equals
    the first.

    Args:
        outputs: One output of a run, ``[steps, batch, *shape]``.
        labels: The true class of each sample, shape ``[batch]``.
        weights: What a spike of each neuron counts for, shape ``[n]``: ``trace.class_weights``;
            None where all count the same.

    Returns:
        For 1 step, 2 steps, ..., shape ``[steps]``.
    """
    steps, batch = outputs.shape[:2]
    scores = outputs.reshape(steps, batch, -1)
    sums = np.cumsum(scores, axis=0, dtype=np.float64 if scores.dtype.kind == "f" else np.int64)
    if weights is not None:
        sums = sums * np.asarray(weights)
    right = sums.argmax(axis=2) == np.asarray(labels)
    return np.asarray(right.sum(axis=1, dtype=np.int64))


def mcnemar_p(b: int, c: int) -> float:
    """Give ``min(1, 2 * sum_{i <= min(b, c)} C(b + c, i) / 2**(b + c))``.

    Args:
        b: Samples that only the first gets right.
        c: Samples that only the second gets right.

    Reference: McNemar 1947, Psychometrika 12:153; exact form by the binomial distribution.
    """
    tail, term = 0, 1
    for i in range(min(b, c) + 1):
        tail += term
        term = term * (b + c - i) // (i + 1)  # C(b + c, i + 1)
    return min(1.0, 2 * tail / (1 << (b + c)))


def drop_bound(n: float, b: float, c: float, confidence: float = CONFIDENCE) -> float:
    """Give the upper score bound of ``(b - c) / n``, the difference of two paired proportions.

    The bound is the difference at which the score statistic reaches the quantile; it is found by
    bisection, since the statistic falls as the difference grows.

    Args:
        n: Samples.
        b: Samples that only the first gets right.
        c: Samples that only the second gets right.
        confidence: One-sided, 0 to 1.

    Reference: Tango 1998, Statistics in Medicine 17:891.
    """
    quantile = NormalDist().inv_cdf(confidence)
    low, high = (b - c) / n, 1.0
    for _ in range(60):  # halves the interval to below the resolution of a float
        middle = (low + high) / 2
        if _score(n, b, c, middle) > -quantile:
            low = middle
        else:
            high = middle
    return high


def _score(n: float, b: float, c: float, difference: float) -> float:
    """Give ``(b - c - n d) / sqrt(n (2 q + d (1 - d)))``, ``q`` the likeliest rate of ``c``."""
    linear = (2 * n - b + c) * difference - b - c
    constant = -c * difference * (1 - difference)
    q = (sqrt(linear**2 - 8 * n * constant) - linear) / (4 * n)
    variance = n * (2 * q + difference * (1 - difference))
    excess = b - c - n * difference
    if variance <= 0:
        return 0.0 if excess == 0 else float("-inf")
    return excess / sqrt(variance)
