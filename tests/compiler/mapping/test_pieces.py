"""What a part gets of its piece of a projection is what the whole projection gives there."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.compiler.mapping.pieces import NotABox, box_shape, elements_read, piece
from snnc.compiler.mapping.regions import Box, Listed, Region
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    Shape,
    SumPooling,
    result_shape,
)
from snnc.targets.integer.reference import Integers, operated
from tests.builders import fixed_convolution, fixed_dense, window
from tests.drawn.fixed import fixed_operators
from tests.drawn.numbers import SEEDS
from tests.drawn.operators import shapes
from tests.drawn.regions import boxes, lists

Operators = tuple[FixedOperator, ...]
Cut = tuple[Operators, Shape, Region, Shape]


@st.composite
def cuts(draw: st.DrawFn) -> Cut:
    """Draw a projection and a part of its target, whose shape may be flat."""
    shape = draw(shapes())
    operators = draw(fixed_operators(shape))
    result = result_shape(operators, shape)
    if box_shape(operators, shape) is None:
        part: Region = draw(lists(prod(result)) | boxes(result))
        return operators, shape, part, result
    part = draw(boxes(result))
    if draw(st.booleans()):
        return operators, shape, part, result
    return operators, shape, Listed(part.indices(result)), (prod(result),)


def run(operators: Operators, x: Integers) -> Integers:
    """Give what operators make of values ``[batch, *shape]``, flat."""
    for operator in operators:
        x = operated(operator, x)
    return x.reshape(x.shape[0], -1)


@given(cuts(), SEEDS)
def test_a_piece_gives_what_the_whole_gives(cut: Cut, seed: int) -> None:
    operators, shape, part, whole = cut
    x = np.random.default_rng(seed).integers(-5, 6, (4, *shape))
    wanted = run(operators, x)[:, part.indices(whole)]
    found = piece(operators, shape, part, whole)
    if found is None:
        assert not wanted.any()
        assert elements_read(operators, shape, part, whole) is None
        return
    elements = found.source.indices(shape)
    assert (np.diff(elements) > 0).all()
    read = elements_read(operators, shape, part, whole)
    assert read is not None
    assert np.array_equal(read.indices(shape), elements)
    values = x.reshape(4, -1)[:, elements].reshape(4, *found.shape)
    assert np.array_equal(run(found.operators, values), wanted)


def full(operator: FixedOperator) -> FixedOperator:
    """Give the operator with weights of 1."""
    match operator:
        case FixedConvolution() | FixedScaling() | FixedDense():
            return replace(operator, weight=np.ones_like(operator.weight))
        case FixedSparse():
            return FixedSparse.of(np.ones(operator.shape, np.int8))
        case MaxPooling():
            return SumPooling(window=operator.window)
        case SumPooling():
            return operator


@given(cuts())
def test_nothing_is_read_in_vain(cut: Cut) -> None:
    """Where each weight counts, each element does: it is sent alone, and something arrives."""
    operators, shape, part, whole = cut
    operators = tuple(map(full, operators))
    one_by_one = np.eye(prod(shape), dtype=np.int64).reshape(-1, *shape)
    arrives = run(operators, one_by_one)[:, part.indices(whole)].any(axis=1)
    read = elements_read(operators, shape, part, whole)
    assert np.array_equal(np.flatnonzero(arrives), [] if read is None else read.indices(shape))


def test_a_halo_and_the_padding_that_is_left() -> None:
    operators = (fixed_convolution(np.ones((2, 1, 3, 3)), padding=1),)
    found = piece(operators, (1, 6, 6), Box((1, 0, 2), (2, 3, 6)), (2, 6, 6))
    assert found is not None
    assert found.source == Box((0, 0, 1), (1, 4, 6))
    (operator,) = found.operators
    assert isinstance(operator, FixedConvolution)
    assert operator.weight.shape == (1, 1, 3, 3)
    assert operator.window.padding == ((1, 0), (0, 1))


def test_elements_between_windows_are_left_out() -> None:
    operators = (fixed_convolution(np.ones((1, 1, 1)), stride=2),)
    found = piece(operators, (1, 8), Box((0, 1), (1, 3)), (1, 4))
    assert found is not None
    assert found.source.indices((1, 8)).tolist() == [2, 4]
    assert found.shape == (1, 2)
    assert found.operators[0].window == window(1)  # type: ignore[union-attr]


def test_windows_that_would_be_none_keep_what_lies_between() -> None:
    """0 2 4, 3 5 7 and 6 8 10 are read: without 1 and 9 there are no equal steps over the rest."""
    operators = (fixed_convolution(np.ones((1, 1, 3)), stride=3, dilation=2),)
    found = piece(operators, (1, 12), Box((0, 0), (1, 3)), (1, 3))
    assert found is not None
    assert found.source == Box((0, 0), (1, 11))
    x = np.arange(11).reshape(1, 1, 11)
    assert run(found.operators, x).tolist() == [[6, 15, 24]]


def test_parts_of_groups() -> None:
    """Channels 1 and 2 are one each of two groups, 1 to 3 are one and two."""
    weight = np.arange(8).reshape(4, 2, 1) - 3
    operators = (fixed_convolution(weight, groups=2),)
    x = np.arange(12).reshape(1, 4, 3)
    wanted = run(operators, x).reshape(4, 3)
    for end, groups, shape in ((3, 2, (2, 2, 1)), (4, 1, (3, 4, 1))):
        found = piece(operators, (4, 3), Box((1, 0), (end, 3)), (4, 3))
        assert found is not None
        (operator,) = found.operators
        assert isinstance(operator, FixedConvolution)
        assert (operator.groups, operator.weight.shape) == (groups, shape)
        assert np.array_equal(run(found.operators, x).reshape(-1, 3), wanted[1:end])


def test_boxes_share_their_kernels() -> None:
    operators = (fixed_convolution(np.ones((4, 1, 3))),)
    parts = [Box((0, k), (2, k + 1)) for k in range(2)]
    found = [piece(operators, (1, 4), part, (4, 2)) for part in parts]
    weights = [p.operators[0].weight for p in found if p]  # type: ignore[union-attr]
    assert weights[0] is weights[1]


def test_a_part_that_sees_padding_alone() -> None:
    operators = (fixed_convolution(np.ones((1, 1, 1)), padding=2),)
    assert piece(operators, (1, 3), Box((0, 0), (1, 2)), (1, 7)) is None


def test_columns_without_weights_are_not_read() -> None:
    weight = np.array([[0, 1, 0, 2], [0, 0, 0, 0], [3, 0, 0, 0]], np.int8)
    x = np.array([[5, 6, 7, 8]])
    for operator in (fixed_dense(weight), FixedSparse.of(weight)):
        for row, columns in enumerate(([1, 3], [], [0])):
            found = piece((operator,), (4,), Listed(np.array([row])), (3,))
            if found is None:
                assert not columns
                continue
            assert found.source.indices((4,)).tolist() == columns
            assert run(found.operators, x[:, columns]).tolist() == [[weight[row] @ x[0]]]


def test_other_shapes_than_that_of_the_windows() -> None:
    operators = (fixed_convolution(np.ones((2, 1, 2, 2))),)
    assert box_shape(operators, (1, 3, 4)) == (2, 2, 3)
    assert elements_read(operators, (1, 3, 4), Box((3,), (6,)), (12,)) == Box((0, 1, 0), (1, 3, 4))
    with pytest.raises(NotABox, match=r"^3 neurons within a box \[1, 2, 3\] of \[2, 2, 3\]$"):
        piece(operators, (1, 3, 4), Box((1,), (4,)), (12,))
    assert box_shape((*operators, fixed_dense(np.ones((3, 12)))), (1, 3, 4)) is None
