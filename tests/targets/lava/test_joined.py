"""Artifacts as Lava processes, in programs that users write: run by Lava's own Runtime."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.operators import FixedScaling
from snnc.targets.lava import plan
from snnc.targets.lava.forms import Form
from snnc.targets.lava.groups import grouped
from tests.builders import fixed_convolution
from tests.targets.lava.cuts import on_cores, scattered, write_cut_artifact
from tests.targets.lava.leftovers import MARK, end_leftovers, wait_until_gone
from tests.targets.lava.networks import (
    Array,
    artifact,
    expected,
    population,
    process_of,
    projection,
    random_inputs,
    recurrent,
    save_inputs,
    write_artifact,
)
from tests.targets.lava.standalone import command
from tests.targets.lava.test_runner import on_three_cores, two_inputs

pytestmark = pytest.mark.lava

ROOT = Path(__file__).resolve().parents[3]
STEPS = 60
"""Hardware steps of a program."""
PERIOD = 13
"""Hardware steps from one restart to the next, where a network restarts."""
LIMIT = 200
"""Seconds for a program: Lava waits for ever where something fails."""

AROUND = """
import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor

x = dict(np.load(sys.argv[-2]))
sinks = {}

def listen(key, port):
    sinks[key] = Sink(shape=port.shape, buffer=STEPS)
    port.connect(sinks[key].a_in)
"""

WITHOUT_SNNC = f"""
import sys
STEPS, PERIOD = {STEPS}, {PERIOD}
first, second = sys.argv[1:3]
sys.path.insert(0, first)
from runner import load_process
a = load_process(first, name="first")
late = a.gives["allow_pickle"].latency
b = load_process(second, start=late)
again = load_process(second, start=late, period=PERIOD)
{AROUND}
for name, port in a.inputs.items():
    Source(data=x[name]).s_out.connect(port)
Source(data=x["x"][:2]).s_out.connect(b.inputs["nowhere"])
a.outputs["allow_pickle"].connect(b.inputs["members"])
a.outputs["allow_pickle"].connect(again.inputs["members"])
dense = Dense(weights=x["weights"], num_message_bits=24)
lif = LIF(shape=(3,), du=300, dv=100, vth=900)
b.outputs["class"].connect(dense.s_in)
dense.a_out.connect(lif.a_in)
for key, process in (("a", a), ("b", b), ("again", again)):
    for name, port in process.outputs.items():
        listen(f"{{key}}.{{name}}", port)
listen("lif", lif.s_out)
monitor = Monitor()
monitor.probe(lif.v, STEPS)
a.run(RunSteps(STEPS - 7), Loihi2SimCfg(select_tag="fixed_pt"))
b.run(RunSteps(7))
heard = {{key: sink.data.get() for key, sink in sinks.items()}}
(probed,) = monitor.get_data().values()
a.stop()
np.savez(sys.argv[-1], v=probed["v"].T, **heard)
print(a.in_ports.member_names, a.out_ports.member_names, a.name)
print(b.in_ports.member_names, b.out_ports.member_names, "lava.proc.conv.models" in sys.modules)
print(a.in_ports.x is a.inputs["x"], a.takes["a/b.c"].step, a.takes["a/b.c"].max_abs)
print({{name: (gives.latency, gives.shape) for name, gives in a.gives.items()}})
print(a.gives["real"].scale.tolist(), a.gives["real"].offset.tolist(), a.gives["hidden"].scale)
"""

WITH_SNNC = f"""
import multiprocessing, sys
STEPS = {STEPS}
multiprocessing.Queue()  # chooses a start method
import snnc
assert "numpy" not in sys.modules
snnc.repair_lava()
{AROUND}
source = Source(data=x["x"])
for form in ("mixed", "fused", "stock", "restart", "cut", "fused and cut"):
    period = {PERIOD} if form in ("restart", "cut") else None
    process = snnc.load_process(f"{{sys.argv[1]}}/{{form}}", period=period)
    source.s_out.connect(process.inputs["x"])
    for name, port in process.outputs.items():
        listen(f"{{form}}.{{name}}", port)
source.run(RunSteps(STEPS), Loihi2SimCfg(select_tag="fixed_pt"))
heard = {{key: sink.data.get() for key, sink in sinks.items()}}
source.stop()
np.savez(sys.argv[-1], **heard)
"""


def run_program(line: list[str], environment: Mapping[str, str]) -> str:
    """Run a program to its end, and give what it printed; kill it where it hangs."""
    with subprocess.Popen(
        line,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            printed, told = process.communicate(timeout=LIMIT)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert (process.returncode, told) == (0, "")
    return printed


def heard_outside(
    fixed: FixedNetwork, series: Mapping[str, Array], start: int = 0, period: int | None = None
) -> dict[str, Array]:
    """Give what each output sends in hardware time, shape ``[n, steps]``, by the oracle.

    Args:
        fixed: The network.
        series: For each input the integers that arrive, shape ``[n, steps]``.
        start: Hardware steps before its first.
        period: Hardware steps between restarts.
    """
    length = next(iter(series.values())).shape[1]
    pause = 0 if period is None else gap(fixed)
    every = length if period is None else period
    samples = -(-length // every)
    batches: dict[str, Array] = {}
    for declared in fixed.inputs:
        whole = np.zeros((declared.size, start + samples * every))
        whole[:, :length] = series[declared.name] * declared.step
        parts = whole[:, start:].T.reshape(samples, every, *declared.shape)
        batches[declared.name] = parts.swapaxes(0, 1)[: every - pause]
    wanted = expected(fixed, batches)
    found: dict[str, Array] = {}
    for output in fixed.outputs:
        source = fixed.population(output.source)
        values = wanted["spikes" if source.spiking else "v"][source.name]
        sent = np.zeros((start + source.lag + samples * every, source.size), np.int64)
        for sample in range(samples):
            begin = start + source.lag + sample * every
            flat = values[:, sample].reshape(every - pause, -1)
            sent[begin : begin + every - pause] = flat
        found[output.name] = sent[:length].T
    return found


def gap(fixed: FixedNetwork) -> int:
    """Give the steps of rest in a period: the longest lag, or delay beyond the lags."""
    lags = {i.name: 0 for i in fixed.inputs} | {p.name: p.lag for p in fixed.populations}
    delays = [q.delay - lags[q.target] + lags[q.source] for q in fixed.projections]
    return max(*lags.values(), *delays)


def behind() -> FixedNetwork:
    """Give a network with a delay of its own, bias, and names that mean something elsewhere.

    It has three parts: one is a population apart, and one an input that leads nowhere.
    """
    rng = np.random.default_rng(4)
    subtract = FixedReset.SUBTRACT
    return FixedNetwork(
        inputs=(
            FixedInput("members", (4,)),
            FixedInput("nowhere", (2,)),
            FixedInput("other", (2,)),
        ),
        populations=(
            population("lif", (5,), subtract, 1, threshold=90, bias_mant=11, dv=300),
            population("zero", (2,), FixedReset.ZERO, 2, threshold=60, bias_mant=90, dv=100),
            population("apart", (3,), subtract, 0, bias_mant=[900, 1500, 2100], dv=50),
        ),
        projections=(
            projection("members", "lif", rng.integers(-40, 100, (5, 4)), delay=4),
            projection("lif", "lif", rng.integers(-60, 60, (5, 5)), delay=1),
            projection("lif", "zero", rng.integers(-60, 90, (2, 5)), delay=1),
            projection("other", "apart", rng.integers(-60, 90, (3, 2)), delay=2),
        ),
        outputs=(Output("class", "lif"), Output("last", "zero"), Output("apart", "apart")),
        dt=1e-3,
    )


def series_for(fixed: FixedNetwork, seed: int) -> dict[str, Array]:
    """Give integers for every input, shape ``[n, steps]``."""
    drawn = random_inputs(fixed, STEPS, 1, seed)
    return {
        i.name: np.rint(drawn[i.name].reshape(STEPS, -1).T / i.step).astype(int)
        for i in fixed.inputs
    }


@pytest.mark.parametrize("cut", [False, True])
def test_program_without_snnc(
    tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch, cut: bool
) -> None:
    """Two artifacts in a chain, one of them twice, a user's own neurons behind, a monitor.

    Cut over cores, they are to others as they are whole, also where a run would let an input enter
    at the axons.
    """
    monkeypatch.setenv(MARK, str(tmp_path))
    monkeypatch.setattr(plan, "LARGE_INPUT", 2)
    first, second = two_inputs(), behind()
    assert process_of(second)["zero"] == "LIFReset"
    groups = {"first": grouped(on_three_cores(first)), "second": scattered(second, 3, seed=2)}
    for name, fixed in (("first", first), ("second", second)):
        folder = tmp_path / name
        made = groups[name]
        script = write_cut_artifact(folder, fixed, made) if cut else write_artifact(folder, fixed)
        trap = script.parent / "runner" / "trap.py"  # Lava searches models by executing files
        trap.write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n")
    x = series_for(first, seed=6)
    weights = np.random.default_rng(1).integers(-30, 60, (3, 5)) * 2
    save_inputs(tmp_path / "x.npz", x | {"weights": weights})
    program = tmp_path / "program.py"
    program.write_text(WITHOUT_SNNC)
    folders = [str(tmp_path / name) for name in ("first", "second", "x.npz", "out.npz")]
    line, environment = command(program, packages, *folders)
    printed = run_program(line, environment)
    assert printed.splitlines() == [
        "['input_1', 'x'] ['allow_pickle', 'hidden', 'real'] first",
        "['input_1', 'nowhere', 'other'] ['apart', 'last', 'output_1'] False",
        "True 0.25 8",
        "{'allow_pickle': (2, (4,)), 'hidden': (1, (2, 3)), 'real': (3, (2, 2))}",
        "[3.7, 3.7, 3.7, 3.7] [-1.1, -1.1, -1.1, -1.1] None",
    ]
    wanted = {f"a.{n}": values for n, values in heard_outside(first, x).items()}
    nothing = np.zeros((2, STEPS), int)
    middle = {"members": wanted["a.allow_pickle"], "nowhere": nothing, "other": nothing}
    late = first.population("file").lag
    for key, period in (("b", None), ("again", PERIOD)):
        sent = heard_outside(second, middle, late, period)
        wanted |= {f"{key}.{name}": values for name, values in sent.items()}
    with np.load(tmp_path / "out.npz") as archive:
        heard = dict(archive)
    user = users_neurons(weights)
    spikes = {"class": wanted["b.class"]}
    wanted["lif"] = heard_outside(user, spikes)["lif"]
    v = expected(user, {"class": wanted["b.class"].T[:, None]})["v"]["lif"][:, 0].T
    wanted["v"] = np.hstack([np.zeros((3, 1)), v[:, :-1]])
    assert heard.keys() == wanted.keys()
    assert {key: int((heard[key] != wanted[key]).sum()) for key in wanted} == dict.fromkeys(
        wanted, 0
    )
    assert all(values.any() for values in wanted.values())
    assert not np.array_equal(wanted["b.class"], wanted["again.class"])
    assert not (tmp_path / "executed").exists()
    wait_until_gone(str(tmp_path))
    assert end_leftovers(str(tmp_path)) == []


def users_neurons(weights: Array) -> FixedNetwork:
    """Give what the program has behind an artifact: a Dense and a LIF of Lava."""
    lif = population("lif", (3,), FixedReset.ZERO, 1, du=300, dv=100, threshold=900)
    return FixedNetwork(
        inputs=(FixedInput("class", (5,)),),
        populations=(lif,),
        projections=(projection("class", "lif", weights // 2, exp=1),),
        outputs=(Output("lif", "lif"),),
        dt=1e-3,
    )


def of_lavas_own() -> FixedNetwork:
    """Give a network of form stock, with a convolution, weights of single synapses and a delay."""
    rng = np.random.default_rng(8)
    neurons = {"dv": 300, "threshold": 60}
    single = FixedScaling(weight=rng.integers(20, 90, 8).astype(np.int8))
    return FixedNetwork(
        inputs=(FixedInput("x", (1, 2, 3)),),
        populations=(
            population("conv", (4, 1, 2), FixedReset.ZERO, 1, du=900, **neurons),
            population("single", (8,), FixedReset.ZERO, 2, **neurons),
        ),
        projections=(
            projection("x", "conv", fixed_convolution(rng.integers(-20, 60, (4, 1, 2, 2)))),
            projection("conv", "single", single),
            projection("single", "single", single, delay=3),
        ),
        outputs=(Output("out", "single"), Output("conv", "conv")),
        dt=1e-3,
    )


def test_program_with_snnc(tmp_path: Path) -> None:
    """Every form; values above ``max_abs`` are integers like others."""
    zero = [FixedReset.ZERO]
    networks = {
        "mixed": (recurrent(1, resets=[FixedReset.ZERO, FixedReset.SUBTRACT]), Form.MIXED),
        "fused": (recurrent(2, resets=[FixedReset.SUBTRACT_DELAYED]), Form.FUSED),
        "stock": (of_lavas_own(), Form.STOCK),
        "restart": (recurrent(4, resets=zero), Form.MIXED),
    }
    kinds = process_of(of_lavas_own(), Form.STOCK)
    assert {"LIFReset", "Conv", "Sparse", "DelaySparse"} <= set(kinds.values())
    for name, (fixed, form) in networks.items():
        write_artifact(tmp_path / name, fixed, form)
    mapped = on_cores(recurrent(3, resets=[FixedReset.ZERO, FixedReset.SUBTRACT]), 3, seed=1)
    for name, form in (("cut", Form.MIXED), ("fused and cut", Form.FUSED)):
        networks[name] = mapped.fixed, form
        made = replace(artifact(mapped.fixed, form), mapped=mapped).for_target("lava")
        assert made.save(tmp_path / name).is_dir()
    x = {"x": np.random.default_rng(5).integers(-3, 4, (6, STEPS))}
    save_inputs(tmp_path / "x.npz", x)
    arguments = [str(tmp_path), str(tmp_path / "x.npz"), str(tmp_path / "out.npz")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    assert (
        run_program([sys.executable, "-W", "ignore", "-c", WITH_SNNC, *arguments], environment)
        == ""
    )
    wanted = {
        f"{name}.{output}": values
        for name, (fixed, _) in networks.items()
        for output, values in heard_outside(
            fixed, x, 0, PERIOD if name in ("restart", "cut") else None
        ).items()
    }
    with np.load(tmp_path / "out.npz") as archive:
        heard = dict(archive)
    assert heard.keys() == wanted.keys()
    assert {key: int((heard[key] != wanted[key]).sum()) for key in wanted} == dict.fromkeys(
        wanted, 0
    )
    assert all(values.any() for values in wanted.values())
