"""The stock form keeps to what Lava documents, so that its owner can take it to the chip.

Every process of an artifact is one of Lava's, its parameters lie within the documented ranges, and
the processes compute the same where Lava itself runs them, with the models that it searches.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.targets.lava.forms import Form
from tests.targets.lava.networks import (
    Signals,
    every_stock_process,
    expected,
    random_inputs,
    save_inputs,
    write_artifact,
)

pytestmark = pytest.mark.lava

ROOT = Path(__file__).resolve().parents[3]
STEPS = 16

OWNER = """
import json, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from snnc.targets.lava.runner import compat
compat.install()
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from snnc.targets.lava.runner.arrays import read_inputs
from snnc.targets.lava.runner.build import Job, build
from snnc.targets.lava.runner.program import read_program
from snnc.targets.lava.runner.window import Recorder, Window

program = read_program(Path(sys.argv[1]))
inputs = read_inputs(program, Path(sys.argv[2]))
steps = next(iter(inputs.values())).shape[0]
window = Window(steps, 1, steps + program.gap)
lags = {p.id: program.recorded(p).lag for p in program.processes if program.recorded(p)}
recorders = {id: Recorder(replace(window, lag=lag)) for id, lag in lags.items()}
made = {p.name: p for p in build(Job(program, inputs, window, recorders), program.processes)}


def plain(value):
    if hasattr(value, "toarray"):
        value = value.toarray()
    if hasattr(value, "name"):
        return value.name
    return np.asarray(value).tolist()


told = {
    p.id: {"class": f"{type(made[p.id]).__module__}.{type(made[p.id]).__name__}"}
    | {v.name: plain(v.init) for v in made[p.id].vars if v.name not in ("data", "a_buff", "a_buf")}
    | {k: plain(made[p.id].proc_params[k]) for k in ("weight_exp", "num_weight_bits", "sign_mode")
       if made[p.id].proc_params.get(k) is not None}
    for p in program.processes if p.id in made
}
first = next(iter(made.values()))
steps += program.latency
first.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
got = {}
for p in program.processes:
    if p.kind == "SinkRingBuffer":
        got[p.of] = made[p.id].data.get().tolist()
    elif p.role == "population" and program.populations[p.of].lag == program.latency:
        got[p.of] = made[p.id].v.get().tolist()
first.stop()
print(json.dumps({"processes": told, "got": got}))
"""
"""Lists what Lava's processes are made with, and lets Lava run them by itself for one sample."""

NEURON = {
    "du": (0, 4095),  # lava/proc/lif/models.py:398
    "dv": (0, 4095),  # models.py:399
    "bias_mant": (-4096, 4095),  # models.py:400-401
    "bias_exp": (0, 7),  # models.py:402; docstring of PyLifResetModelBitAcc
    "vth": (0, 131071),  # models.py:403
    "u": (0, 0),  # rests at the start, process.py:279-282
    "v": (0, 0),
}
SINGLE = ("du", "dv", "vth")
"""One number for a population: lava/proc/lif/process.py:285-299."""
SYNAPSE = {
    "num_weight_bits": (1, 8),  # lava/proc/dense/process.py: "full 8 bit precision"
    "weight_exp": (-8, 7),  # Loihi's: 4 bits with sign
    "num_message_bits": (0, 24),  # 0 for spikes, above it for graded ones
    "delays": (0, 62),  # lava/proc/dense/models.py: "0 to 63 time steps", and one for the synapse
}
WEIGHTS = {"MIXED": (-256, 254), "EXCITATORY": (0, 255), "INHIBITORY": (-255, 0)}
"""lava/utils/weightutils.py:106-112, and even where signs are mixed (lines 235-241)."""
OWN = {
    "lava.proc.lif.process.LIFReset": NEURON,
    "lava.proc.dense.process.Dense": SYNAPSE,
    "lava.proc.dense.process.DelayDense": SYNAPSE,
    "lava.proc.sparse.process.Sparse": SYNAPSE,
    "lava.proc.sparse.process.DelaySparse": SYNAPSE,
    "lava.proc.conv.process.Conv": {
        "num_weight_bits": (8, 8),
        "weight_exp": (0, 0),
        "num_message_bits": (0, 24),
    },
    "lava.proc.io.source.RingBuffer": {},
    "lava.proc.io.sink.RingBuffer": {},
}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Signals]:
    """Give what the owner sees of an artifact, and the signals that are expected."""
    fixed = every_stock_process()
    folder = tmp_path_factory.mktemp("owner")
    write_artifact(folder, fixed, Form.STOCK)
    inputs = random_inputs(fixed, steps=STEPS, batch=1, seed=3)
    save_inputs(folder / "x.npz", inputs)
    command = [sys.executable, "-W", "ignore", "-c", OWNER, str(folder), str(folder / "x.npz")]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as owner:
        try:
            out, told = owner.communicate(timeout=250)
        finally:
            with suppress(ProcessLookupError):  # Lava without our guard hangs where it fails
                os.killpg(owner.pid, signal.SIGKILL)
    assert owner.returncode == 0, told
    return json.loads(out.splitlines()[-1]), expected(fixed, inputs)


def test_only_documented_processes_and_ranges(case: tuple[dict[str, Any], Signals]) -> None:
    found, _ = case
    assert {p["class"] for p in found["processes"].values()} == set(OWN)
    for name, process in found["processes"].items():
        ranges = OWN[process["class"]]
        for field, (low, high) in ranges.items():
            values = np.array(process.get(field, low))
            assert values.dtype.kind == "i", (name, field)
            assert low <= values.min() <= values.max() <= high, (name, field)
        for field in set(SINGLE) & set(ranges):
            assert isinstance(process[field], int), (name, field)
        if "weights" in process:
            check_weights(name, process)
        if "weight" in process:
            kernels = np.array(process["weight"])
            low, high = (0, 255) if kernels.min() >= 0 else (-128, 127)
            assert low <= kernels.min() <= kernels.max() <= high, name


def check_weights(name: str, process: dict[str, Any]) -> None:
    weights, mode = np.array(process["weights"]), process["sign_mode"]
    low, high = WEIGHTS[mode]
    assert low <= weights.min() <= weights.max() <= high, name
    cleared = 8 - process["num_weight_bits"] + (mode == "MIXED")
    assert not (weights % 2**cleared).any(), name


def test_lava_by_itself_computes_the_same(case: tuple[dict[str, Any], Signals]) -> None:
    """Where nothing of ours is left: no model, no memory of ours, no silence but the network's."""
    found, wanted = case
    fixed = every_stock_process()
    for output in fixed.outputs:
        p = fixed.population(output.source)
        if p.spiking:
            seen = np.array(found["got"][output.name])[:, p.lag : p.lag + STEPS]
            spikes = wanted["spikes"][p.name][:, 0].reshape(STEPS, -1)
            assert spikes.any()
            assert np.array_equal(seen.T, spikes)
    assert found["got"]["last"] == wanted["v"]["last"][-1, 0].tolist()
    assert all(found["got"]["last"])
