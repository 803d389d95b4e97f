"""Text for people: nothing that a user names does anything to a terminal."""

from __future__ import annotations

import pytest

from snnc.runtime.text import count, drop_within, duration, percent, points, seconds, shown, table

HARMLESS = {
    "plain": "plain",
    "Größe 尺寸 é ✓": "Größe 尺寸 é ✓",
    "a\x1b[31mred": r"a\x1b[31mred",
    "two\nlines\r\t": r"two\nlines\r\t",
    "\u202egnp.exe": r"\u202egnp.exe",
    "\u200b\ufeff\x9b\x00\x7f": r"\u200b\ufeff\x9b\x00\x7f",
    "\udcff\ue000": r"\udcff\ue000",
}


@pytest.mark.parametrize("text", HARMLESS)
def test_shown(text: str) -> None:
    assert shown(text) == HARMLESS[text]


def test_table() -> None:
    rows = [("a\x1b", "1"), ("long name", "20,000"), ("b", "-")]
    assert table(("name", "n"), rows) == (
        "name            n\n"
        "---------  ------\n"
        "a\\x1b           1\n"
        "long name  20,000\n"
        "b               -"
    )


def test_table_of_words_is_left_aligned_and_ends_without_spaces() -> None:
    assert table(("a", "b"), [("x", "here"), ("yy", "")]) == "a   b\n--  ----\nx   here\nyy"


def test_empty_table() -> None:
    assert table(("one", "two"), []) == "one  two\n---  ---"


def test_figures() -> None:
    assert percent(0.98765) == "98.77 %"
    assert (seconds(0.0154), seconds(12.34)) == ("15 ms", "12.3 s")
    assert (count(1, "step"), count(0, "step"), count(1200, "step")) == (
        "1 step",
        "0 steps",
        "1,200 steps",
    )


def test_durations() -> None:
    told = [duration(x) for x in (0.2, 1.4, 99.4, 99.6, 150, 5969, 6000, 90061)]
    assert told == ["0 s", "1 s", "99 s", "2 min", "2 min", "99 min", "1 h 40 min", "25 h 1 min"]


def test_points_of_percent() -> None:
    assert [points(x) for x in (0, 0.5, 1, 2)] == ["0 points", "0.5 points", "1 point", "2 points"]
    assert drop_within(0.134) == "falls by less than 0.13 points"
    assert drop_within(-0.5) == "rises by more than 0.50 points"
