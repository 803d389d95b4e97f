"""Exact sums against fractions."""

from __future__ import annotations

from fractions import Fraction
from math import fsum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.runtime.measures.exact import UNIT, as_float, exact_squares, exact_sum

FLOATS = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20)


def fraction(total: int) -> Fraction:
    """Give what an exact sum stands for."""
    return Fraction(total, 1 << UNIT)


@given(FLOATS)
def test_sum_is_exact(values: list[float]) -> None:
    assert fraction(exact_sum(np.array(values))) == sum(map(Fraction, values))


def test_smallest_and_largest() -> None:
    values = [5e-324, 5e-324, -2.2e-308, 1.7e308, -1.7e308]
    assert fraction(exact_sum(np.array(values))) == sum(map(Fraction, values))


def test_sum_of_many_parts() -> None:
    """More values than are summed at a time, of sizes whose plain sum depends on the order."""
    random = np.random.default_rng(5)
    values = random.normal(size=(7, 9000)) * 10.0 ** random.integers(-20, 20, (7, 9000))
    whole = exact_sum(values)
    assert as_float(whole) == fsum(values.ravel().tolist())
    assert sum(exact_sum(row) for row in values[::-1]) == whole


@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_squares_of_integers(kind: type[np.integer]) -> None:
    random = np.random.default_rng(6)
    values = random.integers(-(2**31) + 1, 2**31, (3, 11000)).astype(kind)
    wanted = sum(v * v for v in values.ravel().tolist())
    assert fraction(exact_squares(values)) == wanted


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=20))
def test_squares_of_floats_are_of_float64(values: list[float]) -> None:
    found = exact_squares(np.array(values, np.float32))
    assert fraction(found) == sum(Fraction(v * v) for v in values)


def test_nothing() -> None:
    assert exact_sum(np.zeros(0)) == exact_squares(np.zeros(0, np.int32)) == 0
