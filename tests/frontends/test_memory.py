"""How much memory is left, as Linux and its containers tell it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from snnc.frontends import memory


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system with 1,000 kB that is available, in a container without a limit."""
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    1000 kB\n")
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("5\n")
    return tmp_path


def test_of_the_system(told: Path) -> None:
    assert told.is_dir()
    assert memory.available_memory() == 1_024_000


@pytest.mark.parametrize(("most", "left"), [(105, 100), (4, 0), (10**9, 1_024_000)])
def test_of_a_container(told: Path, most: int, left: int) -> None:
    (told / "memory.max").write_text(f"{most}\n")
    assert memory.available_memory() == left


def test_of_another_system(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (told / "meminfo").unlink()
    (told / "memory.max").unlink()

    def sysconf(name: str) -> int:
        return {"SC_PAGE_SIZE": 4096}.get(name, 10)

    monkeypatch.setattr(os, "sysconf", sysconf)
    assert memory.available_memory() == 40_960
    monkeypatch.delattr(os, "sysconf")
    assert memory.available_memory() is None
