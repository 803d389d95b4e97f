"""The float network, step by step, in float32 and in the framework's order of operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.network import Integration, Network, Population, Reals, Reset
from snnc.targets.base import Progress, no_progress

Signal = npt.NDArray[Any]
"""float32, as all that is computed here: NumPy's annotations widen its products to float64."""


@dataclass(frozen=True, eq=False)
class FloatRecording:
    """Every signal of every population; arrays of shape ``[steps, batch, n]``.

    Attributes:
        spikes: 0 or 1, uint8.
        v: float32, as the framework shows it after the step.
    """

    spikes: dict[str, npt.NDArray[np.uint8]]
    v: dict[str, Signal]


def execute(
    network: Network, inputs: Mapping[str, Reals], progress: Progress = no_progress
) -> FloatRecording:
    """Run ``network`` on a batch of samples, each from rest.

    Args:
        network: Populations in an order of evaluation.
        inputs: float32 of each input, shape ``[steps, batch, n]``.
        progress: Told the steps done.
    """
    steps, batch = next(iter(inputs.values())).shape[:2]
    sent: dict[str, Signal] = dict(inputs)
    currents: dict[str, Signal] = {}
    recording = FloatRecording({}, {})
    for p in network.populations:
        sent[p.name] = np.zeros((steps, batch, p.size), np.float32)
        recording.v[p.name] = np.zeros((steps, batch, p.size), np.float32)
        currents[p.name] = np.zeros((batch, p.size), np.float32)
    for t in range(steps):
        for p in network.populations:
            arriving = [
                arriving_current(
                    q.weight, q.bias, sent[q.source][t - q.delay] if t >= q.delay else None
                )
                for q in network.incoming(p.name)
            ]
            at_rest = np.zeros((batch, p.size), np.float32)
            before = recording.v[p.name][t - 1] if t else at_rest
            recording.v[p.name][t], currents[p.name], sent[p.name][t] = neuron_step(
                p, before, currents[p.name], arriving
            )
        progress(t + 1, steps)
    recording.spikes.update({p.name: sent[p.name].astype(np.uint8) for p in network.populations})
    return recording


def arriving_current(weight: Reals, bias: Reals, x: Signal | None) -> Signal:
    """Give ``W x + b``; ``x`` is None where nothing has been sent yet."""
    if x is None:
        return bias
    return x @ weight.T + bias


def neuron_step(
    p: Population, v: Signal, i: Signal, arriving: list[Signal]
) -> tuple[Signal, Signal, Signal]:
    """Give membrane potential and synaptic current after the step and its spikes, as float32.

    Args:
        p: Parameters of shape ``[n]``.
        v: Potential after the step before, shape ``[batch, n]``.
        i: Synaptic current after the step before, shape ``[batch, n]``.
        arriving: One current a projection, in the order of summation.
    """
    r = (v > p.threshold).astype(np.float32)
    if p.reset is Reset.ZERO_DELAYED:
        v = (1 - r) * v
    v, i = _integrate(p, v, i, arriving)
    if p.reset in (Reset.SUBTRACT_DELAYED, Reset.SUBTRACT_RETEST):
        v = v - r * p.threshold
    elif p.reset is Reset.ZERO_NEXT:
        v = v - r * v
    s = (v > p.threshold).astype(np.float32)
    if p.reset is Reset.ZERO:
        v = v - s * v
    elif p.reset is Reset.SUBTRACT:
        v = v - s * p.threshold
    elif p.reset is Reset.SUBTRACT_RETEST:
        v = v - (s - r) * p.threshold
    return v, i, s


def _integrate(
    p: Population, v: Signal, i: Signal, arriving: list[Signal]
) -> tuple[Signal, Signal]:
    match p.integration:
        case Integration.DECAY:
            return _added(p, p.decay * v, arriving), i
        case Integration.EULER:
            total = _added(p, np.zeros_like(v), arriving)
            return v + p.decay * ((total + p.leak) - v), i
        case Integration.CURRENT_DECAY:
            i = _added(p, p.current_decay * i, arriving)
            return p.decay * v + i, i
        case Integration.CURRENT_EULER:
            i = _added(p, i, arriving)
            return v + p.decay * ((p.leak - v) + i), i - p.current_decay * i


def _added(p: Population, start: Signal, arriving: list[Signal]) -> Signal:
    for current in arriving:
        start = start + p.gain * current
    return start
