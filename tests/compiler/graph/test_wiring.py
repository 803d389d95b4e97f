"""Edges of a graph become projections: ways, sums and outputs."""

from __future__ import annotations

import nir
import numpy as np
import pytest

from snnc.compiler.operators import Dense
from snnc.targets.float.executor import execute
from tests.builders import Edge, affine, chain, graph, lif, linear, sink, source
from tests.compiler.graph.wires import Nodes, ends, scale, wait, wired
from tests.compiler.semantics.noted import EDGES, message, text

ORDER = "input or spiking neurons -> weights, pooling, sums -> neurons -> Output"
CONNECT = "connect the node, or leave it out of the graph"


def misplaced(node: str, found: str) -> str:
    return text("SNN120", node, found, ORDER, CONNECT)


@pytest.mark.parametrize(
    ("edge", "found"),
    [
        (("input", "nowhere"), "no node 'nowhere'"),
        (("nowhere", "0"), "no node 'nowhere'"),
        (("0", "1"), "the edge stands 2 times"),
        (("1", "input"), "an edge into an Input"),
        (("output", "0"), "an edge out of an Output"),
    ],
)
def test_bad_edges(edge: Edge, found: str) -> None:
    g = chain(linear([[2]]), lif())
    g.edges.append(edge)
    limit = "each edge once, between two nodes of the graph, from Input towards Output"
    assert message(g) == text("SNN106", f"{edge[0]} -> {edge[1]}", found, limit, EDGES)


MISPLACED: dict[str, tuple[nir.NIRGraph, list[tuple[str, str]]]] = {
    "weights of nothing": (
        graph(
            {"x": source(), "fc": linear([[1]]), "lif": lif(), "y": sink()},
            [("fc", "lif"), ("lif", "y")],
        ),
        [("fc", "Linear that nothing feeds")],
    ),
    "weights into nothing": (
        graph(
            {"x": source(), "fc": linear([[1]]), "lif": lif(), "y": sink()},
            [("x", "lif"), ("lif", "y"), ("lif", "fc")],
        ),
        [("fc", "Linear that feeds no population")],
    ),
    "a shape into nothing": (
        graph(
            {"x": source(), "f": nir.Flatten({"input": np.array([1])}), "a": lif(), "y": sink()},
            [("x", "a"), ("a", "y"), ("a", "f")],
        ),
        [("f", "Flatten that feeds no population")],
    ),
    "weights in a circle": (
        graph(
            {"x": source(), "a": linear([[1]]), "b": scale(), "lif": lif(), "y": sink()},
            [("a", "b"), ("b", "a"), ("a", "lif"), ("x", "lif"), ("lif", "y")],
        ),
        [("a", "Linear that nothing feeds"), ("b", "Scale that nothing feeds")],
    ),
    "a sum that feeds itself": (
        graph(
            {"x": source(), "s": scale(), "w": linear([[1]]), "lif": lif(), "y": sink()},
            [("x", "s"), ("s", "w"), ("w", "s"), ("s", "lif"), ("lif", "y")],
        ),
        [("s -> s", "a loop without neurons")],
    ),
    "a sum that feeds itself later": (
        graph(
            {"x": source(), "s": scale(), "w": wait(1), "lif": lif(), "y": sink()},
            [("x", "s"), ("s", "w"), ("w", "s"), ("s", "lif"), ("lif", "y")],
        ),
        [("s -> s", "a loop without neurons")],
    ),
    "two sums that feed each other": (
        graph(
            {"x": source(), "s": scale(), "t": scale(), "lif": lif(), "y": sink()},
            [("x", "s"), ("x", "t"), ("s", "t"), ("t", "s"), ("s", "lif"), ("lif", "y")],
        ),
        [("s -> t -> s", "a loop without neurons")],
    ),
    "a read-out that feeds neurons": (
        chain(nir.LI(tau=np.ones(1), r=np.ones(1), v_leak=np.zeros(1)), linear([[1]]), lif()),
        [("0", "LI, which has no spikes, feeds 2")],
    ),
    "an output of nothing": (
        graph({"x": source(), "lif": lif(), "y": sink(1)}, [("x", "lif")]),
        [("y", "an output that nothing feeds")],
    ),
    "no output": (
        graph({"x": source(), "lif": lif()}, [("x", "lif")]),
        [("the graph", "no Output node")],
    ),
    "no input": (
        graph({"lif": lif(v_leak=2.0), "y": sink()}, [("lif", "y")]),
        [("the graph", "no Input node")],
    ),
}


@pytest.mark.parametrize("case", MISPLACED)
def test_misplaced(case: str) -> None:
    g, wanted = MISPLACED[case]
    assert message(g) == "\n\n".join(misplaced(*w) for w in wanted)


def test_weights_after_weights() -> None:
    net = wired(
        {"v": linear([[2], [3]]), "w": affine([[1, 1]], 1), "lif": lif()},
        ["x", "v", "w", "lif", "y"],
    )
    assert ends(net) == [("w", "x", "lif", 0)]
    (q,) = net.projections
    assert [type(o) for o in q.operators] == [Dense, Dense]
    assert q.origin == ("v", "w")


def test_ways_without_weights_are_named_by_their_ends() -> None:
    net = wired({"a": lif(), "b": lif()}, ["x", "a", "b", "y"])
    assert ends(net) == [("x->a", "x", "a", 0), ("a->b", "a", "b", 0)]
    assert net.projections[0].operators == ()


def test_weights_of_two_targets_have_two_names() -> None:
    net = wired(
        {"fc": affine([[3]], 0.5), "a": lif(), "b": lif(), "z": sink()},
        ["x", "fc", "a", "y"],
        ["fc", "b", "z"],
    )
    assert ends(net) == [("fc:x->a", "x", "a", 0), ("fc:x->b", "x", "b", 0)]


def test_several_inputs_and_outputs() -> None:
    net = wired(
        {"x2": source(2), "v": linear([[1, 1]]), "a": lif(), "b": lif(), "y2": sink()},
        ["x", "a", "y"],
        ["x2", "v", "b", "y2"],
    )
    assert [(i.name, i.size) for i in net.inputs] == [("x", 1), ("x2", 2)]
    assert [(o.name, o.source) for o in net.outputs] == [("y", "a"), ("y2", "b")]


def test_a_population_of_several_outputs() -> None:
    net = wired({"a": lif(), "z": sink()}, ["x", "a", "y"], ["a", "z"])
    assert [(o.name, o.source) for o in net.outputs] == [("y", "a"), ("z", "a")]


def test_a_sum_of_two() -> None:
    """A ``Scale`` of ones with two edges into it: a user's ``a + b``."""
    net = wired(
        {"v": linear([[2]]), "w": linear([[3]]), "s": scale(), "lif": lif()},
        ["x", "v", "s", "lif", "y"],
        ["x", "w", "s"],
    )
    assert [(j.name, j.shape, j.origin) for j in net.junctions] == [("s", (1,), ("s",))]
    assert ends(net) == [("s", "s", "lif", 0), ("v", "x", "s", 0), ("w", "x", "s", 0)]
    assert net.projections[0].operators == ()


def test_a_sum_before_weights_has_their_bias_once() -> None:
    net = wired(
        {"z": source(), "fc": affine([[3]], 0.5), "lif": lif(r=2.0, v_threshold=9.0)},
        ["x", "fc", "lif", "y"],
        ["z", "fc"],
    )
    assert ends(net) == [("x->fc", "x", "fc", 0), ("z->fc", "z", "fc", 0), ("fc", "fc", "lif", 0)]
    ones = {name: np.ones((1, 1, 1), np.float32) for name in ("x", "z")}
    assert execute(net, ones).v["lif"] == np.float32(0.1) * (2 * 6.5)


def test_currents_of_equal_order_are_summed_before_the_neuron() -> None:
    nodes: Nodes = {"v": linear([[2]]), "w": linear([[3]]), "lif": lif()}
    net = wired(nodes, ["x", "v", "lif", "y"], ["x", "w", "lif"])
    assert [(j.name, j.origin) for j in net.junctions] == [("lif.input", ("lif",))]
    assert ends(net) == [
        ("v", "x", "lif.input", 0),
        ("w", "x", "lif.input", 0),
        ("lif.input->lif", "lif.input", "lif", 0),
    ]


def test_currents_of_another_order_come_after_the_sum() -> None:
    nodes: Nodes = {
        "v": linear([[2]], {"snnc": {"delay": 0, "order": 1}}),
        "w": linear([[3]], {"snnc": {"delay": 0, "order": 1}}),
        "first": linear([[4]]),
        "lif": lif(),
    }
    net = wired(nodes, ["x", "v", "lif", "y"], ["x", "w", "lif"], ["x", "first", "lif"])
    assert [j.name for j in net.junctions] == ["lif.input1"]
    assert [q.name for q in net.incoming("lif")] == ["first", "lif.input1->lif"]


def test_the_name_of_a_sum_is_free() -> None:
    nodes: Nodes = {"v": linear([[2]]), "w": linear([[3]]), "lif": lif(), "lif.input": lif()}
    net = wired(nodes, ["x", "v", "lif", "y"], ["x", "w", "lif"], ["x", "lif.input"])
    assert [j.name for j in net.junctions] == ["lif.input_"]


def test_sums_stand_in_an_order_of_evaluation() -> None:
    nodes: Nodes = {"a": scale(), "b": scale(), "lif": lif()}
    net = wired(nodes, ["x", "b", "a", "lif", "y"], ["x", "a"], ["lif", "b"])
    assert [j.name for j in net.junctions] == ["b", "a"]
    assert [q.delay for q in net.projections if q.source == "lif"] == [1]


def test_an_output_of_weights_has_a_read_out_without_memory() -> None:
    net = wired({"lif": lif(), "fc": affine([[3]], 0.5)}, ["x", "lif", "fc", "y"])
    assert [(o.name, o.source) for o in net.outputs] == [("y", "y.readout")]
    p = net.population("y.readout")
    assert (p.spiking, p.decay.item(), p.gain.item(), p.origin) == (False, 0, 1, ("y",))
    assert (
        net.choices[-1] == "output y is fed by no neurons: y.readout gives its values step by step"
    )
    x = np.full((2, 1, 1), 20, np.float32)
    assert execute(net, {"x": x}).v["y.readout"].ravel().tolist() == [3.5, 3.5]


def test_an_output_of_two_gives_their_sum() -> None:
    net = wired({"a": lif(), "b": lif()}, ["x", "a", "y"], ["x", "b", "y"])
    assert [(j.name, j.origin) for j in net.junctions] == [("y.readout.input", ("y",))]
    x = np.full((1, 1, 1), 20, np.float32)
    assert execute(net, {"x": x}).v["y.readout"].ravel().tolist() == [2]


def test_an_output_of_an_input() -> None:
    net = wired({}, ["x", "y"])
    assert execute(net, {"x": np.full((1, 1, 1), 7, np.float32)}).v["y.readout"].item() == 7
