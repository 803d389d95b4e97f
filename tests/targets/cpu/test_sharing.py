"""Threads that share the steps of a sample compute the same as one, to the last bit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.operators import (
    FixedOperator,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    weights_in_full,
)
from snnc.targets.cpu.engine import Engine
from snnc.targets.integer.reference import execute
from snnc.targets.running import no_progress
from tests.benchmarks.sparse_engine import large_network
from tests.builders import fixed_dense, window
from tests.targets.cpu.test_engine import ROOT, flat
from tests.targets.lava.networks import Array, networks, population, projection, random_inputs

SIGNALS = ("spikes", "u", "v")
PARTS = (1, 2, 3, 5)


def unequal(fixed: FixedNetwork, x: Mapping[str, Array], parts: int, engine: Engine) -> int:
    """Count the values that differ from those of the reference, outside of samples too."""
    names = tuple(p.name for p in fixed.populations)
    inputs = {n: v.astype(np.int32) for n, v in x.items()}
    wanted = execute(fixed, inputs)
    got = engine.run(inputs, dict.fromkeys(SIGNALS, names), 2, no_progress, parts=parts)
    return sum(
        int((got[signal][name] != values).sum())
        for signal in SIGNALS
        for name, values in getattr(wanted, signal).items()
    )


def listed(n_out: int, n_in: int, seed: int, largest: int = 127) -> FixedSparse:
    rng = np.random.default_rng(seed)
    weight = rng.integers(-largest, largest + 1, (n_out, n_in)) * (rng.random((n_out, n_in)) < 0.1)
    return FixedSparse.of(weight.astype(np.int16 if largest > 127 else np.int8))


def mixed_network() -> FixedNetwork:
    """Give populations that can be shared, by lists and factors, and others that read from them.

    The largest of several spikes of a shared one, and dense weights of it, need all its spikes in
    one list. A part of 75 neurons is no whole number of vectors.
    """
    rng = np.random.default_rng(1)
    dense = fixed_dense(rng.integers(-40, 60, (33, 75)).astype(np.int8))
    pooled: tuple[FixedOperator, ...] = (
        MaxPooling(window=window(5, stride=5)),
        fixed_dense(rng.integers(-40, 60, (20, 15)).astype(np.int8)),
    )
    busy = {"dv": 300, "threshold": 60}
    return FixedNetwork(
        inputs=(FixedInput("x", (75,)), FixedInput("y", (20,), max_abs=9)),
        populations=(
            population("shared", (1, 75), FixedReset.ZERO, 1, du=900, **busy),
            population("wide", (90,), FixedReset.SUBTRACT, 2, refractory=2, **busy),
            population("dense", (33,), FixedReset.ZERO_NEXT, 2, **busy),
            population("pooled", (20,), FixedReset.SUBTRACT_RETEST, 2, **busy),
            population("few", (7,), FixedReset.SUBTRACT_DELAYED, 3, **busy),
            population("shown", (50,), FixedReset.NONE, 3, dv=200, spiking=False),
        ),
        projections=(
            projection("x", "shared", FixedScaling(weight=np.full(75, 90, np.int8))),
            projection("y", "shared", listed(75, 20, 2), delay=2),
            projection("shared", "shared", listed(75, 75, 3, 255), delay=3, exp=-1),
            projection("shared", "wide", listed(90, 75, 4)),
            projection("wide", "wide", FixedScaling(weight=np.full(90, -9, np.int8)), delay=2),
            projection("shared", "dense", dense),
            projection("shared", "pooled", *pooled),
            projection("wide", "few", listed(7, 90, 5)),
            projection("wide", "shown", listed(50, 90, 6), exp=2),
            projection("dense", "shown", listed(50, 33, 7), exp=1),
        ),
        outputs=(Output("out", "shown"),),
        dt=1e-3,
    )


@pytest.mark.parametrize("parts", PARTS)
def test_parts(parts: int) -> None:
    fixed = mixed_network()
    engine = Engine(fixed)
    x = flat(fixed, random_inputs(fixed, steps=12, batch=3))
    assert [unequal(fixed, x, n, engine) for n in (parts, 1, parts)] == [0, 0, 0]
    rates = {n: s.mean() for n, s in execute(fixed, x).spikes.items() if n != "shown"}
    assert all(0.05 < rate < 0.95 for rate in rates.values()), rates


@settings(max_examples=20)
@given(networks())
def test_random_networks(fixed: FixedNetwork) -> None:
    projections = tuple(
        replace(q, operators=(FixedSparse.of(weights_in_full(q.operators)),))
        for q in fixed.projections
    )
    fixed = replace(fixed, projections=projections)
    x = flat(fixed, random_inputs(fixed, steps=6, batch=2))
    engine = Engine(fixed)
    assert [unequal(fixed, x, parts, engine) for parts in PARTS] == [0, 0, 0, 0]


@pytest.mark.parametrize("n", [10_000, 70_000])
def test_large_networks(n: int) -> None:
    """Columns of 16 bits, and of more; by as many threads as are faster, and by three."""
    fixed = large_network(n)
    engine = Engine(fixed)
    x = {"x": np.arange(30).reshape(30, 1, 1) % 7 == 0}
    assert [unequal(fixed, x, parts, engine) for parts in (0, 3)] == [0, 0]


def test_many_short_runs() -> None:
    """Helpers come and go; no step is lost."""
    fixed = mixed_network()
    engine = Engine(fixed)
    x = flat(fixed, random_inputs(fixed, steps=1, batch=1))
    assert [unequal(fixed, x, 4, engine) for _ in range(20)] == [0] * 20


@pytest.mark.parametrize("parts", [0, 2])
def test_one_long_sample_tells_its_progress_and_can_be_ended(parts: int) -> None:
    """Inputs are of one value a step, and only few neurons are recorded: 300,000 steps fit."""
    fixed = large_network(5000)
    x = np.zeros((300_000, 1, 1), np.int32)
    told: list[int] = []

    def progress(done: int, total: int) -> None:
        assert total == 300_002
        told.append(done)
        if len(told) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Engine(fixed).run({"x": x}, {"v": ("shown",)}, 2, progress, parts=parts)
    assert told == sorted(set(told))
    assert told[0] > 0
    assert told[-1] < 300_000


THREADS = """
import sys
from snnc.targets.cpu import library
library.path = lambda: sys.argv[1]
from tests.targets.cpu import test_sharing as tests
for parts in tests.PARTS:
    tests.test_parts(parts)
tests.test_many_short_runs()
print("all")
"""


@pytest.mark.slow
def test_no_two_threads_at_once(tmp_path: Path) -> None:
    """Under the compiler's sanitizer for threads, which ends the process where they collide."""
    built = tmp_path / "engine.so"
    source = ROOT / "targets" / "native" / "engine.cpp"
    flags = ["-std=c++17", "-O1", "-g1", "-shared", "-fPIC", "-pthread", "-fsanitize=thread"]
    made = subprocess.run(["g++", *flags, "-o", built, source], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("the compiler has no sanitizer for threads")
    found = subprocess.run(
        ["g++", "-print-file-name=libtsan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    done = subprocess.run(
        [sys.executable, "-c", THREADS, str(built)],
        env=os.environ | {"LD_PRELOAD": found, "TSAN_OPTIONS": "halt_on_error=1 exitcode=66"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "all\n"), done.stderr
