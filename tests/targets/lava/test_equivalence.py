"""Lava computes the integers, to the last bit of spikes, u and v."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from snnc.compiler.fixed import (
    MAX_WEIGHT_EXP,
    MIN_WEIGHT_EXP,
    FixedInput,
    FixedNetwork,
    FixedReset,
)
from snnc.compiler.network import Integration, Output, Reset
from snnc.compiler.operators import FixedDense
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.retime import retime
from snnc.runtime.compare import compare
from snnc.targets.integer.target import IntegerTarget
from snnc.targets.lava.plan import make_plan
from snnc.targets.lava.target import LavaTarget
from snnc.targets.running import RunOptions
from tests.builders import network
from tests.builders import population as real_population
from tests.builders import projection as real_projection
from tests.data_shared import SHARED, needs_shared
from tests.targets.lava.networks import (
    RECORD_ALL,
    artifact,
    differing,
    expected,
    networks,
    population,
    process_of,
    projection,
    random_inputs,
    recurrent,
)

pytestmark = pytest.mark.lava


@settings(max_examples=12)
@given(networks())
def test_random_networks(fixed: FixedNetwork) -> None:
    inputs = random_inputs(fixed, steps=8, batch=6)
    trace = LavaTarget().run(artifact(fixed), inputs, RECORD_ALL)
    wanted = expected(fixed, inputs)
    assert differing(trace, wanted) == 0
    for output in fixed.outputs:
        assert np.array_equal(trace.outputs[output.name], wanted["spikes"][output.source])


def test_every_reset_and_every_kind_of_process() -> None:
    fixed = recurrent()
    kinds = {row.process for row in make_plan(fixed).processes}
    assert kinds == {"Source", "LIFReset", "Population", "Dense", "DelayDense", "Sink"}
    inputs = random_inputs(fixed, steps=20, batch=10)
    trace = LavaTarget().run(artifact(fixed), inputs, RECORD_ALL)
    assert differing(trace, expected(fixed, inputs)) == 0
    rates = {name: spikes.mean() for name, spikes in trace.spikes.items()}
    assert all(0.05 < rate < 0.95 for rate in rates.values()), rates


@pytest.mark.parametrize("integration", ["current-decay", "current-euler"])
def test_currents_with_memory_and_a_bias(integration: str) -> None:
    """From real numbers, on both kinds of process; each bias has a neuron of its own."""
    rng = np.random.default_rng(2)
    kind = Integration(integration)
    gain = 5.0 if kind.is_euler else 1.0
    currents = {"integration": kind, "current_decay": rng.uniform(0.2, 0.8, 8), "gain": gain}
    fixed = retime(
        quantize(
            network(
                [
                    real_population("first", 8, decay=rng.uniform(0.1, 0.5, 8), **currents),
                    real_population("last", 8, reset=Reset.SUBTRACT_DELAYED, **currents),
                ],
                [
                    real_projection("x", "first", rng.normal(0.1, 0.3, (8, 5)), bias=0.05),
                    real_projection("first", "last", rng.normal(0.3, 0.3, (8, 8)), bias=-0.1),
                    real_projection("last", "last", rng.normal(0, 0.3, (8, 8)), delay=1),
                ],
            )
        )
    )
    assert [p.lag for p in fixed.populations] == [0, 1, 1, 2]
    kinds = process_of(fixed)
    assert kinds["first.bias"] == "LIFReset"
    assert (kinds["first"], kinds["last"]) == ("LIFReset", "Population")
    inputs = random_inputs(fixed, steps=40, batch=5)
    trace = LavaTarget().run(artifact(fixed), inputs, RECORD_ALL)
    assert differing(trace, expected(fixed, inputs)) == 0
    reference = IntegerTarget().run(artifact(fixed), inputs, RECORD_ALL)
    assert compare(reference, trace, ("spikes", "u", "v")).differing == 0
    assert trace.spikes["first.bias"].all()
    assert all(0.05 < trace.spikes[name].mean() < 0.95 for name in ("first", "last"))


def test_streamed_sample_is_as_if_run_alone() -> None:
    fixed = recurrent(1, [FixedReset.SUBTRACT_DELAYED])
    inputs = random_inputs(fixed, steps=6, batch=3)
    streamed = LavaTarget().run(artifact(fixed), inputs, RECORD_ALL)
    last = {name: x[:, 2:] for name, x in inputs.items()}  # two samples could leak into it
    alone = LavaTarget().run(artifact(fixed), last, RECORD_ALL)
    for signal in ("spikes", "u", "v"):
        for name, values in alone.signal(signal).items():
            assert np.array_equal(streamed.signal(signal)[name][:, 2:], values)


@pytest.mark.parametrize("delay", [1, 3])
def test_every_exponent_of_a_synapse(delay: int) -> None:
    """``u`` without memory is 64 times the synaptic input: for each exponent three neurons."""
    rng = np.random.default_rng(5)
    exponents = range(MIN_WEIGHT_EXP, MAX_WEIGHT_EXP + 1)
    size = 3 * len(exponents)
    owner = np.repeat(exponents, 3)[:, None]
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (4,), max_abs=7),),
        populations=(population("p", (size,), FixedReset.NONE, 1, threshold=131071),),
        projections=tuple(
            replace(projection("x", "p", weight, exp=e, delay=delay), name=f"exponent {e}")
            for e in exponents
            for weight in [rng.integers(-128, 128, (size, 4)) * (owner == e)]
        ),
        outputs=(Output("out", "p"),),
        dt=1e-3,
    )
    x = rng.integers(-7, 8, (5, 12, 4))
    trace = LavaTarget().run(artifact(fixed), {"x": x}, RECORD_ALL)
    seen = np.concatenate([np.zeros((delay - 1, 12, 4), np.int64), x])[:5]
    for p in fixed.projections:
        neurons = owner[:, 0] == p.weight_exp
        (dense,) = p.operators
        assert isinstance(dense, FixedDense)
        total = np.einsum("ni,tbi->tbn", dense.weight[neurons].astype(np.int64), seen)
        e = p.weight_exp
        a = total << e if e >= 0 else total >> -e
        wrapped = (64 * a + 2**23 - 1) % 2**24 - 2**23 + 1
        assert np.array_equal(trace.u["p"][:, :, neurons], wrapped)
        assert (total[total < 0] % 2**-e != 0).any() if e < -1 else True  # floor is seen


def test_raw_time_shifts_everything_by_its_lag() -> None:
    fixed = recurrent(resets=[FixedReset.ZERO, FixedReset.SUBTRACT])
    inputs = random_inputs(fixed, steps=7, batch=2)
    aligned = LavaTarget().run(artifact(fixed), inputs, RECORD_ALL)
    raw = LavaTarget().run(artifact(fixed), inputs, replace(RECORD_ALL, raw_time=True))
    for p in fixed.populations:
        late = raw.outputs[p.name]
        assert late.shape == (7 + fixed.latency, 2, 6)
        assert np.array_equal(late[p.lag : p.lag + 7], aligned.outputs[p.name])
        assert not late[: p.lag].any()
        assert not late[p.lag + 7 :].any()
        for signal in ("spikes", "u", "v"):
            late = raw.signal(signal)[p.name]
            assert late.shape == (7 + fixed.latency, 2, 6)
            assert np.array_equal(late[p.lag : p.lag + 7], aligned.signal(signal)[p.name])


def test_parts_that_are_not_connected_all_run() -> None:
    weight = np.full((2, 2), 60)
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (2,)), FixedInput("unused", (1,))),
        populations=(
            population("driven", (2,), FixedReset.SUBTRACT, 1),
            population("alone", (2,), FixedReset.ZERO, 0, bias_mant=[90, 700], bias_exp=3),
        ),
        projections=(projection("x", "driven", weight), projection("alone", "alone", weight)),
        outputs=(Output("driven", "driven"), Output("alone", "alone")),
        dt=1e-3,
    )
    inputs = {"x": np.ones((9, 3, 2)), "unused": np.ones((9, 3, 1))}
    told: list[tuple[int, int]] = []
    options = RunOptions(record=RECORD_ALL.record, progress=lambda d, t: told.append((d, t)))
    trace = LavaTarget().run(artifact(fixed), inputs, options)
    wanted = expected(fixed, inputs)
    assert differing(trace, wanted) == 0
    assert all(spikes.any() for spikes in trace.spikes.values())
    assert told == [(30, 60), (60, 60)]


@needs_shared
def test_run_that_others_recorded() -> None:
    """The NIR paper's run of one neuron on Lava: input, v and spike in hardware time."""
    recorded = np.loadtxt(SHARED / "lif" / "lif_lava_cpu_fixed.csv", delimiter=",")
    neuron = population("lif", (1,), FixedReset.ZERO, 1, du=4095, dv=163, threshold=25)
    fixed = FixedNetwork(
        inputs=(FixedInput("input", (1,)),),
        populations=(neuron,),
        projections=(projection("input", "lif", np.array([[10]])),),
        outputs=(Output("output", "lif"),),
        dt=1e-4,
    )
    x = recorded[:, :1, None]
    trace = LavaTarget().run(artifact(fixed), {"input": x}, RECORD_ALL)
    assert process_of(fixed)["lif"] == "LIFReset"
    assert np.array_equal(trace.v["lif"][:-1, 0, 0], recorded[1:, 1])
    assert np.array_equal(trace.spikes["lif"][:-1, 0, 0], recorded[1:, 2])
    assert recorded[:, 2].sum() == 4
