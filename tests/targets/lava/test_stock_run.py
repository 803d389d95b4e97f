"""Lava's own processes compute the integers, to the last bit of spikes, u and v."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedPopulation, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.operators import FixedOperator, MaxPooling, SumPooling
from snnc.targets.lava.forms import Form
from snnc.targets.lava.plan import make_plan
from snnc.targets.lava.stock import stock_problems
from snnc.targets.lava.target import LavaTarget
from tests.data_shared import SHARED, needs_shared
from tests.drawn.fixed import fixed_networks
from tests.targets.lava.networks import (
    RECORD_ALL,
    Array,
    artifact,
    differing,
    every_stock_process,
    expected,
    expected_outputs,
    population,
    process_of,
    projection,
    random_inputs,
)

pytestmark = pytest.mark.lava


def compare(fixed: FixedNetwork, inputs: dict[str, Array]) -> dict[str, Array]:
    """Compare every signal and output with the oracle's; give the rate of each population."""
    assert list(stock_problems(fixed)) == []
    trace = LavaTarget().run(artifact(fixed, Form.STOCK), inputs, RECORD_ALL)
    wanted = expected(fixed, inputs)
    assert differing(trace, wanted) == 0
    for name, values in expected_outputs(fixed, wanted).items():
        assert np.array_equal(trace.outputs[name], values)
    return {name: spikes.mean() for name, spikes in trace.spikes.items()}


def test_every_process() -> None:
    fixed = every_stock_process()
    assert list(check_fixed(fixed)) == []
    kinds = {row.process for row in make_plan(fixed, Form.STOCK).processes}
    synapses = {"Dense", "DelayDense", "Sparse", "DelaySparse", "Conv"}
    assert kinds == synapses | {"SourceRingBuffer", "SinkRingBuffer", "LIFReset", "Probe"}
    rates = compare(fixed, random_inputs(fixed, steps=20, batch=5))
    assert all(0.02 < rate < 0.98 for rate in rates.values()), rates


def test_sample_after_others_is_as_if_run_alone() -> None:
    """The first sample is as busy as can be; what it leaves must not reach the second."""
    fixed = every_stock_process()
    inputs = random_inputs(fixed, steps=6, batch=3)
    inputs["x"][:, :2], inputs["y"][:, :2] = 1, 4.5
    streamed = LavaTarget().run(artifact(fixed, Form.STOCK), inputs, RECORD_ALL)
    last = {name: x[:, 2:] for name, x in inputs.items()}
    alone = LavaTarget().run(artifact(fixed, Form.STOCK), last, RECORD_ALL)
    for signal in ("spikes", "u", "v"):
        for name, values in alone.signal(signal).items():
            assert np.array_equal(streamed.signal(signal)[name][:, 2:], values)


@settings(max_examples=6, suppress_health_check=[HealthCheck.filter_too_much])
@given(fixed_networks(), st.integers(0, 2**32 - 1))
def test_random_networks(fixed: FixedNetwork, seed: int) -> None:
    fixed = in_stock(fixed)
    assume(not any(stock_problems(fixed)))
    compare(fixed, random_inputs(fixed, steps=7, batch=4, seed=seed))


def in_stock(fixed: FixedNetwork) -> FixedNetwork:
    """Give a network like ``fixed`` that the form may be able to run."""
    projections = (
        replace(q, operators=tuple(map(_summed, q.operators))) for q in fixed.projections
    )
    return replace(
        fixed,
        populations=tuple(map(_plain, fixed.populations)),
        projections=tuple(projections),
    )


def _plain(p: FixedPopulation) -> FixedPopulation:
    du, theta = np.full_like(p.du, p.du[0]), np.full_like(p.du, p.threshold[0])
    dv = np.full_like(p.dv, min(p.dv[0], 4095) if p.spiking else max(p.dv[0] % 4096, 100))
    reset = FixedReset.ZERO if p.spiking else FixedReset.NONE
    rest = 0 * p.initial
    return replace(p, du=du, dv=dv, threshold=theta, reset=reset, refractory=0, initial=rest)


def _summed(operator: FixedOperator) -> FixedOperator:
    return SumPooling(window=operator.window) if isinstance(operator, MaxPooling) else operator


@needs_shared
def test_run_that_was_recorded_on_loihi() -> None:
    """The NIR paper's run of one neuron on a chip: input, v and spike in hardware time.

    On the chip a neuron that has just spiked shows another ``v`` (lava issue #282).
    """
    recorded = np.loadtxt(SHARED / "lif" / "lif_lava_loihi_fixed.csv", delimiter=",")
    neuron = population("lif", (1,), FixedReset.ZERO, 1, du=4095, dv=163, threshold=25)
    fixed = FixedNetwork(
        inputs=(FixedInput("input", (1,)),),
        populations=(neuron,),
        projections=(projection("input", "lif", np.array([[10]])),),
        outputs=(Output("output", "lif"),),
        dt=1e-4,
    )
    kinds = {"SourceRingBuffer", "LIFReset", "Dense", "SinkRingBuffer"}
    assert set(process_of(fixed, Form.STOCK).values()) == kinds
    inputs: dict[str, Any] = {"input": recorded[:, :1, None]}
    trace = LavaTarget().run(artifact(fixed, Form.STOCK), inputs, RECORD_ALL)
    spikes, v = trace.spikes["lif"][:-1, 0, 0], trace.v["lif"][:-1, 0, 0]
    assert np.array_equal(spikes, recorded[1:, 2])
    assert np.array_equal(v[spikes == 0], recorded[1:, 1][spikes == 0])
    assert spikes.sum() == 4
