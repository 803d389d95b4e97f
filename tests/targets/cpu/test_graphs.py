"""Random networks over all that there is: whoever executes the integers gives the same bits."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, seed, settings

from snnc.compiler.fixed import FixedNetwork
from tests.targets.cpu.equality import (
    LEVELS,
    THREADS,
    Array,
    assert_equal,
    integer_runs,
    traces_hash,
)

PARTS, EXAMPLES = 3, 100


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_random_graphs(part: int) -> None:
    ran = Counter[str]()

    @settings(max_examples=EXAMPLES, database=None)
    @given(integer_runs())
    def check(drawn: tuple[FixedNetwork, dict[str, Array]]) -> None:
        ways, _ = assert_equal(*drawn)
        ran.update(ways)

    if settings().derandomize:
        check = seed(part)(check)  # each part sees networks of its own, the same each time
    check()
    assert ran["engine, level 0, 1 threads"] >= EXAMPLES
    assert len(ran) == len(LEVELS) * (len(THREADS) + 1)  # and once where u is not recorded


def test_hash_of_traces() -> None:
    """Every value counts, and to whom it belongs."""
    signals = {"u": {"p": np.arange(6, dtype=np.int32).reshape(3, 1, 2)}}
    other = {"u": {"p": signals["u"]["p"].copy()}}
    assert traces_hash(signals) == traces_hash(other)
    other["u"]["p"][2, 0, 1] = 6
    hashes = {traces_hash(s) for s in (signals, other, {"u": {"q": signals["u"]["p"]}})}
    assert len(hashes) == 3
