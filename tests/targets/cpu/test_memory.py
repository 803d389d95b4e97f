"""The engine holds weights once, and Python's arrays of them no longer than it reads them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from snnc.compiler.operators import FixedDense, FixedScaling
from snnc.targets.cpu.engine import Engine
from snnc.targets.running import no_progress
from tests.builders import fixed_network, fixed_population, fixed_projection

ROOT = Path(__file__).resolve().parents[3]
N = 6000
"""Neurons, each of which reaches all."""
CODE = f"""
import re
from pathlib import Path
import numpy as np
from snnc.targets.cpu.engine import Engine
from snnc.targets.running import no_progress
from tests.builders import fixed_network, fixed_population, fixed_projection
from snnc.compiler.operators import FixedDense

def peak():  # not by getrusage, which counts the process that started this one too
    status = Path("/proc/self/status").read_text()
    return int(re.search("VmHWM: *\\t *([0-9]+) kB", status)[1]) * 1024

weight = np.random.default_rng(0).integers(-128, 128, ({N}, {N}), np.int8)
made = fixed_projection("p", "p", None, FixedDense(weight=weight))
network = fixed_network([fixed_population("p", {N}, bias_mant=99)], [made])
x = {{"x": np.zeros((3, 2, 1), np.int32)}}
before = peak()
engine = Engine(network)
engine.run(x, {{"spikes": ("p",)}}, 2, no_progress)
print(engine.bytes, peak() - before, engine.narrow)
"""


def test_states_are_counted() -> None:
    """``u``, ``v`` and a sum of each neuron, and its place among the events of four steps."""
    n = 100_000
    many = fixed_population("many", n, du=300, bias_mant=99)
    made = fixed_projection("x", "many", None, FixedDense(weight=np.ones((n, 1), np.int8)))
    loop = fixed_projection("many", "many", None, FixedScaling(weight=np.ones(n, np.int8)), delay=3)
    of_neurons = {
        "u, v": 8 * n,
        "sums": 4 * n,
        "events": 4 * 4 * n,
        "factors and targets": 6 * n,
        "weights": n,
    }
    engine = Engine(fixed_network([many], [made, loop]))
    held = engine.bytes
    engine.run({"x": np.zeros((3, 1, 1), np.int32)}, {"v": ("many",)}, 1, no_progress)
    assert sum(of_neurons.values()) <= held <= 1.1 * sum(of_neurons.values())
    assert engine.bytes == held


@pytest.mark.skipif(sys.platform != "linux", reason="/proc of Linux")
def test_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    held, grown, narrow = done.stdout.split()
    weights, states = N * N, 64 * N
    assert weights <= int(held) <= 1.05 * weights + states
    assert weights <= int(grown) <= 1.5 * weights + states
    assert narrow == "True"
