"""Graphs to wire."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import nir
import numpy as np

from snnc.compiler.network import Network
from snnc.compiler.semantics.discretize import discretize
from tests.builders import graph, sink, source
from tests.compiler.semantics.noted import STEP

Nodes = dict[str, nir.NIRNode]


def ends(net: Network) -> list[tuple[str, str, str, int]]:
    return [(q.name, q.source, q.target, q.delay) for q in net.projections]


def wired(nodes: Nodes, *ways: Sequence[str]) -> Network:
    """Discretize the graph of these nodes, ``x`` and ``y``, with the edges of all ways."""
    edges = list(dict.fromkeys(edge for way in ways for edge in pairwise(way)))
    return discretize(graph({"x": source(), "y": sink()} | nodes, edges), dt=STEP)


def scale(value: Any = 1.0, n: int = 1, **notes: Any) -> nir.Scale:
    values = np.broadcast_to(np.float32(value), n).copy()
    return nir.Scale(scale=values, metadata={"snnc": notes} if notes else {})


def wait(*steps: float) -> nir.Delay:
    return nir.Delay(delay=np.array(steps) * STEP)
