"""A nightly command ends with the first chunk that differs, and says how to find it again."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fuzzing import Chunk, Nightly


def of(failure: str) -> Nightly:
    """Give a command of which every chunk but the first fails so."""

    def compare(number: int, count: int) -> Chunk:
        seen = Counter(networks=count, values=4000, loop=7)
        return Chunk(number, count, seen, failure if number != 9 else "")

    return Nightly("tests.fuzz_nothing", "Compares nothing.", compare, 100, ThreadPoolExecutor)


def test_all_networks_are_asked_for_and_seeds_follow_from_the_first() -> None:
    chunks = sorted(of("").chunks(250, 9, 1), key=lambda c: c.count)
    assert [c.count for c in chunks] == [50, 100, 100]
    assert 9 in [c.number for c in chunks]
    assert len({c.number for c in chunks}) == 3
    again = of("").chunks(250, 9, 1)
    assert {c.number for c in again} == {c.number for c in chunks}


def test_without_a_difference_all_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert of("").main(["250", "--seed", "9", "--jobs", "2"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("250 networks from seed 9 on\n")
    assert "    250 networks,        12,000 values, 0 differ" in told
    assert "           21 loop\n" in told


def test_what_differs_is_told_with_the_command_that_finds_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert of("1 of 4 differ").main(["150", "--seed", "9", "--jobs", "1"]) == 1
    told = capsys.readouterr().out
    assert "1 of 4 differ\n\nAgain: python -m tests.fuzz_nothing 50 --seed " in told
    assert told.endswith(" --jobs 1\n")
    assert "loop" not in told
