"""Whole networks, drawn at random, against plain loops over single values: not a bit differs."""

from __future__ import annotations

import numpy as np
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from snnc.compiler.check import check_network
from snnc.compiler.network import Network
from snnc.targets.float.executor import execute
from tests.drawn.networks import any_networks
from tests.real_oracle import Inexact, Oracle

STEPS, BATCH = 5, 2


def compare(net: Network, seed: int, *, held: bool) -> None:
    """Run both on inputs of multiples of 1/4, the same in every step where they are ``held``."""
    assert list(check_network(net)) == []
    rng = np.random.default_rng(seed)
    inputs = {
        i.name: rng.integers(-8, 9, (STEPS, BATCH, i.size)).astype(np.float32) / np.float32(4)
        for i in net.inputs
    }
    if held:
        inputs = {name: np.repeat(x[:1], STEPS, axis=0) for name, x in inputs.items()}
    try:
        oracles = [
            Oracle(net, {name: x[:, b] for name, x in inputs.items()}).run() for b in range(BATCH)
        ]
    except Inexact:
        reject()
    recording = execute(net, inputs)
    for b, wanted in enumerate(oracles):
        for p in net.populations:
            assert recording.v[p.name][:, b].tobytes() == np.array(wanted.v[p.name]).tobytes()
            if p.integration.has_current:
                given_u = recording.u[p.name][:, b]
                assert given_u.tobytes() == np.array(wanted.u[p.name]).tobytes()
            if p.spiking:
                assert recording.spikes[p.name][:, b].tolist() == wanted.spikes[p.name]


@given(any_networks(), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=100, report_multiple_bugs=False)
def test_any_network(net: Network, seed: int, held: bool) -> None:
    compare(net, seed, held=held)
