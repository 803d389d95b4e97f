"""Sums of floats that do not depend on their order: every sum is a whole number of tiny units.

A float64 is a whole multiple of ``2**-1126`` (the smallest exponent of ``frexp`` is -1073, and 53
bits follow it). Sums of such integers are exact, so parts of a sum may be added in any grouping.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

UNIT = 1126
"""Sums are counted in units of ``2**-UNIT``."""
_LOWEST = -1073
"""Exponent that ``frexp`` gives of the smallest float64."""
_CHUNK = 1 << 14
"""Values that are summed at a time: of 27 bits each, so that a float64 holds their sum exactly."""

Values = npt.NDArray[Any]


def exact_sum(values: Values) -> int:
    """Give the sum of ``values``, in units of ``2**-UNIT``.

    Args:
        values: Finite floats of any shape.
    """
    flat = np.asarray(values, np.float64).ravel()
    return sum(_sum(flat[i : i + _CHUNK]) for i in range(0, flat.size, _CHUNK))


def exact_squares(values: Values) -> int:
    """Give the sum of the squares of ``values``, in units of ``2**-UNIT``.

    Args:
        values: Finite floats, each square rounded to float64; or integers up to ``2**32``, of any
            shape.
    """
    if values.dtype.kind == "f":
        return exact_sum(np.square(values, dtype=np.float64))
    flat = values.ravel()
    return sum(_squares(flat[i : i + _CHUNK]) for i in range(0, flat.size, _CHUNK)) << UNIT


def as_float(total: int) -> float:
    """Give an exact sum as the nearest float."""
    return total / (1 << UNIT)


def _sum(values: npt.NDArray[np.float64]) -> int:
    mantissa, exponent = np.frexp(values)
    scaled = np.ldexp(mantissa, 26)
    high = np.floor(scaled)
    low = np.ldexp(scaled - high, 27)
    place = exponent - _LOWEST
    total = 0
    for part, shift in ((high, 27), (low, 0)):
        sums = np.bincount(place, weights=part)
        for k in np.flatnonzero(sums).tolist():
            total += int(sums[k]) << (k + shift)
    return total


def _squares(values: Values) -> int:
    """Give the sum of squares of at most ``_CHUNK`` integers, in two parts of 16 bits each.

    Products of such parts are up to ``2**32`` and their sums below ``2**53``, so that every sum of
    floats on the way is exact.
    """
    size = np.abs(values.astype(np.int64, copy=False))
    high, low = (size >> 16).astype(np.float64), (size & 0xFFFF).astype(np.float64)
    square, twice, rest = (int(np.dot(a, b)) for a, b in ((high, high), (high, low), (low, low)))
    return (square << 32) + (twice << 17) + rest
