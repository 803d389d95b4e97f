"""Room in shared memory: taken before it is written to, told of where there is none."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Iterable
from typing import Any

from .faults import NoRoom, ProcessFault

SHARED_MEMORY = "/dev/shm"  # noqa: S108
"""Where Linux keeps segments and semaphores (``shm_overview(7)``, ``sem_overview(7)``)."""


def free() -> int | None:
    """Give the bytes that are free, or None where nothing tells."""
    try:
        there = os.statvfs(SHARED_MEMORY)
    except OSError:
        return None
    return there.f_bavail * there.f_frsize


def take(segments: Iterable[Any], before: int | None) -> None:
    """Reserve all pages of new segments.

    A segment has none at first: where a page is written to that there is no room for, the process
    gets SIGBUS, and Lava would hang.

    Args:
        segments: Of ``multiprocessing.shared_memory``.
        before: What was free before there was anything of the run.

    Raises:
        NoRoom: There is not enough.
    """
    made = list(segments)
    sizes = [-(-segment.size // mmap.PAGESIZE) * mmap.PAGESIZE for segment in made]
    now = free()
    semaphores = 0 if before is None or now is None else max(before - now, 0)
    for segment in made if hasattr(os, "posix_fallocate") else ():  # macOS has none
        try:
            os.posix_fallocate(segment._fd, 0, segment.size)
        except OSError as error:
            raise full(before, size_text(semaphores + sum(sizes))) from error


def full(before: int | None, needed: str = "more") -> NoRoom:
    """Give the fault of a run for which there was too little room before it began."""
    there = "has no room" if before is None else f"had {size_text(before)} free"
    return NoRoom(f"shared memory is full: {SHARED_MEMORY} {there}, and the run needs {needed}")


def not_started(error: OSError, before: int | None) -> ProcessFault:
    """Give the fault of a run whose start the machine refused."""
    if error.errno == errno.ENOSPC:  # of a semaphore
        return full(before)
    return ProcessFault(f"Lava could not be started: {error.strerror or error}")


def of_signal(name: str) -> str:
    """Say what a process that was ended by a signal lacked, where that is known."""
    if name != "SIGBUS":
        return ""
    there = free()
    left = "" if there is None else f"; {SHARED_MEMORY} has {size_text(there)} free"
    return f": no room for a page of memory{left}"


def size_text(count: int) -> str:
    """Give a number of bytes in a unit that suits it."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count} bytes"
