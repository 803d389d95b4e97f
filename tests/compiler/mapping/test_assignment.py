"""The search for an assignment against counting it all out."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from snnc.compiler.mapping.assignment import Assignment, faq, tabu


def drawn(n: int, seed: int) -> Assignment:
    """Give random weights, some none, between places on a line."""
    rng = np.random.default_rng(seed)
    weight = np.triu(rng.random((n, n)) * (rng.random((n, n)) < 0.6), 1)
    at = rng.integers(0, n, n)  # some places are the same
    return Assignment(
        weight + weight.T,
        np.abs(at[:, None] - at).astype(np.float64),
        rng.random(n)[:, None] * at,
    )


def counted(a: Assignment, places: np.ndarray) -> float:
    """Give the cost, pair by pair."""
    n = range(len(places))
    pairs = sum(a.weight[i, j] * a.distance[places[i], places[j]] for i in n for j in n if i < j)
    return float(pairs + sum(a.linear[i, places[i]] for i in n))


@pytest.mark.parametrize("seed", range(10))
def test_tabu_finds_the_best_of_six(seed: int) -> None:
    a = drawn(6, seed)
    best = min(counted(a, np.array(p)) for p in permutations(range(6)))
    found = tabu(a, np.arange(6), 200, seed)
    assert sorted(found) == list(range(6))
    assert a.cost(found) == pytest.approx(counted(a, found))
    assert a.cost(found) == pytest.approx(best, rel=0.005)


@pytest.mark.parametrize("seed", range(5))
def test_tabu_keeps_the_best_on_the_way(seed: int) -> None:
    a, start = drawn(30, seed), np.random.default_rng(seed).permutation(30)
    costs = [counted(a, tabu(a, start, steps, seed)) for steps in (0, 1, 10, 100, 1000)]
    assert costs[0] == pytest.approx(counted(a, start))
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 0.9 * costs[0]


@pytest.mark.parametrize("seed", range(5))
def test_faq_finds_a_chain(seed: int) -> None:
    """Cores in a row, shuffled, on places in a row: every neighbor is next to the other."""
    n, shuffled = 12, np.random.default_rng(seed).permutation(12)
    chain = np.zeros((n, n))
    chain[shuffled[:-1], shuffled[1:]] = chain[shuffled[1:], shuffled[:-1]] = 1
    line = np.abs(np.arange(n)[:, None] - np.arange(n)).astype(np.float64)
    a = Assignment(chain, line, np.zeros((n, n)))
    start = faq(a, seed)
    assert sorted(start) == list(range(n))
    assert a.cost(start) < a.cost(np.arange(n))
    assert a.cost(tabu(a, start, 2000, seed)) == n - 1


def test_nothing_to_swap() -> None:
    a = Assignment(np.zeros((4, 4)), 1 - np.eye(4), np.zeros((4, 4)))
    assert tabu(a, np.array([2, 0, 1, 3]), 100, 0).tolist() == [2, 0, 1, 3]
