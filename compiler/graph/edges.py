"""Whether the edges of a graph are edges at all."""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import nir

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.graph.flatten import find_port


def edge_problems(graph: nir.NIRGraph, prefix: str = "") -> Iterator[Diagnostic]:
    """Yield unknown ends and repetitions of edges; those of nested graphs are not looked at.

    Args:
        graph: Ends may name ports of its nested graphs.
        prefix: What its own nodes are told with: the names of the graphs that hold it.
    """
    counts = Counter((str(source), str(target)) for source, target in graph.edges)
    for (source, target), count in counts.items():
        edge = f"{prefix}{source} -> {prefix}{target}"
        for end, kind in ((source, nir.Output), (target, nir.Input)):
            if end not in graph.nodes and find_port(graph, end, kind) is None:
                yield _bad_edge(edge, f"no node {end!r}")
        if count > 1:
            yield _bad_edge(edge, f"the edge stands {count} times")
        if isinstance(graph.nodes.get(target), nir.Input):
            yield _bad_edge(edge, "an edge into an Input")
        if isinstance(graph.nodes.get(source), nir.Output):
            yield _bad_edge(edge, "an edge out of an Output")


def _bad_edge(edge: str, found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.EDGE_VALID,
        node=edge,
        found=found,
        limit="each edge once, between two nodes of the graph, from Input towards Output",
        remedy="correct the edges of the graph",
    )
