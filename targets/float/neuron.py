"""One step of a population in float32, in the order of operations of its framework."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.network import Integration, Population, Reset
from snnc.targets.float.operators import Signal


@dataclass(frozen=True, eq=False)
class State:
    """What a population keeps from one step to the next; arrays of shape ``[batch, n]``.

    Attributes:
        v: Membrane potential.
        i: Synaptic current; zero where there is none.
        rest: Refractory steps that are left.
    """

    v: Signal
    i: Signal
    rest: npt.NDArray[np.int32]


def at_rest(p: Population, batch: int) -> State:
    """Give the state before the first step."""
    v = np.broadcast_to(p.initial, (batch, p.size))
    return State(v, np.zeros_like(v), np.zeros(v.shape, np.int32))


def neuron_step(p: Population, before: State, arriving: list[Signal]) -> tuple[State, Signal]:
    """Give the state after the step, and its spikes as float32.

    Args:
        p: Parameters of shape ``[n]``.
        before: State after the step before.
        arriving: One current a projection, in the order of summation, each ``[batch, n]``.
    """
    v, i = _integrated(p, before, arriving)
    if not p.spiking:
        return State(v, i, before.rest), np.zeros_like(v)
    r = (before.v > p.threshold).astype(np.float32)
    v, s = _reset(p, v, r)
    if not p.refractory:
        return State(v, i, before.rest), s
    held = before.rest > 0
    v, s = np.where(held, before.v, v), np.where(held, np.float32(0), s)
    rest = np.where(s > 0, p.refractory, np.maximum(before.rest - 1, 0)).astype(np.int32)
    return State(v, i, rest), s


def _integrated(p: Population, before: State, arriving: list[Signal]) -> tuple[Signal, Signal]:
    v, i = before.v, before.i
    if p.reset is Reset.ZERO_DELAYED:
        v = (1 - (v > p.threshold).astype(np.float32)) * v
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


def _reset(p: Population, v: Signal, r: Signal) -> tuple[Signal, Signal]:
    """Give the potential after the reset and the spikes; ``r`` is ``v > threshold`` before it."""
    if p.reset in (Reset.SUBTRACT_DELAYED, Reset.SUBTRACT_RETEST):
        v = v - r * p.threshold
    elif p.reset is Reset.ZERO_NEXT:
        v = v - r * v
    s = (v > p.threshold).astype(np.float32)
    if p.reset is Reset.ZERO:
        v = v - s * v
    elif p.reset is Reset.VALUE:
        v = (1 - s) * v + s * p.reset_value
    elif p.reset is Reset.SUBTRACT:
        v = v - s * p.threshold
    elif p.reset is Reset.SUBTRACT_RETEST:
        v = v - (s - r) * p.threshold
    return v, s
