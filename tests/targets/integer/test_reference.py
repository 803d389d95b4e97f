"""The NumPy reference computes what ``docs/arithmetic.md`` says, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedNetwork
from snnc.targets.integer.reference import execute
from tests.builders import integers_for, one_fixed
from tests.data_shared import SHARED, needs_shared
from tests.drawn.fixed import fixed_networks
from tests.targets.integer.directed import CASES, Inputs, Recorded, first_difference


def reference(network: FixedNetwork, inputs: Inputs) -> Recorded:
    """Run the reference and give its signals by name."""
    recording = execute(network, inputs)
    return {"spikes": recording.spikes, "u": recording.u, "v": recording.v}


@pytest.mark.parametrize("case", CASES)
def test_directed(case: str) -> None:
    assert first_difference(*CASES[case], reference) == ""


@given(fixed_networks() | fixed_networks(retimed=False), st.integers(0, 2**32 - 1))
@settings(max_examples=200)
def test_random_networks(network: FixedNetwork, seed: int) -> None:
    inputs = integers_for(network, steps=12, batch=2, seed=seed)
    assert first_difference(network, inputs, reference) == ""


def test_random_networks_wrap_and_saturate() -> None:
    """The strategy reaches what it is for: a u that wraps and a v that sticks, often."""
    wrapped = stuck = spiked = 0

    @given(fixed_networks())
    @settings(max_examples=100, derandomize=True, database=None)
    def count(network: FixedNetwork) -> None:
        nonlocal wrapped, stuck, spiked
        recording = execute(network, integers_for(network, steps=12))
        wrapped += any((np.abs(np.diff(u, axis=0)) > 2**23).any() for u in recording.u.values())
        stuck += any((np.abs(v) == 2**23 - 1).any() for v in recording.v.values())
        spiked += any(s.any() for s in recording.spikes.values())

    count()
    assert wrapped > 10
    assert stuck > 10
    assert spiked > 50


def test_samples_do_not_meet() -> None:
    network, _ = CASES["lag"]
    inputs = integers_for(network, steps=10, batch=3, seed=1)
    together = execute(network, inputs)
    for b in range(3):
        alone = execute(network, {n: x[:, b : b + 1] for n, x in inputs.items()})
        for name, v in alone.v.items():
            assert (v[:, 0] == together.v[name][:, b]).all()


def test_progress_counts_hardware_steps() -> None:
    network, inputs = CASES["lag"]
    calls: list[tuple[int, int]] = []
    execute(network, inputs, lambda done, total: calls.append((done, total)))
    assert calls == [(k, 13) for k in range(1, 14)]


@needs_shared
def test_recorded_run_of_lava() -> None:
    """1,000 steps that another group recorded from Lava's fixed-point CPU model in 2024."""
    rows = np.loadtxt(SHARED / "lif" / "lif_lava_cpu_fixed.csv", delimiter=",")
    network = one_fixed(10, dv=163, threshold=25)
    recording = execute(network, {"x": rows[:, 0].astype(np.int32)[:, None, None]})
    assert rows[:, 2].sum() == 4
    assert (recording.spikes["lif"][:, 0, 0] == rows[:, 2]).all()
    assert (recording.v["lif"][:, 0, 0] == rows[:, 1]).all()
