"""From real numbers to integers: one scale for each neuron."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.bias_neurons import bias_neuron, bias_projection
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.fixed import (
    ALIGN_BITS,
    DECAY_BITS,
    MAX_BIAS_EXP,
    MAX_BIAS_MANT,
    MAX_DU,
    MAX_THRESHOLD,
    MAX_WEIGHT_BITS,
    MAX_WEIGHT_EXP,
    MIN_WEIGHT_EXP,
    STATE_LIMIT,
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
)
from snnc.compiler.network import (
    Input,
    Network,
    Output,
    Population,
    Projection,
    Reset,
)
from snnc.compiler.overflow import bound_potential, drive

Doubles = npt.NDArray[np.float64]

ONE = 2**DECAY_BITS
UNIT = 2**ALIGN_BITS
HEADROOM = 1 - 2.0**-6
"""Part of the state's range that real bounds may fill; the rest is for rounding to integers."""
ROOM_STEPS = 256
"""Steps of the largest drive that a state has room for where nothing bounds it."""
GRADED_LEVELS = 127
"""Largest integer of an input that takes real values: 8 bits with sign, as a weight."""
MAX_SPIKE_LEVEL = 255
"""Largest magnitude up to which integer input data enter as they are."""

_FIXED_RESET = {
    Reset.NONE: FixedReset.NONE,
    Reset.ZERO: FixedReset.ZERO,
    Reset.ZERO_DELAYED: FixedReset.ZERO,  # the same spikes; v is seen after the reset, not before
    Reset.ZERO_NEXT: FixedReset.ZERO_NEXT,
    Reset.SUBTRACT: FixedReset.SUBTRACT,
    Reset.SUBTRACT_DELAYED: FixedReset.SUBTRACT_DELAYED,
    Reset.SUBTRACT_RETEST: FixedReset.SUBTRACT_RETEST,
}


@dataclass(frozen=True, eq=False, kw_only=True)
class _Neurons:
    """One population in the units of its own membrane potential, ready to be scaled.

    Attributes:
        du: Decay of the current, 0 to 4095, shape ``[n]``.
        dv: Decay, 0 to 4096, shape ``[n]``.
        theta: Threshold, shape ``[n]``.
        bias: What is added to ``v`` in every step, shape ``[n]``.
        incoming: The projections; of a bias that enters the current the last.
        weights: Of each of them what one integer of the source adds to ``v`` in its step, shape
            ``[n, n_source]``.
        limit: Largest scale, in counts of the threshold's mantissa per unit of ``v``,
            shape ``[n]``.
    """

    du: npt.NDArray[np.int32]
    dv: npt.NDArray[np.int32]
    theta: Doubles
    bias: Doubles
    incoming: tuple[Projection, ...]
    weights: Mapping[str, Doubles]
    limit: Doubles


def quantize(
    network: Network,
    *,
    weight_bits: int = MAX_WEIGHT_BITS,
    calibration: Mapping[str, npt.NDArray[np.float32]] | None = None,
) -> FixedNetwork:
    """Round ``network`` to the integers of ``docs/arithmetic.md``.

    Neuron ``i`` gets a scale ``S_i``, in counts of the threshold's mantissa for a unit of its
    membrane potential. It is absorbed by the neuron's own parameters::

        threshold_i = S_i * theta_i          (an integer: S_i is chosen so)
        W_ij        = round(S_i * w_ij / 2**weight_exp)
        bias_i      = round(64 * S_i * b_i)

    ``S_i`` is the largest for which weights, threshold and bias fit their registers and ``u``
    and ``v``, in real numbers and with some headroom, cannot overflow; the weight exponent trades
    the two against each other (see ``_best_exponent``). Nothing is clamped. Delays stay as they
    are; ``retime`` follows. A bias that enters a synaptic current gets a neuron of its own (see
    ``bias_neurons``), which stands before its population.

    Args:
        network: The real network.
        weight_bits: Width of a weight with its sign, 2 to 8.
        calibration: Of each input typical data, ``[steps, batch, n]``: tells whether spikes,
            other integers or real values enter. Without it spikes are assumed.

    Raises:
        InputError: SNN301, a population fits at no scale.
    """
    inputs = tuple(_fixed_input(i, (calibration or {}).get(i.name)) for i in network.inputs)
    neurons = {p.name: _neurons(network, p, inputs) for p in network.populations}
    raise_all(_misfits(network, neurons, weight_bits))
    populations: list[FixedPopulation] = []
    projections: list[FixedProjection] = []
    for p in network.populations:
        n = neurons[p.name]
        scale = _scales(n, weight_bits)
        populations.extend(bias_neuron(q) for q in n.incoming if _is_bias(network, q))
        populations.append(_fixed_population(p, n, scale))
        projections.extend(
            _fixed_projection(q, n.weights[q.name], scale, weight_bits) for q in n.incoming
        )
    return FixedNetwork(
        inputs=inputs,
        populations=tuple(populations),
        projections=tuple(projections),
        outputs=tuple(Output(o.name, o.source) for o in network.outputs),
        dt=network.dt,
    )


def _fixed_input(declared: Input, data: npt.NDArray[np.float32] | None) -> FixedInput:
    if data is None:
        return FixedInput(declared.name, declared.shape)
    largest = float(np.abs(data).max(initial=0))
    if largest <= MAX_SPIKE_LEVEL and bool((data == np.rint(data)).all()):
        return FixedInput(declared.name, declared.shape, max_abs=max(1, int(largest)))
    step = largest / GRADED_LEVELS
    return FixedInput(declared.name, declared.shape, step=step, max_abs=GRADED_LEVELS)


def _is_bias(network: Network, q: Projection) -> bool:
    return all(q is not known for known in network.incoming(q.target))


def _neurons(network: Network, p: Population, inputs: tuple[FixedInput, ...]) -> _Neurons:
    euler, current = p.integration.is_euler, p.integration.has_current
    decay = p.decay.astype(np.float64)
    gain = p.gain.astype(np.float64) * (decay if euler else 1.0)
    constant = bias_projection(network, p)
    incoming = (*network.incoming(p.name), *([constant] if constant else []))
    bias = decay * p.leak if euler else np.zeros(p.size)
    entering = {i.name: i for i in inputs}
    weights: dict[str, Doubles] = {}
    up, down = np.zeros(p.size), np.zeros(p.size)
    for q in incoming:
        source = entering.get(q.source)
        bias = bias + (0 if current else gain * q.bias)
        weights[q.name] = gain[:, None] * q.weight * (source.step if source else 1.0)
        excitation, inhibition = drive(weights[q.name], source.max_abs if source else None)
        up, down = up + excitation, down + inhibition
    du = _current_decay(p)
    dv = np.rint(ONE * (decay if euler else 1 - decay)).astype(np.int32)
    theta = p.threshold.astype(np.float64)
    memory = _memory_of_current(du)
    limit = _largest_scale(_FIXED_RESET[p.reset], theta, dv, bias, up * memory, down * memory)
    return _Neurons(
        du=du, dv=dv, theta=theta, bias=bias, incoming=incoming, weights=weights, limit=limit
    )


def _current_decay(p: Population) -> npt.NDArray[np.int32]:
    """Give ``du``: one is added to it, so a current always decays by a 4096th at least."""
    if not p.integration.has_current:
        return np.full(p.size, MAX_DU, np.int32)
    decay = p.current_decay.astype(np.float64)
    rate = decay if p.integration.is_euler else 1 - decay
    counts = np.rint(ONE * rate) - 1
    return np.asarray(np.maximum(counts, 0), np.int32)


def _memory_of_current(du: npt.NDArray[np.int32]) -> Doubles:
    """Give how often ``u`` takes up a constant input: ``4096 / (du + 1)``, shape ``[n]``.

    Where it hardly decays the proof is left to calibration, as with ``v``.
    """
    return np.where(du > 0, ONE / (du + 1.0), ROOM_STEPS)


def _largest_scale(
    reset: FixedReset,
    theta: Doubles,
    dv: npt.NDArray[np.int32],
    bias: Doubles,
    up: Doubles,
    down: Doubles,
) -> Doubles:
    """Give the largest scale that threshold, bias and the overflow proof allow, shape ``[n]``.

    Where nothing bounds ``v`` (an integrator under inhibition) the proof is left to calibration,
    and ``v`` gets room for 256 steps of the largest drive.

    Args:
        reset: What a spike does.
        theta: Threshold.
        dv: Decay of ``v``.
        bias: Added to ``v`` in every step.
        up: Largest ``u``.
        down: Largest ``-u``.
    """
    v = bound_potential(
        reset,
        theta,
        np.where(dv > 0, dv, ONE / ROOM_STEPS).astype(np.float64),
        up=np.maximum(up + bias, 0),
        down=np.maximum(down - bias, 0),
        unit=0.0,
    )
    room = HEADROOM * STATE_LIMIT / UNIT
    with np.errstate(divide="ignore"):
        by_bias = MAX_BIAS_MANT * 2.0**MAX_BIAS_EXP / (UNIT * np.abs(bias))
        by_state = np.minimum(room / np.maximum(up, down), room / v)
    return np.asarray(np.minimum(np.minimum(MAX_THRESHOLD / theta, by_bias), by_state))


def _misfits(
    network: Network, neurons: Mapping[str, _Neurons], weight_bits: int
) -> Iterator[Diagnostic]:
    for p in network.populations:
        n = neurons[p.name]
        counts = n.theta * _limited(n, _largest_weights(n), weight_bits, MAX_WEIGHT_EXP)
        if (counts < 1).any():
            i = int(counts.argmin())
            yield Diagnostic(
                rule=rules.NUMBER_FITS,
                node=f"{' + '.join(p.origin) or p.name}, neuron {i}",
                found=f"threshold {n.theta[i]:g}, which the drive leaves {counts[i]:.2g} counts",
                limit="1 count of threshold at least: v has 24 bits, a weight "
                f"{weight_bits}, a bias 12 and its sign, both with an exponent up to 7",
                remedy="train with smaller weights and biases, or a larger threshold",
            )


def _scales(n: _Neurons, weight_bits: int) -> Doubles:
    """Give the scale of each neuron: as large as allowed, and ``scale * theta`` an integer."""
    largest = _largest_weights(n)
    exponent = _best_exponent(n, largest, weight_bits)
    return np.floor(_limited(n, largest, weight_bits, exponent) * n.theta) / n.theta


def _largest_weights(n: _Neurons) -> Doubles:
    largest = np.zeros(n.theta.size)
    for weights in n.weights.values():
        largest = np.maximum(largest, np.abs(weights).max(axis=1, initial=0))
    return largest


def _limited(n: _Neurons, largest: Doubles, weight_bits: int, exponent: int) -> Doubles:
    top = 2.0 ** (weight_bits - 1) - 1
    with np.errstate(divide="ignore"):
        return np.minimum(n.limit, top * 2.0**exponent / largest)


def _best_exponent(n: _Neurons, largest: Doubles, weight_bits: int) -> int:
    """Give the weight exponent with the least expected error of ``v`` against the threshold.

    A large exponent gives large scales, which refine threshold and decay; where the limit of the
    scale binds it wastes bits of the weights. Errors per neuron, as variances in units of the
    threshold ``c = scale * theta`` counts: rounding of ``m`` weights ``m (2**exponent / c)**2 /
    12``, truncation of the decay ``(4096 / dv / (128 c))**2``, rounding of a threshold to whole
    counts ``1 / (12 c**2)``. Of a current with memory the truncation comes beside that of ``v``,
    which sums it up: ``4096 / (du + 1)`` times as much.
    An exponent that leaves a threshold less than a count is out.
    """
    fan_in = np.zeros(n.theta.size)
    for weights in n.weights.values():
        fan_in += np.count_nonzero(weights, axis=1)
    memory = np.where(n.dv > 0, ONE / np.maximum(n.dv, 1), 0.0)
    summed = _memory_of_current(n.du) * ONE / np.maximum(n.dv, ONE / ROOM_STEPS)
    of_u = np.where(n.du < MAX_DU, summed, 0.0)
    truncation = (memory**2 + of_u**2) / (2 * UNIT) ** 2

    def cost(exponent: int) -> float:
        counts = _limited(n, largest, weight_bits, exponent) * n.theta
        if (counts < 1).any():
            return math.inf
        rounding = fan_in * 4.0**exponent / 12
        return float(((rounding + truncation + 1 / 12) / counts**2).mean())

    return min(range(MIN_WEIGHT_EXP, MAX_WEIGHT_EXP + 1), key=lambda e: (cost(e), -e))


def _fixed_population(p: Population, n: _Neurons, scale: Doubles) -> FixedPopulation:
    mant, exp = _bias(UNIT * scale * n.bias)
    return FixedPopulation(
        name=p.name,
        origin=p.origin,
        shape=p.shape,
        du=n.du,
        dv=n.dv,
        threshold=np.rint(scale * n.theta).astype(np.int32),
        bias_mant=mant,
        bias_exp=exp,
        reset=_FIXED_RESET[p.reset],
        lag=0,
        scale=UNIT * scale,
    )


def _bias(values: Doubles) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Give mantissa and exponent: the smallest exponent at which the rounded mantissa fits."""
    exponents = np.arange(MAX_BIAS_EXP + 1)
    mantissas = np.rint(values[None] / 2.0 ** exponents[:, None])
    fits = np.abs(mantissas) <= MAX_BIAS_MANT
    exp = np.where(fits.any(axis=0), fits.argmax(axis=0), MAX_BIAS_EXP)
    mant = np.take_along_axis(mantissas, exp[None], axis=0)[0]
    return mant.astype(np.int32), exp.astype(np.int32)


def _fixed_projection(
    q: Projection, weights: Doubles, scale: Doubles, weight_bits: int
) -> FixedProjection:
    scaled = scale[:, None] * weights
    top = 2 ** (weight_bits - 1) - 1
    largest = float(np.abs(scaled).max(initial=0))
    exponent = MIN_WEIGHT_EXP
    while exponent < MAX_WEIGHT_EXP and np.rint(largest / 2.0**exponent) > top:
        exponent += 1
    return FixedProjection(
        name=q.name,
        origin=q.origin,
        source=q.source,
        target=q.target,
        weight=np.rint(scaled / 2.0**exponent).astype(np.int8),
        weight_exp=exponent,
        delay=q.delay,
    )
