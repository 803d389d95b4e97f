"""The engine holds weights once, and Python's arrays of them no longer than it reads them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
N = 6000
"""Neurons, each of which reaches all."""
CODE = f"""
import resource, sys, weakref
import numpy as np
from snnc.targets.cpu.engine import Engine
from snnc.targets.running import no_progress
from tests.builders import fixed_network, fixed_population, fixed_projection
from snnc.compiler.operators import FixedDense

def peak():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

weight = np.random.default_rng(0).integers(-128, 128, ({N}, {N}), np.int8)
made = fixed_projection("p", "p", None, FixedDense(weight=weight))
network = fixed_network([fixed_population("p", {N}, bias_mant=99)], [made])
x = {{"x": np.zeros((3, 2, 1), np.int32)}}
before = peak()
engine = Engine(network)
engine.run(x, {{"spikes": ("p",)}}, 2, no_progress)
print(engine.bytes, peak() - before, engine.narrow)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no resource")
def test_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    held, grown, narrow = done.stdout.split()
    weights, states = N * N, 64 * N
    assert weights <= int(held) <= 1.05 * weights + states
    assert int(grown) <= 1.5 * weights + states
    assert narrow == "True"
