"""Graphs that tests read and write, and a way to look into them that type checkers take."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import numpy.typing as npt


def node_of(graph: nir.NIRGraph, name: str) -> Any:
    """Give a node; ``nir`` does not say of which type."""
    return graph.nodes[name]


def reals(*shape: int, value: float = 1.0) -> npt.NDArray[np.float32]:
    return np.full(shape, value, np.float32)


def small_graph() -> nir.NIRGraph:
    """Two inputs, three neurons with a loop."""
    nodes: dict[str, nir.NIRNode] = {
        "in": nir.Input(input_type={"input": np.array([2])}),
        "fc": nir.Affine(weight=reals(3, 2, value=0.5), bias=reals(3)),
        "lif": nir.LIF(
            tau=reals(3),
            r=reals(3),
            v_leak=reals(3, value=0),
            v_threshold=reals(3),
            v_reset=reals(3, value=0),
        ),
        "loop": nir.Linear(weight=np.eye(3, dtype=np.float32)),
        "out": nir.Output(output_type={"output": np.array([3])}),
    }
    edges = [("in", "fc"), ("fc", "lif"), ("lif", "loop"), ("loop", "lif"), ("lif", "out")]
    return nir.NIRGraph(nodes=nodes, edges=edges, type_check=False)
