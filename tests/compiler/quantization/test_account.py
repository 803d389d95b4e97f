"""The account of a quantization: numbers checked by hand, and the whole text of its warnings."""

from __future__ import annotations

import json
from dataclasses import replace
from math import log, log10
from typing import Any

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput
from snnc.compiler.network import Integration, Network, Reset
from snnc.compiler.operators import Operator
from snnc.compiler.quantization.account import Overflow, PopulationAccount, account_for
from snnc.compiler.quantization.quantize import quantize
from tests.builders import (
    SEEN,
    convolution,
    fixed_convolution,
    fixed_network,
    fixed_population,
    fixed_projection,
    network,
    one_fixed,
    one_neuron,
    population,
    projection,
)


def test_by_hand() -> None:
    """Ten counts a unit: 1, 0.5, 0.1 and 0 should be 10, 5, 1, 0 and became 10, 4, 0, 0."""
    real = one_neuron([[1, 0.5, 0.1, 0]], bias=0.3, decay=0.5)
    fixed = one_fixed(
        [[5, 2, 0, 0]],
        weight_exp=1,
        scale=640,
        threshold=10,
        dv=1024,
        bias_mant=90,
        bias_exp=1,
        delay=0,
    )
    (a,) = account_for(real, fixed)
    assert (a.name, a.origin, a.neurons) == ("lif", ("lif",), 1)
    assert (a.weight_bits, a.weight_exp) == (4, (1,))
    assert (a.threshold_min, a.threshold_max) == (10, 10)
    assert (a.weights, a.weights_rounded_to_zero) == (3, 1)
    assert a.weight_sqnr_db == pytest.approx(10 * log10(126 / 2), rel=1e-6)
    assert a.bias_error == pytest.approx(0.3 - 180 / 640, rel=1e-6)
    assert a.time_constant_error == pytest.approx(log(0.5) / log(0.75) - 1, rel=1e-6)
    assert a.overflow == "proven"
    assert a.u_bound == 14 * 64 / 2**23
    assert a.v_bound == (14 * 64 - 180) * 4 / 2**23


def test_by_hand_with_euler_and_graded_input() -> None:
    """``w`` counts as decay * gain * w * step, and the leak as a bias of decay * leak."""
    real = one_neuron(
        [[8, 4]],
        bias=[0.5],
        integration=Integration.EULER,
        decay=0.25,
        gain=2,
        leak=3,
        threshold=2,
    )
    fixed = replace(
        one_fixed([[20, 9]], scale=640, threshold=20, dv=1024, bias_mant=640, delay=0),
        inputs=(FixedInput("x", (2,), 0.5, 127),),
    )
    (a,) = account_for(real, fixed)
    assert a.weights == 2
    assert a.weight_sqnr_db == pytest.approx(10 * log10((20**2 + 10**2) / 1), rel=1e-6)
    assert a.bias_error == pytest.approx(abs(640 / 640 - (0.25 * 2 * 0.5 + 0.25 * 3)) / 2)
    assert a.time_constant_error == 0


def test_projections_count_together() -> None:
    real = network(
        [population()],
        [projection("x", "lif", 1), projection("lif", "lif", [[1 / 255]], delay=1)],
    )
    (a,) = account_for(real, quantize(real))
    large, small = quantize(real).projections
    assert a.weight_exp == (large.weight_exp, small.weight_exp)
    assert a.weights == 2
    assert a.weight_bits == 8


def test_nothing_lost() -> None:
    (a,) = account_for(one_neuron(255, threshold=64), quantize(one_neuron(255, threshold=64)))
    assert a.weight_sqnr_db is None
    assert (a.bias_error, a.time_constant_error) == (0, 0)


def test_nothing_lost_to_float32() -> None:
    """Gain * decay is no float32: an account in float32 would see an error of its own."""
    real = one_neuron([[127, 64]], integration=Integration.EULER, decay=0.1, gain=3.3)
    (p,) = real.populations
    scale = 64 / (p.gain.astype(float) * p.decay.astype(float))
    (a,) = account_for(real, one_fixed([[127, 64]], scale=scale, delay=0))
    assert a.weight_sqnr_db is None or a.weight_sqnr_db > 250


def test_time_constants_that_keep_all_or_nothing() -> None:
    for decay, dv, wanted in ((1.0, 0, 0), (0.0, 4096, 0), (0.9999, 0, None)):
        real = one_neuron(decay=decay)
        (a,) = account_for(real, one_fixed(dv=dv, delay=0))
        assert a.time_constant_error == wanted
    (a,) = account_for(one_neuron(decay=1e-5), one_fixed(dv=4096, delay=0))
    assert a.time_constant_error == 1


def test_time_constants_of_a_current() -> None:
    """The worst of both counts; a current that should never decay does."""
    for alpha, du, wanted in (
        (1.0, 0, 1),
        (0.75, 1023, 0),
        (0.0, 4095, 0),
        (0.75, 2047, pytest.approx(1 - log10(0.75) / log10(0.5))),
    ):
        real = one_neuron(integration=Integration.CURRENT_DECAY, current_decay=alpha)
        (a,) = account_for(real, one_fixed(dv=2048, du=du, delay=0))
        assert a.time_constant_error == wanted
    real = one_neuron(integration=Integration.CURRENT_EULER, decay=0.5, current_decay=0.25)
    (a,) = account_for(real, one_fixed(dv=2048, du=1023, delay=0))
    assert a.time_constant_error == 0


def test_the_bias_of_a_current_is_what_its_neuron_brings() -> None:
    """7 of 8 counts of a bias arrive in the current, and 31 of 32 units of the leak in ``v``."""
    real = one_neuron(
        16,
        bias=8,
        integration=Integration.CURRENT_EULER,
        decay=0.5,
        gain=2,
        leak=1,
        threshold=16,
        current_decay=0.25,
    )
    fixed = one_fixed(16, scale=64, threshold=16, bias_mant=31, du=1023, delay=0)
    q = fixed_projection("lif.bias", "lif", 7, delay=0)
    relay = fixed_population("lif.bias")
    (a,) = account_for(
        real,
        replace(
            fixed,
            populations=(relay, *fixed.populations),
            projections=(*fixed.projections, q),
        ),
    )
    assert a.bias_error == pytest.approx((1 + 1 / 64) / 16)
    assert (a.weights, a.weight_sqnr_db) == (1, None)


def convolved(*operators: Operator, **fields: Any) -> Network:
    """Make ``lif`` of two channels of two behind kernels of 4 and 1, and of 2 and 0."""
    kernels = convolution([[[4, 1]], [[2, 0]]])
    defaults: dict[str, Any] = {"decay": 0.5, "threshold": 8.0}
    lif = population(n=4, shape=(2, 2), **(defaults | fields))
    q = projection("x", "lif", None, kernels, *operators)
    return network([lif], [q], inputs={"x": (1, 3)})


def test_kernels_count_once() -> None:
    """2 of 3 weights are exact; a kernel of 0.6 counts in a channel of two neurons becomes 1."""
    weight = [[[4, 1]], [[1, 0]]]
    fixed = fixed_network(
        [fixed_population(n=4, shape=(2, 2), scale=[64, 64, 38.4, 38.4], threshold=[8, 8, 5, 5])],
        [fixed_projection("x", "lif", None, fixed_convolution(weight), delay=0)],
        inputs=[FixedInput("x", (1, 3))],
    )
    (a,) = account_for(convolved(), fixed)
    assert (a.weights, a.weights_rounded_to_zero, a.weight_bits) == (3, 0, 4)
    assert a.weight_sqnr_db == pytest.approx(10 * log10((16 + 1 + 1.2**2) / 0.2**2), rel=1e-6)
    assert a.threshold_error == pytest.approx((5 / 0.6 - 8) / 8)


def test_thresholds_that_differ_within_a_channel() -> None:
    """The smallest of each channel is exact, the other is off by half a count at most."""
    net = convolved(threshold=[8, 8.01, 3, 3])
    fixed = quantize(net)
    (a,) = account_for(net, fixed)
    (lif,) = fixed.populations
    wanted = lif.scale * net.populations[0].threshold / 64
    assert 0 < a.threshold_error <= 0.5 / lif.threshold.min()
    assert a.threshold_error == pytest.approx(abs(lif.threshold[1] / wanted[1] - 1), rel=1e-3)
    assert lif.threshold[[0, 2, 3]].tolist() == pytest.approx(wanted[[0, 2, 3]].tolist())
    assert account_for(convolved(), quantize(convolved()))[0].threshold_error < 1e-12


def test_a_unit_of_the_potential_is_no_error() -> None:
    """Gains that differ within a channel: kernels are rounded, and no threshold is."""
    net = convolved(gain=[1, 2, 3, 1], threshold=[8, 16, 24, 8], bias=0)
    (a,) = account_for(net, quantize(net))
    assert a.weight_sqnr_db is None or a.weight_sqnr_db > 50
    assert a.threshold_error < 1e-12


def test_read_outs_are_measured_by_their_range() -> None:
    """No threshold, no warning of it; the bias against the largest potential of 2.6."""
    real = one_neuron(1, bias=0.3, decay=0.5, spiking=False, reset=Reset.NONE)
    fixed = one_fixed(
        10, scale=640, threshold=0, dv=2048, bias_mant=180, reset="none", spiking=False, delay=0
    )
    (a,) = account_for(real, fixed)
    assert (a.threshold_min, a.threshold_max, a.threshold_error) == (0, 0, 0)
    largest = (10 * 64 + 180) * 2 / 640
    assert a.bias_error == pytest.approx((0.3 - 180 / 640) / largest, rel=1e-5)


def test_unbounded() -> None:
    real = one_neuron(-1, decay=1.0)
    (a,) = account_for(real, one_fixed(-1, dv=0, delay=0))
    assert (a.overflow, a.v_bound, a.headroom) == (Overflow.NOT_PROVEN, None, None)
    assert a.u_bound == 64 / 2**23


def test_clipped_and_dead_by_hand() -> None:
    """Ten counts a unit: 9.6 became 7; the second source had 0.4 in all, and has nothing."""
    real = one_neuron([[0.96, 0.02, 0.3], [0.7, 0.04, 0.1]])
    fixed = one_fixed([[7, 0, 3], [7, 0, 1]], scale=640, threshold=10, delay=0, weight_bits=4)
    (a,) = account_for(real, fixed)
    assert a.weights_clipped == 1
    assert (a.sources, a.dead_sources) == (3, 1)
    assert (a.scale_min, a.scale_max) == (10, 10)
    assert a.input_bound == 10 * 64 / 2**20


def test_what_feedback_makes_smaller_is_not_clipped() -> None:
    """9.6 became 8 and could have become 9: another weight made up for it."""
    fixed = one_fixed([[8, 4]], scale=640, threshold=10, delay=0, weight_bits=8)
    (a,) = account_for(one_neuron([[0.96, 0.3]]), fixed)
    assert a.weights_clipped == 0


def test_dead_channel() -> None:
    """Of kernels a source is an input channel, in its group."""
    weight = np.ones((2, 2, 1, 1))
    weight[:, 1] = 0.01
    integers = np.ones((2, 2, 1, 1), np.int8)
    integers[:, 1] = 0
    shape = (2, 3, 3)
    route = projection("x", "lif", None, convolution(weight), name="fc")
    real = network([population(n=18, shape=shape)], [route], inputs={"x": shape})
    fixed = fixed_network(
        [fixed_population(n=18, shape=shape)],
        [fixed_projection("x", "lif", None, fixed_convolution(integers), delay=0, name="fc")],
        inputs=[FixedInput("x", shape)],
    )
    (a,) = account_for(real, fixed)
    assert (a.sources, a.dead_sources) == (2, 1)


@pytest.mark.parametrize(
    ("v_seen", "overflow", "headroom"),
    [(0.5, Overflow.OBSERVED, 0.5), (1.0, Overflow.VIOLATED, 0.0)],
)
def test_observed_overflow(v_seen: float, overflow: Overflow, headroom: float) -> None:
    seen = {"lif": replace(SEEN, v_seen=v_seen)}
    (a,) = account_for(one_neuron(-1, decay=1.0), one_fixed(-1, dv=0, delay=0), seen)
    assert (a.overflow, a.headroom, a.observed) == (overflow, headroom, seen["lif"])


def test_proof_needs_no_data() -> None:
    (a,) = account_for(one_neuron(), quantize(one_neuron()), {"lif": SEEN})
    assert a.overflow is Overflow.PROVEN
    assert a.headroom == 1 - max(a.u_bound or 0, a.v_bound or 0)


def test_json() -> None:
    (a,) = account_for(one_neuron(), quantize(one_neuron()))
    data = json.loads(json.dumps(a.as_json(), allow_nan=False))
    assert data["origin"] == ["lif"]
    assert data["weight_exp"] == list(a.weight_exp)
    assert data.pop("headroom") == a.headroom
    assert data["tau_mem"] == {"worst": 0.0, "typical": 0.0}
    kept = {field: getattr(a, field) for field in ("origin", "weight_exp", "sign_mode", "tau_mem")}
    assert PopulationAccount(**(data | kept)) == a
