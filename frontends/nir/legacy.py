"""Older forms of NIR graphs, brought into today's."""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import nir
import numpy as np

from snnc.compiler.graph.nodes import CONVOLUTIONS, PARAMETERS, POOLS
from snnc.compiler.operators import Shape


def without_batch_axis(graph: nir.NIRGraph) -> nir.NIRGraph:
    """Drop the batch axis of length 1 that some tools of 2023 counted.

    Given::

        input [1, 2, 34, 34] -> Conv2d -> IF [1, 16, 16, 16] -> Flatten from axis 1 -> Affine

    Result::

        input [2, 34, 34] -> Conv2d -> IF [16, 16, 16] -> Flatten from axis 0 -> Affine

    Numbers decide: every Input begins with an axis of length 1, and one of them feeds a node that
    takes an axis less. NIR today has no batch axis, so no graph of today's is of this form. The
    same object is returned where there is none; ``graph`` stays as it is.

    Args:
        graph: Not of snnc's own frontends.
    """
    inputs = [_shape(node) for node in graph.nodes.values() if isinstance(node, nir.Input)]
    if not inputs or not all(len(shape) > 1 and shape[0] == 1 for shape in inputs):
        return graph
    if not any(_counts_batch(graph, source, target) for source, target in graph.edges):
        return graph
    nodes = {name: _without(node) for name, node in graph.nodes.items()}
    return nir.NIRGraph(nodes, graph.edges, metadata=graph.metadata, type_check=False)


def _counts_batch(graph: nir.NIRGraph, source: str, target: str) -> bool:
    node = graph.nodes.get(source)
    taken = _axes_taken(graph.nodes.get(target))
    return isinstance(node, nir.Input) and len(_shape(node)) - 1 == taken


def _axes_taken(node: nir.NIRNode | None) -> int | None:
    if isinstance(node, nir.Linear | nir.Affine):
        return 1
    if isinstance(node, (*CONVOLUTIONS, *POOLS)):
        return 2 if type(node).__name__.endswith("1d") else 3
    return None


def _shape(node: nir.NIRNode) -> Shape:
    return tuple(int(n) for n in cast("Any", node.input_type)["input"])


def _without(node: nir.NIRNode) -> nir.NIRNode:
    if isinstance(node, nir.Input | nir.Output):
        shape = np.array(_cut(_shape(node)))
        if isinstance(node, nir.Input):
            return nir.Input(input_type={"input": shape}, metadata=node.metadata)
        return nir.Output(output_type={"output": shape}, metadata=node.metadata)
    if isinstance(node, nir.Flatten):
        start, end = (n - 1 if n > 0 else n for n in (node.start_dim, node.end_dim))
        unknown: Any = {"input": None}
        return nir.Flatten(unknown, start, end, metadata=node.metadata)
    fields = PARAMETERS.get(type(node), ())
    shapes = {field: np.shape(getattr(node, field)) for field in fields}
    if not all(len(shape) > 1 and shape[0] == 1 for shape in shapes.values()) or not shapes:
        return node
    return replace(cast("Any", node), **{f: getattr(node, f)[0] for f in shapes})


def _cut(shape: Shape) -> Shape:
    return shape[1:] if shape[0] == 1 and len(shape) > 1 else shape
