"""Sums that are divided over relays: the same network, with few synapses to each neuron."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.check import check_fixed
from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedProjection, SignMode, sign_mode_of
from snnc.compiler.mapping.divide import Division, split_fan_in
from snnc.compiler.mapping.matrices import unrolled
from snnc.compiler.operators import FixedSparse, SumPooling
from snnc.compiler.relays import insert_relays
from snnc.compiler.retime import retime
from snnc.targets.integer.reference import execute
from tests.builders import (
    fixed_convolution,
    fixed_dense,
    fixed_network,
    fixed_population,
    fixed_projection,
    window,
)

STEPS, BATCH = 8, 3
Signals = dict[str, npt.NDArray[np.generic]]


def run(network: FixedNetwork, seed: int) -> tuple[FixedNetwork, dict[str, Signals]]:
    """Retime a network and run it: spikes, u and v of each population, in its own time."""
    made = insert_relays(retime(network))
    assert list(check_fixed(made)) == []
    rng = np.random.default_rng(seed)
    found = execute(
        made, {i.name: rng.integers(0, 2, (STEPS, BATCH, i.size), np.int32) for i in made.inputs}
    )
    of = {p.name: slice(p.lag, p.lag + STEPS) for p in made.populations}
    return made, {
        name: {p: values[time] for p, time in of.items() for values in [signal[p]]}
        for name, signal in (("spikes", found.spikes), ("u", found.u), ("v", found.v))
    }


def check(network: FixedNetwork, most: int, seed: int = 0) -> tuple[Division, ...]:
    """Check that the neurons do what they did, and have so few synapses."""
    split, divisions = split_fan_in(network, most)
    _, whole = run(network, seed)
    made, parts = run(split, seed)
    for signal, of in whole.items():
        for name, values in of.items():
            np.testing.assert_array_equal(parts[signal][name], values)
    for p in made.populations:
        into = [unrolled(q.operators, made.shapes[q.source]) for q in made.incoming(p.name)]
        fan_in = np.sum([m.sum(axis=1) for m in into], axis=0)
        assert fan_in.max(initial=0) <= most
    return divisions


def layer(q: FixedProjection, n: int, *more: FixedProjection, sources: int = 60) -> FixedNetwork:
    lif = fixed_population("lif", n, du=1500, dv=300, threshold=200)
    return fixed_network([lif], [q, *more], inputs=[FixedInput("x", (sources,))])


def weights(seed: int, n: int, sources: int, low: int, high: int) -> npt.NDArray[np.int16]:
    return np.random.default_rng(seed).integers(low, high + 1, (n, sources)).astype(np.int16)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(-7, 7), st.sampled_from([1, 3, 7]), st.integers(1, 4))
def test_sums_stay_the_same(seed: int, exponent: int, high: int, n: int) -> None:
    weight = weights(seed, n, 60, -high, high)
    q = fixed_projection("x", "lif", weight, weight_exp=exponent, delay=0)
    try:
        check(layer(q, n), 45, seed)
    except InputError as error:
        codes = {d.rule.code for d in error.diagnostics}
        assert (codes, exponent > 3) == ({"SNN415"}, True)


@pytest.mark.parametrize("exponent", [-7, -3, 0, 2])
@pytest.mark.parametrize(
    ("low", "high", "mode"),
    [
        (-128, 127, SignMode.MIXED),
        (0, 255, SignMode.EXCITATORY),
        (-255, 0, SignMode.INHIBITORY),
    ],
)
def test_wide_weights(exponent: int, low: int, high: int, mode: SignMode) -> None:
    weight = weights(exponent + 9, 2, 300, low, high)
    assert sign_mode_of(weight) is mode
    q = fixed_projection("x", "lif", weight, weight_exp=exponent, delay=0, sign_mode=mode)
    (division,) = check(layer(q, 2, sources=300), 240)
    assert division.projection == "x->lif"
    assert division.synapses == np.count_nonzero(weight, axis=1).max()
    assert division.synapses_left <= 240


def test_listed_synapses_and_those_of_a_convolution() -> None:
    sparse = FixedSparse.of(weights(1, 3, 60, -2, 2).astype(np.int8))
    check(layer(fixed_projection("x", "lif", None, sparse, delay=0), 3), 30)
    conv = fixed_convolution(weights(2, 4, 27, -1, 1).reshape(4, 3, 3, 3), padding=1)
    network = fixed_network(
        [fixed_population("lif", 4 * 25, shape=(4, 5, 5), threshold=2)],
        [fixed_projection("x", "lif", None, conv, weight_exp=-1, delay=0)],
        inputs=[FixedInput("x", (3, 5, 5))],
    )
    check(network, 16)


def test_only_the_largest_sums_are_divided() -> None:
    """The other projection comes with delays, and neurons that hear themselves wait as long."""
    of = [
        fixed_projection("x", "lif", weights(3, 4, 60, -1, 1), weight_exp=-2, delay=2, name="fc"),
        fixed_projection("lif", "lif", weights(4, 4, 4, -3, 3), delay=1, name="back"),
    ]
    divisions = check(layer(of[0], 4, of[1]), 40)
    assert [d.projection for d in divisions] == ["fc"]


def test_a_loop_with_delay_enough_is_divided() -> None:
    back = fixed_projection("lif", "lif", weights(4, 40, 40, -1, 1), delay=12)
    divisions = check(
        layer(fixed_projection("x", "lif", np.eye(40), delay=0), 40, back, sources=40), 24
    )
    assert [d.projection for d in divisions] == ["lif->lif"]


def test_few_synapses_stay_as_they_are() -> None:
    network = layer(fixed_projection("x", "lif", np.ones((2, 60)), delay=0), 2)
    found, divisions = split_fan_in(network, 60)
    assert found is network
    assert divisions == ()


REFUSED = """\
error[SNN415]: sums that are divided over neurons stay the same, to the last bit
  --> {}
   found: {}
   limit: {}
  remedy: {}"""


def pooled() -> FixedNetwork:
    operators = (SumPooling(window=window(2, 2)), fixed_dense(np.ones((2, 25))))
    return fixed_network(
        [fixed_population("lif", 2)],
        [fixed_projection("x", "lif", None, *operators, delay=0)],
        inputs=[FixedInput("x", (1, 6, 6))],
    )


def graded() -> FixedNetwork:
    network = layer(fixed_projection("x", "lif", np.ones((2, 60)), delay=0), 2)
    return replace(network, inputs=(FixedInput("x", (60,), 0.1, 127),))


def looped() -> FixedNetwork:
    back = fixed_projection("lif", "lif", np.ones((60, 60)), delay=1)
    return layer(fixed_projection("x", "lif", np.eye(60), delay=0), 60, back)


def wide() -> FixedNetwork:
    return layer(fixed_projection("x", "lif", np.full((2, 60), 100), weight_exp=7, delay=0), 2)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (
            pooled(),
            (
                "x->lif",
                "36 synapses of a neuron, and pooling among them",
                "20 synapses, or sums of weights and spikes, which can be divided",
                "pool in a population of its own, or prune",
            ),
        ),
        (
            graded(),
            (
                "x->lif",
                "60 synapses of a neuron, and integers of x, no spikes",
                "20 synapses, or sums of weights and spikes, which can be divided",
                "encode the input as spikes before it enters",
            ),
        ),
        (
            looped(),
            (
                "lif",
                "a loop with less delay than the 5 steps that digits take",
                "sums outside of loops, or in loops with so much delay",
                "prune the recurrent weights, or give them more delay",
            ),
        ),
        (
            wide(),
            (
                "lif",
                "60 synapses of a neuron, however its sums are divided: with weights of 8 bits the "
                "digits of partial sums are too many",
                "20 synapses, as --split-fan-in says",
                "--split-fan-in with a larger number, or narrower weights (--weight-bits)",
            ),
        ),
    ],
)
def test_what_cannot_be_divided_is_told(network: FixedNetwork, said: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        split_fan_in(network, 20)
    assert str(caught.value) == REFUSED.format(*said)
