"""The process that reads files: it can open nothing else, and gets little time and memory.

It is told of files, in a line each: path, name for messages, size and form, as JSON; and answers
with the frames of ``wire``. The limits are set by itself, in code that has seen no byte of it.
"""

from __future__ import annotations

import json
import math
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.frontends.hdf5.gate import MAX_BYTES, MAX_RATIO, REWRITE, printable
from snnc.frontends.hdf5.read import Entry, read_entries
from snnc.frontends.hdf5.wire import send_end, send_entry

HDF5, HDF5_DATA, AEDAT4 = "hdf5", "hdf5 data", "aedat4"
"""Forms of files: networks in HDF5, data in HDF5 with the attributes of groups, recordings."""
START_SECONDS = 0.5
"""Processor time for a file of no size; a file of 20 kB takes 10 ms."""
SECONDS_PER_MIB = 1.0
"""Processor time for each MiB of the file; the most that was measured is 0.25 (small objects)."""
SECONDS_PER_UNPACKED_MIB = 0.02
"""Processor time for each MiB of data that gzip may have packed into the file."""
START_BYTES = 192 * 2**20
"""Memory beside the file and its largest data set; h5py and NumPy use some 60 MiB of it."""


def serve(requests: IO[str], pipe: IO[bytes]) -> None:
    """Read file after file, until there are no more requests."""
    for line in requests:
        path, name, size, form = json.loads(line)
        limits = Limits(size, form)
        try:
            for entry in entries_of(form, Path(path), name, limits.hold):
                send_entry(pipe, entry)
        except InputError as error:
            send_end(pipe, error.diagnostics)
        except MemoryError:
            send_end(pipe, (limits.out_of_memory(name),))
        else:
            send_end(pipe)
        limits.lift()


def entries_of(
    form: str, path: Path, name: str, announce: Callable[[int], None]
) -> Iterator[Entry]:
    """Yield what a file of some form holds."""
    if form == AEDAT4:
        from snnc.frontends.events.aedat4_packets import read_packets

        return read_packets(path, name, announce)
    if form == HDF5_DATA:
        return read_entries(path, name, announce, data=True)
    return read_entries(path, name, announce)


def seconds_for(size: int, form: str = HDF5) -> float:
    """Give the processor time, in seconds, for a file of ``size`` bytes."""
    unpacked = min(MAX_RATIO * size, MAX_BYTES) if form == HDF5_DATA else 0
    return START_SECONDS + (SECONDS_PER_MIB * size + SECONDS_PER_UNPACKED_MIB * unpacked) / 2**20


def bounded(name: str, found: str, limit: str) -> Diagnostic:
    """SNN108 for the file ``name``."""
    return Diagnostic(rules.FILE_BOUNDED, printable(name), found, limit, REWRITE)


class Limits:
    """The limits of this process while it reads one file.

    Args:
        size: Bytes of the file.
        form: Its form.
    """

    def __init__(self, size: int, form: str) -> None:
        self._size = size
        self._seconds = seconds_for(size, form)
        self._base = _address_space()
        self._bytes = 0

    def hold(self, largest: int) -> None:
        """Set the limits; the files are open.

        Args:
            largest: Bytes of the largest data set so far.
        """
        if sys.platform == "win32":
            return
        import resource

        self._bytes = START_BYTES + self._size + 2 * largest
        if self._base:
            _set(resource.RLIMIT_AS, self._base + self._bytes)
        if largest:
            return
        _set(resource.RLIMIT_NOFILE, 0)  # no file can be opened, whatever HDF5 finds in this one
        used = resource.getrusage(resource.RUSAGE_SELF)
        _set(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime + self._seconds) + 1)
        signal.setitimer(signal.ITIMER_PROF, self._seconds)  # finer than whole seconds, and ends us

    def lift(self) -> None:
        """Take the limits away, for the next file."""
        if sys.platform == "win32":
            return
        import resource

        signal.setitimer(signal.ITIMER_PROF, 0)
        for limit in (resource.RLIMIT_AS, resource.RLIMIT_NOFILE, resource.RLIMIT_CPU):
            hard = resource.getrlimit(limit)[1]
            resource.setrlimit(limit, (hard, hard))

    def out_of_memory(self, name: str) -> Diagnostic:
        """SNN108 for a file that took too much."""
        found = "reading it takes more memory than that"
        return bounded(name, found, f"{self._bytes >> 20} MiB for a file of {self._size} bytes")


def _set(limit: int, value: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, hard))


def _address_space() -> int:
    """Give the bytes of address space in use, 0 where the system does not tell (proc(5))."""
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        import resource

        return pages * resource.getpagesize()
    return 0


def main() -> None:
    """Serve on standard input and output."""
    pipe = sys.stdout.buffer
    try:
        if sys.platform != "win32":
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
        serve(sys.stdin, pipe)
    except BrokenPipeError:
        return  # who asked is gone
    except Exception as error:  # noqa: BLE001 - told to who asked, who raises it
        send_end(pipe, fault=f"{type(error).__name__}: {error}")
