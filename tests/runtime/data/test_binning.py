"""Times into steps: no event is a step too early or too late."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.runtime.data.binning import (
    BEYOND,
    Binning,
    exact,
    steps_of_microseconds,
    steps_of_seconds,
)

LENGTHS = [1e-3, 1e-4, 5e-3, 2.5e-3, 0.0001234, 1 / 3, 1e-6, 1e-9, 0.7, float(np.float32(1e-3))]


@pytest.mark.parametrize("seconds", LENGTHS)
def test_a_step_begins_where_it_should(seconds: float) -> None:
    """Microseconds just before and at the begin of a step, by rational numbers."""
    length = exact(seconds) * 10**6
    k = np.array([1, 2, 3, 7, 999, 123_456])
    first = [-int(-length * n // 1) for n in k.tolist()]
    t = np.array([*first, *(max(f - 1, 0) for f in first)])
    expected = [int(Fraction(value) // length) for value in t.tolist()]
    assert steps_of_microseconds(t, seconds).tolist() == expected


def test_numbers_that_leave_64_bits() -> None:
    t = np.array([0, 2**50 + 1, 2**62])
    seconds = 0.00012345678912345
    ratio = exact(seconds) * 10**6
    expected = [int(Fraction(value) // ratio) for value in t.tolist()]
    assert steps_of_microseconds(t, seconds).tolist() == expected


@pytest.mark.parametrize("seconds", [1e-30, 5e-324])
def test_steps_beyond_64_bits_are_the_last(seconds: float) -> None:
    assert steps_of_microseconds(np.array([0, 1, 2**62]), seconds).tolist() == [0, BEYOND, BEYOND]
    assert steps_of_seconds(np.array([0, 1e300]), seconds).tolist() == [0, BEYOND]


def test_steps_longer_than_float32_holds() -> None:
    assert steps_of_microseconds(np.array([0, 2**62]), 1e300).tolist() == [0, 0]


def test_numbers_that_floats_do_not_hold() -> None:
    assert steps_of_microseconds(np.array([2**55 + 3]), 2e-6).tolist() == [2**54 + 1]


def test_a_float32_means_what_was_written() -> None:
    assert exact(float(np.float32(1e-3))) == exact(1e-3) == Fraction(1, 1000)
    assert exact(0.5) == Fraction(1, 2)
    assert exact(1 / 3) == Fraction("0.3333333333333333")


@pytest.mark.parametrize("seconds", [0.005, 0.0025, 1e-3, 1e-4, 0.1, 1 / 3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_grid_comes_back(seconds: float, dtype: type[np.floating]) -> None:
    """``nir`` itself puts two of 30 steps of 5 ms one too early."""
    k = np.arange(1000)
    assert steps_of_seconds((k * seconds).astype(dtype), seconds).tolist() == k.tolist()
    assert steps_of_seconds(((k + 0.5) * seconds).astype(dtype), seconds).tolist() == k.tolist()


@given(st.integers(0, 10**6), st.floats(0.01, 0.99), st.sampled_from(LENGTHS))
def test_within_a_step(k: int, inside: float, seconds: float) -> None:
    assert steps_of_seconds(np.array([(k + inside) * seconds]), seconds).tolist() == [k]


WRONG = """\
error[SNN004]: options have a value in their range and fit together
  --> --bin-seconds
   found: 0
   limit: seconds above 0
  remedy: --bin-seconds 0.001

error[SNN004]: options have a value in their range and fit together
  --> --bin-steps
   found: 0
   limit: 1 step or more
  remedy: --bin-steps 300

error[SNN004]: options have a value in their range and fit together
  --> --bin-values
   found: sum
   limit: binary, count
  remedy: --bin-values binary

error[SNN004]: options have a value in their range and fit together
  --> --sensor-shape
   found: 34
   limit: height and width in pixels
  remedy: --sensor-shape 34,34"""


def test_all_that_is_wrong() -> None:
    wrong = Binning(seconds=0, steps=0, values="sum", sensor=(34,))
    assert "\n\n".join(map(str, wrong.problems())) == WRONG
    assert [str(p)[:13] for p in Binning(seconds=float("nan")).problems()] == ["error[SNN004]"]
    assert list(Binning().problems()) == []


def test_options_that_were_said() -> None:
    assert Binning().options() == []
    said = Binning(seconds=1, steps=1, values="count", sensor=(1, 1))
    assert said.options() == ["--bin-seconds", "--bin-steps", "--bin-values", "--sensor-shape"]
