"""The nightly command of Lava counts what it has seen, and tells of what differs."""

from __future__ import annotations

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
from tests.fuzz_lava import compare
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
    seen = chunk.seen
    assert seen["networks"] >= 1
    forms = {name: n for name, n in seen.items() if name.startswith("form ")}
    assert sum(forms.values()) >= seen["networks"]
    assert seen["values"] == 3 * 4 * sum(forms.values())
    assert seen["spikes"] == seen["reset zero"] == seen["networks"]


def test_what_differs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equality, "LavaTarget", Forgetful)
    chunk = compare(5, 3)
    first = "lif.spikes: 1 of 4 differ, first at step 3, sample 0, neuron [0]: 0, not 1"
    assert first in chunk.failure
    assert "network=FixedNetwork(inputs=(FixedInput(name='x'," in chunk.failure
