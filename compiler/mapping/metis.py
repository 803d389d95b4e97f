"""The call of METIS (Karypis and Kumar 1998): a graph in, blocks of even load out."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

Sparse: TypeAlias = Any
"""A matrix of scipy, which has no types."""
Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

_SILENCE = threading.Lock()
"""One at a time: of two, each would take the other's silence for the output, and leave it so."""
LEVELS = 1000
"""Weights are integers for METIS: the largest is this, the smallest 1."""


def cut_graph(graph: Sparse, k: int, load: Reals, seed: int) -> Ints:
    """Cut a graph into ``k`` blocks, none of which should have a load above 1.

    Args:
        graph: Weights of edges, a symmetric matrix of rows without a diagonal.
        k: Number of blocks.
        load: Of each vertex; shape ``[n]``.
        seed: Of what METIS draws.

    Returns:
        The block of each vertex, shape ``[n]``; loads may be somewhat above 1.
    """
    import pymetis

    metis = cast("Any", pymetis)
    if k == 1 or load.size <= 1:
        return np.zeros(load.size, np.int64)
    graph.sort_indices()
    slack = k / max(float(load.sum()), 1e-9) - 1
    with silent():
        _, found = metis.part_graph(
            k,
            metis.CSRAdjacency(graph.indptr.astype(np.int64), graph.indices.astype(np.int64)),
            eweights=levels(graph.data),
            vweights=levels(load),
            recursive=False,
            options=metis.Options(seed=seed, ufactor=int(np.clip(1000 * slack, 1, 1000))),
        )
    return np.asarray(found, np.int64)


@contextmanager
def silent() -> Generator[None, None, None]:
    """Keep what METIS has to say about blocks without a vertex off the standard output.

    It prints by itself, where users expect data. Whatever else this process prints meanwhile, in
    other threads, is lost. A process without a standard output has nothing to keep.
    """
    with _SILENCE:
        libc = ctypes.CDLL(None)
        if sys.stdout is not None:
            sys.stdout.flush()
        libc.fflush(None)
        try:
            kept = os.dup(1)
        except OSError:
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 1)
            yield
        finally:
            libc.fflush(None)
            os.dup2(kept, 1)
            os.close(kept)
            os.close(nowhere)


def levels(values: Reals) -> Ints:
    """Give real weights as integers from 1 to ``LEVELS``."""
    largest = max(float(values.max(initial=0)), 1e-30)
    return np.maximum(np.rint(values / largest * LEVELS), 1).astype(np.int64)
