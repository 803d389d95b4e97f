"""Synaptic operations: how many additions the spikes of a step make at each neuron."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork, FixedProjection
from snnc.compiler.linear import Factors, Kernels, Lists, Matrix, Step, apply, as_steps
from snnc.compiler.mapping.traffic import Rates, rate_of
from snnc.compiler.operators import MaxPooling, SumPooling

Reals = npt.NDArray[np.float64]


class Counted(StrEnum):
    """Which weights count."""

    EFFECTIVE = "effective"
    """Those that are not zero."""
    PRESENT = "present"
    """Those kept as synapses: of a convolution also zeros, where a kernel is not all zeros."""
    ALL = "all"
    """Every weight, zeros too."""


def operations(
    network: FixedNetwork, projection: FixedProjection, rates: Rates, counted: Counted
) -> Reals:
    """Give the additions a step at each neuron of the target, on average.

    A spike under a window of a pooling acts by itself, as it does where pooling and weights are
    composed into synapses.

    Args:
        network: Whole.
        projection: Of it.
        rates: Spikes a step of inputs and populations; those not known of are 1.
        counted: Which weights count.

    Returns:
        Shape ``[n]`` of the target.
    """
    shape = network.shapes[projection.source]
    n = int(np.prod(shape, dtype=np.int64))
    spikes = rate_of(rates, projection.source, n).reshape(1, *shape)
    for step in as_steps(projection.operators, shape):
        spikes = _received(step, spikes, counted)
    return spikes.reshape(-1)


def _received(step: Step, spikes: Reals, counted: Counted) -> Reals:
    """Give how many of ``spikes``, shape ``[1, *shape]``, each element of the result receives."""
    match step:
        case Matrix() | Lists() if counted is Counted.ALL:
            return np.full((1, *step.result_shape(spikes.shape[1:])), spikes.sum())
        case Matrix():
            return apply(Matrix((step.weight != 0).view(np.int8)), spikes)
        case Lists():
            return apply(replace(step, weight=(step.weight != 0).astype(np.float64)), spikes)
        case Kernels():
            return _under_kernels(step, spikes, counted)
        case Factors():
            return spikes * (step.weight != 0) if counted is Counted.EFFECTIVE else spikes
        case MaxPooling():
            return apply(SumPooling(window=step.window), spikes)
        case _:
            return apply(step, spikes)


def _under_kernels(step: Kernels, spikes: Reals, counted: Counted) -> Reals:
    """Count under kernels: quickly where all channels of a group see the same."""
    there = step.weight != 0
    if counted is Counted.PRESENT:
        kernels = there.any(axis=tuple(range(2, there.ndim)), keepdims=True)
        there = np.broadcast_to(kernels, there.shape)
    if counted is not Counted.ALL and not there.all():
        return apply(replace(step, weight=there.astype(np.float64)), spikes)
    groups, extent = step.groups, spikes.shape[2:]
    summed = spikes.reshape(1, groups, -1, *extent).sum(axis=2)
    ones = np.ones((groups, 1, *step.window.kernel))
    return np.repeat(
        apply(Kernels(ones, step.window, groups), summed), step.weight.shape[0] // groups, axis=1
    )
