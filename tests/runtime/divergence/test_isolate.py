"""A population that is cut out does what it did in the whole network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.align import aligned_trace
from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.retime import retime
from snnc.compiler.trace import SIGNALS, Array, Trace
from snnc.runtime.divergence.isolate import fed, isolate, sending_name
from snnc.targets.inputs import integer_inputs
from snnc.targets.integer.reference import execute
from snnc.targets.running import Inputs
from tests.builders import (
    fixed_dense,
    fixed_network,
    fixed_population,
    fixed_projection,
    integers_for,
    spikes,
)
from tests.drawn.fixed import fixed_networks


def ran(network: FixedNetwork, inputs: Inputs) -> Trace:
    """Run the reference, and undo the lags."""
    x = integer_inputs(network, inputs)
    recorded = execute(network, x)
    return aligned_trace(
        network,
        {"spikes": recorded.spikes, "u": recorded.u, "v": recorded.v},
        executor="reference",
        steps=len(next(iter(x.values()))),
        record=SIGNALS,
        raw_time=False,
        seconds=0.0,
    )


def shaped(network: FixedNetwork, data: Inputs) -> dict[str, Array]:
    return {i.name: data[i.name].reshape(*data[i.name].shape[:2], *i.shape) for i in network.inputs}


@settings(max_examples=30)
@given(fixed_networks() | fixed_networks(retimed=False), st.integers(0, 2**32 - 1))
def test_every_population_does_what_it_did(network: FixedNetwork, seed: int) -> None:
    inputs = shaped(network, integers_for(network, steps=8, batch=2, seed=seed))
    whole = ran(network, inputs)
    for p in network.populations:
        alone = isolate(network, p.name)
        assert not list(check_fixed(alone))
        assert all(q.delay >= 1 for q in alone.projections)
        trace = ran(alone, fed(network, p.name, inputs, whole.spikes))
        for signal in SIGNALS:
            if p.spiking or signal != "spikes":
                np.testing.assert_array_equal(
                    trace.signal(signal)[p.name], whole.signal(signal)[p.name]
                )


def loop() -> FixedNetwork:
    """Give ``x -> a -> b``, with a neuron that biases ``a``, and ``a`` feeding itself."""
    always = fixed_population("a.bias", threshold=0, bias_mant=1, dv=4096)
    return fixed_network(
        [always, fixed_population("a", 2), fixed_population("b", 1)],
        [
            fixed_projection("x", "a", [[9, 3], [2, 8]], delay=0),
            fixed_projection("a.bias", "a", [[2], [3]], delay=0),
            fixed_projection("a", "a", [[-3, 1], [4, -2]], delay=2),
            fixed_projection("a", "b", [[6, 7]], delay=0),
        ],
    )


def test_what_becomes_of_the_sources() -> None:
    network = retime(loop())
    alone = isolate(network, "a")
    assert [i.name for i in alone.inputs] == ["x", "a.sent"]
    assert [p.name for p in alone.populations] == ["a.bias", "a"]
    assert [o.name for o in alone.outputs] == ["a"]
    assert sending_name(network, "a", "a") == "a.sent"
    assert sending_name(network, "a", "b") == "a"
    assert [i.name for i in isolate(network, "b").inputs] == ["a"]
    assert [i.name for i in isolate(network, "a.bias").inputs] == ["x"]  # of as many steps


def test_a_name_that_is_taken() -> None:
    network = loop()
    taken = replace(network, inputs=(replace(network.inputs[0], name="a.sent"),))
    projections = tuple(
        replace(q, source="a.sent") if q.source == "x" else q for q in taken.projections
    )
    taken = replace(taken, projections=projections)
    assert [i.name for i in isolate(taken, "a").inputs] == ["a.sent", "a.sent.sent"]


def test_no_such_population() -> None:
    with pytest.raises(KeyError, match="c"):
        isolate(loop(), "c")


def test_only_the_one_that_is_wrong_differs() -> None:
    """A wrong weight shows where it is, however far its effects went."""
    right = retime(loop())
    wrong = replace(
        right,
        projections=tuple(
            replace(q, operators=(fixed_dense([[9, 3], [9, 8]]),)) if q.source == "x" else q
            for q in right.projections
        ),
    )
    inputs = {"x": spikes((20, 3, 2), seed=4, rate=0.6)}
    whole, free = ran(right, inputs), ran(wrong, inputs)
    assert (whole.spikes["b"] != free.spikes["b"]).any()
    differ = {
        name: (ran(isolate(wrong, name), fed(wrong, name, inputs, whole.spikes)).v[name] != v).any()
        for name, v in whole.v.items()
    }
    assert differ == {"a.bias": False, "a": True, "b": False}
