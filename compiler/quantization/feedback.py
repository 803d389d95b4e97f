"""Rounding in which each weight makes up for the rounding of those before it.

The error of a row of weights matters by what it does to the potential, ``e H e`` (see ``psp``).
Columns are rounded one after the other, those with the largest traces first, and what one loses is
put into those that are left, where it disturbs least: with ``H^-1 = U' U`` and
``e_j = (w_j - q_j) / U_jj`` every later weight loses ``e_j U_jk`` (Frantar et al. 2022, GPTQ,
algorithm 1; on traces in place of activations).

Where few weights of a row are not 0 only these take anything over: ``H`` is that of their columns,
another one for each row, and small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.linear import Doubles, Kernels, Matrix, Weighted
from snnc.compiler.operators import Weights
from snnc.compiler.quantization.grid import Grid, Rounding
from snnc.compiler.quantization.lower import weights_of
from snnc.compiler.quantization.paths import Path
from snnc.compiler.quantization.psp import CHUNK, Sent, filters, products
from snnc.compiler.quantization.scale import shape_of

Ints = npt.NDArray[np.int32]
DAMPING = 0.01
"""Added to the diagonal of ``H`` as a share of its mean (GPTQ's), so that it has an inverse."""
BLOCK = 64
"""Columns whose errors are put into all others at a time."""
FEW = 1 / 4
"""A row of ``k`` weights among ``m`` has few of them where ``k**3`` is no more than this times
``m**2``: about where either way takes as long."""


def round_rows(
    wanted: Doubles, products: Doubles, low: Doubles | float, high: Doubles | float
) -> Doubles:
    """Give integers for ``wanted`` with little ``e H e``: in each row no more than the nearest.

    A weight of 0 stays 0.

    Args:
        wanted: Shape ``[rows, m]``, in units of the integers.
        products: ``H``, shape ``[m, m]``.
        low: Smallest integer, or that of each column, shape ``[m]``.
        high: Largest.
    """
    m = len(products)
    low, high = (np.broadcast_to(np.float64(end), m) for end in (low, high))
    damping = DAMPING * float(np.trace(products)) / m
    if not damping > 0:
        return np.clip(np.rint(wanted), low, high)
    result = np.zeros_like(wanted)
    counts = np.count_nonzero(wanted, axis=1)
    few = counts.astype(float) ** 3 <= FEW * m**2
    many = np.flatnonzero(~few)
    if many.size:
        result[many] = _round_many(wanted[many], products, damping, low, high)
    for rows in _alike(np.flatnonzero(few & (counts > 0)), counts):
        _round_few(wanted, products, damping, low, high, rows, result)
    return result


def _round_many(
    wanted: Doubles, products: Doubles, damping: float, low: Doubles, high: Doubles
) -> Doubles:
    plain = np.clip(np.rint(wanted), low, high)
    best = _fed_back(wanted, products + damping * np.eye(len(products)), low, high)
    worse = _cost(wanted - best, products) > _cost(wanted - plain, products)
    best[worse] = plain[worse]
    return best


def _cost(error: Doubles, products: Doubles) -> Doubles:
    return np.asarray(((error @ products) * error).sum(axis=1))


def _alike(rows: npt.NDArray[np.intp], counts: npt.NDArray[np.intp]) -> Iterator[Any]:
    """Yield ``rows`` in parts of about as many weights, as many as may be rounded at once."""
    rows = rows[np.argsort(-counts[rows], kind="stable")]
    while rows.size:
        n = max(1, CHUNK // int(counts[rows[0]]) ** 2)
        yield rows[:n]
        rows = rows[n:]


def _round_few(
    wanted: Doubles,
    products: Doubles,
    damping: float,
    low: Doubles,
    high: Doubles,
    rows: npt.NDArray[np.intp],
    result: Doubles,
) -> None:
    """Put the integers of ``rows`` into ``result``, each rounded on the ``H`` of its own columns.

    Weights are put side by side, those with the largest traces first. Shorter rows end with some
    that are 0 and that nothing connects to the others.
    """
    row, found = np.nonzero(wanted[rows])
    by = np.lexsort((-products.diagonal()[found], row))
    row, found = row[by], found[by]
    counts = np.bincount(row, minlength=len(rows))
    slot = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    column = np.zeros((len(rows), counts.max()), np.intp)
    there = np.zeros(column.shape, bool)
    column[row, slot], there[row, slot] = found, True
    w = np.where(there, wanted[rows[:, None], column], 0)
    h = products[column[:, :, None], column[:, None, :]]
    h *= there[:, :, None] & there[:, None, :]
    ends = low[column], high[column]
    plain = np.clip(np.rint(w), *ends)
    best = _each_fed_back(w, h + damping * np.eye(h.shape[1]), *ends)
    worse = _costs(w - best, h) > _costs(w - plain, h)
    best[worse] = plain[worse]
    result[rows[row], found] = best[row, slot]


def _costs(error: Doubles, products: Doubles) -> Doubles:
    return np.asarray(((products @ error[:, :, None])[:, :, 0] * error).sum(axis=1))


def _each_fed_back(wanted: Doubles, products: Doubles, low: Doubles, high: Doubles) -> Doubles:
    """Do as ``_fed_back`` where each row has an ``H`` of its own, and its columns are in order."""
    inverse = np.linalg.inv(products)
    upper = np.swapaxes(np.linalg.cholesky((inverse + np.swapaxes(inverse, 1, 2)) / 2), 1, 2)
    w, q = wanted.copy(), np.empty_like(wanted)
    for j in range(w.shape[1]):
        q[:, j] = np.clip(np.rint(w[:, j]), low[:, j], high[:, j])
        error = (w[:, j] - q[:, j]) / upper[:, j, j]
        w[:, j + 1 :] -= error[:, None] * upper[:, j, j + 1 :]
    return q


def _fed_back(wanted: Doubles, products: Doubles, low: Doubles, high: Doubles) -> Doubles:
    m = wanted.shape[1]
    order = np.argsort(-products.diagonal(), kind="stable")
    inverse = np.linalg.inv(products[np.ix_(order, order)])
    upper = np.linalg.cholesky((inverse + inverse.T) / 2).T
    w, present = wanted[:, order], wanted[:, order] != 0
    q, errors = np.zeros_like(w), np.zeros_like(w)
    for start in range(0, m, BLOCK):
        end = min(start + BLOCK, m)
        for j in range(start, end):
            column = np.clip(np.rint(w[:, j]), low[order[j]], high[order[j]])
            q[:, j] = column * present[:, j]
            errors[:, j] = (w[:, j] - q[:, j]) / upper[j, j]
            w[:, j:end] -= errors[:, j, None] * upper[j, j:end]
        w[:, end:] -= errors[:, start:end] @ upper[start:end, end:]
    result = np.empty_like(q)
    result[:, order] = q
    return result


def fed_back(paths: Sequence[Path], du: Ints, dv: Ints, sent: Sent) -> Rounding:
    """Give the rounding of one population's weights on typical data.

    Matrices are rounded jointly: what one loses another can make up for. Kernels are rounded by
    themselves, and a scaling has but one weight a neuron, which is rounded to the nearest.

    Args:
        paths: Into the population, one after the other.
        du: Decay of its current, shape ``[n]``.
        dv: Of its potential.
        sent: What each source sends on typical data.
    """
    kinds = [weights_of(path) for path in paths]
    dense = tuple(k for k, kind in enumerate(kinds) if isinstance(kind, Matrix))
    convolved = tuple((k,) for k, kind in enumerate(kinds) if isinstance(kind, Kernels))
    joint = [part for part in (dense, *convolved) if part]
    alone = set(range(len(paths))).difference(*joint)
    known = {
        part: [
            _Known(rows, products([paths[k] for k in part], sent, alpha, beta))
            for rows, alpha, beta in filters(*_of_rows(weights_of(paths[part[0]]), du, dv))
        ]
        for part in joint
    }

    def rounding(grids: Sequence[Grid]) -> Sequence[Weights]:
        made = {k: grids[k].nearest for k in alone}
        for part in joint:
            rounded = _rounded([grids[k] for k in part], known[part])
            made.update(zip(part, rounded, strict=True))
        return [made[k] for k in range(len(grids))]

    return rounding


@dataclass(frozen=True, eq=False)
class _Known:
    """What is known of ``rows``: ``H`` of blocks of columns, ``[groups, m, m]`` of each."""

    rows: npt.NDArray[np.intp]
    products: tuple[Doubles, ...]


def _of_rows(kind: Weighted, du: Ints, dv: Ints) -> tuple[Ints, Ints]:
    """Give each row the decays of the neuron in the middle of it."""
    rows = kind.weight.shape[0]
    each = du.size // rows
    return du[each // 2 :: each], dv[each // 2 :: each]


def _rounded(grids: Sequence[Grid], known: Sequence[_Known]) -> list[Weights]:
    """Round the rows of paths side by side, as if they were of one."""
    columns = [shape_of(grid.path)[1] for grid in grids]
    units = np.repeat([2.0**grid.exponent for grid in grids], columns)
    low, high = (np.repeat([float(g.limits[k]) for g in grids], columns) for k in (0, 1))
    result: list[Weights] = [np.empty(shape_of(grid.path), grid.kind) for grid in grids]
    for part in known:
        start = 0
        for of_groups in part.products:
            c = slice(start, start + of_groups.shape[-1])
            start = c.stop
            each = len(result[0]) // len(of_groups)
            for g, products_ in enumerate(of_groups):
                rows = part.rows[part.rows // each == g]
                h = products_ * units[c] * units[c, None]
                wanted = np.empty((rows.size, len(h)))
                for k, of, at in _pieces(columns, c):
                    wanted[:, at] = grids[k].part(rows, of)
                made = round_rows(wanted, h, low[c], high[c])
                for k, of, at in _pieces(columns, c):
                    result[k][rows, of] = made[:, at]
    return result


def _pieces(columns: Sequence[int], c: slice) -> Iterator[tuple[int, slice, slice]]:
    """Yield whose columns ``c`` of all side by side are, which of them, and where among ``c``."""
    first = 0
    for k, n in enumerate(columns):
        begin, end = max(c.start, first), min(c.stop, first + n)
        if begin < end:
            yield k, slice(begin - first, end - first), slice(begin - c.start, end - c.start)
        first += n
