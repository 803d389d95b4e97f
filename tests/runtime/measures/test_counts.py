"""Measures by counting, against slow and plain computations, SciPy, and cases done by hand."""

from __future__ import annotations

from importlib import import_module
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from snnc.runtime.measures.counts import Counts, counts

Spikes = npt.NDArray[np.uint8]
SHARES = ((0.1, 0.1), (0.5, 0.2), (0.02, 0.9), (0.0, 0.3), (0.3, 0.0), (1.0, 1.0), (0.0, 0.0))


def random_spikes(steps: int, samples: int, shares: tuple[float, float]) -> tuple[Spikes, Spikes]:
    """Give two runs of five neurons that have some spikes in common."""
    random = np.random.default_rng(17)
    shape = steps, samples, 5
    n = random.random(shape) < shares[0]
    m = np.where(random.random(shape) < 0.5, n, random.random(shape) < shares[1])
    return n.astype(np.uint8), m.astype(np.uint8)


def plain(n: Spikes, m: Spikes) -> dict[str, float | None]:
    """Compute everything value by value."""
    steps, samples, neurons = n.shape
    pairs = list(zip(n.ravel().tolist(), m.ravel().tolist(), strict=True))
    both = sum(a and b for a, b in pairs)
    spikes = sum(a for a, _ in pairs), sum(b for _, b in pairs)
    trains = [
        (sum(n[:, b, i].tolist()), sum(m[:, b, i].tolist()))
        for b in range(samples)
        for i in range(neurons)
    ]
    rates = [[count / steps for count in side] for side in zip(*trains, strict=True)]
    factors: list[float] = []
    for i in range(neurons):
        a, b = n[:, :, i].ravel().tolist(), m[:, :, i].ravel().tolist()
        rate = sum(b) / len(b)
        if sum(a) + sum(b) and rate < 1:
            chance = rate * sum(a)
            together = sum(x and y for x, y in zip(a, b, strict=True))
            factors.append((together - chance) / ((sum(a) + sum(b)) / 2) / (1 - rate))
    return {
        "hamming": sum(a != b for a, b in pairs),
        "count_error": ratio(sum(abs(a - b) for a, b in trains), spikes[0]),
        "rate_error": ratio(spikes[1] - spikes[0], spikes[0]),
        "precision": ratio(both, spikes[1]),
        "recall": ratio(both, spikes[0]),
        "coincidence": ratio(sum(factors), len(factors)),
        "emd_rates": sum(abs(a - b) for a, b in zip(*map(sorted, rates), strict=True))
        / len(trains),
        "rate_cosine": cosine(*rates),
        "spike_cosine": cosine([float(a) for a, _ in pairs], [float(b) for _, b in pairs]),
    }


def ratio(part: float, whole: float) -> float | None:
    """Give a share of something."""
    return part / whole if whole else None


def cosine(a: list[float], b: list[float]) -> float | None:
    """Give the cosine of two vectors; 0 where one is zero."""
    lengths = sqrt(sum(x * x for x in a)), sqrt(sum(x * x for x in b))
    if not any(lengths):
        return None
    return (
        sum(x * y for x, y in zip(a, b, strict=True)) / prod
        if (prod := lengths[0] * lengths[1])
        else 0
    )


@pytest.mark.parametrize("shares", SHARES)
@pytest.mark.parametrize(("steps", "samples"), [(1, 1), (12, 1), (9, 4)])
def test_measures_are_those_of_a_plain_computation(
    steps: int, samples: int, shares: tuple[float, float]
) -> None:
    n, m = random_spikes(steps, samples, shares)
    found, wanted = counts(n, m), plain(n, m)
    assert {name: getattr(found, name) for name in wanted} == {
        name: None if value is None else pytest.approx(value, rel=1e-12, abs=1e-15)
        for name, value in wanted.items()
    }


@pytest.mark.parametrize("shares", SHARES)
def test_distance_of_rates_is_that_of_scipy(shares: tuple[float, float]) -> None:
    stats: Any = import_module("scipy.stats")
    n, m = random_spikes(20, 6, shares)
    wanted = stats.wasserstein_distance(*(x.mean(axis=0).ravel() for x in (n, m)))
    assert counts(n, m).emd_rates == pytest.approx(wanted, abs=1e-15)


@pytest.mark.parametrize("shares", SHARES[:3])
def test_cosines_are_those_of_scipy(shares: tuple[float, float]) -> None:
    """As in the notebooks of the NIR paper: of the mean over time, neuron by neuron."""
    distance: Any = import_module("scipy.spatial.distance").cosine
    n, m = random_spikes(20, 6, shares)
    found = counts(n, m)
    assert found.spike_cosine == pytest.approx(
        1 - distance(*(x.ravel().astype(float) for x in (n, m)))
    )
    assert found.rate_cosine == pytest.approx(
        1 - distance(n.mean(axis=0).ravel(), m.mean(axis=0).ravel())
    )


def test_rates_are_those_of_elephant() -> None:
    neo: Any = import_module("neo")
    pq: Any = import_module("quantities")
    mean_firing_rate: Any = import_module("elephant.statistics").mean_firing_rate
    n, m = random_spikes(25, 1, (0.3, 0.6))
    rates = [
        sum(
            mean_firing_rate(
                neo.SpikeTrain(np.flatnonzero(train) * pq.s, t_stop=25 * pq.s)
            ).magnitude.item()
            for train in spikes[:, 0].T
        )
        for spikes in (n, m)
    ]
    assert counts(n, m).rate_error == pytest.approx(rates[1] / rates[0] - 1)


def test_by_hand() -> None:
    """Two neurons, one sample of four steps: 1100 and 0100 against 0110 and 1111."""
    n = np.array([[1, 1, 0, 0], [0, 1, 0, 0]], np.uint8).T[:, None]
    m = np.array([[0, 1, 1, 0], [1, 1, 1, 1]], np.uint8).T[:, None]
    found = counts(n, m)
    assert found.spikes == (3, 6, 2)
    assert found.hamming == 5
    assert (found.count_error, found.rate_error) == (1, 1)
    assert (found.precision, found.recall) == (2 / 6, 2 / 3)
    assert found.coincidence == 0  # of the first: one as by chance; the other spikes always
    assert found.emd_rates == (abs(1 - 2) + abs(2 - 4)) / 2 / 4
    assert found.rate_cosine == pytest.approx((2 * 2 + 1 * 4) / sqrt(5 * 20))
    assert found.spike_cosine == pytest.approx(2 / sqrt(18))
    assert (found.dead, found.saturated) == ((0, 0), (0, 1))
    assert (found.samples, found.same) == (1, 0)


def test_coincidence_by_hand() -> None:
    """Of 10 steps the reference spikes in 4, the other in 5, both in 3: 2 would be chance."""
    n = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], np.uint8).reshape(10, 1, 1)
    m = np.array([1, 1, 1, 0, 1, 1, 0, 0, 0, 0], np.uint8).reshape(10, 1, 1)
    assert counts(n, m).coincidence == pytest.approx((3 - 2) / 4.5 / 0.5)
    assert counts(n, n).coincidence == 1


def test_coincidence_of_independent_trains_is_about_none() -> None:
    random = np.random.default_rng(2)
    n, m = ((random.random((500, 1, 100)) < share).astype(np.uint8) for share in (0.2, 0.4))
    assert abs(counts(n, m).coincidence or 1) < 0.01  # a standard error is 0.003


def test_dead_and_saturated_neurons_are_so_in_all_samples() -> None:
    n = np.zeros((3, 2, 4), np.uint8)
    n[:, :, 1] = 1
    n[:, 0, 2] = n[:, 0, 3] = n[1:, 1, 3] = 1
    found = counts(n, np.zeros_like(n))
    assert (found.dead, found.saturated) == ((1, 4), (1, 0))


def test_samples_that_are_the_same() -> None:
    n, _ = random_spikes(10, 5, (0.3, 0.3))
    m = n.copy()
    m[3, 1, 2] ^= 1
    m[9, 4, 2] ^= 1
    m[0, 4, 2] ^= 1
    assert (counts(n, m).samples, counts(n, m).same) == (5, 3)
    assert counts(n, n).same == 5


def test_cosine_of_equal_runs_is_not_above_one() -> None:
    for spikes in range(1, 60):
        n = np.zeros((1, spikes, 1), np.uint8) + 1
        assert counts(n, n).rate_cosine == 1
    found = Counts(
        samples=1,
        same=1,
        reference=np.array([0]),
        other=np.array([0]),
        both=np.array([0]),
        rates_reference=np.array([1]),
        rates_other=np.array([1]),
        difference=0,
        squares_reference=(big := 3**35 + 1),
        squares_other=big,
        products=big,
    )
    assert found.rate_cosine == 1
