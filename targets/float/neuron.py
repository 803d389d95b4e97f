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


@dataclass(frozen=True, eq=False)
class Step:
    """What one step gave; arrays of shape ``[batch, n]``.

    Attributes:
        state: After the step.
        s: Spikes, 0 or 1, float32.
        tested: The potential that was held against the threshold.
    """

    state: State
    s: Signal
    tested: Signal


def neuron_step(p: Population, before: State, arriving: list[Signal]) -> Step:
    """Advance a population by one step.

    Args:
        p: Parameters of shape ``[n]``.
        before: State after the step before.
        arriving: One current a projection, in the order of summation, each ``[batch, n]``.
    """
    v, i = _integrated(p, before, arriving)
    if not p.spiking:
        return Step(State(v, i, before.rest), np.zeros_like(v), v)
    r = _fired(p, before.v)
    if p.reset in (Reset.SUBTRACT_DELAYED, Reset.SUBTRACT_RETEST):
        v = v - r * p.threshold
    elif p.reset is Reset.ZERO_NEXT:
        v = v - r * v
    s = _fired(p, v)
    after, rest = _reset(p, v, s, r), before.rest
    if p.refractory:
        held = rest > 0
        after, s = np.where(held, before.v, after), np.where(held, np.float32(0), s)
        rest = refractory_steps(p, rest, s)
    return Step(State(after, i, rest), s, v)


def _fired(p: Population, v: Signal) -> Signal:
    above = v >= p.threshold if p.inclusive else v > p.threshold
    return above.astype(np.float32)


def refractory_steps(
    p: Population, rest: npt.NDArray[np.int32], s: Signal
) -> npt.NDArray[np.int32]:
    """Give the refractory steps that are left after a step with the spikes ``s``."""
    return np.where(s > 0, p.refractory, np.maximum(rest - 1, 0)).astype(np.int32)


def _integrated(p: Population, before: State, arriving: list[Signal]) -> tuple[Signal, Signal]:
    v, i = before.v, before.i
    if p.spiking and p.reset is Reset.ZERO_DELAYED:
        v = (1 - _fired(p, v)) * v
    match p.integration:
        case Integration.DECAY:
            return _added(p, p.decay * v, arriving), i
        case Integration.EULER:
            total = _added(p, np.zeros_like(v), arriving)
            return v + p.decay * ((total + p.leak) - v), i
        case Integration.LEAK_EULER:
            total = _added(p, np.zeros_like(v), arriving)
            return v + p.decay * ((p.leak - v) + total), i
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


def _reset(p: Population, v: Signal, s: Signal, r: Signal) -> Signal:
    """Give the potential after the reset; ``r`` is ``v > threshold`` before the step."""
    after: Signal = v
    match p.reset:
        case Reset.ZERO:
            after = v - s * v
        case Reset.VALUE:
            after = (1 - s) * v + s * p.reset_value
        case Reset.SUBTRACT:
            after = v - s * p.threshold
        case Reset.SUBTRACT_RETEST:
            after = v - (s - r) * p.threshold
        case _:
            pass
    return np.asarray(after)
