"""Neurons share thresholds: as few as asked for, the best ones, and with what that costs."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.check import check_fixed
from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.network import Network
from snnc.compiler.quantization.account import Ungrouped, account_for
from snnc.compiler.quantization.grouping import shared_levels
from snnc.compiler.quantization.lower import lower
from snnc.compiler.quantization.overflow import bound_states
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.quantization.scale import scalable
from snnc.targets.float.executor import execute as execute_float
from snnc.targets.integer.reference import execute as execute_fixed
from tests.builders import convolution, network, one_neuron, population, projection, spikes
from tests.drawn.networks import networks

COUNTS = st.lists(st.integers(1, 40), min_size=1, max_size=9)


@given(COUNTS, st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=300)
def test_no_other_levels_cost_less(counts: list[int], most: int, seed: int) -> None:
    """All ways to choose levels, one by one."""
    costs = np.random.default_rng(seed).uniform(0.1, 2, len(counts))
    limits = np.array(counts, float)
    levels = shared_levels(limits, costs, most)
    assert (levels <= limits).all()
    assert len(set(levels.tolist())) <= most
    cheapest = np.inf
    for n in range(1, most + 1):
        for chosen in combinations(sorted(set(counts)), n):
            below = [[c for c in chosen if c <= limit] for limit in counts]
            if all(below):
                got = np.array([max(b) for b in below], float)
                cheapest = min(cheapest, float((costs / got**2).sum()))
    assert float((costs / levels**2).sum()) == pytest.approx(cheapest, rel=1e-12)


def test_as_many_as_there_are_cost_nothing() -> None:
    counts = np.array([7.0, 3, 3, 9, 100])
    assert shared_levels(counts, np.ones(5), 4).tolist() == counts.tolist()


def test_one_level_is_the_smallest() -> None:
    assert shared_levels(np.array([7.0, 3, 9]), np.ones(3), 1).tolist() == [3, 3, 3]


def test_what_costs_more_keeps_its_counts() -> None:
    counts = np.array([10.0, 20, 30])
    assert shared_levels(counts, np.array([1.0, 9, 1]), 2).tolist() == [10, 20, 20]
    assert shared_levels(counts, np.array([1.0, 1, 99]), 2).tolist() == [10, 10, 30]


def test_many_neurons() -> None:
    """The square of so many would not be done in time."""
    counts = np.random.default_rng(0).permutation(100_000).astype(np.float64) + 1
    levels = shared_levels(counts, np.ones(100_000), 16)
    assert len(np.unique(levels)) == 16
    assert (levels <= counts).all()


# --- networks ----------------------------------------------------------------------------------


def thresholds(fixed: FixedNetwork, name: str = "lif") -> list[int]:
    return sorted(set(fixed.population(name).threshold.tolist()))


def uneven(n: int = 200) -> Network:
    """Make neurons whose largest weights are far apart, as after training."""
    rng = np.random.default_rng(0)
    weight = rng.lognormal(0, 0.7, (n, 1)) * rng.normal(0.02, 0.1, (n, 64))
    return one_neuron(weight, decay=0.95, threshold=rng.uniform(0.5, 1.5, n))


@given(networks(plain=True), st.integers(1, 3))
@settings(max_examples=50)
def test_no_population_has_more(net: Network, most: int) -> None:
    """And every threshold is exact, and every bound proven, as without."""
    fixed = quantize(net, max_thresholds=most)
    assert list(check_fixed(fixed)) == []
    for p in net.populations:
        q = fixed.population(p.name)
        assert len(thresholds(fixed, p.name)) <= most
        exact = (p.threshold.astype(float) - q.offset) * q.scale / 64
        assert np.allclose(q.threshold, exact, rtol=1e-12)
        assert bound_states(fixed)[p.name].proven.all()


def test_fewer_thresholds_cost_more() -> None:
    """8 of 200 cost 2 dB, and one for all 13 dB.

    Measured without a bound, with 16, 8 and 1: 44.8, 43.6, 43.0 and 32.0 dB, and 1.0, 1.1, 1.4 and
    6.5 % of (neuron, step) differ.
    """
    net = uneven()
    x = spikes((200, 4, 64), seed=1)
    real = execute_float(net, {"x": x}).spikes["lif"]
    sqnr: list[float] = []
    differ: list[float] = []
    for most in (None, 16, 8, 1):
        fixed = quantize(net, max_thresholds=most)
        (a,) = account_for(net, fixed)
        assert a.weight_sqnr_db is not None
        sqnr.append(a.weight_sqnr_db)
        got = execute_fixed(fixed, {"x": x.astype(np.int32)}).spikes["lif"]
        differ.append(float((got != real).mean()))
    assert sqnr == sorted(sqnr, reverse=True)
    assert sqnr[0] - sqnr[2] < 2
    assert differ[2] < 1.5 * differ[0]
    assert differ[3] > 3 * differ[0]


def test_the_account_sets_it_beside_what_would_be() -> None:
    net = uneven()
    free, bound = quantize(net), quantize(net, max_thresholds=8)
    (before,), (after,) = account_for(net, free), account_for(net, bound, ungrouped=free)
    assert (before.ungrouped, before.thresholds, after.thresholds) == (None, 194, 8)
    assert after.ungrouped == Ungrouped(thresholds=194, weight_sqnr_db=before.weight_sqnr_db)
    assert after.threshold_error < 1e-12


def test_channels_share_as_neurons_do() -> None:
    """A channel is one: all of its neurons have the threshold of its scale."""
    rng = np.random.default_rng(0)
    kernels = rng.lognormal(0, 1, (8, 1, 1)) * rng.normal(0, 0.3, (8, 2, 3))
    lif = population(n=32, shape=(8, 4))
    net = network([lif], [projection("x", "lif", None, convolution(kernels))], inputs={"x": (2, 6)})
    assert len(thresholds(quantize(net))) == 8
    levels = thresholds(quantize(net, max_thresholds=3))
    assert len(levels) == 3
    assert levels[0] == thresholds(quantize(net))[0]


def test_thresholds_that_differ_within_every_channel_take_the_more() -> None:
    """Two of each channel: of four there is room for two levels."""
    kernels = np.array([1, 0.4, 0.15, 0.05])[:, None, None]
    lif = population(n=8, shape=(4, 2), threshold=[1, 1.5] * 4)
    net = network([lif], [projection("x", "lif", None, convolution(kernels))], inputs={"x": (1, 2)})
    assert len(thresholds(quantize(net))) == 8
    assert len(thresholds(quantize(net, max_thresholds=5))) == 4
    with pytest.raises(InputError) as raised:
        quantize(net, max_thresholds=1)
    assert str(raised.value) == (
        "error[SNN320]: a population has no more different thresholds than the hardware has "
        "room for\n"
        "  --> lif\n"
        "   found: 2 different thresholds among neurons that share weights\n"
        "   limit: 1, as --max-thresholds or --lava stock says\n"
        "  remedy: allow more, or train one threshold and one time constant for each channel"
    )


def test_biases_are_counted() -> None:
    """Mantissa and exponent together: the same mantissa at two exponents counts twice."""
    net = one_neuron(np.ones((4, 1)), bias=[0.1, 0.1, 0.2, 0])
    (p,) = quantize(net).populations
    (a,) = account_for(net, quantize(net))
    assert a.biases == 3
    mant = [100, 100, 100, 0]
    doubled = replace(p, bias_mant=np.array(mant, np.int32), bias_exp=np.array([1, 2, 1, 0], "i4"))
    (a,) = account_for(net, replace(quantize(net), populations=(doubled,)))
    assert a.biases == 3


def test_neurons_of_a_channel_count_by_their_thresholds() -> None:
    """What is ten times the smallest threshold of its channel has ten times the counts.

    Two levels for channels that could have 10, 15 and 30 counts: the second has but one neuron that
    suffers, and so takes 10, for 30 to remain.
    """
    lif = population(n=6, shape=(3, 2), threshold=[1, 1, 1, 10, 1, 1])
    kernels = convolution(np.ones((3, 1, 1)))
    net = network([lif], [projection("x", "lif", None, kernels)], inputs={"x": (1, 2)})
    n = scalable(lower(net)[0], {})
    counts = np.array([10.0, 10, 15, 15, 30, 30])
    assert n.few_counts(counts, np.ones(6), 0, 3).tolist() == [10, 10, 10, 10, 30, 30]


def test_read_outs_have_no_threshold() -> None:
    net = one_neuron([[1.0], [0.3]], spiking=False, threshold=0.0)
    assert thresholds(quantize(net, max_thresholds=1)) == [0]
