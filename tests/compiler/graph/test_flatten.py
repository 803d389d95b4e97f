"""Nested graphs are put in the place of their nodes; what is ambiguous is refused."""
# nir has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

import nir
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.graph import flatten
from snnc.compiler.graph.flatten import flatten_graph
from snnc.compiler.graph.shapes import infer_shapes
from tests.frontends.graphs import block, chain, input_of, lif, node_of, output_of, small_graph

REMEDY = "change the nested graph, or its name, where the model is made"


def refusal(graph: nir.NIRGraph) -> str:
    with pytest.raises(InputError) as caught:
        flatten_graph(graph)
    return str(caught.value)


def text(node: str, found: str, limit: str) -> str:
    return (
        "error[SNN109]: a nested graph can be put in the place of its node\n"
        f"  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {REMEDY}"
    )


def around(inner: nir.NIRGraph, **more: nir.NIRNode) -> nir.NIRGraph:
    graph = chain(("in", input_of(4)), ("block", inner), ("out", output_of(4)))
    graph.nodes |= more
    return graph


def two_ports() -> nir.NIRGraph:
    """Two inputs that are summed, two outputs."""
    inner = block()
    inner.nodes |= {"input2": input_of(4), "spikes": output_of(4)}
    inner.edges += [("input2", "lif"), ("lif", "spikes")]
    return inner


def test_a_flat_graph_is_given_back() -> None:
    graph = small_graph()
    assert flatten_graph(graph) is graph


def test_names_edges_and_nodes() -> None:
    graph = around(around(block()))
    graph.metadata = {"snnc": {"format": 2}}
    before = list(graph.nodes), list(graph.edges), list(node_of(graph, "block").nodes)
    flat = flatten_graph(graph)
    assert list(flat.nodes) == ["in", "block.block.lif", "out"]
    assert flat.edges == [("in", "block.block.lif"), ("block.block.lif", "out")]
    inner: Any = node_of(graph, "block").nodes["block"]
    assert flat.nodes["block.block.lif"] is inner.nodes["lif"]
    assert flat.metadata == graph.metadata
    assert before == (list(graph.nodes), list(graph.edges), list(node_of(graph, "block").nodes))
    assert flatten_graph(flat) is flat


def test_an_edge_names_one_of_several_ports() -> None:
    graph = around(two_ports(), other=input_of(4), more=lif(4))
    graph.edges = [("in", "block.input"), ("other", "block.input2")]
    graph.edges += [("block.output", "out"), ("block.spikes", "more")]
    flat = flatten_graph(graph)
    assert sorted(flat.edges) == [
        ("block.lif", "more"),
        ("block.lif", "out"),
        ("in", "block.lif"),
        ("other", "block.lif"),
    ]
    assert set(infer_shapes(graph).gives) == {
        *flat.nodes,
        "block.input",
        "block.input2",
        "block.output",
        "block.spikes",
    }


def test_a_name_with_a_dot_is_a_node_first() -> None:
    graph = chain(("in", input_of(4)), ("a.b", lif(4)), ("a", block()), ("out", output_of(4)))
    assert sorted(flatten_graph(graph).edges) == [
        ("a.b", "a.lif"),
        ("a.lif", "out"),
        ("in", "a.b"),
    ]


def test_branches_and_a_port_that_leads_straight_through() -> None:
    inner = chain(("input", input_of(4)), ("output", output_of(4)))
    graph = around(inner, lif=lif(4), second=lif(4))
    graph.edges += [("block", "lif"), ("block", "second"), ("lif", "out")]
    assert sorted(flatten_graph(graph).edges) == [
        ("in", "lif"),
        ("in", "out"),
        ("in", "second"),
        ("lif", "out"),
    ]


def test_a_loop_around_and_within() -> None:
    inner = block()
    inner.edges.append(("lif", "lif"))
    graph = around(inner)
    graph.edges.append(("block", "block"))
    assert "found: block.lif leads to it 2 times" in refusal(graph)
    inner.edges.remove(("lif", "lif"))
    assert ("block.lif", "block.lif") in flatten_graph(graph).edges


def several(kind: str) -> nir.NIRGraph:
    return around(two_ports()) if kind == "ports" else around(chain(("lif", lif(4))))


@pytest.mark.parametrize(
    ("kind", "found"),
    [("ports", "2 {} nodes ({}, {})"), ("none", "0 {} nodes (none)")],
)
def test_ports_that_are_not_told(kind: str, found: str) -> None:
    told = refusal(several(kind))
    names = {"Input": ("input", "input2"), "Output": ("output", "spikes")}
    assert told == "\n\n".join(
        text(
            "block",
            f"an edge to {found.format(port, *ports)}",
            f"one {port} in it, or an edge that names one",
        )
        for port, ports in names.items()
    )


@pytest.mark.parametrize("end", ["gone", "block.lif", "block.output", "block.", ".input"])
def test_an_end_that_is_not_there(end: str) -> None:
    graph = around(block())
    graph.edges.append(("in", end))
    limit = "a node, or an Input of a nested graph"
    assert refusal(graph) == text(end, "an edge to it, and it is not there", limit)


def test_two_nodes_of_one_name() -> None:
    graph = around(block())
    graph.nodes["block.lif"] = lif(4)
    found = refusal(graph)
    assert found == text("block.lif", "two nodes of this name", "a name of its own for each node")


def test_the_same_way_twice() -> None:
    inner = chain(("input", input_of(4)), ("output", output_of(4)))
    graph = around(inner, lif=lif(4))
    graph.edges += [("in", "lif"), ("block", "lif")]
    limit = "once: its values count once"
    assert refusal(graph) == text("lif", "in leads to it 2 times", limit)
    inner.nodes["output2"] = output_of(4)
    inner.edges.append(("input", "output2"))
    graph.nodes["last"] = block()
    graph.edges = [("in", "block"), ("block.output", "last"), ("block.output2", "last")]
    assert text("last.input", "in leads to it twice", limit) in refusal(graph)


def test_a_port_that_nothing_feeds() -> None:
    graph = around(block())
    graph.edges.remove(("in", "block"))
    found, limit = "nothing feeds it, and nodes read it", "a node that feeds it"
    assert refusal(graph) == text("block.input", found, limit)


def test_a_loop_of_ports() -> None:
    inner = chain(("input", input_of(4)), ("output", output_of(4)))
    graph = around(inner)
    graph.edges = [("block", "block"), ("block", "out")]
    told = refusal(graph)
    assert "found: a loop of ports alone\n   limit: a neuron on every loop" in told


def test_depth() -> None:
    graph = block()
    for _ in range(32):
        graph = around(graph)
    assert len(flatten_graph(graph).nodes) == 3
    path = ".".join(["block"] * 33)
    assert refusal(around(graph)) == text(path, "one more graph within it", "32 levels")


def test_ways_through_ports_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flatten, "MAX_EDGES", 3)
    graph = around(block())
    graph.nodes |= {f"in{i}": input_of(4) for i in range(3)}
    graph.edges += [(f"in{i}", "block") for i in range(3)]
    assert refusal(graph) == text("block.input", "more than 3 ways through ports", "as many")
