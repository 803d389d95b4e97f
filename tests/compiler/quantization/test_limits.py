"""Integers keep to what a target has less of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snnc.compiler.check import check_fixed
from snnc.compiler.operators import AveragePooling, Operator, Window
from snnc.compiler.quantization.limits import Limits
from snnc.compiler.quantization.quantize import quantize
from tests.builders import convolution, network, one_neuron, population, projection, window


def test_largest_decay() -> None:
    """A population without memory keeps a 4096th; what has one keeps its own."""
    for decay, least in ((0.0, 4095), (2.0**-13, 4095), (0.5, 2048)):
        fixed = quantize(one_neuron(0.3, decay=decay), limits=Limits(largest_dv=4095))
        assert fixed.population("lif").dv.tolist() == [least]
    assert quantize(one_neuron(0.3, decay=0.0)).population("lif").dv.tolist() == [4096]


KERNELS = convolution(np.random.default_rng(0).normal(0.02, 0.1, (3, 2, 3, 3)))
POOL = AveragePooling(window=window(2, 2), divisors=np.full((1, 1, 1), 4, np.float32))


def exponent(*operators: Operator, limits: Limits, delay: int = 0, bits: int = 8) -> int:
    shape: tuple[int, ...] = (2, 8, 8)
    for operator in operators:
        shape = operator.result_shape(shape)
    net = network(
        [population("a", int(np.prod(shape)), shape=shape)],
        [projection("x", "a", None, *operators, delay=delay)],
        inputs={"x": (2, 8, 8)},
    )
    fixed = quantize(net, weight_bits=bits, limits=limits)
    assert list(check_fixed(fixed)) == []
    (q,) = fixed.projections
    return q.weight_exp


@pytest.mark.parametrize(("bits", "most"), [(8, 0), (5, 3)])
def test_kernels_hold_their_exponent(bits: int, most: int) -> None:
    """In 8 bits: narrower weights have room for some of it."""
    assert exponent(KERNELS, limits=Limits(), bits=bits) > most
    assert exponent(KERNELS, limits=Limits(kernel_exponents=False), bits=bits) <= most


def test_other_projections_are_as_they_were() -> None:
    """Only what can be a process of kernels: one convolution of two axes, evenly padded."""
    uneven = Window((3, 3), (1, 1), ((1, 0), (0, 0)), (1, 1))
    other = replace(KERNELS, window=uneven)
    for operators, delay in (((KERNELS, POOL), 0), ((other,), 0), ((KERNELS,), 1)):
        free = exponent(*operators, limits=Limits(), delay=delay)
        assert exponent(*operators, limits=Limits(kernel_exponents=False), delay=delay) == free
        assert free > 0
