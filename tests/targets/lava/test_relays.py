"""Relays on Lava: what arrives late arrives right, in every sample."""

from __future__ import annotations

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.relays import insert_relays
from snnc.compiler.retime import retime
from snnc.targets.lava.target import LavaTarget
from tests.targets.lava.networks import (
    RECORD_ALL,
    artifact,
    expected,
    population,
    process_of,
    projection,
    random_inputs,
)

STEPS, BATCH = 150, 3


def slow() -> FixedNetwork:
    """Give neurons that hear themselves late, biases, and an input with signs that waits."""
    rng = np.random.default_rng(6)
    modest = {"dv": 300, "bias_mant": 40, "bias_exp": 3, "initial": 4000}
    return FixedNetwork(
        inputs=(FixedInput("x", (3,), max_abs=5),),
        populations=(
            population("a", (3,), FixedReset.SUBTRACT, 0, **modest),
            population("b", (3,), FixedReset.ZERO, 0, refractory=1, **modest),
        ),
        projections=(
            projection("x", "a", rng.integers(-30, 60, (3, 3)), delay=0),
            projection("a", "a", rng.integers(-60, 60, (3, 3)), delay=70),
            projection("a", "b", rng.integers(-20, 90, (3, 3)), delay=0),
            projection("b", "a", rng.integers(-90, 60, (3, 3)), delay=128, exp=-1),
            projection("x", "b", rng.integers(-30, 30, (3, 3)), delay=100),
        ),
        outputs=(Output("out", "b"),),
        dt=1e-3,
    )


@pytest.mark.lava
def test_samples_one_after_the_other() -> None:
    """The oracle runs each by itself, and without relays: delays are those of the network."""
    carried = insert_relays(retime(slow()))
    kinds = process_of(carried)
    relays = [p.name for p in carried.populations if "relay" in p.name]
    assert relays == ["a.relay1", "b.relay1", "b.relay2"]
    assert {kinds[name] for name in relays} <= {"LIFReset", "Population"}
    assert kinds["x to b"] == "Synapse"
    inputs = random_inputs(carried, STEPS, BATCH)
    trace = LavaTarget().run(artifact(carried), inputs, RECORD_ALL)
    wanted = expected(slow(), inputs)
    for signal, recorded in wanted.items():
        for name, values in recorded.items():
            found = trace.signal(signal)[name]
            assert np.array_equal(found, values.astype(found.dtype)), (signal, name)
    assert all(0.02 < trace.spikes[name].mean() < 0.98 for name in ("a", "b"))
    assert all(trace.spikes[name][:, sample].any() for name in relays for sample in range(BATCH))
