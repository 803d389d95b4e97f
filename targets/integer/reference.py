"""The reference: ``docs/arithmetic.md`` in plain NumPy, one step after the other.

Slow and clear on purpose: whoever else executes a ``FixedNetwork`` is compared with this, bit by
bit. Equation numbers refer to ``docs/arithmetic.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import (
    ALIGN_BITS,
    DECAY_BITS,
    STATE_LIMIT,
    FixedAxons,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
)
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    SumPooling,
    Window,
)
from snnc.targets.running import Progress, no_progress

Integers = npt.NDArray[np.int64]
Number = TypeVar("Number", np.int64, np.float64)

SMALLEST = np.iinfo(np.int64).min
"""The padding of a max pooling: smaller than any value."""


@dataclass(frozen=True, eq=False)
class Recording:
    """Every signal of every population in hardware time.

    Attributes:
        spikes: 0 or 1, uint8, shape ``[hardware steps, batch, n]``.
        u: int32, the same shape.
        v: int32, the same shape, after the step; 0 outside the population's time.
        u_peak: Largest ``|u|`` of each population, as it was before it wrapped.
        v_peak: Largest ``|v|`` of each population, as it was before it was clipped; without what
            ``zero-next`` or a refractory step discards.
    """

    spikes: dict[str, npt.NDArray[np.uint8]]
    u: dict[str, npt.NDArray[np.int32]]
    v: dict[str, npt.NDArray[np.int32]]
    u_peak: dict[str, int]
    v_peak: dict[str, int]


@dataclass(frozen=True, eq=False)
class Step:
    """What one step makes of a population, each of shape ``[batch, n]``.

    Attributes:
        u: Synaptic current.
        v: Membrane potential.
        rho: Refractory steps left.
        spikes: 0 or 1.
        u_sum: ``u`` before the wrap.
        v_sum: ``v`` before the clip; 0 where it is discarded.
    """

    u: Integers
    v: Integers
    rho: Integers
    spikes: Integers
    u_sum: Integers
    v_sum: Integers


def execute(
    network: FixedNetwork,
    inputs: Mapping[str, npt.NDArray[np.int32]],
    progress: Progress = no_progress,
    *,
    forced: Mapping[str, npt.NDArray[np.uint8]] | None = None,
) -> Recording:
    """Run ``network`` on a batch of samples, each from rest.

    Args:
        network: Retimed or not: a projection of delay 0 acts within the step.
        inputs: Integers of each input, shape ``[steps, batch, n]``.
        progress: Told the hardware steps done.
        forced: By population what it sends in place of its own spikes, shape ``[steps, batch,
            n]``, for a network that is not retimed: what is recorded then is what each
            population makes of the right input (teacher forcing).

    Returns:
        The signals of ``steps + network.latency`` hardware steps.
    """
    steps, batch = next(iter(inputs.values())).shape[:2]
    hardware_steps = steps + network.latency
    recording = Recording({}, {}, {}, {}, {})
    for p in network.populations:
        shape = (hardware_steps, batch, p.size)
        recording.spikes[p.name] = np.zeros(shape, np.uint8)
        recording.u[p.name] = np.zeros(shape, np.int32)
        recording.v[p.name] = np.zeros(shape, np.int32)
        recording.u_peak[p.name] = recording.v_peak[p.name] = 0
    sent: dict[str, npt.NDArray[np.integer]] = {
        i.name: _extend(inputs[i.name], hardware_steps) for i in network.inputs
    }
    sent.update(recording.spikes | dict(forced or {}))
    arriving: dict[str, list[FixedProjection]] = {p.name: [] for p in network.populations}
    for projection in network.projections:
        arriving[projection.target].append(projection)
    state = {p.name: at_rest(p, batch) for p in network.populations}
    shapes, axons = network.shapes, {a.name: a for a in network.axons}

    for k in range(hardware_steps):
        for p in network.populations:
            if not p.lag <= k < p.lag + steps:
                continue  # before its first step a population rests; after its last it is silent
            a = np.zeros((batch, p.size), np.int64)
            for projection in arriving[p.name]:
                if k >= projection.delay:
                    x = sent_at(k - projection.delay, projection.source, axons, sent)
                    a += synaptic_input(projection, x.reshape(batch, *shapes[projection.source]))
            step = neuron_step(p, *state[p.name], a)
            state[p.name] = step.u, step.v, step.rho
            recording.spikes[p.name][k] = step.spikes
            recording.u[p.name][k] = step.u
            recording.v[p.name][k] = step.v
            recording.u_peak[p.name] = max(recording.u_peak[p.name], _peak(step.u_sum))
            recording.v_peak[p.name] = max(recording.v_peak[p.name], _peak(step.v_sum))
        progress(k + 1, hardware_steps)
    return recording


def sent_at(
    k: int,
    source: str,
    axons: Mapping[str, FixedAxons],
    sent: Mapping[str, npt.NDArray[np.integer]],
) -> Integers:
    """Give what a source sent at hardware step ``k``, shape ``[batch, n]``.

    Args:
        k: Of what is recorded.
        source: An input, a population, or axons of these.
        axons: All there are, by name.
        sent: Of each input and population, shape ``[steps, batch, n]``.
    """
    if source not in axons:
        return np.asarray(sent[source][k], np.int64)
    of = axons[source]
    x = np.zeros((sent[of.sources[0]].shape[1], of.size), np.int64)
    for member, name in enumerate(of.sources):
        here = of.member == member
        x[:, here] = sent[name][k][:, of.element[here]]
    return x


def synaptic_input(projection: FixedProjection, x: Integers) -> Integers:
    """Give ``a = y * 2**weight_exp``, rounded down, shape ``[batch, n]`` (1).

    Args:
        projection: Its operators make ``y`` of ``x``.
        x: What the source sent, shape ``[batch, *shape]``.
    """
    for operator in projection.operators:
        x = operated(operator, x)
    total = x.reshape(x.shape[0], -1)
    if projection.weight_exp >= 0:
        return total << projection.weight_exp
    return total >> -projection.weight_exp


def operated(operator: FixedOperator, x: Integers) -> Integers:
    """Give what one operator makes of ``x``, shape ``[batch, *shape]`` (1).

    Products of matrices are computed in float64, which has a fast one, and are exact:
    ``compiler/check.py`` holds every sum below ``2**31``, and float64 keeps integers to ``2**53``.
    """
    match operator:
        case FixedDense():
            flat = x.reshape(x.shape[0], -1).astype(np.float64)
            return (flat @ operator.weight.T.astype(np.float64)).astype(np.int64)
        case FixedSparse():
            return np.stack([scattered(operator, flat) for flat in x.reshape(x.shape[0], -1)])
        case FixedScaling():
            return x * operator.weight.reshape(x.shape[1:]).astype(np.int64)
        case FixedConvolution():
            return convolved(operator, x.astype(np.float64)).astype(np.int64)
        case SumPooling():
            return reduce(np.add, under(operator.window, x, 0))
        case MaxPooling():
            return reduce(np.maximum, under(operator.window, x, SMALLEST))


def scattered(operator: FixedSparse, x: npt.NDArray[np.integer]) -> Integers:
    """Give ``W x`` of a value of shape ``[n_in]``: the lists of the sources that sent, added up."""
    sources = np.flatnonzero(x)
    begin, lengths = operator.begin[sources], np.diff(operator.begin)[sources]
    before = np.cumsum(lengths) - lengths
    places: Integers = np.arange(int(lengths.sum())) + np.repeat(begin - before, lengths)
    products = operator.weight[places] * np.repeat(x[sources].astype(np.float64), lengths)
    return np.bincount(operator.target[places], products, operator.n_out).astype(np.int64)


def convolved(operator: FixedConvolution, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give the convolution of ``x``, shape ``[batch, channels, *extent]``, group by group (1)."""
    batch, groups = x.shape[0], operator.groups
    weight = operator.weight.astype(np.float64)
    results: list[npt.NDArray[np.float64]] = []
    for part, kernel in zip(
        np.split(x, groups, axis=1), np.split(weight, groups, axis=0), strict=True
    ):
        elements = np.ndindex(*operator.window.kernel)
        products = (
            kernel[(..., *element)] @ values.reshape(batch, values.shape[1], -1)
            for element, values in zip(elements, under(operator.window, part, 0), strict=True)
        )
        results.append(reduce(np.add, products))
    return np.concatenate(results, axis=1).reshape(batch, *operator.result_shape(x.shape[1:]))


def under(window: Window, x: npt.NDArray[Number], fill: int) -> Iterator[npt.NDArray[Number]]:
    """Give for each element of the kernel the values under it, at all positions of the window.

    Args:
        window: Over the axes of ``x`` behind the second.
        x: Shape ``[batch, channels, *extent]``.
        fill: What the padding holds.
    """
    padded = np.pad(x, ((0, 0), (0, 0), *window.padding), constant_values=fill)
    positions = window.positions(x.shape[2:])
    for element in np.ndindex(*window.kernel):
        seen: list[slice] = [slice(None), slice(None)]
        for e, dilation, stride, n in zip(
            element, window.dilation, window.stride, positions, strict=True
        ):
            seen.append(slice(e * dilation, e * dilation + stride * (n - 1) + 1, stride))
        yield padded[tuple(seen)]


def at_rest(p: FixedPopulation, batch: int) -> tuple[Integers, Integers, Integers]:
    """Give ``u``, ``v`` and ``rho`` before the first step."""
    zero = np.zeros((batch, p.size), np.int64)
    return zero, zero + p.initial, zero


def neuron_step(p: FixedPopulation, u: Integers, v: Integers, rho: Integers, a: Integers) -> Step:
    """Give what one step makes of a population (2 to 7).

    Args:
        p: Parameters of shape ``[n]``.
        u: Synaptic current before the step, shape ``[batch, n]``.
        v: Membrane potential before the step, shape ``[batch, n]``.
        rho: Refractory steps left before the step, shape ``[batch, n]``.
        a: Synaptic input of the step, shape ``[batch, n]``.
    """
    bias = p.bias_mant.astype(np.int64) << p.bias_exp
    u_sum = decayed(u, p.du + 1) + (a << ALIGN_BITS)
    u = wrap(u_sum)
    v_sum = decayed(v, p.dv) + u + bias
    if not p.spiking:
        return Step(u, clip(v_sum), rho, np.zeros_like(v), u_sum, v_sum)

    theta = p.threshold.astype(np.int64) << ALIGN_BITS
    r = (v > theta).astype(np.int64)
    if p.reset in (FixedReset.SUBTRACT_DELAYED, FixedReset.SUBTRACT_RETEST):
        v_sum = v_sum - r * theta
    v_new = clip(v_sum)
    if p.reset is FixedReset.ZERO_NEXT:
        v_new = v_new * (1 - r)
        v_sum = v_sum * (1 - r)  # what it was acts on nothing

    s = (v_new > theta).astype(np.int64)
    if p.reset is FixedReset.ZERO:
        v_new = v_new * (1 - s)
    elif p.reset is FixedReset.SUBTRACT:
        v_new = v_new - s * theta
    elif p.reset is FixedReset.SUBTRACT_RETEST:
        v_new = v_new - (s - r) * theta

    held = rho > 0
    v_new, s = np.where(held, v, v_new), np.where(held, 0, s)
    rho = np.where(s > 0, p.refractory, np.maximum(rho - 1, 0))
    return Step(u, v_new, rho, s, u_sum, np.where(held, 0, v_sum))


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


def _peak(values: Integers) -> int:
    return int(np.abs(values).max(initial=0))


def _extend(x: npt.NDArray[np.int32], steps: int) -> npt.NDArray[np.int32]:
    """Append zeros on the time axis."""
    return np.concatenate((x, np.zeros((steps - x.shape[0], *x.shape[1:]), np.int32)))
