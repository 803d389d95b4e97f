"""Currents with a memory, and inputs, as integers."""

from __future__ import annotations

from functools import partialmethod
from typing import Any

import numpy as np
import pytest

from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import (
    FixedInput,
    FixedReset,
    SignMode,
)
from snnc.compiler.network import Integration, Reset
from snnc.compiler.quantization.lower import lower
from snnc.compiler.quantization.overflow import bound_states
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.quantization.scale import Scalable, scalable
from snnc.targets.float.executor import execute as execute_float
from snnc.targets.integer.reference import execute as execute_fixed
from tests.builders import (
    network,
    one_neuron,
    population,
    projection,
    spikes,
)
from tests.compiler.quantization.quantized import weight_of


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


def always(_scalable: Scalable, exponent: int, _weight_bits: int) -> int:
    return exponent


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
        monkeypatch.setattr(Scalable, "best_exponent", partialmethod(always, exponent))
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


INTEGRATOR: dict[str, Any] = {"decay": 1.0, "reset": Reset.SUBTRACT}


def test_where_nothing_bounds_v_the_data_tell_its_room() -> None:
    """256 steps of the largest drive in the data; else of the largest at all.

    A spike takes the threshold of 1 away from a drive upwards.
    """
    net = one_neuron([[1, 1, -1, -1]], **INTEGRATOR)
    together = np.array([[[1, 0, 1, 0], [1, 1, 0, 1]], [[0, 1, 0, 0], [0, 0, 0, 1]]], np.float32)
    apart = np.array([[[1, 1, 0, 0], [0, 0, 0, 0]]], np.float32)
    nothing = np.zeros((1, 1, 4), np.float32)
    room = 2**17 * (1 - 2**-6)
    for data, steps in ((together, 256), (apart, 257), (-apart, 512), (None, 1024)):
        (p,) = quantize(net, calibration=None if data is None else {"x": data}).populations
        assert p.threshold[0] == int(room / steps)
    (p,) = quantize(net, calibration={"x": nothing}).populations
    assert p.threshold[0] == 127 * 2**7, "as much as weights can express"


def test_data_do_not_shorten_a_bound_that_is_proven() -> None:
    """Spikes of neurons are never negative, so nothing pulls the integrator down."""
    integrator = population("b", decay=1.0)
    net = network([population("a"), integrator], [projection("x", "a", 2), projection("a", "b", 2)])
    made = quantize(net, calibration={"x": np.zeros((3, 2, 1), np.float32)})
    assert [p.threshold[0] for p in made.populations] == [
        p.threshold[0] for p in quantize(net).populations
    ]
    assert all(bounds.proven.all() for bounds in bound_states(made).values())


def test_the_data_of_many_samples_tell_their_largest_drive() -> None:
    net = one_neuron([[1, -1]], **INTEGRATOR)
    data = np.zeros((3, 200, 2), np.float32)
    data[:, :, 0] = 1
    data[1, 150] = (3, 1)
    data[2, 199] = (0, 5)
    (p,) = quantize(net, calibration={"x": data}).populations
    assert p.threshold[0] == int(2**17 * (1 - 2**-6) / (256 * 5))


def test_the_step_of_an_input_counts_in_every_limit() -> None:
    """One integer stands for 100; weights and bounds hold what it is worth."""
    x = np.array([12_700, 0.5], np.float32)[:, None, None]
    for weight, threshold in ((0.9, 1e4), (100.0, 1e4), (0.9, 500.0)):
        net = one_neuron(weight, threshold=threshold, decay=0.0)
        fixed = quantize(net, calibration={"x": x})
        (p,), (q,) = fixed.populations, fixed.projections
        wanted = p.scale[0] / 64 * weight * 100
        integer = int(weight_of(q)[0, 0])
        assert abs(integer * 2.0**q.weight_exp - wanted) <= 0.5 * 2.0**q.weight_exp
        assert 128 <= integer <= 255
        (n,) = lower(net)
        largest = scalable(n, {"x": fixed.inputs[0]}).largest[SignMode.EXCITATORY]
        assert largest[0] == pytest.approx(weight * 100)
        assert bound_states(fixed)["lif"].proven.all()


def test_an_initial_potential_takes_room() -> None:
    fixed = quantize(one_neuron(0.01, initial=1000, threshold=1))
    assert list(check_fixed(fixed)) == []
    (p,) = fixed.populations
    assert p.initial[0] == pytest.approx(1000 * p.scale[0], abs=0.5)
    assert 2**22 < p.initial[0] < 2**23
    assert bound_states(fixed)["lif"].proven.all()
