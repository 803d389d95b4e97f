"""The networks that are drawn hold all that there is, and shrink to a few neurons."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import find, given, settings

from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import FixedReset, SignMode
from snnc.targets.integer.reference import execute
from tests.drawn.deployed import Run, runs
from tests.drawn.features import LIMITS, features, happenings

WINDOWS = ("stride", "dilation", "padding", "uneven padding", "not square")
ROOT = Path(__file__).resolve().parents[2]
WANTED = {
    *(f"reset {reset}" for reset in FixedReset),
    *(f"refractory {steps}" for steps in range(1, 6)),
    *(f"{bits} bits, {mode}" for mode in SignMode for bits in range(1 + mode.sign_bits, 9)),
    *(f"{name} of each" for name in LIMITS),
    *(f"{name} {limit}" for name, limits in LIMITS.items() for limit in limits),
    *(
        "dense",
        "sparse",
        "lists",
        "scaling",
        "convolution 1-D",
        "convolution 2-D",
        "convolution, groups",
    ),
    *(f"{kind}, {what}" for kind in ("convolution", "pooling") for what in WINDOWS),
    *(
        f"{kind} pooling {place} weights"
        for kind in ("sum", "max")
        for place in ("before", "behind")
    ),
    *("delay 63", "delay of its own", "shorter than the lags"),
    *("loop", "loop across populations", "skip connection", "several sources"),
    *("several inputs", "several outputs", "input without use", "parts without connection"),
    *("driven by its bias alone", "read-out", "one neuron"),
    *("spikes enter", "integers enter", "reals enter", "sum rounded down", "sum shifted right"),
    *("spikes", "spikes now and then", "u wraps", "u out of 24 bits", "v sticks at its limit"),
    "v equals the threshold",
}


def seen(run: Run) -> set[str]:
    """Name what a run shows; signals are those of the reference, in hardware time."""
    flat = {
        i.name: (run.inputs[i.name] / i.step).round().astype(int).reshape(*run.steps, -1)
        for i in run.network.inputs
    }
    recorded = execute(run.network, flat)
    signals: dict[str, dict[str, Any]] = {"spikes": {**recorded.spikes}, "u": {**recorded.u}}
    signals["v"] = {**recorded.v}
    return features(run.network) | set(happenings(run.network, signals))


@pytest.mark.slow
def test_all_that_there_is_is_drawn() -> None:
    counts = Counter[str]()

    @settings(max_examples=600, derandomize=True, database=None)
    @given(runs())
    def look(run: Run) -> None:
        assert list(check_fixed(run.network)) == []
        counts.update(seen(run))

    look()
    assert WANTED - set(counts) == set()
    assert set(counts) - WANTED == set()
    assert counts["spikes now and then"] > 150


def least() -> tuple[list[int], int]:
    """Give the neurons of each population, and the projections, of a small network."""
    network = find(
        runs(),
        lambda run: (
            any(q.source == q.target for q in run.network.projections)
            and any(p.refractory for p in run.network.populations)
        ),
        settings=settings(max_examples=500, derandomize=True, database=None),
    ).network
    return [p.size for p in network.populations], len(network.projections)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_is_found_is_small() -> None:
    # Hypothesis draws constants of the modules that are loaded, so other tests would change what
    # it finds: in a process of its own it is always the same.
    script = f"from {__name__} import least; print(*least(), sep=';')"
    line = [sys.executable, "-c", script]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    neurons, projections = map(json.loads, done.stdout.split(";"))
    assert neurons == [1]
    assert projections <= 2
