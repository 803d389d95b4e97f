"""A matrix of few weights becomes lists, and nothing else changes."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings

from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.network import Network
from snnc.compiler.operators import FixedDense, FixedSparse, weights_in_full
from snnc.compiler.quantization import quantize as pass_
from snnc.compiler.quantization.account import account_for
from snnc.compiler.quantization.budget import stored_weights
from snnc.compiler.quantization.overflow import bound_states
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.relays import insert_relays
from snnc.compiler.retime import retime
from snnc.targets.cpu.engine import Engine
from snnc.targets.integer.reference import execute
from snnc.targets.lava.bounds import largest_input
from snnc.targets.running import no_progress
from tests.builders import dense, integers_for, network, population, projection
from tests.drawn.networks import networks


def both(net: Network) -> tuple[FixedNetwork, FixedNetwork]:
    """Quantize with matrices alone, and with lists alone."""
    with mock.patch.object(pass_, "SPARSE_SIZE", 2**62):
        whole = quantize(net)
    with mock.patch.multiple(pass_, SPARSE_SIZE=0, SPARSE_SHARE=1):
        return whole, quantize(net)


def kinds(fixed: FixedNetwork) -> set[type]:
    return {type(o) for q in fixed.projections for o in q.operators}


@given(networks())
@settings(max_examples=60)
def test_lists_are_the_same_network(net: Network) -> None:
    whole, lists = both(net)
    assert FixedSparse not in kinds(whole)
    assert FixedDense not in kinds(lists)
    assert list(check_fixed(lists)) == []
    for one, other in zip(whole.projections, lists.projections, strict=True):
        assert np.array_equal(weights_in_full(one.operators), weights_in_full(other.operators))
    assert account_for(net, whole) == account_for(net, lists)
    names = [p.name for p in net.populations]
    assert stored_weights(whole, names) == stored_weights(lists, names)
    bounds = bound_states(whole), bound_states(lists)
    for name in names:
        for field in ("u", "v", "a"):
            one, other = (getattr(b[name], field) for b in bounds)
            assert np.array_equal(one, other)
        assert largest_input(whole, whole.population(name)) == largest_input(
            lists, lists.population(name)
        )
    x = integers_for(whole, steps=6, batch=2)
    first, second = (execute(insert_relays(retime(fixed)), x) for fixed in (whole, lists))
    ready = insert_relays(retime(lists))
    signals = {s: tuple(p.name for p in ready.populations) for s in ("spikes", "u", "v")}
    native = Engine(ready).run(x, signals, 1, no_progress)
    for signal in signals:
        for name, values in getattr(first, signal).items():
            assert np.array_equal(getattr(second, signal)[name], values)
            assert np.array_equal(native[signal][name], values)


@pytest.mark.parametrize(
    ("n_out", "n_in", "share", "kind"),
    [
        (1024, 1024, 0.1, FixedSparse),
        (1024, 1024, 0.11, FixedDense),
        (1023, 1024, 0.01, FixedDense),
        (2**20, 1, 0.1, FixedSparse),
        (1024, 1024, 0.0, FixedSparse),
    ],
)
def test_what_becomes_lists(n_out: int, n_in: int, share: float, kind: type) -> None:
    weight = np.zeros(n_out * n_in, np.float32)
    weight[: int(share * weight.size)] = 1.0
    rng = np.random.default_rng(0)
    matrix = rng.permutation(weight).reshape(n_out, n_in)
    net = network([population(n=n_out)], [projection("x", "lif", matrix)])
    (q,) = quantize(net).projections
    assert [type(o) for o in q.operators] == [kind]
    assert np.count_nonzero(weights_in_full(q.operators)) == np.count_nonzero(weight)


def test_weights_that_are_rounded_to_zero_do_not_count() -> None:
    weight = np.random.default_rng(0).normal(0, 1e-5, (1024, 1024)).astype(np.float32)
    weight[:, ::16] = 0.9
    net = network([population(n=1024)], [projection("x", "lif", None, dense(weight))])
    (q,) = quantize(net).projections
    (operator,) = q.operators
    assert isinstance(operator, FixedSparse)
    assert operator.weight.size == 1024 * 64
    (account,) = account_for(net, quantize(net))
    assert account.weights == 2**20
    assert account.weights_rounded_to_zero == 2**20 - 1024 * 64
