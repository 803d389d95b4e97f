"""What a stateless node becomes, and what it does not take."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.graph.nodes import MaxPool1d, MaxPool2d
from snnc.compiler.operators import (
    AveragePooling,
    Convolution,
    Dense,
    MaxPooling,
    Operator,
    Scaling,
    Shape,
    ShapeError,
    SumPooling,
    Window,
    result_shape,
)
from snnc.compiler.semantics.node_operators import operators_of
from tests.builders import affine, linear


def only(node: nir.NIRNode, *shape: int) -> Any:
    (operator,) = operators_of(node, shape)
    return operator


def conv2d(weight: Any, **fields: Any) -> nir.Conv2d:
    kernels = np.asarray(weight, np.float32)
    defaults: dict[str, Any] = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    zeros = np.zeros(len(kernels), np.float32)
    given: dict[str, Any] = {"input_shape": None, "weight": kernels, "bias": zeros} | defaults
    node = nir.Conv2d(**given)
    for name, value in fields.items():  # right or wrong: nothing is checked
        setattr(node, name, value)
    return node


def average(**notes: Any) -> nir.AvgPool2d:
    two = np.array([2, 2])
    return nir.AvgPool2d(two, two, np.zeros(2, int), metadata={"snnc": notes})


def test_matrices() -> None:
    dense = only(affine([[1, 2], [3, 4]], [5, 6]), 2)
    assert isinstance(dense, Dense)
    assert (dense.weight.tolist(), dense.bias.tolist()) == ([[1, 2], [3, 4]], [5, 6])
    assert only(linear([[1, 2]]), 2, 1).bias.tolist() == [0]
    deep = only(nir.Affine(np.array([[[1, 2], [3, 4]]]), np.array([[5, 6]])), 2)
    assert (deep.weight.tolist(), deep.bias.tolist()) == ([[1, 2], [3, 4]], [5, 6])
    assert isinstance(only(linear([[3]]), 1), Dense)


def test_diagonals_are_scaling() -> None:
    """In the shape of the value, which a ``Flatten`` before leaves."""
    scaling = only(affine(np.diag([1, 2, 3, 4, 5, 6]), np.arange(6)), 2, 3)
    assert isinstance(scaling, Scaling)
    assert scaling.factor.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert scaling.shift.tolist() == [[0, 1, 2], [3, 4, 5]]
    for other in ([[1, 0], [1, 1]], [[1, 0, 0], [0, 1, 0]]):
        assert isinstance(only(linear(other), len(other[0])), Dense)


def test_windows() -> None:
    convolution = only(
        conv2d(np.ones((4, 1, 3, 2)), stride=(2, 1), padding=(1, 0), dilation=(1, 3), groups=2),
        *(2, 9, 9),
    )
    assert isinstance(convolution, Convolution)
    assert convolution.window == Window((3, 2), (2, 1), ((1, 1), (0, 0)), (1, 3))
    assert convolution.groups == 2
    pads = np.array([[1, 0], [0, 1]])
    two = np.array([2, 2])
    most = only(MaxPool2d(two, two + 1, pads, np.array([1, 2])), 1, 9, 9)
    assert most == MaxPooling(window=Window((2, 2), (3, 3), ((1, 0), (0, 1)), (1, 2)))
    one = np.array([2])
    assert only(MaxPool1d(one, one, pads[:1], one), 1, 9).window.padding == ((1, 0),)
    total = only(nir.SumPool2d(two, two, np.array([1, 0])), 1, 9, 9)
    assert total == SumPooling(window=Window((2, 2), (2, 2), ((1, 1), (0, 0)), (1, 1)))


def test_convolutions_of_one_element_are_scaling() -> None:
    weight, bias = np.array([2, 3], np.float32).reshape(2, 1, 1, 1), np.array([4, 5], np.float32)
    scaling = only(conv2d(weight, bias=bias, groups=2), 2, 7, 1)
    assert isinstance(scaling, Scaling)
    assert scaling.factor.tolist() == [[[2]], [[3]]]
    assert scaling.shift.tolist() == [[[4]], [[5]]]
    for fields in ({"stride": 2}, {"padding": 1}):
        assert isinstance(only(conv2d(weight, groups=2, **fields), 2, 7, 2), Convolution)
    assert isinstance(only(conv2d(np.ones((1, 2, 1, 1))), 2, 7, 2), Convolution)
    assert isinstance(only(conv2d(np.ones((4, 1, 1, 1)), groups=2), 2, 7, 2), Convolution)


def test_averages() -> None:
    assert only(average(), 1, 4, 4).divisors.tolist() == [[[4]]]
    noted = only(average(divisors=np.array([3, 2]).reshape(2, 1, 1)), 1, 4, 4)
    assert noted.divisors.tolist() == [[[3]], [[2]]]
    assert only(average(divisors=np.array([3, 2])), 1, 4, 4).divisors.shape == (2, 1, 1)


def test_an_average_that_is_a_convolution() -> None:
    """Only of a convolution of each channel by itself; another computes what its weights say."""
    thirds = np.full((2, 1, 3), 1 / 3, np.float32)
    options: dict[str, Any] = {"stride": 1, "padding": 0, "dilation": 1, "bias": np.zeros(2)}
    notes = {"snnc": {"average": 3}}
    node = nir.Conv1d(input_shape=5, weight=thirds, groups=2, metadata=notes, **options)
    pooling = only(node, 2, 5)
    assert isinstance(pooling, AveragePooling)
    assert pooling.divisors.tolist() == [[3]]
    node = nir.Conv1d(input_shape=5, weight=thirds, groups=1, metadata=notes, **options)
    assert isinstance(only(node, 1, 5), Convolution)


def test_what_changes_no_number() -> None:
    flatten = nir.Flatten({"input": np.array([2, 3])}, 0)
    delay = nir.Delay(np.ones(6))
    for node in (flatten, delay, nir.Delay(np.ones(1)), nir.Scale(np.ones(6))):
        assert operators_of(node, (2, 3)) == ()


MISFITS: dict[str, tuple[nir.NIRNode, Shape, str]] = {
    "columns": (linear([[1, 2]]), (3,), "a weight of shape [1, 2] on 3 values"),
    "a bias": (
        nir.Affine(np.ones((1, 2)), np.ones(2)),
        (2,),
        "a bias of shape [2] beside a weight of shape [1, 2]",
    ),
    "a bias of channels": (
        conv2d(np.ones((3, 1, 1, 1)), bias=np.ones(2)),
        (1, 2, 2),
        "a bias of shape [2] beside a weight of shape [3, 1, 1, 1]",
    ),
    "channels": (
        conv2d(np.ones((3, 2, 1, 1))),
        (3, 4, 4),
        "a weight of shape [3, 2, 1, 1] in 1 groups takes [2, *, *], not [3, 4, 4]",
    ),
    "axes": (
        conv2d(np.ones((3, 2, 1, 1))),
        (2, 4),
        "a weight of shape [3, 2, 1, 1] in 1 groups takes [2, *, *], not [2, 4]",
    ),
    "no groups": (
        conv2d(np.ones((3, 2, 1, 1)), groups=0),
        (2, 4, 4),
        "a weight of shape [3, 2, 1, 1] in 0 groups",
    ),
    "uneven groups": (
        conv2d(np.ones((3, 1, 1, 1)), groups=2),
        (2, 4, 4),
        "a weight of shape [3, 1, 1, 1] in 2 groups",
    ),
    "a window too large": (
        conv2d(np.ones((1, 1, 5, 1))),
        (1, 4, 4),
        "a window of [5, 1] does not fit on [4, 4]",
    ),
    "axes of a pool": (average(), (4, 4), "pooling over 2 axes behind the first of [4, 4]"),
    "divisors": (
        average(divisors=np.ones((1, 3, 1))),
        (1, 4, 4),
        "numbers of shape [3, 1] for values of shape [2, 2]",
    ),
    "negative padding": (
        average(padding=np.full((2, 2), -1)),
        (1, 4, 4),
        "a padding of [[-1, -1], [-1, -1]]",
    ),
    "padding of other axes": (
        average(padding=np.zeros((1, 2))),
        (1, 4, 4),
        "a padding of [[0.0, 0.0]]",
    ),
    "factors": (
        nir.Scale(np.full(3, 2.0)),
        (2, 4),
        "numbers of shape [3] for values of shape [2, 4]",
    ),
    "factors of one": (
        nir.Scale(np.ones(3)),
        (2, 4),
        "numbers of shape [3] for values of shape [2, 4]",
    ),
    "factors that widen": (
        nir.Scale(np.ones((2, 4))),
        (4,),
        "numbers of shape [2, 4] for values of shape [4]",
    ),
}


@pytest.mark.parametrize("case", MISFITS)
def test_misfits(case: str) -> None:
    node, shape, wanted = MISFITS[case]
    with pytest.raises(ShapeError) as raised:
        result_shape(operators_of(node, shape), shape)
    assert str(raised.value) == wanted


def test_results_have_the_shapes_that_operators_say() -> None:
    operators: list[tuple[Operator, Shape, Shape]] = [
        (only(conv2d(np.ones((4, 2, 3, 2))), 2, 9, 9), (2, 9, 9), (4, 7, 8)),
        (only(average(), 3, 9, 8), (3, 9, 8), (3, 4, 4)),
        (only(linear(np.ones((2, 6))), 6), (3, 2), (2,)),
    ]
    for operator, shape, result in operators:
        assert operator.result_shape(shape) == result
