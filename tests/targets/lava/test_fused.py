"""The fused form on Lava: one process of ours for all nodes, to the last bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snnc
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.trace import SIGNALS, Trace
from snnc.targets.lava.forms import Form
from snnc.targets.lava.target import LavaTarget
from snnc.targets.running import RunOptions
from tests.drawn.fixed import fixed_networks
from tests.runtime.samples import data, run_snnc, write_files
from tests.targets.lava.networks import (
    RECORD_ALL,
    Array,
    artifact,
    differing,
    expected,
    expected_outputs,
    networks,
    population,
    projection,
    random_inputs,
    recurrent,
    save_inputs,
    write_artifact,
)
from tests.targets.lava.standalone import results, start
from tests.targets.lava.test_operators import convolutional
from tests.targets.lava.test_runner import two_inputs

pytestmark = pytest.mark.lava


def run(fixed: FixedNetwork, inputs: dict[str, Array], options: RunOptions = RECORD_ALL) -> Trace:
    return LavaTarget().run(artifact(fixed, Form.FUSED), inputs, options)


def compare(fixed: FixedNetwork, inputs: dict[str, Array]) -> Trace:
    """Compare every signal and output with the oracle's."""
    trace, wanted = run(fixed, inputs), expected(fixed, inputs)
    assert differing(trace, wanted) == 0
    for name, values in expected_outputs(fixed, wanted).items():
        assert trace.outputs[name].dtype == values.dtype
        assert np.array_equal(trace.outputs[name], values)
    return trace


@settings(max_examples=6)
@given(fixed_networks() | networks(), st.integers(0, 2**32 - 1))
def test_random_networks(fixed: FixedNetwork, seed: int) -> None:
    """A few: ``test_whole.py`` has many, without Lava."""
    compare(fixed, random_inputs(fixed, steps=7, batch=4, seed=seed))


def test_every_reset_and_parts_that_are_not_connected() -> None:
    fixed = recurrent()
    alone = population("alone", (2,), FixedReset.ZERO, 0, bias_mant=[90, 700], bias_exp=3)
    fixed = replace(
        fixed,
        inputs=(*fixed.inputs, FixedInput("unused", (1,))),
        populations=(*fixed.populations, alone),
        projections=(*fixed.projections, projection("alone", "alone", np.full((2, 2), 60))),
        outputs=(*fixed.outputs, Output("alone", "alone")),
    )
    told: list[tuple[int, int]] = []
    inputs = random_inputs(fixed, steps=20, batch=7)
    assert compare(fixed, inputs).spikes["alone"].any()
    steps = 20 + fixed.latency
    run(fixed, inputs, RunOptions(progress=lambda done, total: told.append((done, total))))
    assert told[-1] == (steps, steps)
    assert told == sorted(set(told))


def test_operators_a_read_out_and_raw_time() -> None:
    fixed = convolutional()
    inputs = random_inputs(fixed, steps=15, batch=3)
    aligned = compare(fixed, inputs)
    raw = run(fixed, inputs, replace(RECORD_ALL, raw_time=True))
    assert np.array_equal(raw.outputs["potential"][3:], aligned.outputs["potential"])
    assert (raw.outputs["potential"][:3] == -3).all()  # at rest: nothing is recorded
    for p in fixed.populations:
        for signal in SIGNALS if p.spiking else ("u", "v"):
            late = raw.signal(signal)[p.name]
            assert np.array_equal(late[p.lag : p.lag + 15], aligned.signal(signal)[p.name])
            assert not late[: p.lag].any()
            assert not late[p.lag + 15 :].any()


@pytest.mark.parametrize("delay", [2, 63])
def test_delay(delay: int) -> None:
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (2,), max_abs=9),),
        populations=(
            population("p", (2,), FixedReset.ZERO, 1),
            population("q", (2,), FixedReset.NONE, 2),
        ),
        projections=(
            projection("x", "p", np.array([[30, 0], [0, 60]]), delay=delay),
            projection("p", "q", np.array([[3, 0], [0, 5]]), delay=delay),
        ),
        outputs=(Output("out", "q"),),
        dt=1e-3,
    )
    x = np.zeros((2 * delay + 3, 2, 2), np.int64)
    x[0, 0], x[2, 1], x[-1, 1] = (7, 0), (0, 9), (9, 9)  # the last one must reach no sample
    u = compare(fixed, {"x": x}).u["q"]
    assert [tuple(map(int, place)) for place in np.argwhere(u)] == [
        (2 * (delay - 1), 0, 0),
        (2 * (delay - 1) + 2, 1, 1),
    ]


def test_user_runs_an_artifact_without_snnc(tmp_path: Path, packages: Path) -> None:
    fixed = two_inputs()
    script = write_artifact(tmp_path / "artifact", fixed, Form.FUSED)
    inputs = random_inputs(fixed, steps=9, batch=4)
    save_inputs(tmp_path / "x.npz", inputs)
    into = ("--input", str(tmp_path / "x.npz"), "--output", str(tmp_path / "out.npz"))
    assert start(script, packages, *into, "--record", "spikes,u,v") == (0, "")
    outputs, signals = results(tmp_path / "out.npz", fixed)
    wanted = expected(fixed, inputs)
    for kind in SIGNALS:
        assert set(signals[kind]) == set(wanted[kind])
        for name, values in wanted[kind].items():
            assert np.array_equal(signals[kind][name], values)
    for name, values in expected_outputs(fixed, wanted).items():
        assert outputs[name].dtype == values.dtype
        assert np.array_equal(outputs[name], values)
        assert values.any()


def test_command(tmp_path: Path) -> None:
    """Compiled, run and verified as a user does; the other targets give the same."""
    write_files(tmp_path)
    model = ("model.nir", "--dt", "1e-4")
    options = ("--target", "lava", "--lava", "fused")
    done = run_snnc("compile", *model, *options, "-o", "fused", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = run_snnc("inspect", "fused", cwd=tmp_path).stdout
    assert ["n0002", "population", "Fused", "ours", "hidden"] in map(str.split, told.splitlines())
    done = run_snnc("run", "fused", "--input", "x.npy", "-o", "out.npz", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    wanted = snnc.compile(tmp_path / "model.nir", "integer", dt=1e-4).run(data()).outputs["output"]
    with np.load(tmp_path / "out.npz") as found:
        assert np.array_equal(found["output"], wanted)
    assert wanted.any()
    done = run_snnc("verify", "fused", "--input", "x.npy", "--report", "report", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 promises kept: float -> integer, integer -> lava." in done.stdout
