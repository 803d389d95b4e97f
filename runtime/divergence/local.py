"""What a population does wrong by itself: fed with what the reference sends, on any target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from snnc.compiler.trace import SIGNALS, Array, Trace
from snnc.runtime.divergence.isolate import fed, isolate
from snnc.targets import get_target
from snnc.targets.artifact import Artifact
from snnc.targets.running import Inputs, RunOptions


def run_alone(
    artifact: Artifact,
    population: str,
    inputs: Inputs,
    sent: Mapping[str, Array],
    *,
    record: Sequence[str] = SIGNALS,
    timeout: float | None = None,
) -> Trace:
    """Run one population on the artifact's target, fed with what another execution sent.

    Args:
        artifact: Of a target that executes integers; where it is cut over cores, the population
            is run as a whole.
        population: Its name.
        inputs: Data of each input, ``[steps, batch, *shape]``.
        sent: Spikes of every population that sends to it, ``[steps, batch, *shape]``.
        record: What to keep of it.
        timeout: Seconds, or None for the target's own limit.

    Raises:
        KeyError: There is no such population, or spikes of one that sends to it are missing.
        EnvironmentFault: The target cannot run here.
        TimeLimitExceeded: It took longer than ``timeout``.
    """
    fixed = artifact.required_fixed
    alone = replace(artifact, fixed=isolate(fixed, population), mapped=None)
    options = RunOptions(record=tuple(record), timeout=timeout)
    return get_target(artifact.target).run(alone, fed(fixed, population, inputs, sent), options)
