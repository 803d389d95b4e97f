"""Projections from inputs of which a few elements ever send, as matrices of these alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedInput, FixedProjection, weight_limits
from snnc.compiler.mapping.regions import Neurons
from snnc.compiler.operators import FixedDense, FixedSparse, Weights
from snnc.runtime.apart import Lines, Part
from snnc.targets.integer.reference import Integers, operated


def condensed(part: Part, keep: Mapping[str, Neurons]) -> Part | None:
    """Give the same with some elements of the inputs, or None where the weights do not allow it.

    What is kept computes the same as with zeros in the place of what is left out; but for max
    pooling, where that is to be tried. A projection from an input that keeps nothing goes, and so
    does the input, as long as there is another.

    Args:
        part: What it is of.
        keep: Of each input the elements to keep, ascending.
    """
    keep = dict(keep)
    if not any(elements.size for elements in keep.values()):
        first = part.network.inputs[0].name
        keep[first] = np.arange(1)
    inputs = {i.name: i for i in part.network.inputs}
    projections: list[FixedProjection] = []
    for q in part.network.projections:
        if q.source not in inputs:
            projections.append(q)
        elif keep[q.source].size:
            weight = _fitting(q, response(q, inputs[q.source], keep[q.source]))
            if weight is None:
                return None
            projections.append(replace(q, operators=(_alike(q, weight),)))
    left = {name: elements for name, elements in keep.items() if elements.size}
    network = replace(
        part.network,
        inputs=tuple(replace(inputs[n], shape=(e.size,)) for n, e in left.items()),
        projections=tuple(projections),
    )
    lines = {n: Lines(part.lines[n].source, part.lines[n].elements[e]) for n, e in left.items()}
    return Part(network, lines, part.neurons)


def response(q: FixedProjection, source: FixedInput, elements: Neurons) -> Integers:
    """Give what the operators make of the integer 1 at each element, shape ``[n_out, elements]``.

    That is the weight of each synapse, before the exponent.
    """
    x: Integers = np.zeros((elements.size, source.size), np.int64)
    x[np.arange(elements.size), elements] = 1
    y = x.reshape(-1, *source.shape)
    for operator in q.operators:
        y = operated(operator, y)
    return y.reshape(elements.size, -1).T


def _fitting(q: FixedProjection, weight: npt.NDArray[np.int64]) -> Weights | None:
    low, high = weight_limits(q.weight_bits, q.sign_mode)
    if weight.min(initial=0) < low or weight.max(initial=0) > high:
        return None
    small = weight.min(initial=0) >= -128 and weight.max(initial=0) < 128
    made: Weights = weight.astype(np.int8 if small else np.int16)
    return made


def _alike(q: FixedProjection, weight: Weights) -> FixedDense | FixedSparse:
    """Give a matrix as lists where it was lists."""
    lists = isinstance(q.operators[-1], FixedSparse)
    return FixedSparse.of(weight) if lists else FixedDense(weight=weight)
