"""Neurons share thresholds: as few as asked for, the best ones, and with what that costs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.quantization.grouping import shared_levels

COUNTS = st.lists(st.integers(1, 40), min_size=1, max_size=9)


@given(COUNTS, st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=300)
def test_no_other_levels_cost_less(counts: list[int], most: int, seed: int) -> None:
    """All ways to choose levels, one by one."""
    costs = np.random.default_rng(seed).uniform(0.1, 2, len(counts))
    limits = np.array(counts, float)
    levels = shared_levels(limits, costs, most)
    assert (levels <= limits).all()
    assert len(set(levels.tolist())) <= most
    cheapest = np.inf
    for n in range(1, most + 1):
        for chosen in combinations(sorted(set(counts)), n):
            below = [[c for c in chosen if c <= limit] for limit in counts]
            if all(below):
                got = np.array([max(b) for b in below], float)
                cheapest = min(cheapest, float((costs / got**2).sum()))
    assert float((costs / levels**2).sum()) == pytest.approx(cheapest, rel=1e-12)


def test_as_many_as_there_are_cost_nothing() -> None:
    counts = np.array([7.0, 3, 3, 9, 100])
    assert shared_levels(counts, np.ones(5), 4).tolist() == counts.tolist()


def test_one_level_is_the_smallest() -> None:
    assert shared_levels(np.array([7.0, 3, 9]), np.ones(3), 1).tolist() == [3, 3, 3]


def test_what_costs_more_keeps_its_counts() -> None:
    counts = np.array([10.0, 20, 30])
    assert shared_levels(counts, np.array([1.0, 9, 1]), 2).tolist() == [10, 20, 20]
    assert shared_levels(counts, np.array([1.0, 1, 99]), 2).tolist() == [10, 10, 30]


def test_many_neurons() -> None:
    """The square of so many would not be done in time."""
    counts = np.random.default_rng(0).permutation(100_000).astype(np.float64) + 1
    levels = shared_levels(counts, np.ones(100_000), 16)
    assert len(np.unique(levels)) == 16
    assert (levels <= counts).all()
