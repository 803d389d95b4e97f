"""What executors of integers recorded, as a trace."""

from __future__ import annotations

import numpy as np

from snnc.compiler.align import aligned_trace
from tests.runtime.samples import artifact


def test_populations_come_in_the_order_of_the_network() -> None:
    """Of two that part in the same step the first is named, and it feeds the second."""
    network = artifact("integer").required_fixed
    order = [p.name for p in network.populations]
    steps = 3 + network.latency
    kept = {p.name: np.zeros((steps, 1, p.size), np.int32) for p in reversed(network.populations)}
    trace = aligned_trace(
        network,
        dict.fromkeys(("spikes", "u", "v"), kept),
        executor="made",
        steps=3,
        record=("spikes", "u", "v"),
        raw_time=False,
        seconds=0.0,
    )
    for signal in ("spikes", "u", "v"):
        assert list(trace.signal(signal)) == order
