"""Hardware time into the framework's time."""

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
        raw_time: Leave the outputs in hardware time.
        seconds: Wall time of the run.
    """
    lags = {p.name: p.lag for p in network.populations}
    shapes = {p.name: p.shape for p in network.populations}

    def of_steps(name: str, values: Array) -> Array:
        window = values[lags[name] : lags[name] + steps]
        return window.reshape(*window.shape[:2], *shapes[name])

    outputs: dict[str, Array] = {}
    for output in network.outputs:
        raw = signals["spikes"][output.source]
        shaped = raw.reshape(*raw.shape[:2], *shapes[output.source])
        outputs[output.name] = shaped if raw_time else of_steps(output.source, raw)
    kept = {s: {n: of_steps(n, a) for n, a in signals[s].items()} for s in record}
    return Trace(
        executor=executor,
        outputs=outputs,
        spikes=kept.get("spikes", {}),
        u=kept.get("u", {}),
        v=kept.get("v", {}),
        lags=lags,
        seconds=seconds,
    )
