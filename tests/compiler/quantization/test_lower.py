"""Ways of several operators become one layer of weights each: the same network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.linear import Factors, Kernels, Matrix
from snnc.compiler.network import Integration, Junction, Network
from snnc.compiler.operators import (
    AveragePooling,
    MaxPooling,
    Operator,
    Scaling,
    SumPooling,
)
from tests.builders import convolution, dense, network, population, projection, window
from tests.compiler.quantization.lowered import (
    GROUPED,
    KERNELS,
    MAX,
    SUM,
    UNEVEN,
    ensure_the_same,
    norm,
    numbers,
    summed,
    through,
)
from tests.drawn.networks import networks


@given(networks(), st.integers(0, 2**32 - 1))
@settings(max_examples=300)
def test_the_same_network(net: Network, seed: int) -> None:
    ensure_the_same(net, seed)


def average(divisor: float, *kernel: int, **options: Any) -> AveragePooling:
    divisors = np.full((1,) * (len(kernel) + 1), divisor, np.float32)
    return AveragePooling(window=window(*kernel, **options), divisors=divisors)


DEPTHWISE = convolution(numbers(4, 1, 2, 2), numbers(4), groups=2)
POINTWISE = convolution(numbers(2, 2, 1, 1), numbers(2))
UNEVEN_BEHIND = Scaling(factor=numbers(4, 3, 3), shift=numbers(4, 3, 3))
NEGATIVE = norm(2, -1)


@pytest.mark.parametrize(
    ("operators", "kinds"),
    [
        ((), (Factors,)),
        ((UNEVEN, NEGATIVE), (Factors,)),
        ((MAX, average(3, 2, 2)), (MaxPooling, SumPooling, Factors)),
        ((MAX, NEGATIVE, KERNELS), (MaxPooling, Kernels)),
        ((NEGATIVE, KERNELS, norm(1, -2, 3, 0.5), SUM), (Kernels, SumPooling)),
        ((KERNELS, norm(1, 2, 0, 0.5), MAX), (Kernels, MaxPooling)),
        ((KERNELS, MAX, norm(1, 2, 0, 0.5)), (Kernels, MaxPooling)),
        ((norm(1, 2), MAX, DEPTHWISE), (MaxPooling, Kernels)),
        ((UNEVEN, SUM, average(4, 2, 2), NEGATIVE), (Factors, SumPooling, SumPooling)),
        ((average(4, 2, 2), KERNELS, average(2, 2, 1)), (SumPooling, Kernels, SumPooling)),
        ((POINTWISE, KERNELS), (Kernels,)),
        ((DEPTHWISE, convolution(numbers(2, 2, 1, 1), groups=2, stride=2)), (Kernels,)),
        ((POINTWISE, POINTWISE, DEPTHWISE, MAX), (Kernels, MaxPooling)),
        ((dense(numbers(9, 40)), dense(numbers(3, 9), numbers(3))), (Matrix,)),
        ((SUM, KERNELS, UNEVEN_BEHIND, SUM, dense(numbers(3, 16))), (SumPooling, Matrix)),
        ((KERNELS, GROUPED), (Matrix,)),
        ((UNEVEN, KERNELS), (Matrix,)),
        ((convolution(numbers(2, 2, 1, 1), stride=2), KERNELS), (Matrix,)),
        ((convolution(numbers(2, 2, 1, 1), padding=1), KERNELS), (Matrix,)),
        ((KERNELS, convolution(numbers(4, 4, 1, 1), padding=1)), (Matrix,)),
        ((KERNELS, GROUPED, SUM), (Matrix,)),
    ],
)  # fmt: skip
def test_compositions(operators: tuple[Operator, ...], kinds: tuple[type, ...]) -> None:
    (n,) = ensure_the_same(through(*operators))
    (path,) = n.paths
    assert tuple(type(step) for step in path.steps) == kinds


def test_groups_are_kept() -> None:
    """Two depthwise convolutions in a row are one; so is what places a part among others."""
    pair = convolution(numbers(2, 2, 1, 1), groups=2)
    (n,) = ensure_the_same(through(DEPTHWISE, pair))
    (weights,) = n.paths[0].steps
    assert isinstance(weights, Kernels)
    assert (weights.groups, weights.weight.shape) == (2, (2, 1, 2, 2))


def test_a_sum_becomes_a_path_for_each_branch() -> None:
    net = summed([(KERNELS,), (MAX, dense(numbers(64, 24)))], norm(1, 2, 0, -1), SUM)
    (n,) = ensure_the_same(net)
    assert [path.name for path in n.paths] == ["b0 + out", "b1 + out"]
    assert [path.origin for path in n.paths] == [("b0", "out"), ("b1", "out")]
    assert [type(path.steps[-1]) for path in n.paths] == [SumPooling, Matrix]


def test_concatenation_may_be_pooled() -> None:
    """Each branch has channels of its own, and the largest of nothing else is 0."""
    upper, lower_half = np.eye(6, 4)[:, :, None, None], np.eye(6, 2, -4)[:, :, None, None]
    parts = [(KERNELS, convolution(upper)), (KERNELS_OF_TWO, convolution(lower_half))]
    (n,) = ensure_the_same(summed(parts, norm(1, 2, 0.5, 1, 3, 1), MAX))
    assert [tuple(map(type, path.steps)) for path in n.paths] == 2 * [(Kernels, MaxPooling)]


KERNELS_OF_TWO = convolution(numbers(2, 2, 3, 2), numbers(2), padding=(1, 0))


@pytest.mark.parametrize("integration", Integration)
@pytest.mark.parametrize("delay", [0, 2])
def test_biases_before_a_sum(integration: Integration, delay: int) -> None:
    """They are there from the first step on, whatever the delay behind the sum."""
    branches = [(dense(numbers(3, 40), 0.5),), (dense(numbers(3, 40), -2),)]
    last = dense(numbers(4, 3), 0.25)
    (n,) = ensure_the_same(summed(branches, last, delay=delay, integration=integration, decay=0.5))
    assert {path.delay for path in n.paths} == {delay}
    if not integration.has_current:
        assert n.constant is None
        return
    assert n.constant is not None
    assert (n.constant.name, n.constant.delay) == ("lif.bias->lif", 0)
    assert n.constant.origin == ("b0", "out", "b1")


def test_sums_of_sums() -> None:
    """A sum goes on in two branches that meet again: three ways from the input."""
    lif = population(n=3, decay=0.5)
    net = network(
        [lif],
        [
            projection("x", "a", numbers(3, 2), bias=1),
            projection("x", "b", numbers(3, 2), bias=2, delay=1),
            projection("a", "b", numbers(3, 3), bias=4),
            projection("a", "lif", delay=3),
            projection("b", "lif", numbers(3, 3), bias=8),
        ],
        inputs={"x": 2},
        junctions=[Junction(name=name, origin=(name,), shape=(3,)) for name in "ab"],
    )
    (n,) = ensure_the_same(net)
    assert [path.delay for path in n.paths] == [3, 1, 0]
