"""The runner's arithmetic and its sense of time, against plain Python; Lava has no part."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedPopulation, FixedReset
from snnc.compiler.network import Output
from snnc.targets.lava.runner.neuron import Neurons
from snnc.targets.lava.runner.window import SIGNALS, Recorder, Window, shared_array
from tests import oracle
from tests.targets.lava.networks import population, projection

PARAMETERS = ("du", "dv", "threshold", "bias_mant", "bias_exp", "initial")


@given(
    reset=st.sampled_from(list(FixedReset)),
    du=st.integers(0, 4095),
    dv=st.integers(0, 4096),
    threshold=st.integers(0, 131071) | st.integers(0, 300),
    bias=st.tuples(st.integers(-4095, 4095), st.integers(0, 7)),
    initial=st.just(0) | st.integers(1 - 2**23, 2**23 - 1),
    refractory=st.sampled_from((0, 0, 1, 2, 5)),
    spiking=st.sampled_from((True, True, False)),
    inputs=st.lists(st.integers(-(2**19), 2**19) | st.integers(-9, 9), min_size=1, max_size=20),
)
def test_neuron(
    reset: FixedReset,
    du: int,
    dv: int,
    threshold: int,
    bias: tuple[int, int],
    initial: int,
    refractory: int,
    spiking: bool,
    inputs: list[int],
) -> None:
    others = {"initial": initial, "refractory": refractory, "spiking": spiking}
    record = population(
        "p",
        (1,),
        reset,
        0,
        du=du,
        dv=dv,
        threshold=threshold,
        bias_mant=bias[0],
        bias_exp=bias[1],
        **others,
    )
    wanted = run_oracle(record, inputs)
    parameters = {name: getattr(record, name) for name in PARAMETERS}
    neurons = Neurons(str(reset), parameters, refractory, spiking)
    for _ in range(2):  # as at the start of every sample
        neurons.rest()
        found = [
            (int(neurons.step(np.array([a]))[0]), int(neurons.u[0]), int(neurons.v[0]))
            for a in inputs
        ]
        assert found == wanted


def run_oracle(record: FixedPopulation, inputs: list[int]) -> list[tuple[int, int, int]]:
    """Give spike, u and v of each step of one neuron whose synaptic input is ``inputs``."""
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (1,), max_abs=2**19),),
        populations=(record,),
        projections=(projection("x", "p", np.ones((1, 1)), delay=0),),
        outputs=(Output("out", "p"),),
        dt=1e-3,
    )
    signals = oracle.as_arrays(oracle.run(fixed, {"x": np.array(inputs).reshape(-1, 1, 1)}))
    columns = [signals[s]["p"][:, 0, 0].tolist() for s in ("spikes", "u", "v")]
    return list(zip(*columns, strict=True))


def test_every_parameter_of_a_population_is_used() -> None:
    others = {"name", "origin", "shape", "reset", "refractory", "spiking", "lag"}
    others |= {"scale", "offset"}  # of the output, see arrays.py
    assert {f.name for f in fields(FixedPopulation)} - others == set(PARAMETERS)


def test_window() -> None:
    window = Window(steps=3, batch=2, period=5, lag=2)
    found = [window.position(step) for step in range(1, 14)]
    first, second = [(0, 0), (1, 0), (2, 0)], [(0, 1), (1, 1), (2, 1)]
    nothing = [None, None]
    assert found == [*nothing, *first, *nothing, *second, *nothing, None]


@given(
    steps=st.integers(1, 9),
    batch=st.integers(1, 4),
    gap=st.integers(0, 9),
    lag=st.integers(0, 9),
)
def test_window_takes_each_step_of_each_sample_once(
    steps: int, batch: int, gap: int, lag: int
) -> None:
    window = Window(steps, batch, steps + gap, min(lag, gap))
    found = [window.position(k + 1) for k in range(batch * window.period)]
    assert [p for p in found if p] == [(t, b) for b in range(batch) for t in range(steps)]


def test_recorder_keeps_what_is_asked_and_within_samples_only() -> None:
    window = Window(steps=2, batch=2, period=4, lag=1)
    arrays = {s: shared_array((4, 2, 1), SIGNALS[s]) for s in ("spikes", "v")}
    recorder = Recorder(window, arrays)
    for k in range(1, 9):
        recorder.keep(k, spikes=np.array([k % 2]), u=np.array([9]), v=np.array([k]))
    assert arrays["v"][:, 0, 0].tolist() == [0, 2, 3, 0]
    assert arrays["v"][:, 1, 0].tolist() == [0, 6, 7, 0]
    assert arrays["spikes"][:, 0, 0].tolist() == [0, 0, 1, 0]
    assert arrays["spikes"].dtype == np.uint8


@pytest.mark.parametrize("shape", [(0, 3), (2, 3)])
def test_shared_array_is_zero(shape: tuple[int, ...]) -> None:
    array = shared_array(shape, np.int32)
    assert array.shape == shape
    assert not array.any()
