"""What git holds: small text files that mean the same on every machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAX_BYTES = 2**20
HOMES = ("root", "home", "work", "tmp", "mnt", "opt", "Users")
MACHINE_PATH = re.compile(rb"(?<![\w.~}/-])/(?:%s)/\w" % "|".join(HOMES).encode())
LOCK_FILES = re.compile(r"(^|/)([^/]*\.lock|Pipfile\.lock|package-lock\.json|pnpm-lock\.yaml)$")


def problems(path: str, content: bytes) -> list[str]:
    """Say what of a file does not belong into git."""
    found: list[str] = []
    if len(content) > MAX_BYTES:
        found.append(f"{len(content)} bytes, more than {MAX_BYTES}")
    if LOCK_FILES.search(path):
        found.append("a lock file names the download hosts of one machine")
    if b"\0" in content:
        return found
    for number, line in enumerate(content.splitlines(), start=1):
        if match := MACHINE_PATH.search(line):
            found.append(f"line {number} has the path of a machine: {match[0].decode()}...")
    return found


@pytest.fixture(scope="module")
def files() -> list[str]:
    """Name what git holds, and what it would take with the next ``git add``."""
    try:
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a checkout of git, or there is no git")
    names = [name for name in listed.stdout.split("\0") if name]
    return [name for name in names if (ROOT / name).is_file()]


def test_every_file_belongs_into_git(files: list[str]) -> None:
    assert "tests/test_tree.py" in files
    assert {n: p for n in files if (p := problems(n, (ROOT / n).read_bytes()))} == {}


def test_links_stay_in_the_tree(files: list[str]) -> None:
    links = [ROOT / name for name in files if (ROOT / name).is_symlink()]
    assert [str(p) for p in links if not p.resolve().is_relative_to(ROOT)] == []


@pytest.mark.parametrize("name", ["uv.lock", "a/poetry.lock", "Pipfile.lock", "package-lock.json"])
def test_lock_file_is_found(name: str) -> None:
    assert problems(name, b"") == ["a lock file names the download hosts of one machine"]


@pytest.mark.parametrize("home", HOMES)
def test_path_of_a_machine_is_found(home: str) -> None:
    path = f"/{home}/x"
    assert problems("a.py", f"\nP = '{path}/y.npy'".encode()) == [
        f"line 2 has the path of a machine: {path}..."
    ]


@pytest.mark.parametrize("text", ["https://x.org/home/y", "../work/x", "/usr/bin/env", "$HOME/x"])
def test_other_paths_are_fine(text: str) -> None:
    assert problems("a.md", text.encode()) == []


def test_size_is_found() -> None:
    assert problems("a.npy", bytes(MAX_BYTES)) == []
    assert problems("a.npy", bytes(MAX_BYTES + 1)) == ["1048577 bytes, more than 1048576"]
