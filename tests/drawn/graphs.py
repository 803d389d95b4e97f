"""Hypothesis strategies of NIR graphs."""

from __future__ import annotations

import nir
import numpy as np
from hypothesis import strategies as st

from tests.builders import Edge, affine, graph, lif, linear, sink, source
from tests.drawn.numbers import SEEDS


@st.composite
def graphs(draw: st.DrawFn) -> nir.NIRGraph:
    """Draw a NIR graph of norse's kind (r = 1), with chains, skips and self-recurrence.

    Nodes and edges stand in a drawn order; names are not in the order of evaluation.
    """
    rng = np.random.default_rng(draw(SEEDS))
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    names = draw(st.permutations(["a", "b", "c"]))[: len(sizes)]
    width = draw(st.integers(1, 4))
    nodes: dict[str, nir.NIRNode] = {"in": source(width), "out": sink(sizes[-1])}
    edges: list[Edge] = [(names[-1], "out")]
    previous, columns = "in", width
    for name, n in zip(names, sizes, strict=True):
        nodes[name] = lif(n, tau=rng.uniform(0.002, 0.05, n), v_threshold=rng.uniform(0.01, 0.1, n))
        nodes[f"w_{name}"] = affine(rng.normal(0, 1, (n, columns)), rng.normal(0, 0.1, n))
        edges += [(previous, f"w_{name}"), (f"w_{name}", name)]
        if draw(st.booleans()):
            nodes[f"r_{name}"] = linear(rng.normal(0, 1, (n, n)))
            edges += [(name, f"r_{name}"), (f"r_{name}", name)]
        previous, columns = name, n
    order = draw(st.permutations(sorted(nodes)))
    return graph({name: nodes[name] for name in order}, draw(st.permutations(edges)))
