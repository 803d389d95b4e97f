"""Finds what a run left behind: processes by a mark in their environment, shared memory by name."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

MARK = "SNNC_TEST_MARK"
SHARED_MEMORY = Path("/dev/shm")
LONG = 120.0
"""Seconds within which everything happens, on however busy a machine."""


def marked_processes(mark: str) -> dict[int, str]:
    """Give number and command of the living processes that inherited ``mark``, but not this one."""
    found: dict[int, str] = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            environment = (directory / "environ").read_bytes()
            state = (directory / "stat").read_text().rpartition(")")[2].split()[0]
            command = (directory / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
        if f"{MARK}={mark}".encode() in environment.split(b"\0") and state != "Z":
            found[int(directory.name)] = command
    found.pop(os.getpid(), None)
    return found


def name_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every segment of the runs to come begin with ``snnc-test`` and our number."""

    def token(length: int) -> str:
        assert length >= 4
        return f"test{os.getpid()}"

    monkeypatch.setattr("secrets.token_hex", token)


def runner_processes(mark: str, forked: int) -> tuple[int, list[int]]:
    """Give the runner's main process and those that it forked, as they were started.

    A fork that is about to become another program looks like one of them for some time; so it
    is waited until there are as many as there have to be.

    Args:
        mark: That of the test.
        forked: How many there are.
    """
    end = time.monotonic() + LONG
    while len(found := _serving(mark)) != 1 + forked:
        assert time.monotonic() < end, f"{len(found) - 1} in place of {forked}"
        time.sleep(0.02)
    main, *others = [number for _, number in found]
    return main, others


def _serving(mark: str) -> list[tuple[int, int]]:
    """Give start and number of the runner's processes in the order of their start."""
    found: list[tuple[int, int]] = []
    for number, command in marked_processes(mark).items():
        if "--serve" in command:
            with suppress(OSError):  # it has ended since
                found.append((started(number), number))
    return sorted(found)


def started(number: int) -> int:
    """Give when a process was started, in ticks; numbers alone begin anew at some 32,000.

    Raises:
        OSError: It has ended.
    """
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return int(fields[19])  # proc(5): starttime is field 22, and state, the first here, 3


def segments(prefix: str) -> list[str]:
    """Give the segments of shared memory whose name begins so."""
    return sorted(path.name for path in SHARED_MEMORY.glob(f"{prefix}*"))


def own_segments() -> list[str]:
    """Give those that are named as ``name_segments`` wants it."""
    return segments(f"snnc-test{os.getpid()}-")


def mapped_segments(mark: str) -> set[str]:
    """Give the segments of shared memory that the processes with ``mark`` hold."""
    found: set[str] = set()
    for number in marked_processes(mark):
        with suppress(OSError):  # it has ended
            maps = Path(f"/proc/{number}/maps").read_text().split()
            found |= {Path(word).name for word in maps if Path(word).parent == SHARED_MEMORY}
    return found


def end_leftovers(mark: str) -> list[str]:
    """Give all that is left of a test, and end it, so that a failure does not spread."""
    processes = marked_processes(mark)
    for number in processes:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    names = own_segments()
    for name in names:
        (SHARED_MEMORY / name).unlink(missing_ok=True)
    return [*processes.values(), *names]


def wait_until_gone(mark: str, seconds: float = LONG) -> dict[int, str]:
    """Wait for the marked processes to end, and give those that have not."""
    end = time.monotonic() + seconds
    while (found := marked_processes(mark)) and time.monotonic() < end:
        time.sleep(0.05)
    return found
