"""Rounding in which each weight makes up for the rounding of those before it.

The error of a row of weights matters by what it does to the potential, ``e H e`` (see ``psp``).
Columns are rounded one after the other, those with the largest traces first, and what one loses is
put into those that are left, where it disturbs least: with ``H^-1 = U' U`` and
``e_j = (w_j - q_j) / U_jj`` every later weight loses ``e_j U_jk`` (Frantar et al. 2022, GPTQ,
algorithm 1; on traces in place of activations).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.linear import Doubles, Kernels, Matrix, Weighted
from snnc.compiler.quantization.lower import weights_of
from snnc.compiler.quantization.paths import Path
from snnc.compiler.quantization.psp import Sent, filters, products

Ints = npt.NDArray[np.int32]
Rounding = Callable[[Sequence[Doubles], Sequence[float], int], list[Doubles]]
"""Makes integers up to ``top`` of the rows of each path, given in units of the integers, and the
size of each unit in counts of the threshold."""

DAMPING = 0.01
"""Added to the diagonal of ``H`` as a share of its mean (GPTQ's), so that it has an inverse."""
COLUMNS = 2048
"""Most columns that are rounded jointly; wider rows are cut into blocks of as many."""
BLOCK = 64
"""Columns whose errors are put into all others at a time."""


def nearest(rows: Sequence[Doubles], units: Sequence[float], top: int) -> list[Doubles]:
    """Round every weight by itself."""
    del units, top
    return [np.rint(r) for r in rows]


def round_rows(wanted: Doubles, products: Doubles, low: float, high: float) -> Doubles:
    """Give integers for ``wanted`` with little ``e H e``: in each row no more than the nearest.

    A weight of 0 stays 0.

    Args:
        wanted: Shape ``[rows, m]``, in units of the integers.
        products: ``H``, shape ``[m, m]``.
        low: Smallest integer.
        high: Largest.
    """
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


def _fed_back(wanted: Doubles, products: Doubles, low: float, high: float) -> Doubles:
    m = wanted.shape[1]
    order = np.argsort(-products.diagonal(), kind="stable")
    inverse = np.linalg.inv(products[np.ix_(order, order)])
    upper = np.linalg.cholesky((inverse + inverse.T) / 2).T
    w, present = wanted[:, order], wanted[:, order] != 0
    q, errors = np.zeros_like(w), np.zeros_like(w)
    for start in range(0, m, BLOCK):
        end = min(start + BLOCK, m)
        for j in range(start, end):
            q[:, j] = np.clip(np.rint(w[:, j]), low, high) * present[:, j]
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
    known = {
        part: [
            _Known(rows, products([paths[k] for k in part], sent, alpha, beta))
            for rows, alpha, beta in filters(*_of_rows(weights_of(paths[part[0]]), du, dv))
        ]
        for part in joint
    }

    def rounding(rows: Sequence[Doubles], units: Sequence[float], top: int) -> list[Doubles]:
        result = nearest(rows, units, top)
        for part in joint:
            side_by_side = np.concatenate([rows[k] for k in part], axis=1)
            size = np.concatenate([np.full(rows[k].shape[1], units[k]) for k in part])
            rounded = _rounded(side_by_side, size, known[part], top)
            ends = np.cumsum([rows[k].shape[1] for k in part])
            for k, values in zip(part, np.split(rounded, ends[:-1], axis=1), strict=True):
                result[k] = values
        return result

    return rounding


@dataclass(frozen=True, eq=False)
class _Known:
    rows: npt.NDArray[np.intp]
    products: Doubles


def _of_rows(kind: Weighted, du: Ints, dv: Ints) -> tuple[Ints, Ints]:
    """Give each row the decays of the neuron in the middle of it."""
    rows = kind.weight.shape[0]
    each = du.size // rows
    return du[each // 2 :: each], dv[each // 2 :: each]


def _rounded(wanted: Doubles, units: Doubles, known: Sequence[_Known], top: int) -> Doubles:
    result = np.empty_like(wanted)
    for part in known:
        groups = len(part.products)
        each = wanted.shape[0] // groups
        for g, products_ in enumerate(part.products):
            rows = part.rows[part.rows // each == g]
            for start in range(0, wanted.shape[1], COLUMNS):
                c = slice(start, start + COLUMNS)
                h = products_[c, c] * units[c] * units[c, None]
                result[rows, c] = round_rows(wanted[rows, c], h, -top, top)
    return result
