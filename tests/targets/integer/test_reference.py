"""The NumPy reference computes what ``docs/arithmetic.md`` says, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedNetwork, FixedReset
from snnc.compiler.quantization.overflow import bound_states
from snnc.targets.integer.reference import execute
from tests.builders import (
    fixed_network,
    fixed_population,
    fixed_projection,
    integers_for,
    one_fixed,
)
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


def test_peaks_are_of_before_the_limits() -> None:
    """``u`` takes up 100 * 2**7 * 64 each step and keeps all but a 4096th; ``v`` keeps all."""
    net = one_fixed(100, weight_exp=7, du=0, dv=0, threshold=0, spiking=False, delay=0)
    ones = {"x": np.ones((14, 1, 1), np.int32)}
    step, u = 100 * 2**7 * 64, 0
    us: list[int] = []
    for _ in range(14):
        u = u * 4095 // 4096 + step
        us.append(u)
        u -= 2**24 * (u > 2**23)
    recording = execute(net, ones)
    assert recording.u_peak["lif"] == max(us) > 2**23
    vs: list[int] = []
    v = 0
    for u in recording.u["lif"].ravel().tolist():
        vs.append(v + u)
        v = max(min(v + u, 2**23 - 1), 1 - 2**23)
    assert recording.v_peak["lif"] == max(map(abs, vs)) > 2**23


def test_a_potential_that_is_lost_is_no_peak() -> None:
    """The step after a spike adds to it, and then ``zero-next`` sets it to 0 whatever it was."""
    net = one_fixed(100, dv=0, threshold=90000, weight_exp=7, reset=FixedReset.ZERO_NEXT)
    recording = execute(net, {"x": np.ones((24, 1, 1), np.int32)})
    assert recording.spikes["lif"].sum() > 1
    assert recording.v_peak["lif"] == np.abs(recording.v["lif"]).max() < 2**23
    assert bound_states(net)["lif"].v[0] >= recording.v_peak["lif"]


@given(fixed_networks(), st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_peaks_below_the_limits_are_of_what_was_recorded(network: FixedNetwork, seed: int) -> None:
    recording = execute(network, integers_for(network, steps=12, batch=2, seed=seed))
    for p in network.populations:
        u = int(np.abs(recording.u[p.name]).max())
        assert recording.u_peak[p.name] >= u
        assert recording.u_peak[p.name] == u or recording.u_peak[p.name] > 2**23 - 1
        assert (
            recording.v_peak[p.name] >= 2**23 - 1
            or not (np.abs(recording.v[p.name]) == 2**23 - 1).any()
        )


@given(fixed_networks(retimed=False), st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_forced_by_its_own_spikes(network: FixedNetwork, seed: int) -> None:
    """Who receives what he would have received does what he would have done."""
    inputs = integers_for(network, steps=12, batch=2, seed=seed)
    free = execute(network, inputs)
    forced = execute(network, inputs, forced=free.spikes)
    for p in network.populations:
        np.testing.assert_array_equal(forced.spikes[p.name], free.spikes[p.name])
        np.testing.assert_array_equal(forced.v[p.name], free.v[p.name])


def test_forced_spikes_take_the_place_of_those_sent() -> None:
    """The second population follows what it is told that the first sends, not what that does."""
    net = fixed_network(
        [fixed_population("a", threshold=5), fixed_population("b", threshold=5)],
        [
            fixed_projection("x", "a", 1, delay=0),
            fixed_projection("a", "b", 10, delay=0),
        ],
    )
    x = {"x": np.ones((4, 1, 1), np.int32)}
    told = np.array([0, 1, 0, 1], np.uint8).reshape(4, 1, 1)
    recording = execute(net, x, forced={"a": told})
    assert not recording.spikes["a"].any()
    assert recording.spikes["b"].ravel().tolist() == [0, 1, 0, 1]
