"""Real numbers become integers: within half a unit, as fine as the registers allow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import (
    FixedPopulation,
    FixedReset,
    exponent_limits,
    largest_weight,
)
from snnc.compiler.linear import Factors, Weighted
from snnc.compiler.network import Integration, Network, Reset
from snnc.compiler.operators import (
    Dense,
    Operator,
)
from snnc.compiler.quantization.lower import Lowered, lower
from snnc.compiler.quantization.overflow import bound_states
from snnc.compiler.quantization.quantize import quantize
from tests.builders import (
    dense,
    network,
    one_neuron,
    population,
    projection,
)
from tests.compiler.quantization.quantized import weight_of
from tests.drawn.networks import networks

BITS = st.integers(2, 8)


def wanted_of(n: Lowered, integers: FixedPopulation) -> dict[str, npt.NDArray[Any]]:
    """Give the real weights of every path in counts of the threshold, one number a weight.

    ``lower`` itself is held against the equations of ``network`` in ``test_lower.py``.
    """
    counts = integers.scale * n.unit / 64
    wanted: dict[str, npt.NDArray[Any]] = {}
    for path in n.arriving:
        (weights,) = [s for s in path.steps if isinstance(s, Weighted)]
        w = weights.weight
        if isinstance(weights, Factors) and path.steps[-1] is weights:
            wanted[path.name] = w * counts.reshape(w.shape)
        else:  # a scale for each row, and rows in the order of neurons
            per_row = counts.reshape(w.shape[0], -1)
            assert np.allclose(per_row, per_row[:, :1], rtol=1e-12)
            wanted[path.name] = w * per_row[:, 0].reshape(-1, *(1 for _ in w.shape[1:]))
    return wanted


@given(networks(), BITS)
@settings(max_examples=200)
def test_every_number_is_within_half_a_unit(net: Network, bits: int) -> None:
    fixed = quantize(net, weight_bits=bits)
    assert list(check_fixed(fixed)) == []
    made = {q.name: q for q in fixed.projections}
    for n in lower(net):
        p = n.population
        integers = fixed.population(p.name)
        theta = integers.scale * (p.threshold.astype(float) - n.offset) / 64 * p.spiking
        assert (np.abs(integers.threshold - theta) <= 0.5 + 1e-9).all()
        own = n.groups == np.arange(p.size)
        if np.unique(n.groups).size == p.size:
            assert np.allclose(integers.threshold, theta, rtol=1e-12, atol=1e-12)
        assert own[n.groups].all()
        counts = integers.scale * n.unit
        assert np.allclose(counts, counts[n.groups], rtol=1e-12)
        rate, of_current = p.decay.astype(float), p.current_decay.astype(float)
        if "euler" not in p.integration:
            rate, of_current = 1 - rate, 1 - of_current
        assert (np.abs(integers.dv - 4096 * rate) <= 0.5).all()
        assert (np.abs(integers.du + 1 - 4096 * of_current) <= 0.5).all() or (
            "current" not in p.integration and (integers.du == 4095).all()
        )
        for name, wanted in wanted_of(n, integers).items():
            q = made[name]
            integer = weight_of(q).astype(float)
            error = np.abs(integer.reshape(wanted.shape) * 2.0**q.weight_exp - wanted)
            assert (error <= 0.5 * 2.0**q.weight_exp * (1 + 1e-6)).all()
            assert np.abs(integer).max() <= largest_weight(q.weight_bits, q.sign_mode)
        got = integers.bias_mant * 2.0**integers.bias_exp
        assert (np.abs(got - counts * n.bias) <= 0.5 * 2.0**integers.bias_exp * (1 + 1e-6)).all()
        assert (np.abs(integers.initial - counts * n.initial) <= 0.5 + 1e-6).all()
        assert (integers.refractory, integers.spiking) == (p.refractory, p.spiking)


@given(networks(), BITS)
@settings(max_examples=50)
def test_exponents_are_as_fine_as_they_can_be(net: Network, bits: int) -> None:
    """Half the unit would not fit: a smaller exponent of weights or bias overflows the mantissa."""
    fixed = quantize(net, weight_bits=bits)
    for n in lower(net):
        p = fixed.population(n.population.name)
        for name, wanted in wanted_of(n, p).items():
            (q,) = (q for q in fixed.projections if q.name == name)
            # sums of fractions of a count are rounded down in every step
            if q.weight_exp > max(0, exponent_limits(q.weight_bits)[0]):
                top = largest_weight(q.weight_bits, q.sign_mode)
                assert np.rint(np.abs(wanted).max() / 2.0 ** (q.weight_exp - 1)) > top
        raised = p.bias_exp > 0
        bias = p.scale * n.unit * n.bias
        assert (np.rint(np.abs(bias) / 2.0 ** (p.bias_exp - 1.0))[raised] > 4095).all()


@given(networks())
@settings(max_examples=50)
def test_nothing_overflows(net: Network) -> None:
    """All states of these networks decay, so the proof always succeeds."""
    for name, bounds in bound_states(quantize(net)).items():
        assert bounds.proven.all(), name


def test_rounding_that_takes_more_than_the_room_for_it() -> None:
    """Weights of slow neurons are a few counts where fast ones have large: 1/64 is not enough.

    With the scale that fits real numbers the second neuron's bound was 1.04 times the range.
    """
    net = network(
        [
            population(
                "lif",
                2,
                spiking=False,
                reset=Reset.NONE,
                threshold=0.0,
                integration=Integration.CURRENT_DECAY,
                decay=[0.3, 0.97],
                current_decay=[0.1, 0.97],
            )
        ],
        [projection("x", "lif", np.diag([0.3, 0.3]), bias=[0.01, -0.09])],
    )
    for bounds in bound_states(quantize(net)).values():
        assert bounds.proven.all()


@pytest.mark.parametrize("reset", Reset)
def test_resets(reset: Reset) -> None:
    fixed = quantize(one_neuron(reset=reset))
    zero = FixedReset.ZERO
    as_zero = reset in (Reset.ZERO_DELAYED, Reset.VALUE)
    assert fixed.populations[0].reset == (zero if as_zero else reset.value)


@pytest.mark.parametrize("bits", range(2, 9))
def test_widths(bits: int) -> None:
    top = 2 ** (bits - 1) - 1
    fixed = quantize(one_neuron([[1, -1, 0.5]]), weight_bits=bits)
    assert weight_of(fixed.projections[0]).tolist() == [[top, -top, round(top / 2)]]


def test_each_projection_has_its_own_exponent() -> None:
    """Small weights beside large ones keep their bits."""
    net = network(
        [population("lif", delay=1)],
        [
            projection("x", "lif", [[1.0, 0.7]], name="large"),
            projection("lif", "lif", [[0.01]], delay=1, name="small"),
        ],
    )
    large, small = quantize(net).projections
    assert large.weight_exp - small.weight_exp == 6
    assert 128 <= weight_of(small)[0, 0] <= 255
    assert (large.delay, small.delay) == (0, 1)


def test_each_neuron_has_its_own_scale() -> None:
    fixed = quantize(one_neuron([[1.0], [1 / 1024]], threshold=[1, 1 / 1024]))
    assert fixed.populations[0].threshold[0] == fixed.populations[0].threshold[1]
    weight = weight_of(fixed.projections[0])
    assert weight[0, 0] == weight[1, 0]


@given(networks(plain=True), st.integers(-12, 12))
@settings(max_examples=50)
def test_powers_of_two_change_nothing(net: Network, power: int) -> None:
    """A neuron's potential has no unit: only its scale knows one."""
    target = net.populations[-1]
    i = target.size - 1
    factor = np.ones(target.size, np.float32)
    factor[i] = 2.0**power
    of_v = ("threshold", "leak", "reset_value")
    scaled = replace(
        net,
        populations=(
            *net.populations[:-1],
            replace(target, **{f: getattr(target, f) * factor for f in of_v}),
        ),
        projections=tuple(
            replace(q, operators=tuple(scaled_rows(o, factor) for o in q.operators))
            if q.target == target.name
            else q
            for q in net.projections
        ),
    )
    before, after = quantize(net), quantize(scaled)
    for one, two in zip(before.populations, after.populations, strict=True):
        for field in ("du", "dv", "threshold", "bias_mant", "bias_exp"):
            assert (getattr(one, field) == getattr(two, field)).all()
    for q, r in zip(before.projections, after.projections, strict=True):
        assert (weight_of(q) == weight_of(r)).all()
        assert q.weight_exp == r.weight_exp
    ratio = before.populations[-1].scale / after.populations[-1].scale
    assert np.allclose(ratio, factor, rtol=1e-12)


def scaled_rows(operator: Operator, factor: npt.NDArray[np.float32]) -> Operator:
    assert isinstance(operator, Dense)
    return dense(operator.weight * factor[:, None], operator.bias * factor)
