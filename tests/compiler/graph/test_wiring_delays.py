"""Delays and loops of a graph."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.operators import Scaling
from snnc.compiler.semantics.discretize import discretize
from snnc.targets.float.executor import execute
from tests.builders import affine, chain, graph, lif, linear, sink, source
from tests.compiler.graph.wires import Nodes, ends, scale, wait, wired
from tests.compiler.semantics.noted import STEP, message, text


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


@pytest.mark.parametrize("node", [lambda: scale(2.0), lif, lambda: linear([[1]])])
def test_ten_thousand_nodes_in_a_row(node: Any) -> None:
    net = discretize(chain(*(node() for _ in range(10_000)), lif()), dt=STEP)
    assert net.outputs[0].source == "10000"
