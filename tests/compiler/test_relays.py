"""Relays: long delays of short ones, the same network, as few neurons as there can be."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.check import check_fixed
from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import (
    FixedInput,
    FixedNetwork,
    FixedProjection,
    FixedReset,
)
from snnc.compiler.operators import FixedScaling, MaxPooling, SumPooling
from snnc.compiler.quantization.overflow import bound_states
from snnc.compiler.relays import beyond_hardware, insert_relays, relayed
from snnc.compiler.retime import retime, unretimed
from snnc.targets.integer.reference import execute
from tests import oracle
from tests.builders import (
    fixed_convolution,
    fixed_network,
    fixed_population,
    fixed_projection,
    integers_for,
    window,
)

SIGNALS = ("spikes", "u", "v")


@st.composite
def slow_networks(draw: st.DrawFn) -> FixedNetwork:
    """Draw a network that is not retimed, with delays of up to 400 steps, loops among them."""
    names = [f"p{i}" for i in range(draw(st.integers(1, 3)))]
    sizes = {name: draw(st.integers(1, 3)) for name in names} | {"x": 2}
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    longest = draw(st.sampled_from([0, 70, 200, 400]))
    projections: list[FixedProjection] = []
    for i, target in enumerate(names):
        for j, source in enumerate(["x", *names]):
            if j and draw(st.integers(0, 2)) == 0:
                continue
            least = 0 if j <= i else len(names) + 1  # a step for each projection of a loop
            projections.append(
                fixed_projection(
                    source,
                    target,
                    rng.integers(-60, 120, (sizes[target], sizes[source])),
                    delay=draw(st.integers(least, max(least, longest))),
                    weight_exp=int(rng.integers(-2, 3)),
                )
            )
    populations = [
        fixed_population(
            name,
            sizes[name],
            du=rng.integers(0, 4096, sizes[name]),
            threshold=rng.integers(5, 300, sizes[name]),
            bias_mant=rng.integers(-50, 100, sizes[name]) * (rng.random() < 0.3),
            bias_exp=6,
            initial=rng.integers(-500, 5000, sizes[name]),
            reset=draw(st.sampled_from([r for r in FixedReset if r is not FixedReset.NONE])),
            refractory=draw(st.sampled_from([0, 0, 2])),
        )
        for name in names
    ]
    return fixed_network(populations, projections, inputs=[FixedInput("x", (2,))])


def assert_same(slow: FixedNetwork, *, steps: int, batch: int = 2, seed: int = 0) -> FixedNetwork:
    """Compare with the oracle, which knows long delays, and give the network with relays."""
    carried = insert_relays(retime(slow))
    assert [d for d in check_fixed(carried) if "synaptic input" not in d.found] == []
    assert not beyond_hardware(carried)
    inputs = integers_for(slow, steps=steps, batch=batch, seed=seed)
    wanted, found = oracle.as_arrays(oracle.run(slow, inputs)), execute(carried, inputs)
    for p in slow.populations:
        lag = carried.population(p.name).lag
        for signal in SIGNALS:
            values = getattr(found, signal)[p.name][lag : lag + steps]
            assert (values == wanted[signal][p.name].astype(values.dtype)).all(), (signal, p.name)
    return carried


@given(slow_networks(), st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_the_same_network(slow: FixedNetwork, seed: int) -> None:
    carried = assert_same(slow, steps=150, batch=1, seed=seed)
    assert carried.latency == retime(slow).latency
    assert (carried is retime(carried)) or not beyond_hardware(slow)


@given(slow_networks())
def test_every_delay_of_its_own_is_kept(slow: FixedNetwork) -> None:
    """No lag differs by more than a delay: what arrives from relay to relay is never lost."""
    timed = retime(slow)
    back = unretimed(insert_relays(timed))
    assert all(q.delay >= 0 for q in back.projections)
    assert [d for d in check_fixed(back) if "synaptic input" not in d.found] == []
    told = relayed(timed, insert_relays(timed))
    late = {q.name: q for q in beyond_hardware(timed)}
    assert {n: d for r in told for n, d in r.delays.items()} == {
        n: q.delay for n, q in late.items()
    }
    for r in told:
        longest = max(r.delays.values())
        assert 63 * len(r.relays) < longest <= 63 * (len(r.relays) + 1)
        assert r.neurons == len(r.relays) * slow.population(r.source).size


def structure(*routes: tuple[str, str, int], size: int = 1) -> FixedNetwork:
    """Make a network that is not retimed; populations in the order of their names."""
    names = sorted({b for _, b, _ in routes})
    return fixed_network(
        [fixed_population(name, size) for name in names],
        [
            fixed_projection(a, b, np.full((size, size), 9), delay=d, name=f"q{i}")
            for i, (a, b, d) in enumerate(routes)
        ],
    )


def ways(net: FixedNetwork) -> dict[str, tuple[str, str, int]]:
    return {q.name: (q.source, q.target, q.delay) for q in net.projections}


def test_the_example() -> None:
    timed = retime(structure(("x", "a", 0), ("a", "b", 141), ("a", "a", 70), size=3))
    carried = insert_relays(timed)
    assert ways(carried) == {
        "q0": ("x", "a", 1),
        "q1": ("a.relay2", "b", 14),
        "q2": ("a.relay1", "a", 7),
        "a->a.relay1": ("a", "a.relay1", 63),
        "a.relay1->a.relay2": ("a.relay1", "a.relay2", 63),
    }
    lags = {p.name: p.lag for p in carried.populations}
    assert lags == {"a": 1, "a.relay1": 1, "a.relay2": 0, "b": 0}
    origins = {p.name: p.origin for p in carried.populations[1:3]}
    assert origins == {"a.relay1": ("q1", "q2"), "a.relay2": ("q1",)}
    assert [r.as_json() for r in relayed(timed, carried)] == [
        {
            "source": "a",
            "relays": ["a.relay1", "a.relay2"],
            "neurons": 6,
            "delays": {"q1": 140, "q2": 70},
        }
    ]
    assert all(b.proven.all() for n, b in bound_states(carried).items() if "relay" in n)


@pytest.mark.parametrize(("own", "relays"), [(63, 0), (64, 1), (126, 1), (127, 2), (400, 6)])
def test_as_few_as_there_can_be(own: int, relays: int) -> None:
    net = structure(("x", "a", 0), ("a", "a", own))
    assert [p.name for p in assert_same(net, steps=450).populations] == [
        "a",
        *(f"a.relay{k}" for k in range(1, relays + 1)),
    ]


def test_nothing_to_do() -> None:
    timed = retime(structure(("x", "a", 0), ("a", "a", 63), ("x", "b", 500)))
    assert insert_relays(timed) is timed
    assert relayed(timed, timed) == ()
    carried = insert_relays(retime(structure(("x", "a", 0), ("a", "b", 64))))
    assert insert_relays(carried) is carried


def test_names_that_are_taken() -> None:
    plain = retime(structure(("x", "a", 0), ("a", "b", 100)))
    assert ways(insert_relays(plain))["q1"][0] == "a.relay1"
    for net in (
        replace(plain, populations=(*plain.populations, fixed_population("a.relay1"))),
        replace(plain, inputs=(*plain.inputs, FixedInput("a.relay1", (1,)))),
        replace(
            plain,
            projections=(*plain.projections, replace(plain.projections[0], name="a->a.relay1")),
        ),
    ):
        carried = insert_relays(net)
        assert ways(carried)["q1"][0] == "a.relay.relay1"
        assert list(check_fixed(carried)) == []


@pytest.mark.parametrize("reset", [FixedReset.ZERO, FixedReset.SUBTRACT])
def test_skips_over_many_layers(reset: FixedReset) -> None:
    """Delays that balance a skip leave no delay of its own: relays run as late as they can."""
    names = [f"p{i:03}" for i in range(150)]
    routes = [(a, b, 0) for a, b in pairwise(["x", *names])]
    routes += [("p000", "p149", 0), ("p000", "p080", 0), ("p010", "p149", 3), ("x", "p140", 0)]
    net = structure(*routes)
    net = replace(net, populations=tuple(replace(p, reset=reset) for p in net.populations))
    carried = assert_same(net, steps=12)
    lags = {p.name: p.lag for p in carried.populations if "relay" in p.name}
    assert lags == {
        "p000.relay1": 64,
        "p000.relay2": 127,
        "p010.relay1": 74,
        "p010.relay2": 137,
    }
    assert carried.latency == 150


def test_operators_stay_behind_the_relays() -> None:
    """Pooling before weights cannot be done before a relay: it sees the spikes themselves."""
    operators = (
        MaxPooling(window=window(2, 2, stride=2)),
        fixed_convolution(np.arange(-8, 8).reshape(2, 2, 2, 2) * 7, padding=1),
        SumPooling(window=window(2, 1)),
    )
    net = fixed_network(
        [
            fixed_population("a", 32, shape=(2, 4, 4), threshold=2),
            fixed_population("b", 12, shape=(2, 2, 3), reset="subtract"),
        ],
        [
            fixed_projection("x", "a", np.eye(32, dtype=int) * 9, delay=0),
            fixed_projection("a", "b", None, *operators, delay=130),
        ],
    )
    carried = assert_same(net, steps=160)
    assert [p.shape for p in carried.populations] == [(2, 4, 4)] * 3 + [(2, 2, 3)]
    (q,) = [q for q in carried.projections if q.target == "b"]
    assert (q.operators, q.source, q.delay) == (operators, "a.relay2", 3)


def test_signed_and_graded_inputs_are_held_back_by_their_sender() -> None:
    """Relay neurons would lose all but the spikes; there are none, and the delay stays."""
    net = fixed_network(
        [fixed_population("a", 2, reset="subtract", dv=300)],
        [fixed_projection("x", "a", [[30, -20], [5, 9]], delay=150)],
        inputs=[FixedInput("x", (2,), max_abs=9)],
    )
    carried = assert_same(net, steps=200)
    assert [q.delay for q in carried.projections] == [150]


def test_too_many_relays() -> None:
    n = 2**16
    ones = FixedScaling(weight=np.ones(n, np.int8))
    skip = fixed_projection("a", "b", None, ones, delay=640, name="net.skip")
    other = fixed_projection("b", "c", None, ones, delay=500)
    net = fixed_network([fixed_population(name, n) for name in "abc"], [skip, other])
    with pytest.raises(InputError) as raised:
        insert_relays(net)
    assert str(raised.value) == (
        "error[SNN202]: all relay neurons together are no more than a chip has neurons\n"
        "  --> net.skip\n"
        "   found: 1,114,112 relay neurons, 655,360 of them for 640 steps of delay behind the "
        "65,536 neurons of a\n"
        "   limit: 1,048,576: a neuron for each neuron and each 63 steps, and a Loihi 2 chip has "
        "no more\n"
        "  remedy: shorten the delay, delay a smaller population, or take longer steps (--dt)"
    )
    most = replace(net, projections=(skip, replace(other, delay=441)))
    assert [r.neurons for r in relayed(most, insert_relays(most))] == [10 * n, 6 * n]
