"""Orders in which what belongs together is near: of cores by a spectrum, of routers by a curve."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snnc.compiler.mapping.chips import metis
from snnc.compiler.mapping.pairs import Pairs

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

CHAIN = 1e-9
"""Weight between neighbors in the order of the network, as a share of the mean: it orders what
nothing else does."""
DENSE = 500
"""Cores, or groups of them, whose eigenvectors are computed: a part of a second."""
SMOOTHED = 8
"""Rounds in which cores of a group move to the mean of those that they exchange spikes with."""


def spectral_order(near: Pairs, seed: int) -> Ints:
    """Order cores by the Fiedler vector of their graph, the minimum of ``sum w_ij (v_i - v_j)^2``.

    Many cores are ordered as groups, by METIS, and then within each of them.

    Source: Hall 1970, doi:10.1287/mnsc.17.3.219.

    Args:
        near: Which cores exchange spikes, and how many.
        seed: Of METIS.

    Returns:
        Every core once, shape ``[n]``.
    """
    n = near.size
    if n < 3:
        return np.arange(n)
    linked = _linked(near)
    if n <= DENSE:
        return np.argsort(_fiedler(linked), kind="stable")
    _, group = np.unique(metis(near, DENSE, seed), return_inverse=True)  # some may be empty
    at = _fiedler(linked.joined(group, int(group.max()) + 1))
    rank = np.argsort(np.argsort(at, kind="stable"))[group]
    degree, place = linked.summed(np.ones(n)), rank.astype(np.float64)
    for _ in range(SMOOTHED):
        place = linked.summed(place) / degree
    return np.lexsort((place, rank))


def hilbert_order(x: Ints, y: Ints) -> Ints:
    """Order points of a grid along Hilbert's curve, equal ones as they stand.

    Args:
        x: Column of each, shape ``[n]``, 0 or more.
        y: Row of each, the same.

    Returns:
        Every point once, shape ``[n]``.
    """
    x, y, at = x.copy(), y.copy(), np.zeros(x.shape, np.int64)
    side = 1 << int(max(x.max(initial=0), y.max(initial=0))).bit_length()
    while side > 1:
        side //= 2
        right, below = x >= side, y >= side
        at = 4 * at + 3 * right + below * (1 - 2 * right)
        x, y = x - side * right, y - side * below
        turned = ~below  # the quarters at both ends lie across
        flipped = turned & right
        x, y = np.where(flipped, side - 1 - x, x), np.where(flipped, side - 1 - y, y)
        x, y = np.where(turned, y, x), np.where(turned, x, y)
    return np.argsort(at, kind="stable")


def _linked(near: Pairs) -> Pairs:
    """Add a chain through all cores."""
    n, once = near.size, near.core < near.near
    weight = CHAIN * (float(near.weight.mean()) if near.weight.size else 1)
    return Pairs.of(
        n,
        np.concatenate((near.core[once], np.arange(n - 1))),
        np.concatenate((near.near[once], np.arange(1, n))),
        np.concatenate((near.weight[once], np.full(n - 1, weight))),
    )


def _fiedler(linked: Pairs) -> Reals:
    """Give the vector of a graph of one piece, shape ``[n]``, its sign by its largest element."""
    near = linked.matrix
    scale = 1 / np.sqrt(near.sum(axis=1))
    # of the normalized Laplacian, whose first eigenvector is the root of the degrees
    vectors: Reals = np.linalg.eigh(scale[:, None] * near * scale)[1]
    vector = scale * vectors[:, -2]
    return np.asarray(vector * np.sign(vector[np.abs(vector).argmax()]))
