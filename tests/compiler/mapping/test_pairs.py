"""Random networks on random hardware: they fit, which is proven, or are told why they do not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from snnc.compiler.mapping import lay_out
from snnc.compiler.mapping.mapped import MappedNetwork
from tests import fuzz_mapping
from tests.builders import one_fixed
from tests.drawn.hardware import limit
from tests.drawn.mapped import LOIHI
from tests.fuzz_mapping import compare

PARTS = 2
EXAMPLES = 40
"""Of each part; ``python -m tests.fuzz_mapping`` runs others, and more."""
ONE = (one_fixed(20, lag=1), {"x": np.ones((4, 1, 1), np.int32)})


@pytest.mark.parametrize("part", range(PARTS))
def test_random_pairs(part: int) -> None:
    chunk = compare(part, EXAMPLES)
    assert chunk.failure == ""
    assert chunk.seen["mapped"] > EXAMPLES / 3
    assert chunk.seen["cut populations"] > 0


def of_one(monkeypatch: pytest.MonkeyPatch, **limits: int) -> Counter[str]:
    """Compare one network on one kind of hardware, and give what was seen."""
    changed: dict[str, Any] = {name: limit(value) for name, value in limits.items()}
    hardware = replace(LOIHI, **changed)
    monkeypatch.setattr(fuzz_mapping, "integer_runs", lambda: st.just(ONE))
    monkeypatch.setattr(fuzz_mapping, "hardwares", lambda: st.just(hardware))
    chunk = compare(1, 1)
    return Counter({"failed": 1}) if chunk.failure else chunk.seen


def test_what_was_seen_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = of_one(monkeypatch)
    assert (seen["networks"], seen["mapped"], seen["up to 1 cores"]) == (1, 1, 1)
    assert seen["values"] == 3 * 5
    refused = of_one(monkeypatch, synapse_memory=0)
    assert (refused["networks"], refused["mapped"], refused["refused with SNN407"]) == (1, 0, 1)


def test_a_mapping_that_breaks_a_limit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(*given: object, **more: object) -> MappedNetwork:
        mapped = true(*given, **more)  # type: ignore[arg-type]
        return replace(mapped, hardware=replace(mapped.hardware, input_axons=limit(0)))

    true = lay_out.lay_out
    monkeypatch.setattr(fuzz_mapping, "lay_out", careless)
    assert of_one(monkeypatch)["failed"]
