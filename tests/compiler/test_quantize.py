"""Rounding to integers: every number within half a unit, nothing clamped, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler import quantize as quantize_module
from snnc.compiler.check import check_fixed
from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Integration, Network, Reset
from snnc.compiler.overflow import bound_states
from snnc.compiler.quantize import quantize
from snnc.targets.float.executor import execute as execute_float
from snnc.targets.integer.reference import execute as execute_fixed
from tests.builders import network, networks, one_neuron, population, projection, spikes

BITS = st.integers(2, 8)


def wanted_of(
    net: Network, fixed: FixedNetwork, name: str
) -> tuple[dict[str, npt.NDArray[Any]], npt.NDArray[Any]]:
    """Give the real weights, in counts of the threshold, and the real biases in units of ``v``.

    Biases of a current are weights of the neuron that carries them.

    Written down again from the equations of ``network.Integration``, in float64.
    """
    p = net.population(name)
    counts = fixed.population(name).scale / 64
    factor = p.gain.astype(float)
    bias, constant = np.zeros(p.size), np.zeros(p.size)
    if "euler" in p.integration:
        factor = factor * p.decay
        bias = p.decay.astype(float) * p.leak
    steps = {i.name: i.step for i in fixed.inputs}
    weights: dict[str, npt.NDArray[Any]] = {}
    for q in net.incoming(name):
        weights[q.name] = (counts * factor)[:, None] * q.weight * steps.get(q.source, 1)
        if "current" in p.integration:
            constant = constant + counts * factor * q.bias
        else:
            bias = bias + factor * q.bias
    if constant.any():
        weights[f"{name}.bias->{name}"] = constant[:, None]
    return weights, 64 * counts * bias


@given(networks(), BITS)
@settings(max_examples=100)
def test_every_number_is_within_half_a_unit(net: Network, bits: int) -> None:
    fixed = quantize(net, weight_bits=bits)
    assert list(check_fixed(fixed)) == []
    made = {q.name: q for q in fixed.projections}
    for p in net.populations:
        integers = fixed.population(p.name)
        theta = p.threshold.astype(float)
        assert np.allclose(integers.threshold, integers.scale * theta / 64, rtol=1e-12, atol=0)
        rate, of_current = p.decay.astype(float), p.current_decay.astype(float)
        if "euler" not in p.integration:
            rate, of_current = 1 - rate, 1 - of_current
        assert (np.abs(integers.dv - 4096 * rate) <= 0.5).all()
        assert (np.abs(integers.du + 1 - 4096 * of_current) <= 0.5).all() or (
            "current" not in p.integration and (integers.du == 4095).all()
        )
        weights, bias = wanted_of(net, fixed, p.name)
        for name, wanted in weights.items():
            q = made[name]
            error = np.abs(q.weight * 2.0**q.weight_exp - wanted)
            assert (error <= 0.5 * 2.0**q.weight_exp * (1 + 1e-6)).all()
            assert np.abs(q.weight.astype(int)).max() <= 2 ** (bits - 1) - 1
        got = integers.bias_mant * 2.0**integers.bias_exp
        assert (np.abs(got - bias) <= 0.5 * 2.0**integers.bias_exp * (1 + 1e-6)).all()


@given(networks(), BITS)
@settings(max_examples=50)
def test_exponents_are_as_fine_as_they_can_be(net: Network, bits: int) -> None:
    """Half the unit would not fit: a smaller exponent of weights or bias overflows the mantissa."""
    fixed = quantize(net, weight_bits=bits)
    top = 2 ** (bits - 1) - 1
    for p in (fixed.population(p.name) for p in net.populations):
        weights, bias = wanted_of(net, fixed, p.name)
        for name, wanted in weights.items():
            (q,) = (q for q in fixed.projections if q.name == name)
            if q.weight_exp > -7:
                assert np.rint(np.abs(wanted).max() / 2.0 ** (q.weight_exp - 1)) > top
        raised = p.bias_exp > 0
        assert (np.rint(np.abs(bias) / 2.0 ** (p.bias_exp - 1.0))[raised] > 4095).all()


@given(networks())
@settings(max_examples=50)
def test_nothing_overflows(net: Network) -> None:
    """All states of these networks decay, so the proof always succeeds."""
    for name, bounds in bound_states(quantize(net)).items():
        assert bounds.proven.all(), name


def share_of_differing_spikes(net: Network, seed: int) -> float:
    """Compare ``lif`` as real numbers and as integers over 100 steps of 4 samples."""
    x = spikes((100, 4, net.inputs[0].size), seed=seed)
    real = execute_float(net, {"x": x}).spikes["lif"]
    got = execute_fixed(quantize(net), {"x": x.astype(np.int32)}).spikes["lif"]
    assert real.mean() > 0.02
    return float((real != got).mean())


@given(networks(recurrent=False), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_one_layer_stays_within_its_error_bound(net: Network, seed: int) -> None:
    """Before its first spike a neuron fed by the input alone is off by a provable amount.

    Per step: half a unit of each weight and of the bias, one of truncation, and half a 4096th of
    the largest ``v`` by the decay; summed over time with the decay's factor. A current is off by
    the like of it, and hands that on to ``v``.
    """
    first = net.populations[0]
    alone = replace(
        net,
        populations=(first,),
        projections=tuple(net.incoming(first.name)),
        outputs=net.outputs[:0],
    )
    fixed = quantize(alone)
    integers = fixed.population(first.name)
    x = spikes((60, 4, net.inputs[0].size), seed=seed)
    real = execute_float(alone, {"x": x})
    got = execute_fixed(fixed, {"x": x.astype(np.int32)})
    unit = sum(0.5 * 64 * 2.0**q.weight_exp * q.weight.shape[1] for q in fixed.projections)
    rounding = sum(64.0 for q in fixed.projections if q.weight_exp < 0)
    largest = np.abs(real.v[first.name]).max(axis=(0, 1)) * integers.scale
    entering = unit + rounding
    if first.integration.has_current:
        largest_u = 1.01 * bound_states(fixed)[first.name].u
        entering = (entering + 1 + largest_u / 8192) * 4096 / (integers.du + 0.5)
    a_step = entering + 0.5 * 2.0**integers.bias_exp + 1 + largest / 8192
    bound = a_step * 4096 / np.maximum(integers.dv - 0.5, 1) + 1e-4 * integers.scale
    quiet = real.spikes[first.name].cumsum(axis=0) == 0
    error = np.abs(got.v[first.name] - real.v[first.name] * integers.scale)
    calm = quiet & (got.spikes[first.name].cumsum(axis=0) == 0)
    assert (error <= bound)[calm].all()


@pytest.mark.parametrize("reset", Reset)
@pytest.mark.parametrize("integration", Integration)
def test_spikes_stay_close(reset: Reset, integration: Integration) -> None:
    """One layer of 200 neurons: 0.5 % of (neuron, step) differ at most, 2 % with subtraction.

    With a synaptic current, 1.5 and 2.5 %: it sums up rounding errors of its own.

    Rounding moves ``v`` by some thousandths of the threshold, and a spike changes where ``v``
    passes that close to it. A reset to zero then forgets the difference; a subtraction carries it
    on until it has decayed. Measured: 0.13 to 0.41 %, and 0.95 to 1.4 %; with a current 0.13 to
    1.4 %, and 1.4 to 2.1 %.
    """
    rng = np.random.default_rng(7)
    euler = integration.is_euler
    p = population(
        n=200,
        integration=integration,
        reset=reset,
        decay=rng.uniform(0.05, 0.3, 200) if euler else rng.uniform(0.7, 0.95, 200),
        gain=8.0 if euler else 1.0,
        threshold=rng.uniform(0.5, 2, 200),
        current_decay=rng.uniform(0.3, 0.8, 200) if integration.has_current else 0.0,
    )
    bias = 0.01 * integration.has_current
    net = network([p], [projection("x", "lif", rng.normal(0.05, 0.3, (200, 20)), bias=bias)])
    share = share_of_differing_spikes(net, seed=1)
    limits = (0.025, 0.015) if integration.has_current else (0.02, 0.005)
    assert share < limits[0 if reset.value.startswith("subtract") else 1]


def test_spikes_are_the_same_where_nothing_is_lost() -> None:
    """Weights, thresholds and decay in whole units: integers and float32 agree in every bit."""
    weight = np.random.default_rng(0).integers(-127, 128, (8, 6))
    weight[:, 0] = 127  # so that the scale is a power of two
    for reset in Reset:
        net = network(
            [population(n=8, decay=0.0, reset=reset, threshold=64)],
            [projection("x", "lif", weight)],
        )
        assert share_of_differing_spikes(net, seed=3) == 0


@pytest.mark.parametrize("reset", Reset)
def test_resets(reset: Reset) -> None:
    fixed = quantize(one_neuron(reset=reset))
    zero = FixedReset.ZERO
    assert fixed.populations[0].reset == (zero if reset is Reset.ZERO_DELAYED else reset.value)


@pytest.mark.parametrize("bits", range(2, 9))
def test_widths(bits: int) -> None:
    top = 2 ** (bits - 1) - 1
    fixed = quantize(one_neuron([[1, -1, 0.5]]), weight_bits=bits)
    assert fixed.projections[0].weight.tolist() == [[top, -top, round(top / 2)]]


def test_each_projection_has_its_own_exponent() -> None:
    """Small weights beside large ones keep their bits."""
    net = network(
        [population("lif", delay=1)],
        [
            projection("x", "lif", [[1.0, -0.7]], name="large"),
            projection("lif", "lif", [[0.01]], delay=1, name="small"),
        ],
    )
    large, small = quantize(net).projections
    assert large.weight_exp - small.weight_exp == 6
    assert 64 <= small.weight[0, 0] <= 127
    assert (large.delay, small.delay) == (0, 1)


def test_each_neuron_has_its_own_scale() -> None:
    fixed = quantize(one_neuron([[1.0], [1 / 1024]], threshold=[1, 1 / 1024]))
    assert fixed.populations[0].threshold[0] == fixed.populations[0].threshold[1]
    assert fixed.projections[0].weight[0, 0] == fixed.projections[0].weight[1, 0]


@given(networks(), st.integers(-12, 12))
@settings(max_examples=50)
def test_powers_of_two_change_nothing(net: Network, power: int) -> None:
    """A neuron's potential has no unit: only its scale knows one."""
    target = net.populations[-1]
    i = target.size - 1
    factor = np.ones(target.size, np.float32)
    factor[i] = 2.0**power
    scaled = replace(
        net,
        populations=(
            *net.populations[:-1],
            replace(target, threshold=target.threshold * factor, leak=target.leak * factor),
        ),
        projections=tuple(
            replace(q, weight=q.weight * factor[:, None], bias=q.bias * factor)
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
        assert (q.weight == r.weight).all()
        assert q.weight_exp == r.weight_exp
    ratio = before.populations[-1].scale / after.populations[-1].scale
    assert np.allclose(ratio, factor, rtol=1e-12)


# --- currents ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("integration", "current_decay", "du"),
    [
        ("current-decay", 0.0, 4095),
        ("current-decay", 0.75, 1023),
        ("current-decay", 1.0, 0),
        ("current-decay", 1 - 2.0**-14, 0),
        ("current-euler", 1.0, 4095),
        ("current-euler", 0.25, 1023),
        ("current-euler", 0.0, 0),
        ("decay", 0.0, 4095),
        ("euler", 0.0, 4095),
    ],
)
def test_decay_of_the_current(integration: str, current_decay: float, du: int) -> None:
    net = one_neuron(integration=Integration(integration), current_decay=current_decay, decay=0.5)
    assert quantize(net).populations[0].du.tolist() == [du]


@pytest.mark.parametrize("integration", ["current-decay", "current-euler"])
def test_a_bias_of_the_current_has_a_neuron(integration: str) -> None:
    """``i`` is 1 more in every step; what the integers make of it is exact for these numbers."""
    fields = {"decay": 0.5, "current_decay": 0.5, "threshold": 100, "leak": 0.0}
    net = one_neuron([[127], [-64]], bias=[8, -4], integration=Integration(integration), **fields)
    fixed = quantize(net)
    constant, lif = fixed.populations
    assert (constant.name, constant.origin, constant.shape) == ("lif.bias", ("fc",), (1,))
    assert (constant.reset, constant.lag) == (FixedReset.ZERO, 0)
    for field, wanted in (
        ("du", 4095),
        ("dv", 4096),
        ("threshold", 0),
        ("bias_mant", 1),
        ("bias_exp", 0),
    ):
        assert getattr(constant, field).tolist() == [wanted]
    assert not lif.bias_mant.any()
    q = fixed.projections[1]
    assert (q.name, q.source, q.target) == ("lif.bias->lif", "lif.bias", "lif")
    assert (q.origin, q.delay) == (("fc",), 0)
    x = np.zeros((30, 1, 1), np.int32)
    ran = execute_fixed(fixed, {"x": x})
    assert ran.spikes["lif.bias"].all()
    real = execute_float(net, {"x": x.astype(np.float32)}).v["lif"]
    assert np.abs(ran.v["lif"] / lif.scale - real).max() < 1e-2 * np.abs(real).max()


def test_the_leak_of_a_current_population_stays_a_bias() -> None:
    net = one_neuron(integration=Integration.CURRENT_EULER, decay=0.25, leak=0.5)
    (lif,) = quantize(net).populations
    assert lif.bias_mant[0] * 2.0 ** lif.bias_exp[0] == pytest.approx(lif.scale[0] / 8, rel=1e-3)


def first_of(value: int, *_: object) -> int:
    return value


def test_a_slow_current_takes_the_exponent_with_the_least_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Truncation of ``u`` is most of the error: the choice sees it, and no other is better."""
    fields: dict[str, Any] = {"decay": 0.97, "current_decay": 0.9, "threshold": 10.0}
    weight = np.random.default_rng(0).uniform(0.5, 1, (100, 1))
    kind = {"integration": Integration.CURRENT_DECAY, "reset": Reset.NONE}
    net = one_neuron(weight, **fields, **kind)
    x = spikes((100, 4, 1), seed=1)
    real = execute_float(net, {"x": x}).v["lif"]

    def error() -> float:
        fixed = quantize(net)
        got = execute_fixed(fixed, {"x": x.astype(np.int32)}).v["lif"]
        return float(((got / fixed.populations[0].scale - real) ** 2).mean())

    chosen = error()
    others: list[float] = []
    for exponent in range(-1, 5):
        monkeypatch.setattr(quantize_module, "_best_exponent", partial(first_of, exponent))
        others.append(error())
    assert chosen == min(others)
    assert max(others) > 10 * chosen


def test_the_neuron_of_a_bias_finds_a_name() -> None:
    lif = population("lif", integration=Integration.CURRENT_DECAY)
    net = network(
        [population("lif.bias"), lif],
        [projection("x", "lif.bias", 1), projection("lif.bias", "lif", 1, bias=0.5)],
    )
    fixed = quantize(net)
    assert [p.name for p in fixed.populations] == ["lif.bias", "lif.bias.bias", "lif"]
    assert list(check_fixed(fixed)) == []


# --- inputs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (None, FixedInput("x", (1,))),
        ([0, 1, 1], FixedInput("x", (1,))),
        ([0, 0, 0], FixedInput("x", (1,))),
        ([0, -1, 1], FixedInput("x", (1,))),
        ([0, -255, 3], FixedInput("x", (1,), 1.0, 255)),
        ([0, 256, 3], FixedInput("x", (1,), 256 / 127, 127)),
        ([0, 0.5, -2.54], FixedInput("x", (1,), float(np.float32(2.54)) / 127, 127)),
    ],
)
def test_calibration_decides_what_enters(data: list[float] | None, wanted: FixedInput) -> None:
    calibration = None if data is None else {"x": np.array(data, np.float32)[:, None, None]}
    assert quantize(one_neuron(), calibration=calibration).inputs == (wanted,)


def test_real_input_is_scaled_into_the_weights() -> None:
    """``W x`` of the integers is ``w x`` of the reals: the weight absorbs the step."""
    net = one_neuron(0.75, decay=0.0, threshold=100.0)
    x = np.linspace(-2.54, 2.54, 255, dtype=np.float32)[:, None, None]
    fixed = quantize(net, calibration={"x": x})
    integers = np.rint(x / fixed.inputs[0].step).astype(np.int32)
    got = execute_fixed(fixed, {"x": integers}).v["lif"] / fixed.populations[0].scale
    real = execute_float(net, {"x": x}).v["lif"]
    assert np.abs(got - real).max() < 0.75 * 2.54 / 254 + 0.75 * 2.54 / 254


def test_graded_input_leaves_room() -> None:
    wide = quantize(one_neuron(8), calibration={"x": np.full((1, 1, 1), 255, np.float32)})
    assert bound_states(wide)["lif"].proven.all()
    assert wide.populations[0].threshold[0] < quantize(one_neuron(8)).populations[0].threshold[0]


# --- what does not fit -------------------------------------------------------------------------


def refusal(net: Network, bits: int = 8) -> str:
    with pytest.raises(InputError) as raised:
        quantize(net, weight_bits=bits)
    return str(raised.value)


def fits_at_no_scale(node: str, found: str, bits: int) -> str:
    return (
        "error[SNN301]: every parameter fits the hardware's integers\n"
        f"  --> {node}\n"
        f"   found: {found}\n"
        f"   limit: 1 count of threshold at least: v has 24 bits, a weight {bits}, a bias 12 and "
        "its sign, both with an exponent up to 7\n"
        "  remedy: train with smaller weights and biases, or a larger threshold"
    )


def test_bias_that_fits_at_no_scale() -> None:
    """64 * bias / threshold may be 4095 * 128 at most."""
    found = "threshold 0.0001, which the drive leaves 0.82 counts"
    assert refusal(one_neuron(0, bias=1, threshold=1e-4, decay=0)) == fits_at_no_scale(
        "lif, neuron 0", found, 8
    )


@pytest.mark.parametrize(("bits", "largest"), [(2, 128), (4, 7 * 128), (8, 127 * 128)])
def test_weight_that_fits_at_no_scale(bits: int, largest: int) -> None:
    """A weight has 7 bits of exponent, and no fewer counts than one for the threshold."""
    (q,) = quantize(one_neuron([[largest, 1]]), weight_bits=bits).projections
    assert int(q.weight[0, 0]) * 2**q.weight_exp == largest
    found = "threshold 1, which the drive leaves 0.5 counts"
    assert refusal(one_neuron([[1, 1], [2 * largest, 1]]), bits) == fits_at_no_scale(
        "lif, neuron 1", found, bits
    )


def test_all_populations_at_once() -> None:
    net = network(
        [population("a", origin=("net.a", "net.b")), population("b")],
        [projection("x", "a", 1e6), projection("a", "b", 1e6)],
    )
    found = "threshold 1, which the drive leaves 0.016 counts"
    assert refusal(net) == "\n\n".join(
        fits_at_no_scale(f"{node}, neuron 0", found, 8) for node in ("net.a + net.b", "b")
    )


@pytest.mark.parametrize("bits", [3, 4, 8])
def test_large_weights_do_not_shrink_the_threshold_to_nothing(bits: int) -> None:
    """Weights of five thresholds each: at a small exponent they would leave it no whole count."""
    (p,) = quantize(one_neuron(np.full((1, 64), 5.0)), weight_bits=bits).populations
    top = 2 ** (bits - 1) - 1
    assert p.threshold[0] >= min(top * 2**7 // 5, 36)
