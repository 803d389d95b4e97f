"""Products of a batch and a matrix of weights, computed in the way that is fastest for the batch.

Few spikes pick the rows of the weights that they meet, which are bytes and are summed in 16 bits.
Many spikes, and values other than spikes, are left to BLAS. Both give the same integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]

FLOAT32_LIMIT = 2**24
"""Integers up to this magnitude are exact as float32; all else is below ``2**31``, and exact as
float64."""
INT16_LIMIT = 2**15 - 1
ROW_CALLS, ROW_ELEMENT = 4000.0, 0.12
"""Picking the rows for a sample takes so many ns, and so many for each weight in them."""
LOAD_ONE, LOAD_MANY, MULTIPLY = 0.04, 0.2, 0.022
"""BLAS takes so many ns for each weight, in a batch of one or of more, and for each product.

Measured with 64 to 4096 neurons and 1 to 256 samples by ``tests/benchmarks/kernels.py`` of snnc.
"""


def float_type(largest: float) -> type[Any]:
    """Give the shortest type of float that holds integers up to ``largest``."""
    return np.float32 if largest <= FLOAT32_LIMIT else np.float64


def largest_of(weight: Values) -> int:
    """Give the largest magnitude."""
    return max(-int(weight.min(initial=0)), int(weight.max(initial=0)))


class Matrix:
    """Weights of all-to-all connections: as bytes, and as floats once they are needed."""

    def __init__(self, weight: Values, largest: float) -> None:
        """Take the weights.

        Args:
            weight: Integers of 8 bits and a sign, shape ``[n_target, n_source]``.
            largest: Bound of the magnitude of every sum.
        """
        self.rows = np.ascontiguousarray(weight.T, _narrowest(weight))
        self.block = INT16_LIMIT // max(1, largest_of(weight))
        self.dtype = float_type(largest)
        self.floats: Values | None = None
        self.few = _few(1, *self.rows.shape)
        self.batch = 1

    def times(self, x: Values) -> Values:
        """Give ``x W^T``: integers, of whatever type, of shape ``[batch, n_target]``.

        Args:
            x: Shape ``[batch, n_source]``; of type bool where it is spikes.
        """
        if len(x) != self.batch:
            self.batch, self.few = len(x), _few(len(x), *self.rows.shape)
        if self.few and x.dtype == np.bool_ and np.count_nonzero(x) <= self.few:
            return self._sum_of_rows(x)
        if self.floats is None:
            self.floats = self.rows.astype(self.dtype)
        return x.astype(self.dtype, copy=False) @ self.floats

    def _sum_of_rows(self, x: Values) -> Values:
        sums = np.zeros((len(x), self.rows.shape[1]), np.int32)
        for index, sample in enumerate(x):
            places = sample.nonzero()[0]
            for first in range(0, len(places), self.block):
                rows = self.rows[places[first : first + self.block]]
                sums[index] += np.add.reduce(rows, 0, dtype=np.int16)
        return sums


def _narrowest(weight: Values) -> type[Any]:
    """Give the type of one byte that holds the weights, or int16."""
    low, high = int(weight.min(initial=0)), int(weight.max(initial=0))
    bytes_ = (t for t in (np.int8, np.uint8) if np.iinfo(t).min <= low and high <= np.iinfo(t).max)
    return next(bytes_, np.int16)


def _few(batch: int, n_source: int, n_target: int) -> int:
    """Give the largest number of spikes for which rows are picked; 0 where they never are."""
    load = LOAD_ONE if batch == 1 else LOAD_MANY
    left = (load + MULTIPLY * batch) * n_source * n_target - ROW_CALLS * batch
    return max(0, int(left / (ROW_ELEMENT * n_target)))
