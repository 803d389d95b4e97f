"""What fits into no register is named with its number and its limit."""

from __future__ import annotations

import numpy as np
import pytest

from snnc.compiler.quantization.quantize import quantize
from tests.builders import (
    convolution,
    network,
    one_neuron,
    population,
    projection,
)
from tests.compiler.quantization.quantized import refusal, weight_of


def fits_at_no_scale(node: str, found: str, bits: int) -> str:
    return (
        "error[SNN301]: every parameter fits the hardware's integers\n"
        f"  --> {node}\n"
        f"   found: {found}\n"
        f"   limit: 1 count of threshold at least: v has 24 bits, a weight {bits} and an exponent "
        f"up to {15 - bits}, a bias 12 and its sign, and one up to 7\n"
        "  remedy: train with smaller weights and biases, or a larger threshold"
    )


def test_bias_that_fits_at_no_scale() -> None:
    """64 * bias / threshold may be 4095 * 128 at most."""
    found = "threshold 0.0001, which the drive leaves 0.82 counts"
    assert refusal(one_neuron(0, bias=1, threshold=1e-4, decay=0)) == fits_at_no_scale(
        "lif, neuron 0", found, 8
    )


@pytest.mark.parametrize(
    ("bits", "largest"), [(1, 2**14), (2, 3 * 2**13), (4, 15 * 2**11), (8, 255 * 2**7)]
)
def test_weight_that_fits_at_no_scale(bits: int, largest: int) -> None:
    """A weight has 8 bits and 7 of exponent, and no fewer counts than one for the threshold."""
    (q,) = quantize(one_neuron([[largest, 1]]), weight_bits=bits).projections
    assert int(weight_of(q)[0, 0]) * 2**q.weight_exp == largest
    found = "threshold 1, which the drive leaves 0.5 counts"
    assert refusal(one_neuron([[1, 1], [2 * largest, 1]]), bits) == fits_at_no_scale(
        "lif, neuron 1", found, bits
    )


def test_a_threshold_is_named_in_the_units_of_the_model() -> None:
    """Gains differ within a channel, and are its neurons' units; the second has 6 of 1."""
    lif = population(n=2, shape=(1, 2), gain=[3, 6], threshold=[9, 6])
    kernels = convolution([[[2e5]]])
    net = network([lif], [projection("x", "lif", None, kernels)], inputs={"x": (1, 2)})
    assert refusal(net) == fits_at_no_scale(
        "lif, neuron 1", "threshold 6, which the drive leaves 0.16 counts", 8
    )


def test_all_populations_at_once() -> None:
    net = network(
        [population("a", origin=("net.a", "net.b")), population("b")],
        [projection("x", "a", 1e6), projection("a", "b", 1e6)],
    )
    found = "threshold 1, which the drive leaves 0.033 counts"
    assert refusal(net) == "\n\n".join(
        fits_at_no_scale(f"{node}, neuron 0", found, 8) for node in ("net.a + net.b", "b")
    )


@pytest.mark.parametrize("bits", [3, 4, 8])
def test_large_weights_do_not_shrink_the_threshold_to_nothing(bits: int) -> None:
    """Weights of five thresholds each: at a small exponent they would leave it no whole count."""
    (p,) = quantize(one_neuron(np.full((1, 64), 5.0)), weight_bits=bits).populations
    top = 2 ** (bits - 1) - 1
    assert p.threshold[0] >= min(top * 2**7 // 5, 36)
