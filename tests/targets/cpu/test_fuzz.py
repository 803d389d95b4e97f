"""The nightly command counts what it has seen, and tells of what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedNetwork
from tests import fuzz_engine
from tests.builders import one_fixed
from tests.fuzz_engine import Result, compare, main
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
    number, count, seen, failure = compare(5, 3)
    assert (number, count, failure) == (5, 3, "")
    assert seen["networks"] >= 1
    ways = 2 * len(LEVELS)  # one sample, so one thread: with u recorded, and without
    assert seen["values"] == 3 * 5 * ways * seen["networks"]
    assert {seen[f"engine, level {level}, 1 threads"] for level in LEVELS} == {seen["networks"]}
    assert seen["spikes"] == seen["reset zero"] == seen["networks"]


def test_what_differs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(equality.EXECUTORS, "forgetful", forgetful)
    failure = compare(5, 3)[-1]
    first = "forgetful: spikes of lif: 1 of 5 differ, first at step 4, sample 0, neuron 0: 0, not 1"
    assert first in failure
    assert "FixedNetwork(inputs=(FixedInput(name='x'," in failure


@pytest.mark.parametrize(("failure", "code"), [("", 0), ("1 of 4 differ", 1)])
def test_the_exit_code_tells(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], failure: str, code: int
) -> None:
    def results(count: int, first: int, jobs: int) -> Iterator[Result]:
        assert (count, first, jobs) == (300, 9, 3)
        yield 9, 250, Counter(networks=250, values=4000, loop=7), ""
        yield 77, 50, Counter(networks=50, values=4000, loop=2), failure

    monkeypatch.setattr(fuzz_engine, "results", results)
    assert main(["300", "--seed", "9", "--jobs", "3"]) == code
    told = capsys.readouterr().out
    assert "    250 networks,         4,000 values, 0 differ" in told
    assert ("Again: python -m tests.fuzz_engine 50 --seed 77\n" in told) == bool(failure)
    assert ("            9 loop\n" in told) == (not failure)
