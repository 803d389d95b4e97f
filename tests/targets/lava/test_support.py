"""docs/lava_support.md is what the rows give when they are run."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.lava_rows import ROWS, Row
from tests.lava_support import PAGE, line, page
from tests.targets.lava.forked import Forks

pytestmark = [pytest.mark.lava, pytest.mark.slow]

AGAIN = "python -m tests.lava_support writes it anew"


@pytest.fixture(scope="module")
def forks() -> Generator[Forks]:
    with Forks() as forks:
        yield forks


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """Give the rows of the page as it is."""
    return PAGE.read_text(encoding="utf-8").splitlines()[-len(ROWS) :]


def test_the_page_has_the_rows_and_nothing_else(lines: list[str]) -> None:
    names = [str(row) for row in ROWS]
    assert len(set(names)) == len(names)
    written = page(dict(zip(names, lines, strict=True)))
    assert PAGE.read_text(encoding="utf-8") == written, AGAIN


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_is_what_runs(row: Row, lines: list[str], forks: Forks) -> None:
    assert lines[ROWS.index(row)] == line(row, forks), AGAIN
