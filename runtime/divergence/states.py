"""What an execution held of one neuron in one step, and the numbers that the neuron has."""

from __future__ import annotations

from math import prod

import numpy as np

from snnc.compiler.fixed import ALIGN_BITS, FixedPopulation, FixedReset
from snnc.compiler.network import Population, Reset
from snnc.compiler.trace import Array, Trace
from snnc.runtime.divergence.explanation import State
from snnc.targets.integer.reference import decayed

UNIT = 2**ALIGN_BITS
_SUBTRACTING = ("subtract", FixedReset.SUBTRACT, Reset.SUBTRACT)
_ZEROING = (FixedReset.ZERO, Reset.ZERO, Reset.VALUE)


def flat_index(shape: tuple[int, ...], neuron: tuple[int, ...]) -> int:
    """Give the place of a neuron in C order."""
    return int(np.ravel_multi_index(neuron, shape))


def course_of(trace: Trace, signal: str, population: str, neuron: int) -> Array | None:
    """Give one signal of a neuron of the first sample, shape ``[steps]``, if it was recorded."""
    values = trace.signal(signal).get(population)
    if values is None:
        return None
    return values[:, 0].reshape(len(values), prod(values.shape[2:]))[:, neuron]


def integer_state(p: FixedPopulation, trace: Trace, step: int, neuron: int) -> State:
    """Give the state of a neuron of integers, as far as it was recorded.

    What arrived is what ``u`` says of it: ``(u - D(u_before)) / 64``, where that is an integer, so
    where nothing wrapped around and the current decayed as it should.

    Args:
        p: The population.
        trace: Of one sample.
        step: Step of the input.
        neuron: Index in C order.
    """
    u, u_before = _around(trace, "u", p.name, step, neuron, 0)
    v, v_before = _around(trace, "v", p.name, step, neuron, int(p.initial[neuron]))
    spike = _at(trace, "spikes", p.name, step, neuron)
    a = None
    if u is not None and u_before is not None:
        kept = int(decayed(np.array([int(u_before)]), p.du[neuron : neuron + 1] + 1)[0])
        a = (u - kept) / UNIT if (int(u) - kept) % UNIT == 0 else None
    theta = float(int(p.threshold[neuron]) << ALIGN_BITS)
    return State(
        a=a,
        u=u,
        v=v,
        u_before=u_before,
        v_before=v_before,
        compared=_compared(p.reset, v, spike, theta),
        spike=spike,
    )


def real_state(p: Population, trace: Trace, step: int, neuron: int) -> State:
    """Give the state of a neuron of real numbers, as far as it was recorded."""
    u, u_before = _around(trace, "u", p.name, step, neuron, 0)
    v, v_before = _around(trace, "v", p.name, step, neuron, float(p.initial[neuron]))
    spike = _at(trace, "spikes", p.name, step, neuron)
    compared = _compared(p.reset, v, spike, float(p.threshold[neuron]))
    return State(u=u, v=v, u_before=u_before, v_before=v_before, compared=compared, spike=spike)


def integer_parameters(p: FixedPopulation, neuron: int) -> dict[str, float]:
    """Give what the record of a population says of one neuron."""
    names = ("du", "dv", "threshold", "bias_mant", "bias_exp", "initial")
    numbers = {name: float(getattr(p, name)[neuron]) for name in names}
    own = {"refractory": float(p.refractory), "lag": float(p.lag)}
    return numbers | own | {"scale": float(p.scale[neuron]), "offset": float(p.offset[neuron])}


def real_parameters(p: Population, neuron: int) -> dict[str, float]:
    """Give the same of a population of real numbers."""
    names = ("decay", "current_decay", "gain", "leak", "initial", "threshold", "reset_value")
    numbers = {name: float(getattr(p, name)[neuron]) for name in (*names, "spike")}
    return numbers | {"refractory": float(p.refractory)}


def _compared(
    reset: FixedReset | Reset, v: float | None, spike: float | None, threshold: float
) -> float | None:
    """Give the potential before the reset, where what is left of it tells."""
    if v is None or spike is None or not spike:
        return v
    if reset in _ZEROING or reset == "subtract-retest":
        return None
    return v + threshold if reset in _SUBTRACTING else v


def _around(
    trace: Trace, signal: str, population: str, step: int, neuron: int, start: float
) -> tuple[float | None, float | None]:
    """Give a value after the step and before it."""
    course = course_of(trace, signal, population, neuron)
    if course is None:
        return None, None
    return float(course[step]), float(course[step - 1]) if step else start


def _at(trace: Trace, signal: str, population: str, step: int, neuron: int) -> float | None:
    course = course_of(trace, signal, population, neuron)
    return None if course is None else float(course[step])
