"""Statistics against hand-computed cases, a slow plain oracle, and simulation."""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from itertools import product
from math import comb, log, sqrt
from typing import Any

import numpy as np
import pytest

from snnc.runtime.statistics import Paired, accuracy_by_step, drop_bound, mcnemar_p, paired

Z = 1.6448536269514722
"""The 95 % quantile of the normal distribution."""


def test_counts() -> None:
    truth = np.array([0, 1, 2, 0, 1])
    found = paired(truth, np.array([0, 1, 2, 1, 0]), np.array([0, 2, 1, 0, 2]))
    assert found == Paired(5, correct_reference=3, correct_other=2, only_reference=2, only_other=1)
    assert found.drop == pytest.approx(20)


def test_accuracy_by_step() -> None:
    outputs = np.zeros((3, 2, 2))
    outputs[:, 0] = [[2, 0], [0, 1], [0, 9]]  # after one step class 0, after two too, then 1
    outputs[:, 1] = [[0, 1], [5, 0], [0, 0]]
    assert accuracy_by_step(outputs, np.array([1, 0])).tolist() == [0, 0.5, 1]
    assert accuracy_by_step(outputs.astype(np.uint8), [1, 0]).tolist() == [0, 0.5, 1]


def test_accuracy_by_step_counts_spikes_by_their_size() -> None:
    outputs = np.zeros((2, 1, 3), np.uint8)
    outputs[:, 0] = [[1, 0, 1], [1, 1, 1]]
    weights = np.array([0.5, 2, -1], np.float32)
    assert accuracy_by_step(outputs, [1]).tolist() == [0, 0]
    assert accuracy_by_step(outputs, [1], weights=weights).tolist() == [0, 1]


def test_accuracy_by_step_of_many_spikes() -> None:
    """Sums are not of the type of a spike, which holds up to 255."""
    outputs = np.zeros((300, 1, 2), np.uint8)
    outputs[:, 0, 1] = 1
    outputs[:100, 0, 0] = 1
    assert accuracy_by_step(outputs, [1])[[99, 100, 299]].tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("b", "c", "p"),
    [(0, 0, 1), (1, 0, 1), (5, 0, Fraction(1, 16)), (10, 2, Fraction(158, 4096)), (3, 3, 1)],
)
def test_mcnemar_by_hand(b: int, c: int, p: Fraction) -> None:
    assert mcnemar_p(b, c) == float(p)
    assert mcnemar_p(c, b) == float(p)


def test_mcnemar_is_the_binomial_tail() -> None:
    for b, c in product(range(9), range(9)):
        n = b + c
        outcomes = [Fraction(comb(n, k), 2**n) for k in range(n + 1)]
        tail = sum(p for k, p in enumerate(outcomes) if abs(2 * k - n) >= abs(b - c))
        assert mcnemar_p(b, c) == pytest.approx(float(min(tail, Fraction(1))))


@pytest.mark.parametrize(("b", "c"), [(7000, 7100), (9800, 10_200), (0, 54_000)])
def test_mcnemar_of_a_large_test_set(b: int, c: int) -> None:
    binomtest: Any = import_module("scipy.stats").binomtest
    assert mcnemar_p(b, c) == pytest.approx(binomtest(b, b + c).pvalue, rel=1e-9)


def likeliest_rate(n: int, b: int, c: int, d: float) -> float:
    """Search the rate of ``c`` that is likeliest where the rate of ``b`` is ``d`` more."""

    def loss(q: float) -> float:
        rates = (q + d, q, 1 - 2 * q - d)
        return -sum(k * log(r) for k, r in zip((b, c, n - b - c), rates, strict=True) if k)

    low, high = max(0.0, -d) + 1e-12, (1 - d) / 2 - 1e-12
    for _ in range(200):
        third = (high - low) / 3
        low, high = (
            (low, high - third) if loss(low + third) < loss(high - third) else (low + third, high)
        )
    return (low + high) / 2


@pytest.mark.parametrize(
    ("n", "b", "c"), [(100, 0, 0), (50, 7, 2), (360, 3, 5), (200, 1, 12), (30, 9, 0)]
)
def test_bound_is_where_the_score_reaches_the_quantile(n: int, b: int, c: int) -> None:
    d = drop_bound(n, b, c)
    q = likeliest_rate(n, b, c, d)
    score = (b - c - n * d) / sqrt(n * (2 * q + d * (1 - d)))
    assert score == pytest.approx(-Z, abs=1e-4)


def test_bound_without_a_difference() -> None:
    assert drop_bound(140, 0, 0) == pytest.approx(Z**2 / (140 + Z**2))


def test_bound_at_the_ends() -> None:
    assert drop_bound(5, 5, 0) == 1
    assert -1 <= drop_bound(5, 0, 5) < 0


def test_bound_holds_in_95_of_100_cases() -> None:
    random = np.random.default_rng(11)
    n, rates = 400, [0.04, 0.02, 0.94]
    draws = random.multinomial(n, rates, size=2000)
    covered = [drop_bound(n, int(b), int(c)) >= 0.02 for b, c, _ in draws]
    assert 0.935 <= np.mean(covered) <= 0.975  # 0.95 and three standard errors, a score interval
