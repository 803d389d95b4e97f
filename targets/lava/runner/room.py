"""Room in shared memory: taken before it is written to, told of where there is none."""

from __future__ import annotations

import os
from typing import Any

SHARED_MEMORY = "/dev/shm"  # noqa: S108
"""Where Linux keeps segments of shared memory (``shm_overview(7)``)."""


def take(segment: Any) -> bool:
    """Reserve all pages of a new segment; say whether there was room.

    A segment has none at first: where the file system is full when a page is written to, the
    process gets SIGBUS, and Lava would hang.

    Args:
        segment: A ``multiprocessing.shared_memory.SharedMemory``.
    """
    if hasattr(os, "posix_fallocate"):  # not on macOS
        try:
            os.posix_fallocate(segment._fd, 0, segment.size)
        except OSError:
            return False
    return True


def room() -> str:
    """Say how much room there is."""
    try:
        there = os.statvfs(SHARED_MEMORY)
    except OSError as error:
        return f"{SHARED_MEMORY}: {error.strerror}"
    return f"{SHARED_MEMORY} has {_size(there.f_bavail * there.f_frsize)} free"


def too_small(needed: int, before: str) -> str:
    """Say that there is less room than a run needs.

    Args:
        needed: Bytes of all its segments.
        before: What ``room`` said before there were any.
    """
    return f"shared memory is full: the run needs {_size(needed)}, and {before}"


def _size(count: int) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.3g} {unit}"
        count = -(-count // 1024)
    return f"{count} GiB"
