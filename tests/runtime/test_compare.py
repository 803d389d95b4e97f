"""Comparison: every value counts once, and the first divergence is the first."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnc.compiler.diagnostics import InternalError
from snnc.compiler.trace import Trace
from snnc.runtime.compare import Comparison, Difference, Divergence, compare, count_difference

SHAPES = {"a": (5, 2, 3), "b": (5, 2, 2, 2)}
SIGNALS = ("spikes", "u", "v")


def zeros(executor: str = "one", **changes: Any) -> Trace:
    """Give a trace of zeros of the populations ``a`` and ``b``."""
    signals = {s: {n: np.zeros(shape, np.int32) for n, shape in SHAPES.items()} for s in SIGNALS}
    fields: dict[str, Any] = {**signals, **changes}
    return Trace(executor=executor, outputs={"out": signals["spikes"]["b"]}, **fields)


def test_equal_traces() -> None:
    found = compare(zeros(), zeros(), SIGNALS)
    sizes = {"a": 30, "b": 40}
    expected = tuple(Difference(n, s, sizes[n], 0) for n in SHAPES for s in SIGNALS)
    assert found == Comparison(expected, None, ())
    assert (found.values, found.differing) == (210, 0)


def test_only_the_signals_asked_for() -> None:
    other = zeros()
    other.u["a"][0, 0, 0] = 1
    assert compare(zeros(), other).differing == 0
    assert compare(zeros(), other, ("u",)).differing == 1


@st.composite
def plants(draw: st.DrawFn) -> list[tuple[str, str, tuple[int, ...]]]:
    """Give some places, each as signal, population and index."""
    places = [
        (signal, name, index)
        for signal in SIGNALS
        for name, shape in SHAPES.items()
        for index in itertools.product(*map(range, shape))
    ]
    return draw(st.lists(st.sampled_from(places), min_size=1, max_size=4, unique=True))


@given(plants())
def test_planted_differences_are_found(planted: list[tuple[str, str, tuple[int, ...]]]) -> None:
    other = zeros()
    for signal, name, index in planted:
        other.signal(signal)[name][index] = 7
    found = compare(zeros(), other, SIGNALS)
    order = {"a": 0, "b": 1}
    signal, name, index = min(
        planted, key=lambda p: (p[2][0], p[2][1], order[p[1]], SIGNALS.index(p[0]), p[2][2:])
    )
    assert found.first == Divergence(index[0], index[1], name, index[2:], signal, 0, 7)
    assert found.differing == len(planted)


def test_divergence_as_text() -> None:
    found = Divergence(12, 3, "conv1.lif", (1, 4), "u", 640, -1)
    assert str(found) == ("step 12, sample 3, population conv1.lif, neuron 1, 4: u 640 against -1")


def test_only_what_both_recorded() -> None:
    spikes = {"b": np.zeros(SHAPES["b"], np.uint8)}
    other = zeros(spikes=spikes, u={}, v={"z": np.zeros((5, 2, 1))})
    found = compare(zeros(), other, SIGNALS)
    assert [(d.population, d.signal) for d in found.differences] == [("b", "spikes")]
    assert found.uncompared == ("a.spikes", "a.u", "a.v", "b.u", "b.v", "z.v")


def test_comparison_of_nothing_is_no_pass() -> None:
    with pytest.raises(InternalError, match=r"^one and two recorded nothing in common$"):
        compare(zeros(), zeros("two", spikes={}))


def test_other_shape_is_no_pass() -> None:
    other = zeros("two", spikes={"a": np.zeros((4, 2, 3), np.uint8)})
    with pytest.raises(InternalError) as caught:
        compare(zeros(), other)
    assert str(caught.value) == "a.spikes: one gave shape [5, 2, 3], two [4, 2, 3]"


def test_nan_equals_nan_only() -> None:
    v = np.zeros(SHAPES["a"], np.float32)
    v[1, 1, 2] = np.nan
    one, two = zeros(v={"a": v}), zeros(v={"a": v.copy()})
    assert compare(one, two, ("v",)).differing == 0
    two.v["a"][1, 1, 2] = 0
    assert compare(one, two, ("v",)).differing == 1


def test_count_difference() -> None:
    one, two = zeros(), zeros()
    one.spikes["a"][:3, 0, 0] = 1  # 3 spikes against 1, 1 against 2
    two.spikes["a"][4:, 0, 0] = 1
    one.spikes["b"][0, 1, 1, 1] = 1
    two.spikes["b"][3:, 1, 1, 1] = 1
    assert count_difference(one, two) == (3, 4)


def test_count_difference_of_silence() -> None:
    assert count_difference(zeros(), zeros()) == (0, 0)
