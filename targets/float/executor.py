"""The float network, step by step, in float32 and in the framework's order of operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.network import Network, Population
from snnc.compiler.operators import Reals
from snnc.targets.float.currents import Currents
from snnc.targets.float.neuron import Step, at_rest, neuron_step
from snnc.targets.float.operators import Signal
from snnc.targets.running import Progress, no_progress


@dataclass(frozen=True, eq=False)
class FloatRecording:
    """Every signal of every population; arrays of shape ``[steps, batch, n]``.

    Attributes:
        spikes: 0 or 1, uint8; of spiking populations.
        u: float32, of populations with a synaptic current, as the framework shows it after the
            step.
        v: float32, as the framework shows it after the step.
    """

    spikes: dict[str, npt.NDArray[np.uint8]]
    u: dict[str, Signal]
    v: dict[str, Signal]


def execute(
    network: Network,
    inputs: Mapping[str, Reals],
    progress: Progress = no_progress,
    *,
    forced: Mapping[str, npt.NDArray[np.uint8]] | None = None,
) -> FloatRecording:
    """Run ``network`` on a batch of samples, each from rest.

    Args:
        network: Populations in an order of evaluation.
        inputs: float32 of each input, shape ``[steps, batch, n]``.
        progress: Told the steps done.
        forced: By population what it sends in place of its own spikes, shape ``[steps, batch,
            n]``: what is recorded then is what each population makes of the right input (teacher
            forcing).
    """
    steps, batch = next(iter(inputs.values())).shape[:2]
    currents = Currents(network, inputs)
    forced = {} if forced is None else forced
    states = {p.name: at_rest(p, batch) for p in network.populations}
    recording = _nothing(network, steps, batch)
    for p in network.populations:
        currents.sent[p.name] = np.zeros((steps, batch, p.size), np.float32)
        if p.name in forced:
            currents.sent[p.name][...] = forced[p.name] * p.spike
    for t in range(steps):
        for p in network.populations:
            step = neuron_step(p, states[p.name], currents.into(p.name, t))
            states[p.name] = step.state
            _record(recording, p, t, step)
            if p.name not in forced:
                currents.sent[p.name][t] = step.s * p.spike if p.spiking else step.state.v
        progress(t + 1, steps)
    return recording


def _nothing(network: Network, steps: int, batch: int) -> FloatRecording:
    """Give a recording of zeros."""
    recording = FloatRecording({}, {}, {})
    for p in network.populations:
        shape = (steps, batch, p.size)
        recording.v[p.name] = np.zeros(shape, np.float32)
        if p.spiking:
            recording.spikes[p.name] = np.zeros(shape, np.uint8)
        if p.integration.has_current:
            recording.u[p.name] = np.zeros(shape, np.float32)
    return recording


def _record(recording: FloatRecording, p: Population, t: int, step: Step) -> None:
    recording.v[p.name][t] = step.state.v
    if p.spiking:
        recording.spikes[p.name][t] = step.s
    if p.integration.has_current:
        recording.u[p.name][t] = step.state.i
