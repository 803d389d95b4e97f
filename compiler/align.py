"""Hardware time into the framework's time, or left as it is."""

from __future__ import annotations

from collections.abc import Mapping

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

    Step ``t`` of a population of lag ``L`` happened at hardware step ``t + L``.

    Args:
        network: What was executed.
        signals: ``spikes``, ``u``, ``v``: of each recorded population an array
            ``[steps + network.latency, batch, n]``; spikes of the output populations at least.
        executor: Name of the target.
        steps: Steps of the input.
        record: The signals that the trace keeps.
        raw_time: Leave everything in hardware time: ``steps + network.latency`` steps.
        seconds: Wall time of the run.
    """
    lags = {p.name: p.lag for p in network.populations}
    shapes = {p.name: p.shape for p in network.populations}

    def of_steps(name: str, values: Array) -> Array:
        window = values if raw_time else values[lags[name] : lags[name] + steps]
        return window.reshape(*window.shape[:2], *shapes[name])

    kept = {s: {n: of_steps(n, a) for n, a in signals[s].items()} for s in record}
    return Trace(
        executor=executor,
        outputs={o.name: of_steps(o.source, signals["spikes"][o.source]) for o in network.outputs},
        spikes=kept.get("spikes", {}),
        u=kept.get("u", {}),
        v=kept.get("v", {}),
        lags=lags,
        seconds=seconds,
    )
