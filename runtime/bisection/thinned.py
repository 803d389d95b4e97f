"""Fewer neurons of a part: what is left computes to the last bit what it does in the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from snnc.compiler.fixed import FixedNetwork, FixedPopulation, FixedProjection
from snnc.compiler.mapping.cut import PARAMETERS
from snnc.compiler.mapping.pieces import NotABox, elements_read, piece
from snnc.compiler.mapping.regions import Listed, Neurons
from snnc.compiler.mapping.sliced import kept, sliced_matrix
from snnc.compiler.operators import (
    FixedDense,
    FixedOperator,
    FixedSparse,
    Shape,
)
from snnc.runtime.apart import Lines, Part
from snnc.runtime.bisection.lists import NoLists, listed

Operators = tuple[FixedOperator, ...]


class Inseparable(Exception):
    """These neurons cannot be taken out of the network by themselves."""


def thinned(part: Part, keep: Mapping[str, Neurons]) -> Part:
    """Give the same with some neurons of some populations.

    A population of which none is kept goes, and so does an input that nothing reads, as long as
    there is another.

    Args:
        part: What it is of.
        keep: Of populations in it the neurons to keep, ascending.

    Raises:
        Inseparable: A projection does not give these neurons by themselves.
    """
    network = part.network
    stay = [p for p in network.populations if p.name not in keep or keep[p.name].size]
    names = {p.name for p in stay} | part.lines.keys()
    cuts = [
        cut
        for q in network.projections
        if q.source in names and q.target in names
        for cut in _cuts(q, network, keep)
    ]
    shapes = _shapes(cuts)
    read = {cut.projection.source: cut.elements for cut in cuts}
    inputs = [i for i in network.inputs if i.name in read] or network.inputs[:1]  # for the time
    made = replace(
        network,
        inputs=tuple(replace(i, shape=shapes.get(i.name, i.shape)) for i in inputs),
        populations=tuple(
            _some(p, keep[p.name], shapes.get(p.name)) if p.name in keep else p for p in stay
        ),
        projections=tuple(cut.projection for cut in cuts),
        outputs=tuple(o for o in network.outputs if o.source in names),
    )
    neurons = {p.name: part.neurons[p.name] for p in stay}
    neurons |= {name: of[keep[name]] for name, of in neurons.items() if name in keep}
    lines = {i.name: part.lines[i.name] for i in inputs}
    lines = {name: _of(of, read[name]) if name in read else of for name, of in lines.items()}
    return Part(made, lines, neurons)


def reached(part: Part, population: str, neurons: Neurons) -> dict[str, Neurons]:
    """Give of each population the neurons that some neurons read, directly or through others.

    Args:
        part: What they are of.
        population: Of ``neurons``.
        neurons: Ascending; they are among what is given.
    """
    network = part.network
    found = {p.name: np.zeros(0, np.int64) for p in network.populations} | {population: neurons}
    waiting = [population]
    while waiting:
        target = network.population(waiting.pop())
        for q in network.incoming(target.name):
            if q.source not in found:
                continue
            source = network.population(q.source)
            more = np.union1d(found[q.source], _read(q, source, target, found[target.name]))
            if more.size > found[q.source].size:
                found[q.source] = more
                waiting.append(q.source)
    return found


def _read(
    q: FixedProjection, source: FixedPopulation, target: FixedPopulation, neurons: Neurons
) -> Neurons:
    try:
        read = elements_read(q.operators, source.shape, Listed(neurons), target.shape)
    except NotABox:
        return np.arange(source.size)
    return np.zeros(0, np.int64) if read is None else read.indices(source.shape)


@dataclass(frozen=True, eq=False)
class _Cut:
    """A projection into some neurons.

    Attributes:
        projection: With what is left of its operators.
        elements: Of its source, those that it reads.
        shape: In which it sees them; None for any of that size.
    """

    projection: FixedProjection
    elements: Neurons
    shape: Shape | None = None


def _cuts(q: FixedProjection, network: FixedNetwork, keep: Mapping[str, Neurons]) -> Iterator[_Cut]:
    """Yield what is left of a projection; nothing where it brings nothing.

    Raises:
        Inseparable: It does not give these neurons by themselves.
    """
    shape, target = network.shapes[q.source], network.population(q.target)
    rows, columns = keep.get(q.target), keep.get(q.source)
    elements = np.arange(prod(shape)) if columns is None else columns
    if rows is None and columns is None:
        yield _Cut(q, elements, shape)
        return
    rows = np.arange(target.size) if rows is None else rows
    matrix = _matrix(q, rows, columns)
    if matrix is not None:
        yield _Cut(replace(q, operators=matrix), elements, shape if columns is None else None)
        return
    try:
        found = piece(q.operators, shape, Listed(rows), target.shape)
    except NotABox:
        yield _Cut(_listed(q, shape, rows, elements), elements)
        return
    if found is None:
        return
    read = found.source.indices(shape)
    if q.source in {i.name for i in network.inputs} or np.array_equal(read, elements):
        yield _Cut(replace(q, operators=found.operators), read, found.shape)
    else:
        yield _Cut(_listed(q, shape, rows, elements), elements)


def _matrix(q: FixedProjection, rows: Neurons, columns: Neurons | None) -> Operators | None:
    """Give some rows of a matrix at the end, and some columns if it stands alone; None of others.

    It reads all that it read: which weights are 0 is another matter in the other network.
    """
    *before, last = q.operators
    if isinstance(last, FixedDense) and not before and columns is not None:
        return (sliced_matrix(last, rows, columns),)
    if isinstance(last, FixedDense | FixedSparse) and columns is None:
        n_in = last.weight.shape[1] if isinstance(last, FixedDense) else last.shape[1]
        return (*before, sliced_matrix(last, rows, np.arange(n_in)))
    return None


def _listed(q: FixedProjection, shape: Shape, rows: Neurons, columns: Neurons) -> FixedProjection:
    try:
        return replace(q, operators=(listed(q, shape, rows, columns),))
    except NoLists as reason:
        raise Inseparable from reason


def _of(lines: Lines, elements: Neurons) -> Lines:
    return Lines(lines.source, lines.elements[elements])


def _some(p: FixedPopulation, neurons: Neurons, shape: Shape | None) -> FixedPopulation:
    vectors: dict[str, Any] = {
        field: kept(getattr(p, field)[neurons]) for field in (*PARAMETERS, "scale", "offset")
    }
    return replace(p, shape=shape or (neurons.size,), **vectors)


def _shapes(cuts: Iterable[_Cut]) -> dict[str, Shape]:
    """Give the shape in which projections see what they read.

    Raises:
        Inseparable: Two of them see it in different ones.
    """
    shapes: dict[str, Shape] = {}
    for cut in cuts:
        shape = cut.shape or shapes.get(cut.projection.source)
        if shape is not None and shapes.setdefault(cut.projection.source, shape) != shape:
            raise Inseparable
    return shapes
