"""How much memory is left, so that what cannot fit is refused before it is read."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
"""Limits of a container (Linux, control group v2)."""


def available_memory() -> int | None:
    """Give the bytes that this process may still take; None where the system does not tell.

    Linux tells what is available, and a container what it may take at most; other systems tell how
    much there is in all.
    """
    told = [n for n in (_of_system(), _of_container()) if n is not None]
    return min(told) if told else None


def _of_system() -> int | None:
    with suppress(OSError, ValueError):
        found = re.search(r"^MemAvailable: *(\d+) kB$", MEMINFO.read_text("ascii"), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    with suppress(AttributeError, OSError, ValueError):  # no sysconf on Windows
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _of_container() -> int | None:
    with suppress(OSError, ValueError):
        most = (CGROUP / "memory.max").read_text("ascii").strip()
        used = (CGROUP / "memory.current").read_text("ascii").strip()
        return max(int(most) - int(used), 0)  # "max" where there is no limit
    return None
