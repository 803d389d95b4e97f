"""Operators as one matrix, against the reference; Lava has no part."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from snnc.compiler.operators import FixedOperator, MaxPooling
from snnc.targets.integer.reference import synaptic_input
from snnc.targets.lava.runner.matrix import Matrix, composed, fitted, stored
from tests.builders import fixed_projection
from tests.drawn.fixed import fixed_operators
from tests.targets.lava.networks import Array
from tests.targets.lava.test_synapse import SHAPES, record


def in_lava(weights: Any, x: Array) -> Array:
    """Give what Lava's synapses make of ``x``: clip, clear, sum and shift, in plain numbers."""
    w = np.asarray(weights.matrix.toarray(), np.int64)
    sign = -1 if weights.sign_mode == "inhibitory" else 1
    mixed = weights.sign_mode == "mixed"
    cleared = 8 - weights.weight_bits + mixed
    w = np.clip(sign * w, -256 if mixed else 0, 255) >> cleared << cleared
    total, e = sign * w @ x, weights.weight_exp
    shifted: Array = total << e if e > 0 else total >> -e
    return shifted


@given(st.data())
def test_matrix_of_operators(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from(SHAPES))
    operators: tuple[FixedOperator, ...] = data.draw(fixed_operators(shape))
    assume(not any(isinstance(o, MaxPooling) for o in operators))
    exponent = data.draw(st.integers(-7, 7))
    matrix: Matrix = composed([record(o) for o in operators], shape)
    assert matrix.data.all()
    x = np.random.default_rng(0).integers(-99, 100, (5, prod(shape)))
    projection = fixed_projection("x", "p", None, *operators, weight_exp=exponent)
    wanted = synaptic_input(projection, x.reshape(5, *shape))
    total = (matrix @ x.T).T
    assert np.array_equal(total << exponent if exponent > 0 else total >> -exponent, wanted)
    weights = fitted(matrix, exponent)
    if weights is not None:
        assert np.array_equal(in_lava(weights, x.T).T, wanted)
        assert weights.matrix.dtype == np.int32


def matrix_of(*weights: int) -> Matrix:
    return composed([{"kind": "FixedDense", "weight": np.array([weights])}], (len(weights),))


@pytest.mark.parametrize(
    ("weights", "exponent", "found"),
    [
        ((127, -128), 0, (8, "mixed", -1, [254, -256])),
        ((128, -128), 0, (8, "mixed", 0, [128, -128])),  # halves, and an exponent of 1
        ((129, -1), 0, None),
        ((254, -256), -3, (8, "mixed", -3, [254, -256])),
        ((254, -256), 7, (8, "mixed", 7, [254, -256])),
        ((254, -256), 8, None),  # an exponent of 8
        ((255, 0), 7, (8, "excitatory", 7, [255, 0])),
        ((256, 0), 6, (8, "excitatory", 7, [128, 0])),
        ((256, 0), 7, None),
        ((257, 0), 0, None),
        ((0, -255), 0, (8, "inhibitory", 0, [0, -255])),
        ((1, -1), 14, (2, "mixed", 7, [128, -128])),
        ((1, 0), 14, (1, "excitatory", 7, [128, 0])),
        ((1, 0), 15, None),
        ((1, -1), -7, (8, "mixed", -8, [2, -2])),
        ((1, -1), -8, None),
        ((0, 0), 0, (1, "excitatory", -7, [0, 0])),
    ],
)
def test_width_and_exponent(
    weights: tuple[int, ...], exponent: int, found: tuple[int, str, int, list[int]] | None
) -> None:
    """The smallest width with an exponent of Loihi's, -8 to 7; even weights may be halved."""
    got = fitted(matrix_of(*weights), exponent)
    if got is None:
        assert found is None
    else:
        row = got.matrix.toarray()[0].tolist()
        assert (got.weight_bits, got.sign_mode, got.weight_exp, row) == found


def test_array_stays_an_array() -> None:
    weights = stored(np.array([[3, -4]], np.int8), 4, "mixed", 2)
    assert weights.matrix.tolist() == [[96, -128]]
    assert (weights.matrix.dtype, weights.weight_exp) == (np.int32, -3)
