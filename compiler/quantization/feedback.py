"""Rounding in which each weight makes up for the rounding of those before it.

The error of a row of weights matters by what it does to the potential, ``e H e`` (see ``psp``).
Columns are rounded one after the other, those with the largest traces first, and what one loses is
put into those that are left, where it disturbs least: with ``H^-1 = U' U`` and
``e_j = (w_j - q_j) / U_jj`` every later weight loses ``e_j U_jk`` (Frantar et al. 2022, GPTQ,
algorithm 1; on traces in place of activations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.linear import Doubles, Kernels, Matrix, Weighted
from snnc.compiler.operators import Weights
from snnc.compiler.quantization.grid import Grid, Rounding
from snnc.compiler.quantization.lower import weights_of
from snnc.compiler.quantization.paths import Path
from snnc.compiler.quantization.psp import Sent, filters, products
from snnc.compiler.quantization.scale import shape_of

Ints = npt.NDArray[np.int32]
DAMPING = 0.01
"""Added to the diagonal of ``H`` as a share of its mean (GPTQ's), so that it has an inverse."""
BLOCK = 64
"""Columns whose errors are put into all others at a time."""


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
    low, high = (np.broadcast_to(np.float64(end), wanted.shape[1]) for end in (low, high))
    plain = np.clip(np.rint(wanted), low, high)
    scale = float(np.trace(products)) / len(products)
    if not scale > 0:
        return plain
    best = _fed_back(wanted, products + DAMPING * scale * np.eye(len(products)), low, high)
    worse = _cost(wanted - best, products) > _cost(wanted - plain, products)
    best[worse] = plain[worse]
    return best


def _cost(error: Doubles, products: Doubles) -> Doubles:
    return np.asarray(((error @ products) * error).sum(axis=1))


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
    wanted = np.concatenate([grid.wanted for grid in grids], axis=1)
    columns = [shape_of(grid.path)[1] for grid in grids]
    units = np.repeat([2.0**grid.exponent for grid in grids], columns)
    low, high = (np.repeat([float(g.limits[k]) for g in grids], columns) for k in (0, 1))
    result = np.empty_like(wanted)
    for part in known:
        start = 0
        for of_groups in part.products:
            c = slice(start, start + of_groups.shape[-1])
            start = c.stop
            each = wanted.shape[0] // len(of_groups)
            for g, products_ in enumerate(of_groups):
                rows = part.rows[part.rows // each == g]
                h = products_ * units[c] * units[c, None]
                result[rows, c] = round_rows(wanted[rows, c], h, low[c], high[c])
    parts = np.split(result, np.cumsum(columns)[:-1], axis=1)
    return [values.astype(grid.kind) for grid, values in zip(grids, parts, strict=True)]
