"""The sums of a matrix of weights, as fast as NumPy makes them and to the last bit.

A spike adds the weights of one source: a column of the matrix, which is scattered over memory. So
the matrix is turned once, and a step reads the rows of those sources that spike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

EXACT = 2**24
"""Below this in magnitude a float32 holds every integer, so sums do not depend on their order."""
SMALL = 2**16
"""Weights up to which choosing rows takes longer than reading all of them (measured)."""
DENSE = 4
"""One row of this many in use is enough to read them all: BLAS reads in order (measured)."""


class Rows:
    """A matrix of integers, ready to be multiplied by vectors that are mostly zero."""

    def __init__(self, weights: Array) -> None:
        """Take ``weights`` of shape ``[n_target, n_source]``, each below ``2**24``."""
        self.rows = np.ascontiguousarray(weights.T, np.float32)
        self.largest = int(np.abs(weights).max(initial=0))

    def times(self, x: Array) -> npt.NDArray[np.int64]:
        """Give the sums, shape ``[n_target]``, for integers ``x`` of shape ``[n_source]``.

        Exact wherever the magnitudes of all products add up to less than ``2**53``.
        """
        active = np.flatnonzero(x)
        rows: Array = self.rows
        if rows.size > SMALL and DENSE * active.size < len(rows):
            x, rows = x[active], rows[active]
        bound = self.largest * int(np.abs(x).sum(dtype=np.int64))
        kind = np.float32 if bound < EXACT else np.float64
        sums: Array = x.astype(kind) @ rows
        return sums.astype(np.int64)
