"""Operators as lists of weights: one for each pair of an element of a source and a neuron.

Windows between neurons that are left out are no windows any more, and a sum is the same sum however
its weights are held.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from math import prod

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedProjection, weight_limits
from snnc.compiler.mapping.regions import Neurons
from snnc.compiler.mapping.sliced import kept
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    Shape,
    SumPooling,
    Weights,
)
from snnc.compiler.sliding import under

Integers = npt.NDArray[np.int64]
LONGEST = 2**24
"""Most weights that are listed: 400 MB on the way."""


class NoLists(Exception):
    """Operators are no weights of pairs, or there are too many, or weights that are too large."""


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Weights, each of shape ``[m]``.

    Attributes:
        row: Place of the neuron among those that were asked for.
        element: Of the value that an operator takes, in C order.
        weight: Product of the weights on the way.
    """

    row: Integers
    element: Integers
    weight: Integers


def listed(q: FixedProjection, shape: Shape, rows: Neurons, columns: Neurons) -> FixedSparse:
    """Give what a projection brings from some elements of its source to some neurons.

    Args:
        q: The projection.
        shape: Of its source.
        rows: Neurons of its target, ascending.
        columns: Elements of its source, ascending.

    Raises:
        NoLists: It takes a maximum, or a weight has no place in its width.
    """
    shapes = [*accumulate(q.operators, lambda s, o: o.result_shape(s), initial=shape)]
    pairs = _Pairs(np.arange(rows.size), rows, np.ones(rows.size, np.int64))
    for operator, given in zip(q.operators[::-1], shapes[-2::-1], strict=True):
        pairs = _summed(_before(operator, given, pairs))
    there = np.isin(pairs.element, columns)
    column = np.searchsorted(columns, pairs.element[there])
    counts = np.bincount(column, minlength=columns.size)
    return FixedSparse(
        weight=_narrow(q, pairs.weight[there]),
        target=pairs.row[there].astype(np.int32),
        begin=np.concatenate(([0], np.cumsum(counts))),
        n_out=rows.size,
    )


def _narrow(q: FixedProjection, weight: Integers) -> Weights:
    low, high = weight_limits(q.weight_bits, q.sign_mode)
    least, largest = weight.min(initial=0), weight.max(initial=0)
    if least < low or largest > high:
        raise NoLists
    made: Weights = weight.astype(np.int8 if least >= -128 and largest < 128 else np.int16)
    return kept(made)


def _summed(pairs: _Pairs) -> _Pairs:
    """Leave each pair once, in the order of the elements and then of the rows, and none of 0."""
    order = np.lexsort((pairs.row, pairs.element))
    row, element, weight = pairs.row[order], pairs.element[order], pairs.weight[order]
    fresh = np.ones(order.size, np.bool_)
    fresh[1:] = (row[1:] != row[:-1]) | (element[1:] != element[:-1])
    first = np.flatnonzero(fresh)
    total: Integers = np.add.reduceat(weight, first) if first.size else weight
    there = total != 0
    return _Pairs(row[first][there], element[first][there], total[there])


def _before(operator: FixedOperator, shape: Shape, pairs: _Pairs) -> _Pairs:
    """Give what reaches the rows in front of an operator on values of ``shape``."""
    match operator:
        case FixedDense():
            return _through(pairs, *_row_of_dense(operator, pairs.element))
        case FixedSparse():
            return _through(pairs, *_row_of_sparse(operator, pairs.element))
        case FixedScaling():
            factor = operator.weight[pairs.element]
            return _Pairs(pairs.row, pairs.element, pairs.weight * factor)
        case SumPooling():
            which, _, source = _under(operator, shape, pairs.element)
            channel = pairs.element[which] // prod(operator.result_shape(shape)[1:])
            ones = np.ones(which.size, np.int64)
            return _through(pairs, which, channel * prod(shape[1:]) + source, ones)
        case FixedConvolution():
            return _through(pairs, *_row_of_kernels(operator, shape, pairs.element))
        case MaxPooling():
            raise NoLists


def _through(pairs: _Pairs, which: Integers, element: Integers, factor: Integers) -> _Pairs:
    return _Pairs(pairs.row[which], element, pairs.weight[which] * factor)


def _row_of_dense(o: FixedDense, rows: Integers) -> tuple[Integers, Integers, Integers]:
    _bounded(rows.size * o.weight.shape[1])
    which, column = np.nonzero(o.weight[rows])
    return which, column, o.weight[rows[which], column].astype(np.int64)


def _row_of_sparse(o: FixedSparse, rows: Integers) -> tuple[Integers, Integers, Integers]:
    order = np.argsort(o.target, kind="stable")
    of = o.target[order]
    begin, end = (np.searchsorted(of, rows, side) for side in ("left", "right"))
    counts = end - begin
    _bounded(int(counts.sum()))
    which = np.repeat(np.arange(rows.size), counts)
    before = np.cumsum(counts) - counts
    at = order[np.arange(which.size) + np.repeat(begin - before, counts)]
    return which, o.source[at], o.weight[at].astype(np.int64)


def _row_of_kernels(
    o: FixedConvolution, shape: Shape, rows: Integers
) -> tuple[Integers, Integers, Integers]:
    inputs = int(o.weight.shape[1])
    which, place, source = _under(o, shape, rows)
    _bounded(which.size * inputs)
    channel = rows[which] // prod(o.result_shape(shape)[1:])
    first = channel // (o.weight.shape[0] // o.groups) * inputs
    kernels = o.weight.reshape(*o.weight.shape[:2], -1)
    factor = kernels[channel, :, place].astype(np.int64)
    channels = np.repeat(first, inputs) + np.tile(np.arange(inputs), which.size)
    element: Integers = channels * prod(shape[1:]) + np.repeat(source, inputs)
    return np.repeat(which, inputs), element, factor.ravel()


def _under(
    operator: FixedConvolution | SumPooling, shape: Shape, rows: Integers
) -> tuple[Integers, Integers, Integers]:
    """Give for all that lies under the window of each row: row, place in it, place in a channel."""
    _bounded(rows.size * prod(operator.window.kernel))
    _, *position = np.unravel_index(rows, operator.result_shape(shape))
    return under(operator.window, shape[1:], position)


def _bounded(weights: int) -> None:
    if weights > LONGEST:
        raise NoLists
