"""Sums by rows are the sums of a matrix, however many rows are in use."""

from __future__ import annotations

import numpy as np
import pytest

from snnc.targets.lava.runner import rows
from snnc.targets.lava.runner.rows import Rows


@pytest.mark.parametrize("size", [(3, 5), (300, 400)])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("largest", [1, 200, 2**23])
def test_sums(size: tuple[int, int], rate: float, largest: int) -> None:
    """The largest input makes sums that a float32 does not hold."""
    rng = np.random.default_rng(3)
    weights = rng.integers(-256, 256, size, dtype=np.int32)
    x = rng.integers(-largest, largest + 1, size[1]) * (rng.random(size[1]) < rate)
    found = Rows(weights).times(x)
    assert found.dtype == np.int64
    assert np.array_equal(found, weights.astype(np.int64) @ x)
    spikes = x > 0
    assert np.array_equal(Rows(weights).times(spikes), weights @ spikes)


def test_the_sizes_of_the_test_are_on_both_sides() -> None:
    assert 3 * 5 < rows.SMALL < 300 * 400
    assert 0.1 < 1 / rows.DENSE < 0.9


def test_no_weights() -> None:
    assert Rows(np.zeros((2, 0), np.int32)).times(np.zeros(0, np.int32)).tolist() == [0, 0]
    assert Rows(np.zeros((0, 2), np.int32)).times(np.ones(2, np.int32)).tolist() == []
