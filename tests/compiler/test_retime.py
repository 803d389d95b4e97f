"""Retiming: hardware delays of a step or more, the same network, the least lags."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from snnc.compiler.check import check_fixed
from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.retime import retime, unretimed
from snnc.targets.integer.reference import execute
from tests.builders import fixed_network, fixed_population, fixed_projection, integers_for
from tests.drawn.fixed import fixed_networks


def timed(net: FixedNetwork) -> FixedNetwork | None:
    """Retime, or give None where a loop has too little delay."""
    try:
        return retime(net)
    except InputError:
        return None


def structure(*routes: tuple[str, str, int]) -> FixedNetwork:
    """Make a network of one neuron a population; populations in the order of their names."""
    names = sorted({b for _, b, _ in routes})
    return fixed_network(
        [fixed_population(name) for name in names],
        [fixed_projection(a, b, 3, delay=d, name=f"q{i}") for i, (a, b, d) in enumerate(routes)],
    )


@given(fixed_networks(retimed=False), st.integers(0, 2**32 - 1))
@settings(max_examples=150)
def test_the_same_network_later(net: FixedNetwork, seed: int) -> None:
    after = timed(net)
    assume(after is not None)
    assert after is not None
    assert [d for d in check_fixed(after) if "synaptic input" not in d.found] == []
    inputs = integers_for(net, steps=15, batch=2, seed=seed)
    plain, late = execute(net, inputs), execute(after, inputs)
    for p in after.populations:
        window = slice(p.lag, p.lag + 15)
        for signal in ("spikes", "u", "v"):
            was, now = getattr(plain, signal)[p.name], getattr(late, signal)[p.name]
            assert (now[window] == was).all(), (signal, p.name)
        assert late.spikes[p.name].sum() == plain.spikes[p.name].sum()


@given(fixed_networks(retimed=False))
def test_back_to_what_it_was(net: FixedNetwork) -> None:
    after = timed(net)
    assume(after is not None)
    assert after is not None
    back = unretimed(after)
    assert [q.delay for q in back.projections] == [q.delay for q in net.projections]
    assert not any(p.lag for p in back.populations)
    assert retime(back).latency == after.latency


def least_lags(net: FixedNetwork, largest: int) -> dict[str, int] | None:
    """Try all lags: the least of those that give every projection a step."""
    names = [p.name for p in net.populations]
    valid: list[tuple[int, ...]] = []
    for lags in product(range(largest + 1), repeat=len(names)):
        lag = dict(zip(names, lags, strict=True)) | {i.name: 0 for i in net.inputs}
        if all(q.delay + lag[q.target] - lag[q.source] >= 1 for q in net.projections):
            valid.append(lags)
    if not valid:
        return None
    least = tuple(map(min, zip(*valid, strict=True)))
    assert least in valid, "the least lags of all are a solution"
    return dict(zip(names, least, strict=True))


@given(fixed_networks(retimed=False))
@settings(max_examples=150)
def test_lags_are_the_least(net: FixedNetwork) -> None:
    after = timed(net)
    wanted = least_lags(net, largest=4)
    fed = {q.target for q in net.projections}
    assert (after is None) == (wanted is None)
    if after and wanted:
        lags = {p.name: p.lag for p in after.populations}
        assert {n: lag for n, lag in lags.items() if n in fed} == {
            n: lag for n, lag in wanted.items() if n in fed
        }
        assert after.latency == max(wanted.values())
        lag = {p.name: p.lag for p in after.populations} | {"x": 0}
        for q, hardware in zip(net.projections, after.projections, strict=True):
            assert hardware.delay == q.delay + lag[q.target] - lag[q.source] >= 1


def test_chain_skip_and_loop() -> None:
    after = retime(structure(("x", "a", 0), ("a", "b", 0), ("x", "b", 0), ("a", "a", 1)))
    assert [p.lag for p in after.populations] == [1, 2]
    assert [q.delay for q in after.projections] == [1, 1, 2, 1]
    assert after.latency == 2


def test_a_population_that_nothing_feeds_waits() -> None:
    """As the neuron of a bias does: behind 70 others its own delay would be too long."""
    chain = [f"p{i:02}" for i in range(70)]
    routes = [(a, b, 0) for a, b in pairwise(["x", *chain])] + [("bias", "p69", 0)]
    routes += [("bias", "p60", 1), ("free", "p60", 2)]
    after = retime(
        fixed_network(
            [fixed_population(name) for name in ("bias", "free", *chain)],
            [
                fixed_projection(a, b, 3, delay=d, name=f"q{i}")
                for i, (a, b, d) in enumerate(routes)
            ],
        )
    )
    lags = {p.name: p.lag for p in after.populations}
    assert (lags["p60"], lags["p69"], lags["bias"], lags["free"]) == (61, 70, 61, 61)
    assert [q.delay for q in after.projections][-3:] == [9, 1, 2]


def test_a_loop_over_two_populations() -> None:
    """Delay 2 around the loop is enough, wherever on it the delay is."""
    after = retime(structure(("x", "a", 0), ("a", "b", 0), ("b", "a", 2)))
    assert [p.lag for p in after.populations] == [1, 2]
    assert [q.delay for q in after.projections] == [1, 1, 1]


def test_nothing_to_do() -> None:
    net = structure(("x", "a", 1), ("a", "b", 2), ("b", "a", 1))
    assert retime(net) is net
    later = retime(structure(("x", "a", 0)))
    assert retime(later) is later


def refusal(net: FixedNetwork) -> str:
    with pytest.raises(InputError) as raised:
        retime(net)
    return str(raised.value)


LOOP = (
    "error[SNN121]: every loop takes at least one step of delay for each projection on it\n"
    "  --> {node}\n"
    "   found: delays of {delays} steps on {n} projections\n"
    "   limit: {n} steps: a spike takes one step for each projection (Lava's Dense)\n"
    "  remedy: give the recurrent connection a delay of a step for each projection of the loop"
)


def test_a_loop_with_too_little_delay() -> None:
    net = structure(("x", "a", 0), ("a", "b", 0), ("b", "a", 1))
    assert refusal(net) in {
        LOOP.format(node="a -> b -> a", delays="0 + 1", n=2),
        LOOP.format(node="b -> a -> b", delays="1 + 0", n=2),
    }


def test_the_loop_is_named_and_not_what_hangs_on_it() -> None:
    routes = [("x", "a", 0), ("a", "b", 0), ("b", "c", 0), ("c", "b", 1), ("c", "d", 0)]
    found = refusal(structure(*routes, ("b", "c", 5)))
    assert found in {
        LOOP.format(node="b -> c -> b", delays="0 + 1", n=2),
        LOOP.format(node="c -> b -> c", delays="1 + 0", n=2),
    }


def test_delays_that_are_too_long() -> None:
    """What balances branches counts, too."""
    routes = [("x", "a", 0), ("a", "b", 0), ("x", "b", 99_998), ("b", "a", 99_999)]
    assert refusal(structure(*routes, ("x", "b", 99_999))) == (
        "error[SNN201]: no projection delays a spike longer than 100,000 steps\n"
        "  --> q4\n"
        "   found: 100001 steps of delay from x to b\n"
        "   limit: 100,000 steps: what is on its way is kept step by step\n"
        "  remedy: shorten the delay, or take longer steps (--dt)"
    )
    assert [q.delay for q in retime(structure(*routes)).projections] == [1, 1, 100_000, 99_998]


def test_a_skip_past_63_layers() -> None:
    names = [f"p{i:02}" for i in range(63)]
    chain = zip(["x", *names[:-1]], names, [0] * 63, strict=True)
    after = retime(structure(*chain, ("x", "p62", 0)))
    assert after.projections[-1].delay == 63
    assert np.all([q.delay == 1 for q in after.projections[:-1]])
