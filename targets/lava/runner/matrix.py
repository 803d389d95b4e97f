"""A projection as one matrix of integers, and the form in which Lava's synapses keep it.

Weights, convolutions, factors for each element and sums under windows are linear: one after the
other they are a matrix, ``a = (M x) * 2**weight_exp``, rounded down.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingImports=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix, csr_matrix

from .faults import ProcessFault
from .program import Projection
from .synapse import Record, Shape, WindowView

WIDEST = 8
"""Bits of a weight (lava 0.10.0, ``lava/proc/dense/process.py:31-35``)."""
MIN_EXPONENT, MAX_EXPONENT = -8, 7
"""Weight exponents of Loihi, 4 bits and sign (nengo-loihi, ``hardware/validate.py``)."""
Matrix = Any
"""A ``csr_matrix`` without stored zeros, as scipy has no types. Lava takes no ``csr_array``."""


@dataclass(frozen=True, eq=False)
class Stored:
    """Weights as Lava's synapses take them.

    Attributes:
        matrix: ``2**k W``, shape ``[n_target, n_source]``, int32.
        weight_bits: Width of ``W``.
        sign_mode: ``mixed``, ``excitatory`` or ``inhibitory``.
        weight_exp: Of the sum, ``k`` less than that of ``W``.
    """

    matrix: Matrix
    weight_bits: int
    sign_mode: str
    weight_exp: int


def kept(projection: Projection, shape: Shape) -> Stored:
    """Give the weights of a linear projection from a source of ``shape``.

    Those of a dense one stay the array that they are, and those of a sparse one all there are.

    Raises:
        ProcessFault: They do not fit; whoever chose the process has to see to that.
    """
    operators = projection.operators
    if len(operators) == 1 and operators[0]["kind"] == "FixedDense":
        bits, mode = projection.weight_bits, projection.sign_mode
        return stored(operators[0]["weight"], bits, mode, projection.weight_exp)
    if len(operators) == 1 and operators[0]["kind"] == "FixedSparse":
        bits, mode = projection.weight_bits, projection.sign_mode
        matrix, _ = _sparse(operators[0], shape)
        return stored(matrix, bits, mode, projection.weight_exp)
    found = fitted(composed(operators, shape), projection.weight_exp)
    if found is None:
        raise ProcessFault(f"{projection.name}: products of its weights do not fit 8 bits")
    return found


def composed(operators: Iterable[Record], shape: Shape) -> Matrix:
    """Give the matrix that linear ``operators`` make of values of ``shape``, in 64 bits.

    Args:
        operators: Records of all kinds but ``MaxPooling``, applied one after the other.
        shape: Of what the source sends.
    """
    total: Matrix = None
    for record in operators:
        matrix, shape = _MATRICES[record["kind"]](record, shape)
        total = matrix if total is None else matrix @ total
    total = csr_matrix(total)
    total.eliminate_zeros()
    return total


def stored(matrix: Any, weight_bits: int, mode: str, weight_exp: int) -> Stored:
    """Give ``(W x) * 2**e`` in the form of Lava's synapses, as an array where ``W`` is one.

    They have weights of 8 bits, of 9 and a sign where signs are mixed, and clear those of the
    lowest that are not stored (``lava/utils/weightutils.py:204-295``). So they get ``2**k W`` and
    ``e - k``, with ``k`` the number of these: ``(2**k S) << (e - k) = S << e`` for ``e > k``, and
    else ``floor(2**k S / 2**(k - e)) = floor(S / 2**-e)``. The exponent acts on the sum.
    """
    cleared = WIDEST - weight_bits + (mode == "mixed")
    weights = matrix.astype(np.int32) * 2**cleared
    return Stored(weights, weight_bits, mode, weight_exp - cleared)


def fitted(matrix: Matrix, weight_exp: int) -> Stored | None:
    """Give ``matrix`` as weights of 8 bits at most; None where they or the exponent do not fit.

    Where all weights are even, factors of two may belong to the exponent.
    """
    low, high = extent(matrix)
    mode = sign_mode(low, high)
    halvings = max(0, _bits(low, high, mode) - WIDEST)
    if (matrix.data % 2**halvings).any():
        return None
    halved = csr_matrix(matrix)
    halved.data = matrix.data >> halvings
    for bits in range(_bits(*extent(halved), mode), WIDEST + 1):
        made = stored(halved, bits, mode, weight_exp + halvings)
        if MIN_EXPONENT <= made.weight_exp <= MAX_EXPONENT:
            return made
    return None


def extent(matrix: Matrix) -> tuple[int, int]:
    """Give the smallest and the largest element, 0 among them."""
    return int(matrix.data.min(initial=0)), int(matrix.data.max(initial=0))


def sign_mode(low: int, high: int) -> str:
    """Give the mode of weights from ``low`` to ``high``."""
    return "excitatory" if low >= 0 else "inhibitory" if high <= 0 else "mixed"


def limits(mode: str) -> tuple[int, int]:
    """Give the range of weights of 8 bits."""
    return {"mixed": (-128, 127), "excitatory": (0, 255), "inhibitory": (-255, 0)}[mode]


def _bits(low: int, high: int, mode: str) -> int:
    """Give the smallest width, 1 at least, for weights from ``low`` to ``high``."""
    sign = int(mode == "mixed")
    return max(1, max(high, -low - sign).bit_length() + sign)


def _dense(record: Record, _: Shape) -> tuple[Matrix, Shape]:
    weight = record["weight"]
    return csr_matrix(weight.astype(np.int64)), weight.shape[:1]


def _sparse(record: Record, _: Shape) -> tuple[Matrix, Shape]:
    weight, target, begin = (record[field] for field in ("weight", "target", "begin"))
    extents = record["n_out"], len(begin) - 1
    matrix = csc_matrix((weight.astype(np.int64), target, begin), shape=extents)
    return csr_matrix(matrix), extents[:1]


def _scaling(record: Record, shape: Shape) -> tuple[Matrix, Shape]:
    weight = record["weight"].astype(np.int64)
    places = [np.arange(weight.size)]
    return _of_entries([weight], places, places, (weight.size, weight.size)), shape


def _convolution(record: Record, shape: Shape) -> tuple[Matrix, Shape]:
    """Give an entry for each weight at each position that is no padding."""
    weight, groups = record["weight"].astype(np.int64), record["groups"]
    under, positions = _under(record, shape)  # [*kernel, c_in, *positions]
    per_group = (groups, weight.shape[0] // groups, shape[0] // groups)
    n = prod(positions)
    targets = np.arange(weight.shape[0] * n).reshape(*per_group[:2], 1, n)
    rows, columns, values = [], [], []
    for k in np.ndindex(*under.shape[: len(positions)]):
        sources = under[k].reshape(groups, 1, per_group[2], n)
        there = np.broadcast_to(sources >= 0, (*per_group, n))
        rows.append(np.broadcast_to(targets, there.shape)[there])
        columns.append(np.broadcast_to(sources, there.shape)[there])
        kernel = weight[(..., *k)].reshape(*per_group, 1)
        values.append(np.broadcast_to(kernel, there.shape)[there])
    result = (weight.shape[0], *positions)
    return _of_entries(values, rows, columns, (prod(result), prod(shape))), result


def _sum_pooling(record: Record, shape: Shape) -> tuple[Matrix, Shape]:
    under, positions = _under(record, shape)
    result = (shape[0], *positions)
    sources = under.reshape(-1, prod(result))
    there = sources >= 0
    targets = np.broadcast_to(np.arange(prod(result)), sources.shape)
    ones = np.ones(int(there.sum()), np.int64)
    extents = (prod(result), prod(shape))
    return _of_entries([ones], [targets[there]], [sources[there]], extents), result


def _under(record: Record, shape: Shape) -> tuple[Any, Shape]:
    """Give which element lies under the window, ``[*kernel, c, *positions]``; -1 for padding."""
    view = WindowView(record["window"], shape, -1, np.float64)
    elements = view.under(np.arange(prod(shape), dtype=np.float64)[None])
    without_batch = elements.reshape(*view.kernel, shape[0], *view.positions)
    return without_batch.astype(np.int64), view.positions


def _of_entries(values: list[Any], rows: list[Any], columns: list[Any], extents: Shape) -> Matrix:
    """Give the matrix with these entries; those of one place are added."""
    places = (np.concatenate(rows), np.concatenate(columns))
    return csr_matrix(coo_matrix((np.concatenate(values), places), shape=extents))


_MATRICES: dict[str, Callable[[Record, Shape], tuple[Matrix, Shape]]] = {
    "FixedDense": _dense,
    "FixedSparse": _sparse,
    "FixedConvolution": _convolution,
    "FixedScaling": _scaling,
    "SumPooling": _sum_pooling,
}
