"""Ties of float32 sums are found, one by one, and nothing else is taken for one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.network import Integration, Network, Reset
from snnc.compiler.operators import Dense
from snnc.compiler.trace import Trace
from snnc.targets.float.executor import execute
from snnc.targets.float.replay import Mismatch, can_replay, replay
from tests.builders import network, population, projection, spikes

STEPS, BATCH, WIDTH, NEURONS = 20, 8, 300, 40
Array = npt.NDArray[Any]


def recorded(net: Network, x: Array) -> Trace:
    """Run ``net`` as a framework would, which records every state."""
    run = execute(net, {"x": x})
    return Trace(executor="framework", outputs={}, spikes=run.spikes, u=run.u, v=run.v)


def wide(seed: int = 0, **fields: Any) -> tuple[Network, Array]:
    """Give a network whose sums of 300 products depend on their order, and spikes for it."""
    random = np.random.default_rng(seed)
    first = population("first", NEURONS, **fields)
    second = population("second", NEURONS, **fields)
    net = network(
        [first, second],
        [
            projection("x", "first", random.normal(0, 0.1, (NEURONS, WIDTH))),
            projection("first", "second", random.normal(0, 0.3, (NEURONS, NEURONS))),
        ],
    )
    return net, spikes((STEPS, BATCH, WIDTH), seed=seed)


def shuffled(net: Network, x: Array, seed: int = 1) -> tuple[Network, Array]:
    """Give the same network with its inputs in another order, and so its sums."""
    order = np.random.default_rng(seed).permutation(WIDTH)
    first, second = net.projections
    (dense,) = first.operators
    assert isinstance(dense, Dense)
    moved = replace(first, operators=(replace(dense, weight=dense.weight[:, order]),))
    return replace(net, projections=(moved, second)), x[:, :, order]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"reset": Reset.SUBTRACT_DELAYED},
        {"reset": Reset.SUBTRACT_RETEST},
        {"reset": Reset.ZERO_NEXT},
        {"reset": Reset.ZERO_DELAYED},
        {"reset": Reset.VALUE, "reset_value": -0.5, "initial": 0.25, "refractory": 2},
        {"integration": Integration.CURRENT_EULER, "leak": 0.1, "spike": 0.5, "gain": 5.0},
        {"integration": Integration.CURRENT_DECAY},
    ],
    ids=str,
)
def test_the_same_run_has_no_mismatch(fields: dict[str, Any]) -> None:
    net, x = wide(**fields)
    trace = recorded(net, x)
    found = replay(net, {"x": x}, trace)
    assert 0.01 < trace.spikes["second"].mean() < 0.99
    assert found.mismatches == ()
    assert found.spikes == 2 * STEPS * BATCH * NEURONS
    signals = ["first.v", "second.v"]
    if "integration" in fields:
        signals = ["first.v", "first.u", "second.v", "second.u"]
    assert found.state_errors == dict.fromkeys(signals, 0.0)
    assert found.strangers == ()


def at_a_tie(net: Network, x: Array) -> tuple[Network, tuple[int, ...]]:
    """Put a threshold where the two orders of the sums lie on its two sides."""
    other, moved = shuffled(net, x)
    one, two = recorded(net, x).v["first"], recorded(other, moved).v["first"]
    quiet = np.argwhere((one[0] < two[0]) & (one[0] > 0.5) & (two[0] < 1))
    sample, neuron = (int(i) for i in quiet[0])
    threshold = net.populations[0].threshold.copy()
    threshold[neuron] = one[0, sample, neuron]
    first = replace(net.populations[0], threshold=threshold)
    return replace(net, populations=(first, net.populations[1])), (0, sample, neuron)


def test_a_tie_is_found_where_it_is() -> None:
    net, place = at_a_tie(*wide())
    x = wide()[1]
    trace = recorded(*shuffled(net, x))
    found = replay(net, {"x": x}, trace)
    assert found.ties == found.mismatches
    step, sample, neuron = place
    first = found.mismatches[0]
    assert (first.step, first.sample, first.population) == (step, sample, "first")
    assert first.neuron == (neuron,)
    assert 0 <= first.ulp <= 4
    assert found.strangers == ()
    # Run by itself, the network parts from the recorded run behind it.
    free = recorded(net, x)
    assert (free.spikes["first"] != trace.spikes["first"]).any()
    both = replay(net, {"x": x}, trace, free)
    assert set(found.mismatches) <= set(both.mismatches)
    parted = {(m.step, m.sample) for m in both.mismatches} - {
        (m.step, m.sample) for m in found.mismatches
    }
    assert all(m.is_tie for m in both.mismatches if (m.step, m.sample) in parted)


def test_a_network_that_parts_by_itself_is_looked_at() -> None:
    """No step differs, and the free run is another all the same: that has to show."""
    net, x = wide()
    trace = recorded(net, x)
    free = changed("spikes", flipped)(trace)
    assert replay(net, {"x": x}, trace).mismatches == ()
    (mismatch,) = replay(net, {"x": x}, trace, free).mismatches
    assert (mismatch.step, mismatch.sample, mismatch.neuron) == (3, 2, (5,))
    assert not mismatch.is_tie


def changed(signal: str, change: Callable[[Array], Array]) -> Callable[[Trace], Trace]:
    def apply(trace: Trace) -> Trace:
        arrays = dict(trace.signal(signal))
        arrays["first"] = change(arrays["first"].copy())
        fields: dict[str, Any] = {signal: arrays}
        return replace(trace, **fields)

    return apply


def flipped(values: Array) -> Array:
    values[3, 2, 5] ^= 1
    return values


def moved(values: Array) -> Array:
    values[3, 2, 5] += 0.01
    return values


def test_a_flipped_spike_is_no_tie() -> None:
    net, x = wide()
    found = replay(net, {"x": x}, changed("spikes", flipped)(recorded(net, x)))
    (mismatch, *_) = found.mismatches
    assert (mismatch.step, mismatch.sample, mismatch.neuron) == (3, 2, (5,))
    assert not mismatch.is_tie
    assert found.ties == tuple(m for m in found.mismatches if m.is_tie)


def test_a_state_that_is_another_is_no_rounding() -> None:
    net, x = wide()
    found = replay(net, {"x": x}, changed("v", moved)(recorded(net, x)))
    assert found.strangers == ("first.v",)


def test_another_decay_shows_in_the_state_even_without_spikes() -> None:
    net, x = wide()
    quiet = replace(
        net,
        populations=tuple(replace(p, threshold=p.threshold + 1e6) for p in net.populations),
    )
    slower = tuple(replace(p, decay=p.decay + np.float32(0.01)) for p in quiet.populations)
    found = replay(quiet, {"x": x}, recorded(replace(quiet, populations=slower), x))
    assert found.mismatches == ()
    assert "first.v" in found.strangers


def test_read_outs_are_compared_by_their_potential() -> None:
    net, x = wide()
    read_out = replace(net.populations[1], spiking=False)
    net = replace(net, populations=(net.populations[0], read_out))
    trace = recorded(net, x)
    assert replay(net, {"x": x}, trace).state_errors["second.v"] == 0
    off = dict(trace.v)
    off["second"] = off["second"] * np.float32(1.01)
    assert replay(net, {"x": x}, replace(trace, v=off)).strangers == ("second.v",)


def test_a_current_that_decays_otherwise_shows_in_no_potential() -> None:
    """Each step begins with the recorded current, which is used before it decays."""
    net, x = wide(integration=Integration.CURRENT_EULER, threshold=1e6)
    slower = tuple(
        replace(p, current_decay=p.current_decay * np.float32(0.5)) for p in net.populations
    )
    trace = recorded(replace(net, populations=slower), x)
    assert replay(net, {"x": x}, trace).strangers == ("first.u",)


def test_what_is_no_number_is_no_rounding() -> None:
    net, x = wide()
    trace = recorded(net, x)
    nothing = changed("v", lambda v: v * np.nan)(trace)
    assert replay(net, {"x": x}, nothing).strangers == ("first.v",)


def test_what_cannot_be_repeated() -> None:
    net, x = wide(integration=Integration.CURRENT_DECAY)
    trace = recorded(net, x)
    assert can_replay(net, trace)
    assert not can_replay(net, replace(trace, u={}))
    assert not can_replay(net, replace(trace, v={}))
    assert not can_replay(net, replace(trace, spikes={}))


def test_text() -> None:
    mismatch = Mismatch(3, 2, "lif", (5, 1), 1.0000001, 1.0, 0.84)
    assert str(mismatch) == (
        "step 3, sample 2, population lif, neuron 5, 1: v 1.0000001 at a threshold of 1, 0.84 ulp"
    )
