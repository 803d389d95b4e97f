"""What the tests of faults look at: the runner's processes, while others come and go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.targets.lava import leftovers

NOBODY = 4_194_305
"""No process has this number: Linux gives at most 2^22."""


def test_a_fork_that_ends_meanwhile_is_not_one_of_the_runner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A number whose process has ended, and ones that are not there for long."""
    looks: Iterator[dict[int, str]] = iter(
        [
            dict.fromkeys((1, 2, 3, NOBODY), "run.py --serve") | {7: "sh"},
            {1: "run.py --serve", 3: "run.py --serve", NOBODY: "run.py --serve"},
        ]
    )
    ages = {1: 5, 2: 9, 3: 8}

    def started(number: int) -> int:
        try:
            return ages[number]
        except KeyError:
            raise FileNotFoundError(number) from None

    def marked(mark: str) -> dict[int, str]:
        assert mark == "m"
        return next(looks)

    monkeypatch.setattr(leftovers, "marked_processes", marked)
    monkeypatch.setattr(leftovers, "started", started)
    assert leftovers.runner_processes("m", 1) == (1, [3])
