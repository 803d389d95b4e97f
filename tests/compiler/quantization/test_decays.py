"""What rounding does to decays is told, and what a steady input leads to can be kept."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings

from snnc.compiler.network import Integration, Network, Reset
from snnc.compiler.quantization.account import account_for
from snnc.compiler.quantization.decays import (
    Decays,
    TimeConstants,
    errors_of_u,
    errors_of_v,
    lowered_for,
    matched,
)
from snnc.compiler.quantization.lower import lower
from snnc.compiler.quantization.quantize import quantize
from snnc.targets.float.executor import execute as execute_float
from snnc.targets.integer.reference import execute as execute_fixed
from tests.builders import (
    convolution,
    fixed_population,
    network,
    one_neuron,
    population,
    projection,
    spikes,
)
from tests.drawn.networks import networks

Reals = npt.NDArray[np.float64]

LOST = np.array([15.45, 14.6, 13.48, 17.42]) / 4096
"""Part that is lost in a step: 2 to 4 % more or less in whole 4096ths."""


def read_outs(integration: Integration, lost: Reals, lost_of_current: Reals, **fields: Any) -> Any:
    """Give the fields of slow read-outs."""
    euler = integration.is_euler
    n = len(lost)
    return {
        "integration": integration,
        "decay": lost if euler else 1 - lost,
        "current_decay": lost_of_current if euler else 1 - lost_of_current,
        "leak": np.array([1, 0.4, 0.2, 0.6])[:n] / lost_of_current if euler else 0.0,
        "gain": np.array([2.0, 1.0, 0.5, 3.0])[:n] if euler else 1.0,
        "spiking": False,
        "reset": Reset.NONE,
        "threshold": 0.0,
        **fields,
    }


def rest_of(net: Network, decays: Decays) -> npt.NDArray[np.float64]:
    """Give where the integers come to rest when every input spikes in every step."""
    fixed = quantize(net, decays=decays)
    x = np.ones((3000, 1, net.inputs[0].size), np.int32)
    p = fixed.population("lif")
    return np.asarray(execute_fixed(fixed, {"x": x}).v["lif"][-1, 0] / p.scale + p.offset)


@pytest.mark.parametrize(
    ("integration", "lost", "lost_of_current"),
    [
        ("decay", LOST, np.ones(4)),
        ("euler", LOST, np.ones(4)),
        ("leak-euler", LOST, np.ones(4)),
        ("current-decay", LOST, np.full(4, 0.5)),
        ("current-decay", np.full(4, 0.25), LOST),
        ("current-euler", LOST, np.full(4, 0.5)),
        ("current-euler", np.full(4, 0.25), LOST),
    ],
)
def test_a_steady_input_leads_to_the_same(
    integration: str, lost: Reals, lost_of_current: Reals
) -> None:
    """As the equations of ``network`` say; with the nearest decays it is 3 % off."""
    weight = np.array([[0.5, 0.3], [1.0, -0.2], [0.4, 0.4], [0.3, 0.5]])
    bias = np.array([0.05, 0.1, -0.02, 0.1])
    fields = read_outs(Integration(integration), lost, lost_of_current)
    net = one_neuron(weight, bias=bias, **fields)
    p = net.populations[0]
    wanted = p.gain * (weight.sum(axis=1) + bias) / lost_of_current + p.leak
    if not p.integration.is_euler:
        wanted = wanted / lost
    errors = {d: np.abs(rest_of(net, d) / wanted - 1) for d in Decays}
    assert errors[Decays.GAIN].max() < 0.01
    assert errors[Decays.NEAREST].max() > 0.025


def test_weights_of_a_channel_may_serve_different_decays() -> None:
    fields = read_outs(Integration.EULER, LOST[:3], np.ones(3), gain=1.0)
    lif = population(n=3, shape=(1, 3), **fields)
    net = network(
        [lif], [projection("x", "lif", None, convolution([[[0.5]]]))], inputs={"x": (1, 3)}
    )
    wanted = 0.5 + lif.leak
    assert np.abs(rest_of(net, Decays.GAIN) / wanted - 1).max() < 0.01
    assert np.abs(rest_of(net, Decays.NEAREST) / wanted - 1).max() > 0.03


def test_a_reset_value_counts_from_where_it_did() -> None:
    """Without input ``v`` decays to 0, and starts at 0.5: neither is the value of the reset."""
    fields: dict[str, Any] = {"reset": Reset.VALUE, "reset_value": -1.0, "threshold": 1.0}
    net = one_neuron(1.0, decay=1 - LOST[0], initial=0.5, **fields)
    fixed = quantize(net, decays=Decays.GAIN)
    (p,) = fixed.populations
    v = execute_fixed(fixed, {"x": np.zeros((3000, 1, 1), np.int32)}).v["lif"] / p.scale + p.offset
    assert v[0, 0, 0] == pytest.approx(0.5 * (1 - LOST[0]), abs=0.005)
    assert v[-1, 0, 0] == pytest.approx(0, abs=0.005)


def rate_errors(drive: float) -> dict[Decays, float]:
    """Give ``sum |n_i - m_i| / sum n_i`` of spike counts, for time constants of 500 to 2000 steps.

    Args:
        drive: Where the mean input would take the potential, as a multiple of the threshold.
    """
    rng = np.random.default_rng(0)
    lost = 1 / np.geomspace(500, 2000, 100)
    weight = rng.uniform(0, 2, (100, 40))
    weight *= (drive * lost / (0.1 * weight.sum(axis=1)))[:, None]
    net = one_neuron(weight, decay=1 - lost)
    x = spikes((20_000, 1, 40), rate=0.1)
    real = execute_float(net, {"x": x}).spikes["lif"].sum(axis=(0, 1), dtype=int)
    errors: dict[Decays, float] = {}
    for decays in Decays:
        fixed = quantize(net, decays=decays)
        got = execute_fixed(fixed, {"x": x.astype(np.int32)}).spikes["lif"]
        errors[decays] = float(np.abs(got.sum(axis=(0, 1), dtype=int) - real).sum() / real.sum())
    return errors


def test_rates_of_slow_neurons() -> None:
    """A mean input a little above the threshold. Measured: 25 % off, and 15 %."""
    errors = rate_errors(1.1)
    assert errors[Decays.GAIN] < 0.75 * errors[Decays.NEAREST]


def test_rates_of_slow_neurons_that_are_driven_hard() -> None:
    """They reach the threshold before they lose much. Measured: 3.9 % off, and 6.5 %."""
    errors = rate_errors(3)
    assert errors[Decays.NEAREST] < 0.75 * errors[Decays.GAIN]


@given(networks())
@settings(max_examples=15)
def test_weights_stay_as_they_are(net: Network) -> None:
    for before in lower(net):
        after = matched(before)
        assert before.arriving == after.arriving
        assert np.allclose(before.unit * before.threshold, after.unit * after.threshold)
        assert np.allclose(before.unit * before.initial, after.unit * after.initial)


@pytest.mark.parametrize("decay", [1.0, 1 - 2.0**-14, 0.75, 0.0])
def test_what_has_no_rest_or_is_exact_is_left_alone(decay: float) -> None:
    """An integrator, one that rounding makes one, three quarters of 4096, and no memory."""
    (n,) = lowered_for(one_neuron(decay=decay), Decays.GAIN)
    assert n.unit.tolist() == [1]


def test_the_account_knows() -> None:
    """The weights are no worse for it: their error is that of rounding, not of the gain."""
    weight = np.random.default_rng(0).normal(0, 1, (20, 30))
    net = one_neuron(weight, decay=1 - LOST[0], bias=0.01)
    of_each = {d: account_for(net, quantize(net, decays=d), decays=d)[0] for d in Decays}
    near, kept = of_each[Decays.NEAREST], of_each[Decays.GAIN]
    assert near.weight_sqnr_db is not None
    assert kept.weight_sqnr_db == pytest.approx(near.weight_sqnr_db, abs=1)
    assert kept.bias_error < 1e-3
    assert kept.time_constant_error == near.time_constant_error


def test_errors_by_hand() -> None:
    """Of three neurons: exact, 3/4 that became 1/2, and one that became endless."""
    p = population(
        n=3,
        integration=Integration.CURRENT_DECAY,
        decay=[0.5, 0.75, 0.5],
        current_decay=[0.25, 0.75, 1.0],
    )
    wrong = log(0.75) / log(0.5)
    integers = fixed_population(n=3, dv=2048, du=[3071, 1023, 0])
    of_v = errors_of_v(p, integers)
    assert of_v.worst == pytest.approx(1 - wrong)
    assert of_v.typical == 0
    assert errors_of_u(p, integers) == TimeConstants(worst=1.0, typical=0.0)
    endless = fixed_population(n=3, dv=[0, 0, 2048], du=4095)
    assert errors_of_v(p, endless) == TimeConstants(worst=None, typical=None)
    assert errors_of_u(population(), fixed_population()) is None
