"""The reference: ``docs/arithmetic.md`` in plain NumPy, one step after the other.

Slow and clear on purpose: whoever else executes a ``FixedNetwork`` is compared with this, bit by
bit. Equation numbers refer to ``docs/arithmetic.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from snnc.targets.base import Progress, no_progress

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Recording:
    """Every signal of every population in hardware time.

    Attributes:
        spikes: 0 or 1, uint8, shape ``[hardware steps, batch, n]``.
        u: int32, the same shape.
        v: int32, the same shape, after the reset of the step.
    """

    spikes: dict[str, npt.NDArray[np.uint8]]
    u: dict[str, npt.NDArray[np.int32]]
    v: dict[str, npt.NDArray[np.int32]]


def execute(
    network: FixedNetwork,
    inputs: Mapping[str, npt.NDArray[np.int32]],
    progress: Progress = no_progress,
) -> Recording:
    """Run ``network`` on a batch of samples, each from rest.

    Args:
        network: Retimed or not: a projection of delay 0 acts within the step.
        inputs: Integers of each input, shape ``[steps, batch, n]``.
        progress: Told the hardware steps done.

    Returns:
        The signals of ``steps + network.latency`` hardware steps.
    """
    steps, batch = next(iter(inputs.values())).shape[:2]
    hardware_steps = steps + network.latency
    sent: dict[str, Integers] = {
        i.name: _extend(inputs[i.name].astype(np.int64), hardware_steps) for i in network.inputs
    }
    recording = Recording({}, {}, {})
    for p in network.populations:
        shape = (hardware_steps, batch, p.size)
        sent[p.name] = np.zeros(shape, np.int64)
        recording.spikes[p.name] = np.zeros(shape, np.uint8)
        recording.u[p.name] = np.zeros(shape, np.int32)
        recording.v[p.name] = np.zeros(shape, np.int32)
    rest = {p.name: np.zeros((batch, p.size), np.int64) for p in network.populations}
    state = {name: (at_rest, at_rest) for name, at_rest in rest.items()}

    for k in range(hardware_steps):
        for p in network.populations:
            if not p.lag <= k < p.lag + steps:
                continue  # before its first step a population rests; after its last it is silent
            a = np.zeros((batch, p.size), np.int64)
            for projection in network.incoming(p.name):
                if k >= projection.delay:
                    a += synaptic_input(projection, sent[projection.source][k - projection.delay])
            u, v, s = neuron_step(p, *state[p.name], a)
            state[p.name] = u, v
            sent[p.name][k] = s
            recording.spikes[p.name][k] = s
            recording.u[p.name][k] = u
            recording.v[p.name][k] = v
        progress(k + 1, hardware_steps)
    return recording


def synaptic_input(projection: FixedProjection, x: Integers) -> Integers:
    """Give ``a = (W x) * 2**weight_exp``, rounded down (1).

    Args:
        projection: Weights of shape ``[n_target, n_source]``.
        x: What the source sent, shape ``[batch, n_source]``.
    """
    total = x @ projection.weight.T.astype(np.int64)
    if projection.weight_exp >= 0:
        return total << projection.weight_exp
    return total >> -projection.weight_exp


def neuron_step(
    p: FixedPopulation, u: Integers, v: Integers, a: Integers
) -> tuple[Integers, Integers, Integers]:
    """Give ``u``, ``v`` and the spikes of one step (2 to 6).

    Args:
        p: Parameters of shape ``[n]``.
        u: Synaptic current before the step, shape ``[batch, n]``.
        v: Membrane potential before the step, shape ``[batch, n]``.
        a: Synaptic input of the step, shape ``[batch, n]``.
    """
    theta = p.threshold.astype(np.int64) << ALIGN_BITS
    bias = p.bias_mant.astype(np.int64) << p.bias_exp
    r = (v > theta).astype(np.int64)

    u = wrap(decayed(u, p.du + 1) + (a << ALIGN_BITS))
    v = decayed(v, p.dv) + u + bias
    if p.reset in (FixedReset.SUBTRACT_DELAYED, FixedReset.SUBTRACT_RETEST):
        v = v - r * theta
    v = clip(v)
    if p.reset is FixedReset.ZERO_NEXT:
        v = v * (1 - r)

    s = (v > theta).astype(np.int64)
    if p.reset is FixedReset.ZERO:
        v = v * (1 - s)
    elif p.reset is FixedReset.SUBTRACT:
        v = v - s * theta
    elif p.reset is FixedReset.SUBTRACT_RETEST:
        v = v - (s - r) * theta
    return u, v, s


def decayed(x: Integers, decay: npt.NDArray[np.integer]) -> Integers:
    """Give ``x * (4096 - decay) / 4096``, rounded toward zero (2)."""
    product = x * (2**DECAY_BITS - decay.astype(np.int64))
    return np.asarray(np.sign(product) * (np.abs(product) >> DECAY_BITS))


def wrap(u: Integers) -> Integers:
    """Bring ``u`` back into 24 bits as Lava does: once, and into ``(-2**23, 2**23]`` (3)."""
    u = np.where(u > STATE_LIMIT, u - 2 * STATE_LIMIT, u)
    return np.asarray(np.where(u <= -STATE_LIMIT, u + 2 * STATE_LIMIT, u))


def clip(v: Integers) -> Integers:
    """Saturate ``v`` at 24 bits (4)."""
    return np.clip(v, -(STATE_LIMIT - 1), STATE_LIMIT - 1)


def _extend(x: Integers, steps: int) -> Integers:
    """Append zeros on the time axis."""
    return np.concatenate((x, np.zeros((steps - x.shape[0], *x.shape[1:]), np.int64)))
