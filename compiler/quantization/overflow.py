"""How far ``u`` and ``v`` can go: bounds over all possible inputs.

With the bound ``A`` of the synaptic input of a step, ``theta = 64 * threshold``, the largest
drive ``I = 64 A 4096 / (du + 1) + |bias|`` of a step and ``k = 4096 / dv``, geometric sums give
the bounds below. Truncation toward zero only shrinks, and is one unit where it could add. Steps in
which ``v`` is held after a spike leave every bound as it is: they repeat a ``v`` that was there.
They are linear in the scale of a neuron, so the quantizer uses them in real numbers, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import (
    ALIGN_BITS,
    DECAY_BITS,
    STATE_LIMIT,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
)
from snnc.compiler.linear import Step, as_steps, interval
from snnc.compiler.operators import Shape

Bounds = npt.NDArray[np.float64]
ONE = 2**DECAY_BITS


@dataclass(frozen=True, eq=False)
class StateBounds:
    """Largest magnitudes that can occur, shape ``[n]``; infinite where none is known.

    Attributes:
        u: Before the wrap.
        v: Before the clip.
        a: Synaptic input of one step.
    """

    u: Bounds
    v: Bounds
    a: Bounds

    @property
    def proven(self) -> npt.NDArray[np.bool_]:
        """True where neither the wrap nor the clip can act."""
        return (self.u < STATE_LIMIT) & (self.v < STATE_LIMIT)


def bound_states(network: FixedNetwork) -> dict[str, StateBounds]:
    """Bound ``u`` and ``v`` of every population of ``network``."""
    largest = {i.name: i.max_abs for i in network.inputs}
    arriving: dict[str, list[FixedProjection]] = {p.name: [] for p in network.populations}
    for q in network.projections:
        arriving[q.target].append(q)
    return {
        p.name: bound_population(p, arriving[p.name], network.shapes, largest)
        for p in network.populations
    }


def bound_population(
    p: FixedPopulation,
    arriving: Sequence[FixedProjection],
    shapes: Mapping[str, Shape],
    largest: Mapping[str, int],
) -> StateBounds:
    """Bound ``u`` and ``v`` of one population.

    Args:
        p: The population.
        arriving: What drives it.
        shapes: Of what is sent, by source.
        largest: Largest magnitude of the integers of an input, by name.
    """
    up, down = np.zeros(p.size), np.zeros(p.size)
    for q in arriving:
        shape = shapes[q.source]
        high, low = drive(as_steps(q.operators, shape), shape, largest.get(q.source))
        floor = 1.0 if q.weight_exp < 0 else 0.0  # a negative sum is rounded down
        up += high * 2.0**q.weight_exp
        down += low * 2.0**q.weight_exp + floor
    memory = ONE / (p.du + 1.0)
    bias = p.bias_mant * 2.0**p.bias_exp
    u_up, u_down = up * 2**ALIGN_BITS * memory, down * 2**ALIGN_BITS * memory
    v = bound_potential(
        p.reset,
        p.threshold.astype(np.float64) * 2**ALIGN_BITS,
        p.dv.astype(np.float64),
        np.abs(p.initial.astype(np.float64)),
        up=np.maximum(u_up + bias, 0),
        down=np.maximum(u_down - bias, 0),
        unit=1.0,
    )
    return StateBounds(np.maximum(u_up, u_down), v, np.maximum(up, down))


def drive(steps: tuple[Step, ...], shape: Shape, max_abs: int | None) -> tuple[Bounds, Bounds]:
    """Bound what ``steps`` give from above and from below, as magnitudes of shape ``[n]``.

    Args:
        steps: Into ``n`` neurons.
        shape: Of what is sent.
        max_abs: Largest magnitude of an input's integers, either sign; None for spikes, 0 or 1.
    """
    most = np.full(shape, float(1 if max_abs is None else max_abs))
    low, high = interval(steps, np.zeros(shape) if max_abs is None else -most, most)
    return high.ravel(), -low.ravel()


def bound_potential(
    reset: FixedReset,
    theta: Bounds,
    dv: Bounds,
    initial: Bounds,
    *,
    up: Bounds,
    down: Bounds,
    unit: float,
) -> Bounds:
    """Bound ``|v|`` before the clip, shape ``[n]``; infinite where ``dv`` is 0 and drive pulls.

    Args:
        reset: What a spike does.
        theta: Threshold in units of ``v``.
        dv: Decay, 0 to 4096.
        initial: ``|v|`` before the first step.
        up: Largest drive of a step, 0 or more.
        down: Largest negative drive of a step as a magnitude.
        unit: Size of the integer 1 in the units of ``theta``.
    """
    keep = 1 - dv / ONE
    lowest = np.maximum(_sum_over_time(down, dv), initial)
    if reset is FixedReset.NONE:
        return np.maximum(_sum_over_time(up, dv), lowest)
    overshoot = np.maximum(theta, initial) + up
    if reset in (FixedReset.ZERO, FixedReset.ZERO_NEXT):
        return np.maximum(overshoot, lowest)
    if reset is FixedReset.SUBTRACT:
        runaway = _sum_over_time(np.maximum(up - keep * theta, 0), dv)
        return np.maximum(np.maximum(overshoot, runaway), lowest)
    runaway = _sum_over_time(np.maximum(up - theta, 0), dv)
    undershoot = (1 - keep) * theta + down + unit
    bounds = [overshoot, runaway, undershoot, lowest]
    if reset is FixedReset.SUBTRACT_RETEST:  # from above theta it spikes again above 2 theta only
        bounds.append(np.where(initial > theta, 2 * theta, 0.0))
    return np.asarray(np.maximum.reduce(bounds))


def _sum_over_time(drive_a_step: Bounds, dv: Bounds) -> Bounds:
    """Give ``drive * 4096 / dv``, 0 where there is no drive and infinite where nothing decays."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(drive_a_step > 0, drive_a_step * (ONE / dv), 0.0)
