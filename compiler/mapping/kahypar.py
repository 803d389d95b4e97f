"""The call of Mt-KaHyPar (Gottesbüren et al. 2021): nets in, blocks out.

It sees the spikes between cores as they are counted, a net of each source, where METIS sees a graph
of pairs (doi:10.1137/1.9781611976472.3). It comes with the extra ``mtkahypar``.
"""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import numpy as np

from snnc.compiler.mapping.metis import Ints, Reals, Sparse, levels

MOST_SLACK = 1.0
"""Room for blocks beyond an even share, above which it is of no use."""
THREADS = 1
"""One: the answer does not depend on it, but memory does, and the caller may have processes."""


def cut_nets(nets: Sparse, weight: Reals, k: int, load: Reals, seed: int) -> Ints:
    """Cut a hypergraph into ``k`` blocks, none of which should have a load above 1.

    Args:
        nets: A row for each net, which holds the vertices of the columns that are in it; a matrix
            of rows.
        weight: Of each net; shape ``[nets]``.
        k: Number of blocks.
        load: Of each vertex; shape ``[n]``.
        seed: Of what it draws: the same gives the same blocks.

    Returns:
        The block of each vertex, shape ``[n]``; loads may be somewhat above 1.
    """
    if k == 1 or load.size <= 1:
        return np.zeros(load.size, np.int64)
    library, kahypar = _library()
    library.set_seed(seed)
    context = kahypar.context_from_preset(library.PresetType.DETERMINISTIC)
    slack = k / max(float(load.sum()), 1e-9) - 1
    context.set_partitioning_parameters(
        k, float(np.clip(slack, 1e-3, MOST_SLACK)), library.Objective.KM1
    )
    context.logging = False
    kept = np.flatnonzero((np.diff(nets.indptr) > 1) & (weight > 0))
    pins = [nets.indices[nets.indptr[i] : nets.indptr[i + 1]].tolist() for i in kept]
    graph = kahypar.create_hypergraph(
        context,
        load.size,
        kept.size,
        pins,
        levels(load).tolist(),
        levels(weight[kept]).tolist(),
    )
    return np.asarray(graph.partition(context).get_partition(), np.int64)


@cache
def _library() -> tuple[Any, Any]:
    """Load it; once a process, since it cannot be told of its threads twice."""
    import mtkahypar

    library = cast("Any", mtkahypar)
    return library, library.initialize(THREADS, False)
