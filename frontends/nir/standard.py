"""What other tools, nir itself first, will not be able to read of a graph that snnc writes."""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.graph.flatten import expand_graph
from snnc.compiler.graph.nodes import OWN_NODES, PARAMETERS
from snnc.compiler.graph.notes import metadata
from snnc.compiler.graph.shapes import Shapes


def foreign_nodes(graph: nir.NIRGraph, shapes: Shapes) -> Iterator[Diagnostic]:
    """Yield a warning for every node that ``nir.read`` (nir 1.0.8) refuses or misreads.

    Args:
        graph: As it is written.
        shapes: Of ``graph``.
    """
    expanded = expand_graph(graph)
    for name, node in expanded.nodes.items():
        found = _foreign(node)
        if found:
            yield _warning(name, found)
    yield from _foreign_ports(graph, "")
    for source, target in expanded.edges:
        gives, takes = shapes.gives[source], shapes.takes[target]
        if gives != takes and not _foreign(expanded.nodes[target]):
            found = f"{list(gives)} into {list(takes)}: nir compares axis by axis"
            yield _warning(f"{source} -> {target}", found)


def _foreign(node: nir.NIRNode) -> str | None:
    if isinstance(node, OWN_NODES):
        return f"a node of type {type(node).__name__}, which is snnc's own"
    if isinstance(node, nir.Conv2d) and len(set(node.weight.shape[2:])) > 1:
        return f"a kernel of {list(node.weight.shape[2:])}: nir computes with its first side alone"
    if isinstance(node, nir.Conv1d | nir.Conv2d) and node.groups != 1:
        return f"{node.groups} groups: nir takes a convolution for one group"
    if any(before != after for before, after in np.asarray(metadata(node).get("padding", []))):
        return "other zeros before than behind: nir adds the same on both sides"
    if "divisors" in metadata(node):
        return "a mean that is divided otherwise: nir divides by all elements of the window"
    fields = PARAMETERS.get(type(node), ())
    if fields and np.ndim(getattr(node, fields[0])) == 0:
        return "one value for all neurons: nir takes one for each"
    return None


def _foreign_ports(graph: nir.NIRGraph, prefix: str) -> Iterator[Diagnostic]:
    for edge in graph.edges:
        for end in edge:
            if end not in graph.nodes:
                found = "an edge to one of several ports of a nested graph: nir has no word for it"
                yield _warning(f"{prefix}{end}", found)
    for name, node in graph.nodes.items():
        if isinstance(node, nir.NIRGraph):
            yield from _foreign_ports(node, f"{prefix}{name}.")


def _warning(node: str, found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.NODE_STANDARD,
        node=node,
        found=found,
        limit="the nodes of NIR, as nir 1.0.8 reads them",
        remedy="use the file with snnc, or give the model layers that NIR has",
    )
