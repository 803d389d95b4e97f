"""The runner's arithmetic of projections against the reference; Lava has no part."""

from __future__ import annotations

from itertools import product
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.compiler.operators import (
    FixedConvolution,
    FixedOperator,
    FixedScaling,
    MaxPooling,
    SumPooling,
    Window,
)
from snnc.compiler.store import Tensors, to_json
from snnc.targets.integer.reference import synaptic_input
from snnc.targets.lava.runner.program import filled
from snnc.targets.lava.runner.synapse import Synapses
from tests.builders import fixed_convolution, fixed_dense, fixed_projection, window
from tests.drawn.fixed import fixed_operators
from tests.targets.lava.networks import Array

SHAPES = [(6,), (2, 5), (3, 4), (2, 4, 3), (4, 1, 6)]


def record(operator: FixedOperator) -> dict[str, Any]:
    """Give an operator as the runner reads it."""
    tensors: Tensors = {}
    return cast("dict[str, Any]", filled(to_json(operator, "o", tensors), tensors))


def check(operators: tuple[FixedOperator, ...], shape: tuple[int, ...], e: int, *xs: Array) -> None:
    """Compare several steps in a row: nothing of one may be left in the next."""
    projection = fixed_projection("x", "p", None, *operators, weight_exp=e)
    synapses = Synapses([record(o) for o in operators], shape, e)
    for x in xs:
        found = synapses.step(x.astype(np.int32).reshape(-1))
        wanted = synaptic_input(projection, x[None].astype(np.int64))
        assert found.tolist() == wanted[0].tolist()


@given(st.data())
def test_random_operators(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from(SHAPES))
    operators = data.draw(fixed_operators(shape))
    e = data.draw(st.integers(-7, 3))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    spikes = rng.random(shape) < 0.4
    check(operators, shape, e, spikes, rng.integers(-99, 100, shape), 0 * spikes, spikes)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation", "groups"),
    [
        *product([(3, 2)], [(1, 1), (2, 3)], [((0, 0), (0, 0))], [(1, 1), (2, 1)], [1, 2, 4]),
        *product([(2, 3)], [(1, 2)], [((1, 0), (0, 2)), ((2, 2), (3, 1))], [(1, 2)], [1, 2]),
        *product([(3,), (1,)], [(1,), (2,)], [((0, 0),), ((2, 1),)], [(1,), (2,)], [1, 4]),
    ],
)
def test_convolution(
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    dilation: tuple[int, ...],
    groups: int,
) -> None:
    rng = np.random.default_rng(0)
    shape = (4, 7, 6)[: len(kernel) + 1]
    weight = rng.integers(-128, 128, (8, 4 // groups, *kernel)).astype(np.int8)
    of = Window(kernel, stride, padding, dilation)
    operator = FixedConvolution(weight=weight, window=of, groups=groups)
    check((operator,), shape, -1, rng.integers(0, 2, shape), rng.integers(-9, 9, shape))


def test_convolution_is_that_of_torch() -> None:
    """What every framework calls a convolution: the kernel is not flipped."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    weight, x = rng.integers(-128, 128, (6, 2, 3, 2)), rng.integers(-9, 9, (4, 6, 7))
    options = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
    wanted = torch.nn.functional.conv2d(torch.tensor(x), torch.tensor(weight), **options)
    operator = fixed_convolution(weight, **options)
    found = Synapses([record(operator)], x.shape, 0).step(x.reshape(-1))
    assert found.tolist() == wanted.reshape(-1).tolist()


def test_largest_of_negative_sums_is_negative_beside_the_padding() -> None:
    minus = FixedScaling(weight=np.full(4, -3, np.int8))
    pool = MaxPooling(window=window(2, 2, stride=2, padding=1))
    of = Synapses([record(minus), record(pool)], (1, 2, 2), 0)
    assert of.step(np.array([1, 2, 3, 4])).tolist() == [-3, -6, -9, -12]


def test_exponent_acts_on_what_the_last_operator_gives() -> None:
    """Three sums of 1 are pooled and then halved: 1, and not 0."""
    ones = fixed_convolution(np.ones((1, 1, 1)))
    of = Synapses([record(ones), record(SumPooling(window=window(3)))], (1, 3), -1)
    assert of.step(np.ones(3)).tolist() == [1]
    assert of.step(-np.ones(3)).tolist() == [-2]  # rounded down


@pytest.mark.parametrize("kind", ["dense", "convolution"])
def test_sums_beyond_the_mantissa_of_float32(kind: str) -> None:
    n = 1025
    weight = np.where(np.arange(n) % 2, 126, 127)
    kernels = weight.reshape(1, n, 1, 1)
    operator = fixed_dense(weight) if kind == "dense" else fixed_convolution(kernels)
    x = np.full((n, 1, 1), 16001)
    wanted = sum(int(w) * 16001 for w in weight)
    assert wanted > 2**24
    assert wanted % 2
    assert Synapses([record(operator)], x.shape, 0).step(x.reshape(-1)).tolist() == [wanted]
