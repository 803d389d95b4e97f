"""Random networks over all that there is: Lava computes the integers, in every form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from tests.drawn.deployed import Run, runs
from tests.targets.lava.equality import CUT_FORMS, FORMS, assert_equal_somehow
from tests.targets.lava.forked import Forks

PARTS, EXAMPLES = 4, 75


@pytest.fixture(scope="module")
def forks() -> Generator[Forks]:
    with Forks() as forks:
        yield forks


def seeded(part: int, test: Any) -> Any:
    """Let each part see networks of its own, the same each time unless others are asked for."""
    return seed(part)(test) if settings().derandomize else test


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_random_graphs(part: int, forks: Forks) -> None:
    ran = Counter[str]()

    @settings(max_examples=EXAMPLES, database=None)
    @given(runs(), st.data())
    def check(run: Run, data: st.DataObject) -> None:
        forms, _ = assert_equal_somehow(run, data)
        ran.update(forms)

    with forks.installed():
        seeded(part, check)()
    assert ran.total() >= EXAMPLES
    assert set(ran) == {*FORMS, *CUT_FORMS}
