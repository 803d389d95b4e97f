"""The nightly command counts what it has seen, and tells of what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import strategies as st

from snnc.compiler.trace import Trace
from snnc.targets.artifact import Artifact
from snnc.targets.integer.target import IntegerTarget
from snnc.targets.running import Inputs, RunOptions
from tests import fuzz_lava
from tests.builders import one_fixed
from tests.drawn.deployed import Run
from tests.fuzz_lava import Chunk, compare, main
from tests.targets.lava import equality

pytestmark = pytest.mark.lava

ONE = Run(one_fixed(20, lag=1), {"x": np.ones((4, 1, 1))})


class Forgetful:
    """Lava, if the last step of each sample were lost."""

    def run(self, artifact: Artifact, inputs: Inputs, options: RunOptions) -> Trace:
        trace = IntegerTarget().run(artifact, inputs, options)
        trace.spikes["lif"][-1] = 0
        return trace


@pytest.fixture(autouse=True)
def _one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_lava, "runs", lambda: st.just(ONE))


def test_what_was_compared_is_counted() -> None:
    chunk = compare(5, 3)
    assert chunk.failure == ""
    assert chunk.networks >= 1
    forms = {name: n for name, n in chunk.counts.items() if name.startswith("form ")}
    assert sum(forms.values()) >= chunk.networks
    assert chunk.values == 3 * 4 * sum(forms.values())
    assert chunk.counts["spikes"] == chunk.counts["reset zero"] == chunk.networks


def test_what_differs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equality, "LavaTarget", Forgetful)
    chunk = compare(5, 3)
    first = "lif.spikes: 1 of 4 differ, first at step 3, sample 0, neuron [0]: 0, not 1"
    assert first in chunk.failure
    assert "network=FixedNetwork(inputs=(FixedInput(name='x'," in chunk.failure


@pytest.mark.parametrize(("failure", "code"), [("", 0), ("q0: 1 of 4 differ", 1)])
def test_the_exit_code_tells(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], failure: str, code: int
) -> None:
    def chunks(count: int, first: int, jobs: int) -> Iterator[Chunk]:
        assert (count, first, jobs) == (250, 9, 3)
        yield Chunk(9, 100, 100, Counter(loop=7), 4000)
        yield Chunk(77, 50, 100, Counter(loop=2), 4000, failure)

    monkeypatch.setattr(fuzz_lava, "chunks", chunks)
    monkeypatch.setattr("sys.argv", ["fuzz", "250", "--seed", "9", "--jobs", "3"])
    assert main() == code
    told = capsys.readouterr().out
    assert "100 networks,       4,000 values, 0 differ" in told
    again = "q0: 1 of 4 differ\n\nAgain: python -m tests.fuzz_lava 50 --seed 77 --jobs 1\n"
    assert (again in told) == bool(failure)
    assert ("      9 loop\n" in told) == (not failure)
