"""Orders in which what belongs together is near: of cores by a spectrum, of routers by a curve."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, diags_array

from snnc.compiler.mapping.chips import metis

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

CHAIN = 1e-9
"""Weight between neighbors in the order of the network, as a share of the mean: it orders what
nothing else does."""
DENSE = 500
"""Cores, or groups of them, whose eigenvectors are computed: a part of a second."""
SMOOTHED = 8
"""Rounds in which cores of a group move to the mean of those that they exchange spikes with."""


def spectral_order(weight: csr_array, seed: int) -> Ints:
    """Order cores by the Fiedler vector of their graph, the minimum of ``sum w_ij (v_i - v_j)^2``.

    Many cores are ordered as groups, by METIS, and then within each of them.

    Source: Hall 1970, doi:10.1287/mnsc.17.3.219.

    Args:
        weight: Symmetric, shape ``[n, n]``.
        seed: Of METIS.

    Returns:
        Every core once, shape ``[n]``.
    """
    n = weight.shape[0]
    if n < 3:
        return np.arange(n)
    chain = np.full(n - 1, CHAIN * max(weight.data.mean() if weight.nnz else 0, 1e-300))
    linked = csr_array(weight + diags_array([chain, chain], offsets=[-1, 1], shape=(n, n)))
    if n <= DENSE:
        return np.argsort(_fiedler(linked), kind="stable")
    _, group = np.unique(metis(weight, DENSE, seed), return_inverse=True)  # some may be empty
    member = csr_array((np.ones(n), (np.arange(n), group)))
    at = _fiedler(csr_array(member.T @ linked @ member))
    rank = np.argsort(np.argsort(at, kind="stable"))[group]
    near, place = 1 / linked.sum(axis=1), rank.astype(np.float64)
    for _ in range(SMOOTHED):
        place = near * (linked @ place)
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


def _fiedler(linked: csr_array) -> Reals:
    """Give the vector of a graph of one piece, shape ``[n]``, its sign by its largest element."""
    near = linked.toarray()
    np.fill_diagonal(near, 0)
    scale = 1 / np.sqrt(near.sum(axis=1))
    # of the normalized Laplacian, whose first eigenvector is the root of the degrees
    vector = scale * np.linalg.eigh(scale[:, None] * near * scale)[1][:, -2]
    return np.asarray(vector * np.sign(vector[np.abs(vector).argmax()]))
