"""A network cut over cores runs on Lava as one group of processes a core: the same bits."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.mapping.join import joined_trace
from snnc.compiler.mapping.mapped import Core, MappedNetwork, Part
from snnc.compiler.mapping.regions import Box, Listed
from snnc.compiler.network import Output
from snnc.compiler.operators import FixedConvolution, SumPooling, Window
from snnc.compiler.trace import SIGNALS, Trace
from snnc.targets.lava import plan
from snnc.targets.lava.forms import Form
from snnc.targets.lava.groups import grouped
from snnc.targets.lava.target import LavaTarget, write_program
from tests.builders import fixed_convolution
from tests.targets.lava.alone import run_whole
from tests.targets.lava.cuts import mapped_to, on_cores, scattered, write_cut_artifact
from tests.targets.lava.equality import differences
from tests.targets.lava.networks import (
    RECORD_ALL,
    Array,
    artifact,
    expected,
    expected_outputs,
    networks,
    population,
    projection,
    random_inputs,
    save_inputs,
)
from tests.targets.lava.standalone import results, start
from tests.targets.lava.test_joined import of_lavas_own
from tests.targets.lava.test_runner import on_three_cores, two_inputs


def planes() -> FixedNetwork:
    """Give planes with two layers of windows, a way around, a loop and a read-out."""
    rng = np.random.default_rng(6)
    pool = SumPooling(window=Window((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)))
    kernels = [rng.integers(-30, 70, (4, 2, 3, 3)), rng.integers(-50, 90, (2, 4, 2, 2))]
    half = rng.integers(-9, 9, (5, 72)) * (np.arange(72) > 36)
    scales = np.array([3.7, 0.3, 50.0, 1.0, 8.0])
    corner = FixedConvolution(
        weight=kernels[1].astype(np.int8),
        window=Window((2, 2), (1, 1), ((1, 0), (1, 0)), (1, 1)),
        groups=1,
    )
    return FixedNetwork(
        inputs=(FixedInput("x", (2, 6, 6)),),
        populations=(
            population("conv", (4, 6, 6), FixedReset.ZERO, 1, dv=300, threshold=60),
            population("next", (2, 3, 3), FixedReset.SUBTRACT, 2, dv=200, threshold=150),
            population(
                "out", (5,), FixedReset.NONE, 3, spiking=False, dv=400, scale=scales, offset=-scales
            ),
        ),
        projections=(
            projection("x", "conv", fixed_convolution(kernels[0], padding=1)),
            projection("conv", "next", pool, corner),
            projection("next", "next", rng.integers(-60, 40, (18, 18)), delay=1, exp=-1),
            projection("next", "out", rng.integers(-60, 90, (5, 18)), exp=-2),
            projection("x", "out", half, delay=5),
        ),
        outputs=(Output("class", "out"), Output("planes", "conv")),
        dt=1e-3,
    )


def on_four_cores() -> MappedNetwork:
    """Give ``planes`` with every population on several cores, and each core with several."""

    def neurons(*indices: int) -> Listed:
        return Listed(np.array(indices))

    return mapped_to(
        planes(),
        {"conv": Box((0, 0, 0), (4, 4, 6)), "out": neurons(0, 2)},
        {"conv": Box((0, 4, 0), (4, 6, 6)), "next": Box((0, 0, 0), (1, 3, 3))},
        {"next": Box((1, 0, 0), (2, 2, 3)), "out": neurons(1, 3, 4)},
        {"next": Box((1, 2, 0), (2, 3, 3))},
    )


def run(mapped: MappedNetwork, form: Form, inputs: dict[str, Array]) -> Trace:
    """Run a network over cores as an artifact does."""
    made = replace(artifact(mapped.fixed, form), mapped=mapped)
    return joined_trace(LavaTarget().run(made.executed, inputs, RECORD_ALL), mapped)


@settings(max_examples=25)
@given(networks(), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_random_cuts_in_one_process(fixed: FixedNetwork, cores: int, seed: int) -> None:
    groups = scattered(fixed, cores, seed)
    inputs = random_inputs(fixed, steps=8, batch=3)
    found = run_whole(groups, inputs)
    wanted = expected(fixed, inputs)
    for p, axons in zip(fixed.populations, groups.joined, strict=True):
        for signal in SIGNALS:
            parts = [found[signal][part] for part in axons.sources]
            for k, values in enumerate(wanted[signal][p.name].reshape(8, 3, -1).transpose(2, 0, 1)):
                part = parts[int(axons.member[k])][p.lag : p.lag + 8, :, axons.element[k]]
                assert np.array_equal(part, values.astype(part.dtype))


@pytest.mark.lava
@settings(max_examples=3)
@given(networks(), st.integers(2, 3), st.integers(0, 2**32 - 1))
def test_random_cuts_on_processes(fixed: FixedNetwork, cores: int, seed: int) -> None:
    """Through the module that a user's own mapping takes, too: lists of neurons alone."""
    mapped = on_cores(fixed, cores, seed)
    inputs = random_inputs(fixed, steps=8, batch=3)
    wanted = expected(fixed, inputs)
    trace = run(mapped, Form.MIXED, inputs)
    assert differences(trace, wanted, expected_outputs(fixed, wanted)) == []


@pytest.mark.lava
@pytest.mark.parametrize("form", [Form.MIXED, Form.FUSED])
def test_planes_on_four_cores(form: Form) -> None:
    fixed, mapped = planes(), on_four_cores()
    inputs = random_inputs(fixed, steps=15, batch=4)
    wanted = expected(fixed, inputs)
    trace = run(mapped, form, inputs)
    assert differences(trace, wanted, expected_outputs(fixed, wanted)) == []
    assert all(0.05 < spikes.mean() < 0.95 for spikes in trace.spikes.values())


@pytest.mark.lava
def test_large_input_enters_at_the_axons(monkeypatch: pytest.MonkeyPatch) -> None:
    """A core reads what it hears of the input; ``apart`` is then connected to nothing."""
    monkeypatch.setattr(plan, "LARGE_INPUT", 71)
    whole = planes()
    weight = np.random.default_rng(3).integers(-60, 90, (4, 72)) * (np.arange(72) % 3 > 0)
    fixed = replace(
        whole,
        populations=(*whole.populations, population("apart", (4,), FixedReset.ZERO, 1, dv=90)),
        projections=(*whole.projections, projection("x", "apart", weight)),
    )
    on = on_four_cores().cores
    apart = Core(
        parts=(Part("apart", Box.whole((4,))),), chip=0, slot=4, encodings=dict[str, str]()
    )
    mapped = replace(on_four_cores(), fixed=fixed, cores=(*on, apart))
    rows = grouped(mapped).plan(Form.MIXED).processes
    entering = [row.core for row in rows if (row.role, row.process) == ("axons", "Source")]
    assert Counter(entering) == {0: 2, 1: 1, 2: 1, 4: 1}
    inputs = random_inputs(fixed, steps=15, batch=3)
    wanted = expected(fixed, inputs)
    trace = run(mapped, Form.MIXED, inputs)
    assert differences(trace, wanted, expected_outputs(fixed, wanted)) == []
    assert trace.spikes["apart"].any()


@pytest.mark.lava
@pytest.mark.parametrize("form", [Form.MIXED, Form.FUSED])
def test_user_runs_a_cut_artifact_without_snnc(tmp_path: Path, packages: Path, form: Form) -> None:
    """The runner joins the parts: names, shapes and units are those of the model."""
    fixed = two_inputs()
    groups = grouped(on_three_cores(fixed))
    script = write_cut_artifact(tmp_path / "artifact", fixed, groups, form)
    for name in ("program.json", "weights.safetensors"):  # of the whole network, for others
        (script.parent / name).unlink()
    inputs = random_inputs(fixed, steps=9, batch=4)
    save_inputs(tmp_path / "x.npz", inputs)
    into = ("--input", str(tmp_path / "x.npz"), "--output", str(tmp_path / "out.npz"))
    assert start(script, packages, *into, "--record", "spikes,u,v") == (0, "")
    outputs, signals = results(tmp_path / "out.npz", fixed)
    wanted = expected(fixed, inputs)
    for signal in SIGNALS:
        assert signals[signal].keys() == wanted[signal].keys()
        for name, values in wanted[signal].items():
            assert np.array_equal(signals[signal][name], values)
    given_ = expected_outputs(fixed, wanted)
    assert outputs.keys() == given_.keys()
    for name, values in given_.items():
        assert outputs[name].dtype == values.dtype
        assert np.array_equal(outputs[name], values)
        assert values.any()
    (script.parent / "cut.json").write_text("{}")
    assert start(script, packages, *into) == (
        2,
        f"error: {script.parent}/cut.json: not as manifest.json describes it; "
        "compile the model again\n",
    )


def test_nodes_lie_on_the_core_of_their_target() -> None:
    groups = grouped(on_four_cores())
    rows = json.loads(groups.plan(Form.MIXED).to_bytes())["processes"]
    assert Counter((row["role"], row["core"]) for row in rows) == {
        ("input", None): 1,
        ("population", 0): 2,
        ("population", 1): 2,
        ("population", 2): 2,
        ("population", 3): 1,
        ("axons", 0): 3,
        ("axons", 1): 3,
        ("axons", 2): 3,
        ("axons", 3): 2,
        ("projection", 0): 3,
        ("projection", 1): 3,
        ("projection", 2): 4,
        ("projection", 3): 2,
        ("output", None): 4,
    }
    fused = json.loads(groups.plan(Form.FUSED).to_bytes())
    assert fused["cut"] is True
    assert {(row["process"], row["core"]) for row in fused["processes"]} == {("Fused", None)}


STRUCTURE = """
import json, sys
from collections import Counter
from pathlib import Path
import numpy as np
from snnc.targets.lava.runner import compat
compat.install()
from lava.magma.core.run_configs import Loihi2SimCfg
from snnc.targets.lava.runner.build import Job, build
from snnc.targets.lava.runner.program import read_program
from snnc.targets.lava.runner.window import Recorder, Window

program = read_program(Path(sys.argv[1]))
window = Window(1, 1, 1 + program.gap)
inputs = {name: np.zeros((1, 1, i.size), np.int32) for name, i in program.inputs.items()}
recorders = {p.id: Recorder(window) for p in program.processes}
models = build(Job(program, inputs, window, recorders), program.processes)
first = next(iter(models))
first.compile(Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map=models))
print(json.dumps({
    core.name: [
        list(core.hears),
        list(core.tells),
        Counter(type(process).__name__ for process in core.procs.members),
    ]
    for core in models if type(core).__name__ == "Core"
}))
"""


@pytest.mark.lava
def test_what_connects_the_cores(tmp_path: Path) -> None:
    """A core is a process with others within, and hears each part outside of it at one port."""
    groups = grouped(on_four_cores())
    write_program(tmp_path, groups, groups.plan(Form.MIXED))
    line = [sys.executable, "-W", "ignore", "-c", STRUCTURE, str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "core0000": [
            ["next@1", "next@2", "next@3", "x"],
            ["conv@0", "out@0"],
            {"LIFReset": 1, "Population": 1, "AxonsProcess": 3}
            | {"Synapse": 1, "Dense": 1, "DelayDense": 1},
        ],
        "core0001": [
            ["conv@0", "next@2", "next@3", "x"],
            ["conv@1", "next@1"],
            {"LIFReset": 1, "Population": 1, "AxonsProcess": 3, "Synapse": 2, "Dense": 1},
        ],
        "core0002": [
            ["conv@0", "next@1", "next@3", "x"],
            ["next@2", "out@2"],
            {"Population": 2, "AxonsProcess": 3, "Synapse": 1, "Dense": 2, "DelayDense": 1},
        ],
        "core0003": [
            ["conv@0", "conv@1", "next@1", "next@2"],
            ["next@3"],
            {"Population": 1, "AxonsProcess": 2, "Synapse": 1, "Dense": 1},
        ],
    }


STOCK = """\
error[SNN414]: what Lava's own processes hear of a core is one source, whole
  --> conv to single
   found: 4 input axons of single@0, from conv@0, and those of 1 more part
   limit: one source, all of it: Lava's ports are not put side by side \
(ConcatPort, lava/magma/core/process/ports/ports.py:233-235)
  remedy: --lava mixed, or leave --hardware out"""


def test_stock_form_is_refused_where_cores_need_axons() -> None:
    fixed = of_lavas_own()
    cut_up = mapped_to(
        fixed,
        {"conv": Box.whole((4, 1, 2)), "single": Box((0,), (4,))},
        {"single": Box((4,), (8,))},
    )
    with pytest.raises(InputError) as error:
        replace(artifact(fixed, Form.STOCK), mapped=cut_up).for_target("lava")
    assert [d.text("error") for d in error.value.diagnostics] == [STOCK]
    mixed = replace(artifact(fixed, Form.MIXED), mapped=cut_up).for_target("lava")
    assert "cut.json" in mixed.members


@pytest.mark.lava
def test_stock_form_runs_where_each_core_has_what_is_whole() -> None:
    """Lava's own processes alone, a convolution among them, in one group for each core."""
    fixed = of_lavas_own()
    mapped = mapped_to(fixed, {"conv": Box.whole((4, 1, 2))}, {"single": Box.whole((8,))})
    made = replace(artifact(fixed, Form.STOCK), mapped=mapped).for_target("lava")
    rows = json.loads(made.members["lava.json"])["processes"]
    assert {(row["process"], row["core"]) for row in rows} == {
        ("SourceRingBuffer", None),
        ("LIFReset", 0),
        ("Conv", 0),
        ("LIFReset", 1),
        ("Sparse", 1),
        ("DelaySparse", 1),
        ("SinkRingBuffer", None),
    }
    inputs = random_inputs(fixed, steps=12, batch=3)
    wanted = expected(fixed, inputs)
    trace = run(mapped, Form.STOCK, inputs)
    assert differences(trace, wanted, expected_outputs(fixed, wanted)) == []
    assert all(spikes.any() for spikes in trace.spikes.values())
