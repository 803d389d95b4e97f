"""Random networks over all that there is: Lava computes the integers, in every form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from snnc.compiler.check import check_fixed
from snnc.targets.lava.plan import make_plan
from tests.drawn.deployed import Run, runs
from tests.drawn.features import features, happenings
from tests.targets.lava.equality import FORMS, assert_equal, forms_of
from tests.targets.lava.forked import Forks
from tests.targets.lava.networks import expected

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
        possible = forms_of(run.network)
        every = data.draw(st.integers(0, 7), label="every form") == 7
        forms = possible if every else [data.draw(st.sampled_from(possible), label="form")]
        wanted = None
        for form in forms:
            wanted = assert_equal(run, form, wanted)
            ran[form] += 1

    with forks.installed():
        seeded(part, check)()
    assert ran.total() >= EXAMPLES
    assert set(ran) == set(FORMS)
