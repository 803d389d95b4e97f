"""Parts of a network: some populations with what the others send them as input, some neurons.

What is left computes to the last bit what it does in the whole: hardware delays and lags stay as
they are, and every sum keeps its terms.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count
from math import prod
from typing import Any

import numpy as np

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedPopulation, FixedProjection
from snnc.compiler.mapping.cut import PARAMETERS
from snnc.compiler.mapping.pieces import NotABox, piece
from snnc.compiler.mapping.regions import Listed, Neurons
from snnc.compiler.mapping.sliced import kept, sliced_matrix
from snnc.compiler.network import Output
from snnc.compiler.operators import (
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    Shape,
)

Operators = tuple[FixedOperator, ...]


class Inseparable(Exception):
    """These neurons cannot be taken out of the network by themselves."""


@dataclass(frozen=True, eq=False)
class Lines:
    """What the elements of an input of a part are in the whole.

    Attributes:
        source: Name of the input or the population.
        elements: Their indices there, in C order; shape ``[n]``.
    """

    source: str
    elements: Neurons


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a network.

    Attributes:
        network: With the hardware delays and lags of the whole.
        lines: What each input stands for, by its name.
        neurons: Of each population the indices of its neurons in the whole.
    """

    network: FixedNetwork
    lines: Mapping[str, Lines]
    neurons: Mapping[str, Neurons]


def apart(whole: FixedNetwork, live: Collection[str], *, forced: bool) -> Part:
    """Give some populations, and what they get as inputs: one for each projection.

    Given, for ``live = {b}``::

        x -1-> a (lag 1) -2-> b (lag 3)

    Result::

        a -3-> b (lag 3)        where a is an input, which presents step t at hardware step t

    Args:
        whole: Retimed; its inputs take integers in units of their step.
        live: Populations that stay.
        forced: Also what they send each other comes as inputs.
    """
    lags = {i.name: 0 for i in whole.inputs} | {p.name: p.lag for p in whole.populations}
    largest = {i.name: i.max_abs for i in whole.inputs}
    shapes = whole.shapes
    stay = tuple(p for p in whole.populations if p.name in live)
    taken = {p.name for p in stay}
    inputs: list[FixedInput] = []
    lines: dict[str, Lines] = {}
    projections: list[FixedProjection] = []
    for q in whole.projections:
        if q.target not in live:
            continue
        if q.source in live and not forced:
            projections.append(q)
            continue
        name = _free(q.source, taken)
        shape = shapes[q.source]
        inputs.append(FixedInput(name, shape, 1.0, largest.get(q.source, 1)))
        lines[name] = Lines(q.source, np.arange(prod(shape)))
        projections.append(replace(q, source=name, delay=q.delay + lags[q.source]))
    for i in whole.inputs[: 0 if inputs else 1]:  # what nothing feeds takes its time from one
        name = _free(i.name, taken)
        inputs.append(FixedInput(name, i.shape, 1.0, i.max_abs))
        lines[name] = Lines(i.name, np.arange(i.size))
    network = FixedNetwork(
        inputs=tuple(inputs),
        populations=stay,
        projections=tuple(projections),
        outputs=tuple(Output(p.name, p.name) for p in stay),
        dt=whole.dt,
    )
    return Part(network, lines, {p.name: np.arange(p.size) for p in stay})


def thinned(part: Part, keep: Mapping[str, Neurons]) -> Part:
    """Give the same with some neurons of some populations.

    Args:
        part: What it is of.
        keep: Of populations in it the neurons to keep, ascending.

    Raises:
        Inseparable: The windows of a projection do not give these neurons by themselves.
    """
    network = part.network
    populations = {p.name: p for p in network.populations}
    inputs = {i.name: i for i in network.inputs}
    lines = dict(part.lines)
    projections: list[FixedProjection] = []
    for q in network.projections:
        target = populations[q.target]
        if q.source in inputs:
            cut = _read_by(q, inputs[q.source], target, keep.get(q.target))
            if cut is None:
                del inputs[q.source], lines[q.source]
                continue
            operators, elements, shape = cut
            inputs[q.source] = replace(inputs[q.source], shape=shape)
            lines[q.source] = _of(lines[q.source], elements)
        else:
            whole = populations[q.source].shape
            operators = _between(q, whole, target, keep.get(q.source), keep.get(q.target))
        projections.append(replace(q, operators=operators))
    if not inputs:
        raise Inseparable
    made = replace(
        network,
        inputs=tuple(inputs.values()),
        populations=tuple(
            _some(p, keep[p.name]) if p.name in keep else p for p in network.populations
        ),
        projections=tuple(projections),
    )
    neurons = {n: of[keep[n]] if n in keep else of for n, of in part.neurons.items()}
    return Part(made, lines, neurons)


def _of(lines: Lines, elements: Neurons) -> Lines:
    return Lines(lines.source, lines.elements[elements])


def _free(name: str, taken: set[str]) -> str:
    """Give ``name``, or one like it that is not taken, and take it."""
    names = chain([name], (f"{name}.{k}" for k in count(1)))
    free = next(n for n in names if n not in taken)
    taken.add(free)
    return free


def _some(p: FixedPopulation, neurons: Neurons) -> FixedPopulation:
    vectors: dict[str, Any] = {
        field: kept(getattr(p, field)[neurons]) for field in (*PARAMETERS, "scale", "offset")
    }
    return replace(p, shape=(neurons.size,), **vectors)


def _read_by(
    q: FixedProjection, source: FixedInput, target: FixedPopulation, neurons: Neurons | None
) -> tuple[Operators, Neurons, Shape] | None:
    """Give operators into some neurons, the elements of an input that they read, and their shape.

    A matrix reads all that it read: which weights are 0 is another matter in the other network.
    """
    whole = np.arange(source.size)
    if neurons is None:
        return q.operators, whole, source.shape
    last = q.operators[-1]
    if isinstance(last, FixedDense | FixedSparse):
        columns = np.arange(_matrix_shape(last)[1])
        return (*q.operators[:-1], sliced_matrix(last, neurons, columns)), whole, source.shape
    try:
        found = piece(q.operators, source.shape, Listed(neurons), target.shape)
    except NotABox as several:
        raise Inseparable from several
    if found is None:
        return None
    return found.operators, found.source.indices(source.shape), found.shape


def _between(
    q: FixedProjection,
    shape: Shape,
    target: FixedPopulation,
    columns: Neurons | None,
    rows: Neurons | None,
) -> Operators:
    """Give the operators from some neurons of a population to some of another.

    Raises:
        Inseparable: They are windows.
    """
    if columns is None and rows is None:
        return q.operators
    (operator, *more) = q.operators
    if more or not isinstance(operator, FixedDense | FixedSparse | FixedScaling):
        raise Inseparable
    rows = np.arange(target.size) if rows is None else rows
    columns = np.arange(prod(shape)) if columns is None else columns
    if isinstance(operator, FixedScaling):
        alike = rows[:, np.newaxis] == columns
        weight = np.where(alike, operator.weight[rows][:, np.newaxis], 0)
        return (FixedDense(weight=weight.astype(operator.weight.dtype)),)
    if isinstance(operator, FixedDense):
        return (FixedDense(weight=kept(operator.weight[np.ix_(rows, columns)])),)
    source, at = operator.source, np.isin(operator.target, rows)
    at &= np.isin(source, columns)
    counts = np.bincount(np.searchsorted(columns, source[at]), minlength=columns.size)
    return (
        FixedSparse(
            weight=kept(operator.weight[at]),
            target=np.searchsorted(rows, operator.target[at]).astype(np.int32),
            begin=np.concatenate(([0], np.cumsum(counts))),
            n_out=rows.size,
        ),
    )


def _matrix_shape(operator: FixedDense | FixedSparse) -> tuple[int, int]:
    n_out, n_in = operator.weight.shape if isinstance(operator, FixedDense) else operator.shape
    return n_out, n_in
