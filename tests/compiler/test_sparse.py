"""Lists of weights mean what the matrix means that they were made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.compiler.linear import adjoint, apply, as_steps, interval, magnitude
from snnc.compiler.operators import FixedDense, FixedSparse, ShapeError
from snnc.compiler.store import StoreError, Tensors, from_json, to_json
from snnc.targets.integer.reference import operated
from tests.drawn.numbers import SEEDS

LISTS: dict[str, Any] = {
    "weight": np.array([3, -4, 5], np.int8),
    "target": np.array([0, 2, 1], np.int32),
    "begin": np.array([0, 2, 2, 3], np.int64),
    "n_out": 3,
}


@st.composite
def sparse_matrices(draw: st.DrawFn) -> np.ndarray[Any, np.dtype[np.int16]]:
    rng = np.random.default_rng(draw(SEEDS))
    shape = draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    share = draw(st.sampled_from((0.0, 0.1, 0.5, 1.0)))
    weights = rng.integers(-255, 256, shape) * (rng.random(shape) < share)
    return weights.astype(np.int16)


@given(sparse_matrices(), SEEDS)
def test_the_same_as_the_matrix(weight: np.ndarray[Any, np.dtype[np.int16]], seed: int) -> None:
    lists, dense = FixedSparse.of(weight), FixedDense(weight=weight)
    assert np.array_equal(lists.matrix, weight)
    n_out, n_in = weight.shape
    assert lists.result_shape((1, n_in)) == (n_out,)
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, (4, n_in)) * (rng.random((4, n_in)) < 0.5)
    assert np.array_equal(operated(lists, x), operated(dense, x))
    (step,), (whole,) = as_steps((lists,), (n_in,)), as_steps((dense,), (n_in,))
    values, results = x.astype(np.float64), rng.integers(-9, 9, (3, n_out)).astype(np.float64)
    assert np.array_equal(apply(step, values), apply(whole, values))
    assert np.array_equal(adjoint(step, results, (n_in,)), adjoint(whole, results, (n_in,)))
    assert np.array_equal(magnitude(step, np.abs(values)), magnitude(whole, np.abs(values)))
    bounds = values.min(axis=0), values.max(axis=0)
    assert np.array_equal(interval((step,), *bounds), interval((whole,), *bounds))


def test_value_of_another_size() -> None:
    with pytest.raises(ShapeError, match=r"^a weight of shape \[3, 3\] on 4 values$"):
        FixedSparse(**LISTS).result_shape((2, 2))


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "weights without rows": (
        {"target": np.zeros(2, np.int32)},
        "weights of shape [3] in rows of shape [2]",
    ),
    "weights of two axes": (
        {"weight": np.ones((3, 1), np.int8)},
        "weights of shape [3, 1] in rows of shape [3]",
    ),
    "no begin": ({"begin": np.zeros(0, np.int64)}, "lists that do not begin at 0 and end at 3"),
    "begin of two axes": (
        {"begin": np.array([[0, 3]])},
        "lists that do not begin at 0 and end at 3",
    ),
    "begin before 0": (
        {"begin": np.array([-1, 2, 2, 3])},
        "lists that do not begin at 0 and end at 3",
    ),
    "end behind the last": (
        {"begin": np.array([0, 2, 2, 4])},
        "lists that do not begin at 0 and end at 3",
    ),
    "begin that falls": (
        {"begin": np.array([0, 2**62, -(2**62), 3])},
        "lists that do not begin one after the other",
    ),
    "row below 0": ({"target": np.array([-1, 2, 1], np.int32)}, "rows -1 to 2 of a matrix of 3"),
    "row behind the last": ({"n_out": 2}, "rows 0 to 2 of a matrix of 2"),
    "rows that fall": (
        {"target": np.array([2, 0, 1], np.int32)},
        "rows that do not ascend within a source",
    ),
    "a row twice": (
        {"target": np.array([2, 2, 1], np.int32)},
        "rows that do not ascend within a source",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_lists_that_are_none(name: str) -> None:
    """In a file they are refused as what does not belong into a record."""
    fields, problem = BROKEN[name]
    with pytest.raises(ValueError) as error:  # noqa: PT011  (its text is compared)
        FixedSparse(**LISTS | fields)
    assert str(error.value) == problem
    tensors: Tensors = {}
    data = to_json(FixedSparse(**LISTS), "q", tensors)
    for field, value in fields.items():
        if isinstance(value, np.ndarray):
            tensors[f"q.{field}"] = value
        else:
            data[field] = value
    with pytest.raises(StoreError) as stored:
        from_json(FixedSparse, data, tensors)
    assert str(stored.value) == f"FixedSparse: {problem}"


def test_lists_of_nothing() -> None:
    empty = FixedSparse.of(np.zeros((3, 2), np.int8))
    assert empty.weight.size == 0
    assert operated(empty, np.ones((2, 2), np.int64)).tolist() == [[0, 0, 0], [0, 0, 0]]
