"""How nodes are wired to populations: ways, sums, delays, loops, and what leads nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.network import Network
from snnc.compiler.operators import Dense, Scaling
from snnc.compiler.semantics.discretize import discretize
from snnc.targets.float.executor import execute
from tests.builders import Edge, affine, chain, graph, lif, linear, sink, source
from tests.compiler.semantics.test_discretize import EDGES, STEP, message, text

ORDER = "input or spiking neurons -> weights, pooling, sums -> neurons -> Output"
CONNECT = "connect the node, or leave it out of the graph"
Nodes = dict[str, nir.NIRNode]


def misplaced(node: str, found: str) -> str:
    return text("SNN120", node, found, ORDER, CONNECT)


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


# --- edges -------------------------------------------------------------------------------------


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


# --- ways --------------------------------------------------------------------------------------


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


# --- sums --------------------------------------------------------------------------------------


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


# --- outputs -----------------------------------------------------------------------------------


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


# --- delays ------------------------------------------------------------------------------------


def test_one_delay() -> None:
    net = wired({"d": wait(3), "lif": lif()}, ["x", "d", "lif", "y"])
    assert ends(net) == [("d", "x", "lif", 3)]
    assert net.projections[0].operators == ()


def test_equal_delays_of_all_values_are_one() -> None:
    nodes: Nodes = {"v": linear([[1], [2]]), "d": wait(2, 2), "e": wait(1), "lif": lif(2)}
    net = wired(nodes, ["x", "v", "d", "e", "lif", "y"])
    assert ends(net) == [("v", "x", "lif", 3)]


def test_several_delays_part_and_meet() -> None:
    """Weights behind them see all, and their bias counts once."""
    nodes: Nodes = {
        "v": affine([[1], [1], [1]], 1),
        "d": wait(0, 2, 0),
        "w": affine([[1, 10, 100]], 0.5),
        "lif": lif(tau=STEP, v_threshold=999.0),
    }
    net = wired(nodes, ["x", "v", "d", "w", "lif", "y"])
    assert [(j.name, j.shape, j.origin) for j in net.junctions] == [("d.delayed", (3,), ("d",))]
    assert ends(net) == [
        ("v@0", "x", "d.delayed", 0),
        ("v@2", "x", "d.delayed", 2),
        ("w", "d.delayed", "lif", 0),
    ]
    masks = [q.operators[-1] for q in net.incoming("d.delayed")]
    assert all(isinstance(m, Scaling) for m in masks)
    x = np.array([1, 2, 3], np.float32)[:, None, None]
    assert execute(net, {"x": x}).v["lif"].ravel().tolist() == [212.5, 313.5, 424.5]


def test_several_delays_of_a_sum() -> None:
    nodes: Nodes = {"v": linear([[1], [1]]), "w": linear([[2], [2]]), "d": wait(1, 0)}
    net = wired(
        nodes | {"lif": lif(2, tau=STEP, v_threshold=99.0)},
        ["x", "v", "d", "lif", "y"],
        ["x", "w", "d"],
    )
    assert [j.name for j in net.junctions] == ["d", "d.delayed"]
    x = np.array([1, 2], np.float32)[:, None, None]
    assert execute(net, {"x": x}).v["lif"].reshape(2, 2).tolist() == [[0, 3], [3, 6]]


def test_delays_that_are_not_whole() -> None:
    g = chain(nir.Delay(delay=np.array([1, 1.25]) * STEP), lif(2), n=2)
    assert message(g) == text(
        "SNN105",
        "0.delay",
        "1.25 steps of 0.001 s",
        "whole steps",
        "round the delay to a multiple of the step, or correct --dt",
    )


LONGEST = "100,000 steps: what is on its way is kept step by step"
SHORTER = "correct --dt, or shorten the delay"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("steps", "found"),
    [((100001.0, 100001.0), "100001"), ((2e5, 1.0), "200000"), ((1e33, 0.0), "1e+33")],
)
def test_a_delay_that_is_too_long(steps: tuple[float, ...], found: str) -> None:
    found = f"a delay of {found} steps of 0.001 s"
    wanted = text("SNN105", "0.delay", found, LONGEST, SHORTER)
    assert message(chain(wait(*steps), lif(2), n=2)) == wanted


def test_delays_that_are_too_long_together() -> None:
    wanted = text("SNN105", "0 + 1", "a delay of 110000 steps of 0.001 s", LONGEST, SHORTER)
    assert message(chain(wait(40_000), wait(70_000), lif())) == wanted


def test_a_threshold_sends_spikes_on_after_a_long_delay() -> None:
    relay = nir.Threshold(threshold=np.array([0.5]))
    g = chain(wait(40), relay, wait(40), lif(tau=STEP, v_threshold=0.5))
    net = discretize(g, dt=STEP)
    x = np.zeros((90, 1, 1), np.float32)
    x[[2, 7]] = 1
    assert np.flatnonzero(execute(net, {"input": x}).spikes["3"]).tolist() == [82, 87]


def test_delays_of_float32() -> None:
    for steps in (*range(64), *range(64, 100_000, 997), 99_999, 100_000):
        delay = nir.Delay(delay=np.array([steps], np.float32) * np.float32(STEP))
        assert discretize(chain(delay, lif()), dt=STEP).projections[0].delay == steps


def test_delays_of_other_values() -> None:
    assert message(chain(wait(1, 2, 1), lif(2), n=2)) == "\n\n".join(
        text(
            "SNN106",
            edge,
            found,
            "the same shape, or the same values on merged axes",
            "correct the model where it is made",
        )
        for edge, found in (
            ("0 -> 1", "0 gives [3], 1 takes [2]"),
            ("input -> 0", "input gives [2], 0 takes [3]"),
        )
    )


def test_a_delay_of_each_channel() -> None:
    """It counts for all values of the channel, as parameters do."""
    waits = nir.Delay(delay=np.array([[0], [1]]) * STEP)
    g = chain(waits, lif(4, tau=STEP, v_threshold=99.0))
    g.nodes["input"] = nir.Input(input_type={"input": np.array([2, 2])})
    net = discretize(g, dt=STEP)
    assert [(q.target, q.delay) for q in net.projections] == [
        ("0.delayed", 0),
        ("0.delayed", 1),
        ("1", 0),
    ]
    x = np.arange(1, 9, dtype=np.float32).reshape(2, 1, 4)
    assert execute(net, {"input": x}).v["1"].reshape(2, 4).tolist() == [[1, 2, 0, 0], [5, 6, 3, 4]]


# --- loops -------------------------------------------------------------------------------------


def test_recurrence_takes_one_step() -> None:
    nodes: Nodes = {"w": linear([[1]]), "lif": lif(), "again": linear([[0.5]])}
    net = wired(nodes, ["x", "w", "lif", "y"], ["lif", "again", "lif"])
    assert ends(net) == [("w", "x", "lif", 0), ("again", "lif", "lif", 1)]
    wanted = "lif feeds itself one step later: the graph has a loop, and no delay on it"
    assert net.choices[-1] == wanted


def test_recurrence_through_sums_takes_one_step() -> None:
    nodes: Nodes = {"s": scale(), "t": scale(), "lif": lif()}
    net = wired(nodes, ["x", "s", "t", "lif", "y"], ["x", "t"], ["lif", "s"])
    assert ("lif->s", "lif", "s", 1) in ends(net)


def test_recurrence_with_a_delay_takes_that() -> None:
    nodes: Nodes = {"d": wait(2), "lif": lif()}
    net = wired(nodes, ["x", "lif", "y"], ["lif", "d", "lif"])
    assert ("d", "lif", "lif.input", 2) in ends(net)
    assert not any("feeds itself" in choice for choice in net.choices)


def test_recurrence_with_a_delay_behind_a_sum_takes_that() -> None:
    nodes: Nodes = {"s": scale(), "d": wait(1), "lif": lif()}
    net = wired(nodes, ["x", "s", "d", "lif", "y"], ["lif", "s"])
    assert ends(net) == [("s", "s", "lif", 1), ("lif->s", "lif", "s", 0), ("x->s", "x", "s", 0)]


def loop_of_two(*between: tuple[str, nir.NIRNode]) -> str:
    nodes: Nodes = {"x": source(), "w": linear([[1]]), "a": lif(), "b": lif(), "y": sink()}
    nodes |= dict(between)
    names = [name for name, _ in between]
    edges = [*pairwise(["x", "w", "a", *names, "b", "y"]), ("b", "a")]
    return message(graph(nodes, edges))


@pytest.mark.parametrize("between", [(), (("ab", linear([[1]])),), (("d", wait(0)),)])
def test_a_loop_without_delay(between: tuple[tuple[str, nir.NIRNode], ...]) -> None:
    assert loop_of_two(*between) == text(
        "SNN121",
        "a -> b -> a",
        "a loop without any delay",
        "one step of delay at least; NIR does not say where on a loop of several populations it is",
        "import the trained module with snnc import, which notes the delays",
    )


def test_a_loop_without_delay_through_a_sum() -> None:
    """Of two populations, so nobody says where a step of delay would be."""
    nodes: Nodes = {"x": source(), "s": scale(), "a": lif(), "b": lif(), "y": sink()}
    edges = [("x", "s"), ("b", "s"), ("s", "a"), ("a", "b"), ("b", "y")]
    assert message(graph(nodes, edges)).splitlines()[1] == "  --> a -> b -> s -> a"


def test_a_loop_with_a_noted_delay_of_none() -> None:
    nodes: Nodes = {"x": source(), "lif": lif(), "y": sink()}
    nodes["w"] = linear([[1]], {"snnc": {"delay": 0}})
    edges = [("x", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "y")]
    assert message(graph(nodes, edges)).splitlines()[1] == "  --> lif -> lif"


# --- size --------------------------------------------------------------------------------------


@pytest.mark.parametrize("node", [lambda: scale(2.0), lif, lambda: linear([[1]])])
def test_ten_thousand_nodes_in_a_row(node: Any) -> None:
    net = discretize(chain(*(node() for _ in range(10_000)), lif()), dt=STEP)
    assert net.outputs[0].source == "10000"
