"""The float executor computes in float32 and in the order that a ``Network`` states."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from snnc.compiler.network import Integration, Junction, Network, Reset
from snnc.targets.artifact import Artifact
from snnc.targets.float.executor import execute
from tests.builders import network, one_neuron, population, projection, spikes

F = np.float32


def run(net: Network, *rows: float) -> tuple[list[float], list[int]]:
    """Run one neuron on one sample and give its ``v`` and its spikes."""
    recording = execute(net, {"x": np.array(rows, F)[:, None, None]})
    return recording.v["lif"].ravel().tolist(), recording.spikes["lif"].ravel().tolist()


# v = 0.5 v + I, threshold 1; powers of two, so that every number below is exact.
BY_HAND: dict[Reset, tuple[list[float], list[int]]] = {
    Reset.NONE: ([1.5, 4.75, 2.375, 2.6875], [1, 1, 1, 1]),
    Reset.VALUE: ([-0.25, -0.25, -0.125, -0.25], [1, 1, 0, 1]),
    Reset.ZERO: ([0, 0, 0, 0], [1, 1, 0, 1]),
    Reset.ZERO_DELAYED: ([1.5, 4, 0, 1.5], [1, 1, 0, 1]),
    Reset.ZERO_NEXT: ([1.5, 0, 0, 1.5], [1, 0, 0, 1]),
    Reset.SUBTRACT: ([0.5, 3.25, 0.625, 0.8125], [1, 1, 1, 1]),
    Reset.SUBTRACT_DELAYED: ([1.5, 3.75, 0.875, 1.9375], [1, 1, 0, 1]),
    Reset.SUBTRACT_RETEST: ([0.5, 3.25, 1.625, 1.3125], [1, 1, 0, 1]),
}


@pytest.mark.parametrize("reset", Reset)
def test_resets_by_hand(reset: Reset) -> None:
    value = -0.25 if reset is Reset.VALUE else 0
    net = one_neuron(reset=reset, reset_value=value)
    assert run(net, 1.5, 4, 0, 1.5) == BY_HAND[reset]


def test_equality_is_no_spike() -> None:
    assert run(one_neuron(), 1, 0.5) == ([1, 1], [0, 0])
    assert run(one_neuron(), 1, 0.5 + 2.0**-20) == ([1, 0], [0, 1])


def test_euler_by_hand() -> None:
    net = one_neuron(integration=Integration.EULER, decay=0.25, gain=2, leak=1, bias=1)
    assert run(net, -1, 0, -2) == ([0.25, 0.9375, 0.453125], [0, 0, 0])


def test_current_decay_by_hand() -> None:
    """``v`` takes up the current of the same step, which a spike leaves as it is: 2, 1, 0.5 ..."""
    net = one_neuron(integration=Integration.CURRENT_DECAY, current_decay=0.5, gain=2)
    assert run(net, 1, 0, 0, -1) == ([0, 1, 1, -1.25], [1, 0, 0, 0])


def test_current_euler_by_hand() -> None:
    """``v`` takes up the whole input, and only then the current decays: 4, 2, 1 are taken up."""
    net = one_neuron(integration=Integration.CURRENT_EULER, decay=0.25, current_decay=0.5, leak=1)
    assert run(net, 4, 0, 0) == ([0, 0.75, 0], [1, 0, 1])
    assert run(net, 4, 0, -1) == ([0, 0.75, 0.8125], [1, 0, 0])


def test_the_bias_of_a_current_sums_up() -> None:
    net = one_neuron(integration=Integration.CURRENT_DECAY, current_decay=1, bias=1, threshold=99)
    assert run(net, 0, 0, 0) == ([1, 2.5, 4.25], [0, 0, 0])


def test_a_delay_brings_the_bias_at_once() -> None:
    net = network([population(threshold=9)], [projection("x", "lif", 4, bias=1, delay=2)])
    assert run(net, 1, 0, 0) == ([1, 1.5, 5.75], [0, 0, 0])


def test_progress() -> None:
    calls: list[tuple[int, int]] = []
    x = {"x": spikes((3, 1, 1))}
    execute(one_neuron(), x, lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_initial_potential() -> None:
    """The delayed resets look at the potential before the first step too."""
    assert run(one_neuron(initial=1), 0, 0.75) == ([0.5, 1], [0, 0])
    assert run(one_neuron(initial=2, reset=Reset.SUBTRACT_DELAYED), 0.5) == ([0.5], [0])


def test_refractory_by_hand() -> None:
    """Two steps of rest after a spike, in which ``v`` stays and input is lost."""
    net = one_neuron(refractory=2, reset=Reset.VALUE, reset_value=-0.5)
    wanted = [-0.5, -0.5, -0.5, 0.75, -0.5, -0.5]
    assert run(net, 1.5, 9, 9, 1, 1, 9) == (wanted, [1, 0, 0, 0, 1, 0])


def test_a_current_goes_on_in_the_refractory_steps() -> None:
    net = one_neuron(integration=Integration.CURRENT_DECAY, current_decay=0.5, refractory=1)
    recording = execute(net, {"x": np.array([2, 0, 0], F)[:, None, None]})
    assert recording.u["lif"].ravel().tolist() == [2, 1, 0.5]
    assert recording.v["lif"].ravel().tolist() == [0, 0, 0.5]


def test_graded_spikes() -> None:
    """What a spike sends is its size; what is recorded is 0 or 1."""
    net = network(
        [population("a", spike=2.5), population("b", decay=0, threshold=9)],
        [projection("x", "a", 1), projection("a", "b", 2)],
    )
    recording = execute(net, {"x": np.array([2, 0, 2], F)[:, None, None]})
    assert recording.spikes["a"].ravel().tolist() == [1, 0, 1]
    assert recording.v["b"].ravel().tolist() == [5, 0, 5]


@pytest.mark.parametrize("reset", Reset)
def test_read_out_by_hand(reset: Reset) -> None:
    """Nothing resets it, whatever its fields say."""
    net = one_neuron(spiking=False, threshold=0.25, reset=reset)
    recording = execute(net, {"x": np.array([1, 1, 0], F)[:, None, None]})
    assert recording.v["lif"].ravel().tolist() == [1, 1.5, 0.75]
    assert recording.spikes == {}


def test_the_order_of_a_sum_and_of_currents() -> None:
    """``2**24 + (1 + 1)`` keeps both ones, ``(2**24 + 1) + 1`` none."""
    big, x = 2.0**24, {"x": np.ones((1, 1, 1), F)}
    common: dict[str, Any] = {"decay": 0, "threshold": 2.0**30}
    currents = [projection("x", "lif", w, name=f"q{i}") for i, w in enumerate((big, 1, 1))]
    assert execute(network([population(**common)], currents), x).v["lif"].item() == big
    ones = [projection("x", "ones", 1, name=f"one{i}") for i in range(2)]
    summed = network(
        [population(**common)],
        [currents[0], *ones, projection("ones", "lif")],
        junctions=[Junction(name="ones", origin=("ones",), shape=(1,))],
    )
    assert execute(summed, x).v["lif"].item() == big + 2


def test_a_bias_before_a_sum_is_there_before_the_first_step() -> None:
    """As one in front of neurons: what is delayed is the input, which was zero."""
    net = network(
        [population(decay=0, threshold=99)],
        [projection("x", "sum", 1, bias=3), projection("sum", "lif", 2, delay=2)],
        junctions=[Junction(name="sum", origin=("sum",), shape=(1,))],
    )
    assert run(net, 1, 5, 0) == ([6, 6, 8], [0, 0, 0])


def test_as_many_sums_in_a_row_as_there_are() -> None:
    names = [f"s{i}" for i in range(3000)]
    rows = [projection(a, b) for a, b in pairwise(["x", *names, "lif"])]
    sums = [Junction(name=name, origin=(name,), shape=(1,)) for name in names]
    net = network([population(threshold=9)], rows, inputs={"x": 1}, junctions=sums)
    assert run(net, 1, 0) == ([1, 0.5], [0, 0])


def test_target() -> None:
    net = network(
        [population("a", 6, shape=(2, 3)), population("b")],
        [projection("x", "a", np.ones((6, 1))), projection("a", "b", np.ones((1, 6)))],
        outputs=("b", "a"),
    )
    artifact = Artifact(target="float", network=net, fixed=None)
    x = spikes((5, 4, 1)) * 2
    trace = artifact.run(x, record=("spikes", "v"))
    wanted = execute(net, {"x": x})
    assert trace.executor == "float"
    assert trace.outputs["out_a"].shape == (5, 4, 2, 3)
    assert trace.outputs["out_b"].sum() > 0
    assert (trace.outputs["out_b"] == wanted.spikes["b"]).all()
    assert (trace.v["a"].reshape(5, 4, 6) == wanted.v["a"]).all()
    assert (trace.spikes["a"] == trace.outputs["out_a"]).all()
    assert trace.lags == {"a": 0, "b": 0}
    assert trace.u == {}
    assert artifact.run(x).spikes == {}
    assert artifact.run(x).v == {}
