"""From real numbers to integers: one scale for each neuron, or for those that share weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InternalError, raise_all
from snnc.compiler.fixed import (
    LONGEST_DELAY,
    MAX_BIAS_EXP,
    MAX_BIAS_MANT,
    MAX_WEIGHT_BITS,
    STATE_LIMIT,
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    exponent_limits,
    largest_weight,
)
from snnc.compiler.linear import Doubles, Factors, Kernels, Lists, Matrix, Reshape
from snnc.compiler.network import Input, Network, Output
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    SumPooling,
    Weights,
)
from snnc.compiler.quantization.bias_neurons import bias_neuron
from snnc.compiler.quantization.decays import Decays, lowered_for
from snnc.compiler.quantization.feedback import fed_back
from snnc.compiler.quantization.grid import Rounding, grid_of, nearest
from snnc.compiler.quantization.grouping import too_many_thresholds
from snnc.compiler.quantization.limits import NO_LIMITS, Limits
from snnc.compiler.quantization.overflow import bound_population
from snnc.compiler.quantization.paths import Path
from snnc.compiler.quantization.scale import (
    HEADROOM,
    UNIT,
    Ints,
    Scalable,
    extent_of,
    scalable,
    step_of,
    weight_rows,
)
from snnc.compiler.retime import too_long

SPARSE_SIZE = 2**20
"""Weights of a matrix from which on it may become lists: smaller ones fit a cache in any case."""
SPARSE_SHARE = 1 / 10
"""Largest part of its integers that is not 0 where it does. A weight of a list takes 5 bytes and
one of a matrix takes one, so half the memory is saved at least."""
GRADED_LEVELS = 127
"""Largest integer of an input that takes real values: 8 bits with sign, as a weight."""
MAX_SPIKE_LEVEL = 255
"""Largest magnitude up to which integer input data enter as they are."""


def quantize(
    network: Network,
    *,
    weight_bits: int | Mapping[str, int] = MAX_WEIGHT_BITS,
    calibration: Mapping[str, npt.NDArray[np.float32]] | None = None,
    max_thresholds: int | None = None,
    decays: Decays = Decays.NEAREST,
    sent: Mapping[str, npt.NDArray[Any]] | None = None,
    limits: Limits = NO_LIMITS,
) -> FixedNetwork:
    """Round ``network`` to the integers of ``docs/arithmetic.md``.

    ``lower`` brings it to layers of weights between neurons that reset to 0. Neuron ``i`` then
    gets a scale ``S_i``, in counts of the threshold's mantissa for a unit of its membrane
    potential. It is absorbed by the neuron's own parameters::

        threshold_i = S_i * theta_i          (an integer: S_i is chosen so)
        W_ij        = round(S_i * w_ij / 2**weight_exp)
        bias_i      = round(64 * S_i * b_i)
        initial_i   = round(64 * S_i * v_i)

    Neurons that share weights, as those of a channel of a convolution do, have one scale. Where
    their thresholds differ, ``S * theta`` is rounded for all but the smallest.

    ``S_i`` is the largest for which weights, threshold and bias fit their registers and ``u``
    and ``v``, in real numbers and with some headroom, cannot overflow; the weight exponent trades
    the two against each other (see ``Scalable.best_exponent``). Nothing is clamped. Delays stay as
    they are; ``retime`` follows. A bias that enters a synaptic current gets a neuron of its own
    (see ``bias_neurons``), which stands before its population.

    Args:
        network: The real network.
        weight_bits: Width of a weight with its sign, 1 to 8; or that of the weights into each
            population, by name. Where all weights of a path have one sign, it takes no bit.
        calibration: Of each input typical data, ``[steps, batch, n]``: tells whether spikes,
            other integers or real values enter. Without it spikes are assumed.
        max_thresholds: Different thresholds that a population may have (see ``grouping``).
        decays: What is kept of a decay that is rounded.
        sent: What each input and each spiking population sends on typical data, ``[steps, batch,
            n]``. With it weights make up for each other's rounding (see ``feedback``); without it
            each is rounded to the nearest.
        limits: Of the target.

    Raises:
        InputError: SNN120 or SNN122, the network does not consist of such layers; SNN201, delays
            through sums add up to one that is too long; SNN301, a population fits at no scale;
            SNN314, weights of 1 bit have both signs; SNN320, one needs more different thresholds.
    """
    inputs = {i.name: _fixed_input(i, (calibration or {}).get(i.name)) for i in network.inputs}
    lowered = lowered_for(network, decays)
    neurons = tuple(scalable(n, inputs, calibration, limits) for n in lowered)
    widths = {p.name: width_of(weight_bits, p.name) for p in network.populations}
    raise_all(_misfits(neurons, widths))
    populations: list[FixedPopulation] = []
    projections: list[FixedProjection] = []
    for n in neurons:
        width = widths[n.lowered.population.name]
        rounding = nearest if sent is None else _fed_back(n, inputs, sent)
        population, arriving = _rounded(n, inputs, width, max_thresholds, rounding)
        if n.lowered.constant is not None:
            populations.append(bias_neuron(n.lowered.constant))
        populations.append(population)
        projections.extend(arriving)
    raise_all(too_long(q) for q in projections if q.delay > LONGEST_DELAY)
    if max_thresholds is not None:
        raise_all(too_many_thresholds(populations, max_thresholds))
    return FixedNetwork(
        inputs=tuple(inputs.values()),
        populations=tuple(populations),
        projections=tuple(projections),
        outputs=tuple(Output(o.name, o.source) for o in network.outputs),
        dt=network.dt,
    )


def width_of(weight_bits: int | Mapping[str, int], population: str) -> int:
    """Give the width of the weights into ``population``."""
    return weight_bits if isinstance(weight_bits, int) else weight_bits[population]


def _fixed_input(declared: Input, data: npt.NDArray[np.float32] | None) -> FixedInput:
    if data is None:
        return FixedInput(declared.name, declared.shape)
    largest = float(np.abs(data).max(initial=0))
    if largest <= MAX_SPIKE_LEVEL and bool((data == np.rint(data)).all()):
        return FixedInput(declared.name, declared.shape, max_abs=max(1, int(largest)))
    step = largest / GRADED_LEVELS
    return FixedInput(declared.name, declared.shape, step=step, max_abs=GRADED_LEVELS)


def _misfits(neurons: Iterable[Scalable], widths: Mapping[str, int]) -> Iterator[Diagnostic]:
    for n in neurons:
        p = n.lowered.population
        weight_bits = widths[p.name]
        mixed = tuple(_mixed_signs(n, weight_bits))
        yield from mixed
        if mixed:
            continue
        counts = largest_counts(n, weight_bits)
        if (counts < 1).any():
            i = int(counts.argmin())
            size = n.base[i] * n.lowered.unit[i]
            yield Diagnostic(
                rule=rules.NUMBER_FITS,
                node=f"{' + '.join(p.origin) or p.name}, neuron {i}",
                found=f"threshold {size:g}, which the drive leaves {counts[i]:.2g} counts",
                limit="1 count of threshold at least: v has 24 bits, a weight "
                f"{weight_bits} and an exponent up to {exponent_limits(weight_bits)[1]}, "
                "a bias 12 and its sign, and one up to 7",
                remedy="train with smaller weights and biases, or a larger threshold",
            )


def largest_counts(n: Scalable, weight_bits: int) -> Doubles:
    """Give the counts of each threshold at the largest scale that there is."""
    return n.counts(weight_bits, exponent_limits(weight_bits)[1])


def _mixed_signs(n: Scalable, weight_bits: int) -> Iterator[Diagnostic]:
    """Yield every path whose weights have a sign for which there is no bit."""
    p = n.lowered.population
    for path in n.lowered.paths:
        if largest_weight(weight_bits, extent_of(path).mode) > 0:
            continue
        weights = weight_rows(path)
        above, below = np.count_nonzero(weights > 0), np.count_nonzero(weights < 0)
        yield Diagnostic(
            rule=rules.SIGN_FITS,
            node=" + ".join(path.origin) or path.name,
            found=f"{above} weights above 0 and {below} below into {p.name}, of {weight_bits} bit",
            limit=f"{weight_bits} bit: 0 and one magnitude, of one sign",
            remedy=f"--weight-bits {p.name}={weight_bits + 1}",
        )


def _fed_back(
    n: Scalable, inputs: Mapping[str, FixedInput], sent: Mapping[str, npt.NDArray[Any]]
) -> Rounding:
    integers = {path.source: sent[path.source] / step_of(path, inputs) for path in n.lowered.paths}
    return fed_back(n.lowered.arriving, n.du, n.dv, integers)


def _rounded(
    n: Scalable,
    inputs: Mapping[str, FixedInput],
    weight_bits: int,
    max_thresholds: int | None,
    rounding: Rounding,
) -> tuple[FixedPopulation, tuple[FixedProjection, ...]]:
    """Give the integers of one population, and of what drives it.

    The scale leaves ``u`` and ``v`` some room for rounding. Where a neuron has so few counts in
    its weights that rounding takes more, its scale is lowered until the integers are proven, or
    would have a threshold below 1 count.
    """
    shapes = {path.source: path.shape for path in n.lowered.arriving}
    largest = {i.name: i.max_abs for i in inputs.values()}
    while True:
        scale = n.scale(weight_bits, max_thresholds)
        population = _fixed_population(n, scale)
        arriving = _fixed_projections(n, inputs, scale, weight_bits, rounding)
        bounds = bound_population(population, arriving, shapes, largest)
        share = np.maximum(bounds.u, bounds.v) / STATE_LIMIT
        over = np.isfinite(share) & (share >= 1)
        limit = n.limit.copy()
        limit[over] = scale[over] * HEADROOM / share[over]
        n = replace(n, limit=limit)
        if not over.any() or (largest_counts(n, weight_bits) < 1).any():
            return population, arriving


def _fixed_population(n: Scalable, scale: Doubles) -> FixedPopulation:
    p = n.lowered.population
    mant, exp = _bias(UNIT * scale * n.lowered.bias)
    return FixedPopulation(
        name=p.name,
        origin=p.origin,
        shape=p.shape,
        du=n.du,
        dv=n.dv,
        threshold=np.rint(scale * n.lowered.threshold).astype(np.int32),
        bias_mant=mant,
        bias_exp=exp,
        initial=np.rint(UNIT * scale * n.lowered.initial).astype(np.int32),
        reset=n.lowered.reset,
        refractory=p.refractory,
        spiking=p.spiking,
        lag=0,
        scale=UNIT * scale / n.lowered.unit,
        offset=n.lowered.offset,
    )


def _bias(values: Doubles) -> tuple[Ints, Ints]:
    """Give mantissa and exponent: the smallest exponent at which the rounded mantissa fits."""
    exponents = np.arange(MAX_BIAS_EXP + 1)
    mantissas = np.rint(values[None] / 2.0 ** exponents[:, None])
    fits = np.abs(mantissas) <= MAX_BIAS_MANT
    exp = np.where(fits.any(axis=0), fits.argmax(axis=0), MAX_BIAS_EXP)
    mant = np.take_along_axis(mantissas, exp[None], axis=0)[0]
    return mant.astype(np.int32), exp.astype(np.int32)


def _fixed_projections(
    n: Scalable,
    inputs: Mapping[str, FixedInput],
    scale: Doubles,
    weight_bits: int,
    rounding: Rounding,
) -> tuple[FixedProjection, ...]:
    """Round the weights of each path; those of a constant have 8 bits in any case."""
    grids = [
        grid_of(
            path,
            inputs,
            scale,
            MAX_WEIGHT_BITS if path is n.lowered.constant else weight_bits,
        )
        for path in n.lowered.arriving
    ]
    return tuple(
        FixedProjection(
            name=grid.path.name,
            origin=grid.path.origin,
            source=grid.path.source,
            target=n.lowered.population.name,
            operators=tuple(_fixed_operators(grid.path, integers)),
            weight_bits=grid.bits,
            sign_mode=grid.mode,
            weight_exp=grid.exponent,
            delay=grid.path.delay,
        )
        for grid, integers in zip(grids, rounding(grids), strict=True)
    )


def _fixed_operators(path: Path, integers: Weights) -> Iterator[FixedOperator]:
    for step in path.steps:
        match step:
            case Matrix():
                yield _matrix(integers)
            case Kernels():
                yield FixedConvolution(
                    weight=integers.reshape(step.weight.shape),
                    window=step.window,
                    groups=step.groups,
                )
            case Factors():
                yield FixedScaling(weight=integers.ravel())
            case SumPooling() | MaxPooling():
                yield step
            case Reshape() | Lists():
                raise InternalError(f"{path.name}: a {type(step).__name__} is left")


def _matrix(integers: Weights) -> FixedDense | FixedSparse:
    """Give a matrix, as lists where it is large and few of it is not zero."""
    few = (
        integers.size >= SPARSE_SIZE and np.count_nonzero(integers) <= SPARSE_SHARE * integers.size
    )
    return FixedSparse.of(integers) if few else FixedDense(weight=integers)
