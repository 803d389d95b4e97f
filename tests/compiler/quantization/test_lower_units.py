"""The units that values are counted in where a network is lowered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snnc.compiler.linear import Kernels, Matrix
from snnc.compiler.network import Integration, Reset
from snnc.compiler.operators import Operator
from snnc.compiler.quantization.lower import lower
from tests.builders import convolution, dense, network, one_neuron, population, projection
from tests.compiler.quantization.lowered import (
    KERNELS,
    MAX,
    SUM,
    UNEVEN,
    ensure_the_same,
    numbers,
    through,
)


def test_gains_that_differ_within_a_channel_are_a_unit() -> None:
    gain = np.random.default_rng(0).uniform(0.5, 2, 64)
    net = through(KERNELS, gain=gain, initial=0.5, threshold=gain + 1)
    (n,) = ensure_the_same(net)
    assert (n.unit == gain.astype(np.float32)).all()
    assert np.allclose(n.threshold, 1 + 1 / gain, rtol=1e-6)
    assert n.groups.tolist() == np.repeat([0, 16, 32, 48], 16).tolist()


@pytest.mark.parametrize("least", [0, -1])
def test_gains_that_are_no_unit_are_factors_of_a_channel(least: int) -> None:
    net = through(KERNELS, gain=np.repeat([1, 2, least, 4], 16))
    (n,) = ensure_the_same(net)
    assert (n.unit == 1).all()
    assert isinstance(n.paths[0].steps[0], Kernels)


def test_gains_that_are_no_unit_make_a_matrix() -> None:
    gain = np.ones(64)
    gain[3] = 0
    (n,) = ensure_the_same(through(KERNELS, gain=gain))
    assert isinstance(n.paths[0].steps[0], Matrix)
    assert n.groups.tolist() == list(range(64))


@pytest.mark.parametrize("operators", [(KERNELS,), (UNEVEN, SUM), (KERNELS, MAX)])
def test_shared_weights_make_groups(operators: tuple[Operator, ...]) -> None:
    (n,) = lower(through(*operators))
    size = n.population.size // n.population.shape[0]
    assert n.groups.tolist() == [i // size * size for i in range(n.population.size)]


@pytest.mark.parametrize("operators", [(), (SUM,), (UNEVEN,), (SUM, dense(numbers(3, 24)))])
def test_weights_of_each_neuron_make_none(operators: tuple[Operator, ...]) -> None:
    (n,) = lower(through(*operators))
    assert n.groups.tolist() == list(range(n.population.size))


def test_channels_of_two_sizes_make_larger_groups() -> None:
    """Six neurons: three channels of two, and two channels of three that cut one of them."""
    halves = convolution(numbers(2, 1, 1))
    thirds = convolution(numbers(3, 1, 1))
    lif = population(n=6, shape=(2, 3))
    net = network(
        [lif],
        [projection("x", "lif", None, halves), projection("y", "lif", None, thirds)],
        inputs={"x": (1, 3), "y": (1, 2)},
    )
    assert lower(net)[0].groups.tolist() == [0] * 6
    alone = replace(net, projections=net.projections[:1])
    assert lower(alone)[0].groups.tolist() == [0, 0, 0, 3, 3, 3]


@pytest.mark.parametrize("integration", Integration)
def test_reset_to_a_value(integration: Integration) -> None:
    net = one_neuron(
        [[2], [1]],
        integration=integration,
        decay=0.25,
        leak=[0.5, -0.25],
        reset=Reset.VALUE,
        reset_value=[-0.5, 0.25],
        threshold=[1, 0.5],
        initial=[0.25, 0],
    )
    (n,) = ensure_the_same(net)
    assert n.offset.tolist() == [-0.5, 0.25]
    assert (n.unit * n.threshold).tolist() == [1.5, 0.25]
    assert (n.unit * n.initial).tolist() == [0.75, -0.25]
    assert n.reset == "zero"


@pytest.mark.parametrize("reset", Reset)
@pytest.mark.parametrize("initial", [0.5, 1.0, 1.5, -3.0])
def test_initial_potentials(reset: Reset, initial: float) -> None:
    """At, below and above a threshold of 1: a delayed reset acts on it before the first input."""
    ensure_the_same(one_neuron([[2.0], [0.25]], reset=reset, initial=initial, refractory=1))
