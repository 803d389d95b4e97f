"""Loops of a network, and the order of evaluation where they leave one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

import networkx as nx

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic

End = tuple[str, str]
Delayed = tuple[str, str, int]
"""Source, target, and delay in steps."""


def ranks(names: Iterable[str], projections: Iterable[Delayed]) -> dict[str, int]:
    """Give every name its place in an order of evaluation.

    Within what projections of delay 0 leave open, the order is that of the names.

    Args:
        names: Of inputs, junctions and populations.
        projections: Source, target and delay of each.

    Raises:
        networkx.NetworkXUnfeasible: A loop has no delay at all.
    """
    graph = _graph(_undelayed(projections))
    graph.add_nodes_from(names)
    order = nx.lexicographical_topological_sort(graph)
    return {name: rank for rank, name in enumerate(order)}


def loop_problems(projections: Iterable[Delayed], nodes: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield whether there is a loop without any delay.

    Args:
        projections: Of the network.
        nodes: The node that a junction stands for, which the user knows.
    """
    loop = find_loop(_undelayed(projections), nodes)
    if loop:
        yield Diagnostic(
            rule=rules.LOOP_DELAYED,
            node=" -> ".join(loop),
            found="a loop without any delay",
            limit="one step of delay at least; NIR does not say where on a loop of several "
            "populations it is",
            remedy="import the trained module with snnc import, which notes the delays",
        )


def find_loop(ends: Iterable[End], nodes: Mapping[str, str] | None = None) -> list[str]:
    """Give the nodes on a shortest loop through the first name that is on one, or none.

    Args:
        ends: Source and target of each projection, or edge.
        nodes: The node that a junction stands for, where there are junctions.

    Returns:
        The first node again at the end.
    """
    graph = _graph(ends)
    if nx.is_directed_acyclic_graph(graph):
        return []
    parts = (sorted(part) for part in nx.strongly_connected_components(graph))
    first, *_ = part = min(p for p in parts if len(p) > 1 or graph.has_edge(p[0], p[0]))
    second = min(set(graph[first]) & set(part))
    around = [first, *nx.bidirectional_shortest_path(graph, second, first)]
    told = [node for node, _ in groupby((nodes or {}).get(name, name) for name in around)]
    return told if len(told) > 1 else told * 2


def _undelayed(projections: Iterable[Delayed]) -> Iterator[End]:
    return ((a, b) for a, b, delay in projections if delay == 0)


def _graph(ends: Iterable[End]) -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from(ends)
    return graph
