"""Weights of some rows and columns of a matrix, and of some channels of a convolution.

Parts that need the same channels share their weights, and the lists of a matrix are put in the
order of its rows once.
"""

from __future__ import annotations

from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from snnc.compiler.mapping.regions import Neurons
from snnc.compiler.operators import FixedConvolution, FixedDense, FixedSparse, Weights

Scalar = TypeVar("Scalar", bound=np.generic)
Kernels = tuple[Weights, int]
"""Weights of a convolution, and its groups."""


class _Rows:
    """The lists of a matrix in the order of its rows."""

    def __init__(self, operator: FixedSparse) -> None:
        self._places = np.argsort(operator.target, kind="stable")
        self._columns = operator.source[self._places]
        self._begin = np.zeros(operator.n_out + 1, np.int64)
        np.cumsum(np.bincount(operator.target, minlength=operator.n_out), out=self._begin[1:])

    def of(self, rows: Neurons) -> tuple[Neurons, Neurons, Neurons]:
        """Give of all weights of ``rows`` the place, the column and the row, counted in ``rows``.

        They stand row by row, and the columns of a row ascend.
        """
        counts = np.diff(self._begin)[rows]
        before = np.cumsum(counts) - counts
        at = np.arange(int(counts.sum())) + np.repeat(self._begin[rows] - before, counts)
        return self._places[at], self._columns[at], np.repeat(np.arange(rows.size), counts)


_rows: WeakKeyDictionary[FixedSparse, _Rows] = WeakKeyDictionary()
_kernels: WeakKeyDictionary[FixedConvolution, dict[tuple[int, int], Kernels]] = WeakKeyDictionary()


def columns_read(operator: FixedDense | FixedSparse, rows: Neurons) -> Neurons:
    """Give the columns in which one of ``rows`` has a weight: of a dense matrix one that is not 0.

    Args:
        operator: Of shape ``[n_out, n_in]``.
        rows: Ascending.
    """
    if isinstance(operator, FixedSparse):
        return np.unique(_by_row(operator).of(rows)[1])
    return np.flatnonzero(operator.weight[_run(rows)].any(axis=0))


def sliced_matrix(
    operator: FixedDense | FixedSparse, rows: Neurons, columns: Neurons
) -> FixedDense | FixedSparse:
    """Give ``rows`` and ``columns`` of a matrix.

    Args:
        operator: Of shape ``[n_out, n_in]``.
        rows: Ascending.
        columns: Ascending; all that ``columns_read`` gives are among them.
    """
    if isinstance(operator, FixedDense):
        return FixedDense(weight=kept(operator.weight[_run(rows)][:, _run(columns)]))
    places, of, row = _by_row(operator).of(rows)
    order = np.argsort(of, kind="stable")
    begin = np.zeros(columns.size + 1, np.int64)
    counts = np.bincount(np.searchsorted(columns, of), minlength=columns.size)
    np.cumsum(counts, out=begin[1:])
    return FixedSparse(
        weight=kept(operator.weight[places[order]]),
        target=row[order].astype(np.int32),
        begin=begin,
        n_out=rows.size,
    )


def channels_read(operator: FixedConvolution, begin: int, end: int) -> tuple[int, int]:
    """Give begin and end of the input channels that output channels ``begin`` to ``end`` read."""
    outputs = operator.weight.shape[0] // operator.groups
    inputs = operator.weight.shape[1]
    return begin // outputs * inputs, ((end - 1) // outputs + 1) * inputs


def sliced_kernels(operator: FixedConvolution, begin: int, end: int) -> Kernels:
    """Give weights and groups of the output channels ``begin`` to ``end`` of a convolution.

    They are of the input channels that ``channels_read`` gives. Where groups would not be of one
    size there is one of all channels, with zeros.
    """
    known = _kernels.setdefault(operator, {})
    if (begin, end) not in known:
        known[begin, end] = _cut_kernels(operator, begin, end)
    return known[begin, end]


def kept(array: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Give ``array`` so that records keep it as it is, and do not copy it once more."""
    own = array if array.base is None else array.copy()
    own.flags.writeable = False
    return own


def _cut_kernels(operator: FixedConvolution, begin: int, end: int) -> Kernels:
    weight = operator.weight
    if (begin, end) == (0, weight.shape[0]):
        return weight, operator.groups
    group = np.arange(begin, end) // (weight.shape[0] // operator.groups)
    counts = np.bincount(group - group[0])
    if (counts == counts[0]).all():
        return kept(weight[begin:end]), counts.size
    inputs = weight.shape[1]
    whole = np.zeros((end - begin, counts.size * inputs, *weight.shape[2:]), weight.dtype)
    for row, g in enumerate(group - group[0]):
        whole[row, g * inputs : (g + 1) * inputs] = weight[begin + row]
    return kept(whole), 1


def _by_row(operator: FixedSparse) -> _Rows:
    found = _rows.get(operator)
    if found is None:
        found = _rows[operator] = _Rows(operator)
    return found


def _run(places: Neurons) -> slice | Neurons:
    """Give ascending places as a slice where they are consecutive: that needs no copy."""
    if places.size and places[-1] - places[0] == places.size - 1:
        return slice(int(places[0]), int(places[-1]) + 1)
    return places
