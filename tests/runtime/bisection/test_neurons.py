"""Neurons are cut out of populations that take each other, whatever lies between them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import snnc
from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedProjection
from snnc.compiler.mapping.regions import Neurons
from snnc.compiler.operators import FixedDense, FixedScaling, MaxPooling, SumPooling
from snnc.runtime.apart import apart
from snnc.runtime.bisection.condense import response
from snnc.runtime.bisection.lists import NoLists, listed
from snnc.runtime.bisection.thinned import Inseparable, reached, thinned
from snnc.targets.integer.reference import execute
from tests.builders import (
    fixed_convolution,
    fixed_network,
    fixed_population,
    fixed_projection,
    integers_for,
    window,
)
from tests.drawn.fixed import fixed_networks
from tests.runtime.bisection.faulty import artifact, make_faulty, of_network, spikes
from tests.runtime.bisection.test_executors import of_populations_late, pooled


def matrix_of(
    q: FixedProjection, shape: tuple[int, ...]
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Give the matrix of a projection by executing it on every element."""
    source = FixedInput(q.source, shape)
    return response(q, source, np.arange(source.size))


def silenced(network: FixedNetwork, keep: dict[str, Neurons]) -> FixedNetwork:
    """Give the network in which nothing hears the neurons that are not kept."""

    def heard(q: FixedProjection) -> FixedProjection:
        if q.source not in keep:
            return q
        weight = matrix_of(q, network.shapes[q.source])
        weight[:, np.setdiff1d(np.arange(weight.shape[1]), keep[q.source])] = 0
        return replace(q, operators=(FixedDense(weight=weight.astype(np.int16)),))

    return replace(network, projections=tuple(map(heard, network.projections)))


@settings(max_examples=15)
@given(st.data())
def test_they_compute_as_if_the_others_were_silent(data: st.DataObject) -> None:
    network = data.draw(fixed_networks())
    keep: dict[str, Neurons] = {
        p.name: np.array(sorted(data.draw(st.sets(st.integers(0, p.size - 1)))), np.int64)
        for p in network.populations
    }
    assume(any(neurons.size for neurons in keep.values()))
    part = apart(network, list(keep), forced=False)
    live = [q for q in part.network.projections if q.source in keep]
    try:
        some = thinned(part, keep)
    except Inseparable:
        return
    assume(not any(isinstance(o, MaxPooling) for q in live for o in q.operators))
    assert not tuple(check_fixed(some.network))
    x = integers_for(part.network, steps=6, batch=2)
    wanted = execute(silenced(part.network, keep), x)
    found = execute(some.network, {n: x[n][..., of.elements] for n, of in some.lines.items()})
    lags = {p.name: p.lag for p in network.populations}
    assert found.v.keys() == {n for n, neurons in keep.items() if neurons.size}
    for name, v in found.v.items():
        steps = slice(lags[name], lags[name] + 6)
        np.testing.assert_array_equal(v[steps], wanted.v[name][steps][..., keep[name]])


OPERATORS = {
    "convolution": (fixed_convolution(np.arange(-9, 9).reshape(2, 1, 3, 3), padding=1),),
    "groups and strides": (
        fixed_convolution(np.arange(-8, 8).reshape(4, 1, 2, 2), groups=2, stride=2, padding=1),
    ),
    "dilation": (fixed_convolution(np.arange(-8, 8).reshape(2, 2, 2, 2), dilation=2),),
    "means that overlap": (
        SumPooling(window=window(2, 2)),
        fixed_convolution(np.arange(8).reshape(1, 2, 2, 2)),
    ),
    "a matrix behind": (
        SumPooling(window=window(2, 2, stride=2)),
        FixedDense(weight=np.arange(-20, 20, dtype=np.int8).reshape(5, 8)[:, :8]),
    ),
    "factors": (
        SumPooling(window=window(3, 2)),
        FixedScaling(weight=np.arange(-4, 4, dtype=np.int8)),
    ),
}
SHAPES = {"convolution": (1, 4, 4)}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_as_lists(name: str) -> None:
    """Each weight is what the operators make of a single element."""
    shape = SHAPES.get(name, (2, 4, 4) if name != "factors" else (2, 4, 3))
    q = fixed_projection("a", "b", None, *OPERATORS[name])
    wanted = matrix_of(q, shape)
    everything = np.arange(wanted.shape[0]), np.arange(wanted.shape[1])
    np.testing.assert_array_equal(listed(q, shape, *everything).matrix, wanted)
    rows, columns = everything[0][1::2], everything[1][::3]
    np.testing.assert_array_equal(
        listed(q, shape, rows, columns).matrix, wanted[np.ix_(rows, columns)]
    )


def test_what_is_no_list() -> None:
    sums = SumPooling(window=window(2, stride=1))
    twice = fixed_projection("a", "b", None, fixed_convolution([[[100, 100]]]), sums)
    with pytest.raises(NoLists):  # 200 does not fit in 8 bits
        listed(twice, (1, 4), np.arange(2), np.arange(4))
    largest = fixed_projection(
        "a", "b", None, MaxPooling(window=window(2)), fixed_convolution([[[1]]])
    )
    with pytest.raises(NoLists):
        listed(largest, (1, 4), np.arange(3), np.arange(4))


def recurrent() -> FixedNetwork:
    """Make a convolution that feeds itself."""
    random = np.random.default_rng(5)
    kernels = random.integers(-20, 40, (2, 1, 3, 3)), random.integers(-20, 40, (2, 2, 3, 3))
    return fixed_network(
        [fixed_population("a", 72, shape=(2, 6, 6), threshold=20, lag=1)],
        [
            fixed_projection("x", "a", None, fixed_convolution(kernels[0], padding=1)),
            fixed_projection("a", "a", None, fixed_convolution(kernels[1], padding=1)),
        ],
        inputs=[FixedInput("x", (1, 6, 6))],
    )


CASES = {
    "a convolution in a loop": (recurrent(), (1, 6, 6), ("a",), 2),
    "a maximum between": (pooled(), (1, 8, 8), ("conv1", "conv2"), 1 + 4 * 6 * 6),
}


@pytest.mark.parametrize("name", CASES)
def test_what_populations_send_arrives_late(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """No population shows it by itself, but few neurons do together."""
    network, shape, populations, most = CASES[name]
    make_faulty(monkeypatch, of_network(of_populations_late))
    x = spikes(10, 3, *shape, rate=0.4)
    b = snnc.bisect(artifact(network), x, targets=("integer", "faulty"))
    assert (b.isolated, b.narrowed, b.populations) == (False, True, populations)
    (neurons,) = (cut.after for cut in b.cuts if cut.what == "neurons")
    assert neurons <= most


def test_a_maximum_is_cut_with_all_that_it_reads() -> None:
    a_to_b = (MaxPooling(window=window(2, stride=2)), fixed_convolution([[[3]]]))
    network = fixed_network(
        [fixed_population("a", 6, shape=(1, 6), lag=1), fixed_population("b", 3, lag=2)],
        [
            fixed_projection("x", "a", np.eye(6, dtype=int)),
            fixed_projection("a", "b", None, *a_to_b),
        ],
    )
    part = apart(network, ["a", "b"], forced=False)
    keep = reached(part, "b", np.array([1]))
    assert keep["a"].tolist() == [2, 3]
    some = thinned(part, keep)
    assert not tuple(check_fixed(some.network))
    assert some.network.population("a").shape == (1, 2)
    with pytest.raises(Inseparable):
        thinned(part, {**keep, "a": np.array([2])})
