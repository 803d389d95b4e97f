"""Hardware time into the framework's time, or left as it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.trace import Array, Trace


def aligned_trace(
    network: FixedNetwork,
    signals: Mapping[str, Mapping[str, Array]],
    *,
    executor: str,
    steps: int,
    record: tuple[str, ...],
    raw_time: bool,
    seconds: float,
) -> Trace:
    """Make a ``Trace`` of what an executor of integers recorded in hardware time.

    Step ``t`` of a population of lag ``L`` happened at hardware step ``t + L``. The output of a
    read-out is its potential in the units of the model, ``v / scale + offset``; what is recorded
    of it are the integers.

    Args:
        network: What was executed.
        signals: ``spikes``, ``u``, ``v``: of each recorded population an array
            ``[steps + network.latency, batch, n]``; at least the spikes of populations that are
            an output, and ``v`` of read-outs that are one.
        executor: Name of the target.
        steps: Steps of the input.
        record: The signals that the trace keeps.
        raw_time: Leave everything in hardware time: ``steps + network.latency`` steps.
        seconds: Wall time of the run.
    """
    populations = {p.name: p for p in network.populations}

    def of_steps(name: str, values: Array) -> Array:
        p = populations[name]
        window = values if raw_time else values[p.lag : p.lag + steps]
        return window.reshape(*window.shape[:2], *p.shape)

    def output(name: str) -> Array:
        p = populations[name]
        if p.spiking:
            return of_steps(name, signals["spikes"][name])
        return of_steps(name, (signals["v"][name] / p.scale + p.offset).astype(np.float32))

    kept = {
        s: {
            name: of_steps(name, signals[s][name])
            for name, p in populations.items()  # executors begin with the outputs
            if name in signals[s] and (s != "spikes" or p.spiking)
        }
        for s in record
    }
    return Trace(
        executor=executor,
        outputs={o.name: output(o.source) for o in network.outputs},
        spikes=kept.get("spikes", {}),
        u=kept.get("u", {}),
        v=kept.get("v", {}),
        lags={p.name: p.lag for p in network.populations},
        seconds=seconds,
    )
