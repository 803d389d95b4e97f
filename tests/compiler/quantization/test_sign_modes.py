"""Weights of one sign have all bits for their magnitude, and no integer leaves its width."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.check import check_fixed
from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedProjection, SignMode, bits_needed, sign_mode_of
from snnc.compiler.network import Integration, Network
from snnc.compiler.operators import FixedConvolution, FixedDense, FixedScaling
from snnc.compiler.quantization.account import account_for
from snnc.compiler.quantization.quantize import quantize
from snnc.targets.integer.reference import execute
from tests.builders import (
    integers_for,
    network,
    one_neuron,
    population,
    projection,
)

KINDS = [(bits, mode) for mode in SignMode for bits in range(1 + (mode == "mixed"), 9)]


def signed(weights: npt.ArrayLike, mode: SignMode) -> npt.NDArray[np.float64]:
    """Give magnitudes the signs of ``mode``."""
    matrix = np.asarray(weights, np.float64)
    if mode is SignMode.MIXED:
        return matrix
    return np.abs(matrix) if mode is SignMode.EXCITATORY else -np.abs(matrix)


def limits(bits: int, mode: SignMode) -> tuple[int, int]:
    """Give the smallest and the largest integer that the quantizer gives."""
    if mode is SignMode.MIXED:
        return 1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1
    return (0, 2**bits - 1) if mode is SignMode.EXCITATORY else (1 - 2**bits, 0)


def weight_of(q: FixedProjection) -> npt.NDArray[np.int64]:
    (o,) = q.operators
    assert isinstance(o, FixedDense | FixedConvolution | FixedScaling)
    return o.weight.astype(np.int64)


def layers(modes: tuple[SignMode, SignMode], seed: int) -> Network:
    """Give two layers of random weights of these signs, both with a loop of the other."""
    rng = np.random.default_rng(seed)

    def weights(n: int, m: int, mode: SignMode) -> npt.NDArray[np.float64]:
        matrix = rng.normal(size=(n, m)) * 10 ** rng.uniform(-3, 1)
        matrix[0, :2] = [0.3, -0.3]  # both signs, where there may be
        return signed(matrix, mode)

    first, second = modes
    return network(
        [population("a", 5, threshold=rng.uniform(0.5, 2, 5)), population("b", 4)],
        [
            projection("x", "a", weights(5, 6, first), bias=rng.normal(size=5)),
            projection("a", "a", weights(5, 5, second), delay=2),
            projection("a", "b", weights(4, 5, second)),
            projection("b", "b", weights(4, 4, first), delay=2),
        ],
    )


@pytest.mark.parametrize(("bits", "mode"), KINDS)
@settings(max_examples=10, deadline=None)
@given(st.sampled_from(tuple(SignMode)), st.integers(0, 2**32 - 1))
def test_integers_stay_within_width_and_mode(
    bits: int, mode: SignMode, other: SignMode, seed: int
) -> None:
    other = mode if bits == 1 else other
    fixed = quantize(layers((mode, other), seed), weight_bits=bits)
    assert list(check_fixed(fixed)) == []
    for q, wanted in zip(fixed.projections, (mode, other, other, mode), strict=True):
        assert (q.weight_bits, q.sign_mode) == (bits, wanted)
        low, high = limits(bits, wanted)
        weight = weight_of(q)
        assert low <= weight.min() <= weight.max() <= high
        assert -7 <= q.weight_exp - (8 - bits) <= 7
    execute(fixed, integers_for(fixed, steps=3, seed=seed % 2**16))


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_weight_of_one_sign_has_all_bits(bits: int, sign: int) -> None:
    net = one_neuron(sign * np.array([[1.0, 0.5, 0.25]]), threshold=0.01)
    (q,) = quantize(net, weight_bits=bits).projections
    assert weight_of(q)[0, 0] == sign * (2**bits - 1)


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("sign", [1, -1])
def test_half_the_error_at_most(bits: int, sign: int) -> None:
    """One weight of the other sign, far below a unit, takes the same weights to the mixed grid."""
    weights = sign * np.random.default_rng(bits).uniform(0, 1, (1, 4000))
    weights[0, 0] = sign

    def error(weight: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        net = one_neuron(weight, threshold=100.0)
        fixed = quantize(net, weight_bits=bits)
        (q,), (p,) = fixed.projections, fixed.populations
        found = weight_of(q)[0] * 2.0**q.weight_exp / (p.scale[0] / 64)
        return np.asarray(np.abs(found - weight[0]))

    one_signed = error(weights)
    other = weights.copy()
    other[0, 1] = -sign * 1e-9
    mixed = error(other)
    assert one_signed.max() <= 0.5 / (2**bits - 1) * (1 + 1e-3)  # a whole threshold
    assert one_signed.max() <= mixed.max() / 2
    assert np.sqrt((one_signed**2).mean()) <= np.sqrt((mixed**2).mean()) / 2 * 1.05


def test_a_path_of_both_signs_takes_no_bit_from_the_other() -> None:
    net = network(
        [population("lif", 1)],
        [
            projection("x", "lif", [[1.0, 0.9]], name="up"),
            projection("x", "lif", [[1.0, -0.9]], name="both"),
            projection("lif", "lif", [[-1.0]], delay=1, name="down"),
        ],
    )
    up, both, down = quantize(net, weight_bits=4).projections
    assert [q.sign_mode for q in (up, both, down)] == ["excitatory", "mixed", "inhibitory"]
    found = [weight_of(q)[0, 0] * 2**q.weight_exp for q in (up, both, down)]
    assert [abs(f / found[1]) for f in found] == pytest.approx([1, 1, 1], rel=1 / 14)
    assert 8 <= weight_of(up)[0, 0] <= 15
    assert weight_of(both)[0, 0] <= 7


def test_the_type_is_as_small_as_the_width_allows() -> None:
    for bits, mode, kind in (
        (8, SignMode.MIXED, np.int8),
        (7, SignMode.EXCITATORY, np.int8),
        (8, SignMode.EXCITATORY, np.int16),
        (8, SignMode.INHIBITORY, np.int16),
    ):
        net = one_neuron(signed([[1.0, -1.0]], mode))
        (operator,) = quantize(net, weight_bits=bits).projections[0].operators
        assert isinstance(operator, FixedDense)
        assert operator.weight.dtype == kind


def test_a_carried_bias_has_8_bits() -> None:
    """Of 1 bit it would be all or nothing; its neuron has one weight for each of the population."""
    fields: dict[str, Any] = {
        "integration": Integration.CURRENT_DECAY,
        "decay": 0.9,
        "current_decay": 0.5,
    }
    weight = np.ones((3, 2))
    net = one_neuron(weight, bias=[0.1, -0.07, 0.031], **fields)
    fixed = quantize(net, weight_bits=1)
    assert list(check_fixed(fixed)) == []
    carried = next(q for q in fixed.projections if q.source == "lif.bias")
    assert (carried.weight_bits, carried.sign_mode) == (8, "mixed")
    assert 64 <= np.abs(weight_of(carried)).max() <= 127
    (a,) = account_for(net, fixed)
    assert a.bias_error < 0.002
    assert (a.width, a.memory_bits) == (1, 6 * 1)
    assert a.sign_mode == ("excitatory", "mixed")


def test_a_carried_bias_fits_its_weights() -> None:
    """The other registers would let the bias be 504 times ``2**7``, which no weight can be."""
    fields: dict[str, Any] = {"integration": Integration.CURRENT_DECAY, "current_decay": 0.5}
    fixed = quantize(one_neuron(0.01, bias=1.0, **fields))
    assert list(check_fixed(fixed)) == []
    carried = next(q for q in fixed.projections if q.source == "lif.bias")
    assert carried.weight_exp == 7
    assert 128 <= weight_of(carried).item() <= 255


@pytest.mark.parametrize(
    ("weights", "mode"),
    [
        ([0, 0], SignMode.EXCITATORY),
        ([0, 1e-30], SignMode.EXCITATORY),
        ([-1e-30, 0], SignMode.INHIBITORY),
        ([-1, -2], SignMode.INHIBITORY),
        ([-1e-30, 1], SignMode.MIXED),
        ([], SignMode.EXCITATORY),
    ],
)
def test_the_sign_of_every_weight_counts(weights: list[float], mode: SignMode) -> None:
    assert sign_mode_of(np.array(weights, np.float64)) is mode


@pytest.mark.parametrize(
    ("weights", "mode", "bits"),
    [
        ([0, 0], SignMode.EXCITATORY, 1),
        ([0, 1], SignMode.EXCITATORY, 1),
        ([255, 0], SignMode.EXCITATORY, 8),
        ([-16, 0], SignMode.INHIBITORY, 5),
        ([0], SignMode.MIXED, 1),
        ([-1, 1], SignMode.MIXED, 2),
        ([-8, 7], SignMode.MIXED, 4),
        ([-8, 8], SignMode.MIXED, 5),
        ([-128], SignMode.MIXED, 8),
    ],
)
def test_bits_needed(weights: list[int], mode: SignMode, bits: int) -> None:
    assert bits_needed(np.array(weights), mode) == bits


# --- 1 bit -------------------------------------------------------------------------------------


def refusal(node: str, found: str, population: str) -> str:
    return (
        "error[SNN314]: weights of 1 bit have one sign for each projection\n"
        f"  --> {node}\n"
        f"   found: {found}\n"
        "   limit: 1 bit: 0 and one magnitude, of one sign\n"
        f"  remedy: --weight-bits {population}=2"
    )


def test_one_bit_of_both_signs_is_refused() -> None:
    net = network(
        [population("a"), population("b"), population("c")],
        [
            projection("x", "a", [[1.0, -1.0, 0.0]], name="fc1"),
            projection("a", "b", [[1.0]], name="fc2"),
            projection("x", "b", [[-1.0, 0.5, 0.25]], name="skip"),
            projection("b", "c", [[-1.0]], name="fc3"),
        ],
    )
    with pytest.raises(InputError) as raised:
        quantize(net, weight_bits={"a": 1, "b": 1, "c": 1})
    assert str(raised.value) == "\n\n".join(
        [
            refusal("fc1", "1 weights above 0 and 1 below into a, of 1 bit", "a"),
            refusal("skip", "2 weights above 0 and 1 below into b, of 1 bit", "b"),
        ]
    )
    assert quantize(net, weight_bits={"a": 2, "b": 2, "c": 1}).projections[3].weight_bits == 1


def test_one_bit() -> None:
    """What is half of the largest or more is there."""
    net = one_neuron([[1.0, 0.6, 0.4, 0.0]], threshold=3.0)
    fixed = quantize(net, weight_bits=1)
    (q,) = fixed.projections
    assert weight_of(q).tolist() == [[1, 1, 0, 0]]
    (a,) = account_for(net, fixed)
    assert (a.weight_bits, a.width, a.memory_bits, a.weights_rounded_to_zero) == (1, 1, 4, 1)


# --- the account -------------------------------------------------------------------------------


def test_the_account_tells_what_each_population_got() -> None:
    net = network(
        [population("a", 2, decay=0.0), population("b")],
        [
            projection("x", "a", [[1.0, -0.5, 0.0], [1.0, 1.0, 1.0]], bias=[0.25, -1e3]),
            projection("a", "b", [[1.0, 0.5]]),
        ],
    )
    fixed = quantize(net, weight_bits={"a": 6, "b": 3})
    a, b = account_for(net, fixed)
    assert (a.width, a.weight_bits, a.sign_mode, a.memory_bits) == (6, 5, ("mixed",), 36)
    assert (b.width, b.weight_bits, b.sign_mode, b.memory_bits) == (3, 3, ("excitatory",), 6)
    p = fixed.population("a")
    assert a.bias_mant_max == np.abs(p.bias_mant).max() > 2000
    assert a.bias_exp_max == p.bias_exp.max() > 0
    assert (b.bias_mant_max, b.bias_exp_max) == (0, 0)
