"""Graphs with notes, and what is said of them."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.semantics.discretize import discretize
from tests.builders import chain, graph, lif, linear, sink, source

STEP = 1e-3
MODEL = "correct the model where it is made"
EDGES = "correct the edges of the graph"
PARAMETER = "correct the parameter in the model"
SAYS = {
    "SNN004": "options have a value in their range and fit together",
    "SNN103": "every node is of a type that snnc can compile",
    "SNN104": "every node has all its fields, each with the shape that the node's equation needs",
    "SNN105": "every parameter is finite and in the range where its equation makes sense",
    "SNN106": "every edge joins two nodes of the graph whose shapes agree",
    "SNN110": "the length of a time step is known",
    "SNN111": "it is known how the framework that made the file computes",
    "SNN120": "weights lead from inputs or spiking populations to spiking populations",
    "SNN121": "every loop takes at least one step of delay for each projection on it",
}


def text(code: str, node: str, found: str, limit: str, remedy: str) -> str:
    return (
        f"error[{code}]: {SAYS[code]}\n"
        f"  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"
    )


def message(g: nir.NIRGraph, **changed: Any) -> str:
    options: dict[str, Any] = {"dt": STEP} | changed
    with pytest.raises(InputError) as raised:
        discretize(g, **options)
    return str(raised.value)


def plain(**neuron: Any) -> nir.NIRGraph:
    return chain(linear([[2]]), lif(**neuron))


def noted(**notes: Any) -> nir.NIRGraph:
    """A graph as snnc's snnTorch frontend makes it."""
    own = {
        "integration": "decay",
        "decay": np.array([0.9, 1 / 3], np.float32),
        "gain": np.array([1, 1], np.float32),
        "leak": np.array([0, 0], np.float32),
        "threshold": np.array([0.7, 1.1], np.float32),
        "reset": "subtract-delayed",
        "origin": "net.lif1",
    }
    nodes: dict[str, nir.NIRNode] = {
        "x": source(),
        "fc": linear([[1], [2]], {"snnc": {"delay": 0, "order": 0, "origin": "net.fc1"}}),
        "lif": lif(2, metadata={"snnc": own}),
        "y": sink(2),
    }
    graph_notes = {"format": 2, "framework": "snntorch 1.0.0", "dt": 1e-4} | notes
    edges = [("x", "fc"), ("fc", "lif"), ("lif", "y")]
    return graph(nodes, edges, metadata={"snnc": graph_notes})
