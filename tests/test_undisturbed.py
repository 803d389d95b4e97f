"""What a test finds does not depend on the tests before it in the same process."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st


def drawn() -> list[int]:
    """Give the integers that a test draws."""
    found: list[int] = []

    @given(st.integers())
    def look(number: int) -> None:
        found.append(number)

    look()
    return found


def test_what_is_drawn_is_the_same_whatever_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hypothesis draws constants of modules, but for those of tests."""
    before = drawn()
    (tmp_path / "constants.py").write_text(f"NUMBERS = {list(range(2000, 3000))}")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "constants", raising=False)  # and it is gone again afterwards
    import_module("constants")
    assert drawn() == before
