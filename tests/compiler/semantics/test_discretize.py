"""A network of steps from a graph of time: what is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from itertools import pairwise
from typing import Any, cast

import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.network import Integration, Reset
from snnc.compiler.semantics.discretize import discretize
from tests.builders import chain, graph, lif, linear, sink, source
from tests.compiler.semantics.noted import (
    MODEL,
    STEP,
    message,
    noted,
    text,
)
from tests.drawn.graphs import graphs


def test_metadata_gives_the_very_numbers() -> None:
    net = discretize(noted())
    (p,) = net.populations
    assert net.dt == 1e-4
    assert net.choices == ("semantics as snntorch 1.0.0 computes, noted in the file by snnc",)
    assert p.integration is Integration.DECAY
    assert p.reset is Reset.SUBTRACT_DELAYED
    assert p.decay.tobytes() == np.array([0.9, 1 / 3], np.float32).tobytes()
    assert p.threshold.tobytes() == np.array([0.7, 1.1], np.float32).tobytes()
    assert p.gain.tolist() == [1, 1]
    assert p.leak.tolist() == [0, 0]
    assert p.origin == ("net.lif1",)
    assert net.projections[0].origin == ("net.fc1",)
    assert discretize(noted(), dt=1e-4).dt == 1e-4


def test_metadata_of_all_that_neurons_may_have() -> None:
    g = noted()
    g.nodes["lif"].metadata["snnc"] |= {
        "reset": "value",
        "reset_value": np.array([-0.5, 0.25], np.float32),
        "initial": np.float32(0.125),
        "spike": 3,
        "refractory": 2,
    }
    (p,) = discretize(g).populations
    assert (p.reset, p.refractory, p.spiking) == (Reset.VALUE, 2, True)
    numbers = [p.reset_value, p.initial, p.spike]
    assert [a.tolist() for a in numbers] == [[-0.5, 0.25], [0.125, 0.125], [3, 3]]
    (p,) = discretize(noted()).populations
    numbers = [p.reset_value, p.initial, p.spike, p.current_decay]
    assert [a.tolist() for a in numbers] == [[0, 0], [0, 0], [1, 1], [0, 0]]
    assert p.refractory == 0


@pytest.mark.parametrize(
    "node",
    [
        nir.LI(tau=np.ones(2), r=np.ones(2), v_leak=np.zeros(2)),
        nir.CubaLI(*(np.ones(2) for _ in range(4))),
        nir.I(r=np.ones(2)),
    ],
)
def test_metadata_of_read_outs(node: nir.NIRNode) -> None:
    g = noted()
    node.metadata.update(g.nodes["lif"].metadata)
    g.nodes["lif"] = node
    (p,) = discretize(g).populations
    assert not p.spiking
    assert p.decay.tobytes() == np.array([0.9, 1 / 3], np.float32).tobytes()


def test_metadata_delay_and_order() -> None:
    """The order of summation is the noted one, not that of names and delays."""
    g = noted()
    for name, delay, order in (("again", 1, 2), ("late", 1, -1)):
        notes = {"snnc": {"delay": delay, "order": order, "origin": name}}
        g.nodes[name] = linear(np.eye(2), notes)
        g.edges += [("lif", name), (name, "lif")]
    net = discretize(g)
    sums = [(q.name, q.delay) for q in net.incoming("lif")]
    assert sums == [("late", 1), ("fc", 0), ("again", 1)]


def test_neurons_joined_directly() -> None:
    net = discretize(chain(lif(2), lif(2), n=2), dt=STEP)
    assert [(q.name, q.operators) for q in net.projections] == [("input->0", ()), ("0->1", ())]


def flat(*shape: int) -> nir.Flatten:
    return nir.Flatten(input_type={"input": np.array(shape)}, start_dim=0)


def test_flatten_is_looked_through() -> None:
    image = nir.Input(input_type={"input": np.array([2, 3])})
    nodes = {"x": image, "f": flat(2, 3), "fc": linear(np.ones((2, 6))), "lif": lif(2)}
    names = ["x", "f", "fc", "lif"]
    edges = [*pairwise(names), ("lif", "y")]
    net = discretize(graph({**nodes, "y": sink(2)}, edges), dt=STEP)
    assert [p.name for p in net.populations] == ["lif"]
    assert [(q.source, q.target) for q in net.projections] == [("x", "lif")]
    assert net.inputs[0].shape == (2, 3)


def test_flatten_before_neurons_and_output() -> None:
    net = discretize(chain(linear(np.eye(2)), flat(2), lif(2), flat(2), flat(2), n=2), dt=STEP)
    assert [(q.name, q.source, q.target) for q in net.projections] == [("0", "input", "2")]
    assert [(o.name, o.source) for o in net.outputs] == [("output", "2")]


def scalar(**fields: float) -> nir.LIF:
    values = {"tau": 0.01, "r": 1.0, "v_leak": 0.0, "v_threshold": 0.5, "v_reset": 0.0} | fields
    arrays: dict[str, Any] = {name: np.array(value) for name, value in values.items()}
    return nir.LIF(**arrays)


def test_scalar_parameters() -> None:
    net = discretize(chain(linear(np.ones((3, 1))), scalar()), dt=STEP)
    assert net.populations[0].shape == (3,)
    assert net.populations[0].threshold.tolist() == [0.5] * 3


def test_scalar_parameters_on_a_loop() -> None:
    """What feeds neurons from outside says how many they are."""
    g = chain(linear(np.ones((3, 1))), scalar())
    g.nodes["again"] = linear(np.eye(3) / 2)
    g.edges += [("1", "again"), ("again", "1")]
    assert discretize(g, dt=STEP).populations[0].shape == (3,)


def test_scalar_parameters_on_a_loop_of_their_own() -> None:
    g = chain(linear(np.ones((1, 1))), lif())
    g.nodes |= {"self": scalar(v_leak=2.0), "w": linear([[0.5]]), "z": sink()}
    g.edges += [("self", "w"), ("w", "self"), ("self", "z")]
    assert discretize(g, dt=STEP).population("self").shape == (1,)


def test_scalar_parameters_that_nothing_gives_a_shape() -> None:
    g = chain(linear(np.ones((1, 1))), lif())
    g.nodes["none"] = scalar()
    limit = "a parameter for each value, or a node that feeds it and knows its shape"
    found = "nothing tells the shape of this LIF"
    assert message(g) == text("SNN104", "none", found, limit, MODEL)


def channels(*shape: int) -> nir.LIF:
    """Neurons with a threshold for each channel and all else in one."""
    node = scalar()
    node.v_threshold = np.arange(1, 1 + shape[0], dtype=np.float32).reshape(shape)
    return node


def test_a_parameter_for_each_channel() -> None:
    """It counts for all neurons of the channel."""
    g = chain(channels(2, 1, 1), scalar())
    g.nodes["input"] = nir.Input(input_type={"input": np.array([2, 1, 3])})
    first, second = discretize(g, dt=STEP).populations
    assert (first.shape, second.shape) == ((2, 1, 3), (2, 1, 3))
    assert first.threshold.tolist() == [1, 1, 1, 2, 2, 2]


def test_parameters_on_other_axes() -> None:
    """The values are the same, in order."""
    net = discretize(chain(channels(2, 1, 1), n=2), dt=STEP)
    assert net.populations[0].shape == (2,)
    assert net.populations[0].threshold.tolist() == [1, 2]


def test_neurons_keep_their_shape() -> None:
    net = discretize(
        chain(linear(np.ones((4, 1))), lif(tau=np.full((2, 2), 0.01), **_square("r", "v_leak"))),
        dt=STEP,
    )
    assert net.populations[0].shape == (2, 2)
    assert net.populations[0].decay.shape == (4,)


def _square(*names: str) -> Mapping[str, Any]:
    return {name: np.ones((2, 2)) for name in (*names, "v_threshold", "v_reset")} | {
        "v_reset": np.zeros((2, 2))
    }


def as_data(value: object) -> object:
    """Give all of a network in plain, comparable values."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if is_dataclass(value):
        return type(value).__name__, [as_data(getattr(value, f.name)) for f in fields(value)]
    if isinstance(value, tuple):
        return [as_data(item) for item in cast("tuple[object, ...]", value)]
    return value


@given(graphs(), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_the_order_in_the_graph_does_not_matter(g: nir.NIRGraph, random: Any) -> None:
    names, edges = list(g.nodes), list(g.edges)
    random.shuffle(names)
    random.shuffle(edges)
    other = graph({name: g.nodes[name] for name in names}, edges)
    assert as_data(discretize(g, dt=STEP)) == as_data(discretize(other, dt=STEP))


def test_names_decide_what_the_order_of_evaluation_leaves_open() -> None:
    nodes = {"x": source(), "a": lif(), "b": lif(), "c": lif(), "y": sink(), "z": sink()}
    edges = [("x", "c"), ("x", "b"), ("b", "a"), ("a", "y"), ("c", "z")]
    net = discretize(graph(nodes, edges), dt=STEP)
    assert [p.name for p in net.populations] == ["b", "a", "c"]


@given(graphs())
@settings(max_examples=50)
def test_everything_stands_in_an_order_of_evaluation(g: nir.NIRGraph) -> None:
    net = discretize(g, dt=STEP)
    done = {i.name for i in net.inputs}
    sums = list(net.junctions)
    for p in net.populations:
        while sums and all(q.source in done for q in net.incoming(sums[0].name) if q.delay == 0):
            done.add(sums.pop(0).name)
        assert all(q.source in done for q in net.incoming(p.name) if q.delay == 0)
        done.add(p.name)
    loops = [q for q in net.projections if q.delay]
    assert all(q.name.startswith("r_") and q.delay == 1 for q in loops)
