"""The nightly command of the engine counts what it has seen, and tells of what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedNetwork
from tests import fuzz_engine
from tests.builders import one_fixed
from tests.fuzz_engine import compare
from tests.targets.cpu import equality
from tests.targets.cpu.equality import LEVELS, Array, Signals, reference

ONE = (one_fixed(20, lag=1), {"x": np.ones((4, 1, 1), np.int32)})


def forgetful(network: FixedNetwork, inputs: Mapping[str, Array]) -> Iterator[tuple[str, Signals]]:
    """Give what an executor would give that loses the last step of each sample."""
    signals = reference(network, inputs)
    signals["spikes"]["lif"][-1] = 0
    yield "forgetful", signals


@pytest.fixture(autouse=True)
def _one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_engine, "integer_runs", lambda: st.just(ONE))


def test_what_was_compared_is_counted() -> None:
    chunk = compare(5, 3)
    assert (chunk.number, chunk.count, chunk.failure) == (5, 3, "")
    seen = chunk.seen
    assert seen["networks"] >= 1
    ways = 2 * len(LEVELS)  # one sample, so one thread: with u recorded, and without
    assert seen["values"] == 3 * 5 * ways * seen["networks"]
    assert {seen[f"engine, level {level}, 1 threads"] for level in LEVELS} == {seen["networks"]}
    assert seen["spikes"] == seen["reset zero"] == seen["networks"]


def test_what_differs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(equality.EXECUTORS, "forgetful", forgetful)
    failure = compare(5, 3).failure
    first = "forgetful: spikes of lif: 1 of 5 differ, first at step 4, sample 0, neuron 0: 0, not 1"
    assert first in failure
    assert "FixedNetwork(inputs=(FixedInput(name='x'," in failure
