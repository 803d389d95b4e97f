"""Read files in a process of its own, and end it whatever happens.

HDF5 crashes, hangs or takes all memory on some damaged files (docs/nir.md); here it takes down
nothing but a process that has been given one file to read.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import (
    Diagnostic,
    EnvironmentFault,
    InputError,
    InternalError,
)
from snnc.frontends.hdf5.child import AEDAT4, HDF5, bounded, seconds_for
from snnc.frontends.hdf5.read import Tree, check_readable, grow
from snnc.frontends.hdf5.wire import Ended, receive

WAIT_FACTOR = 15
"""Seconds of waiting for one of processor time: other work may hold the processors."""
ROOT = Path(__file__).absolute().parents[3]
"""The folder that holds the package ``snnc``."""
CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from snnc.frontends.hdf5.child import main; main()"
)
BUFFER = 2**20
BROKEN = (OSError, EOFError, ArithmeticError, LookupError, TypeError, ValueError)
"""What a child that is gone, or that sends nonsense, leads to."""


class ReaderProcess:
    """A process that reads one file after the other; started anew when it has ended.

    Use it as a context: what it started is gone afterwards.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ReaderProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del kind, value, trace
        self._end()

    def read(self, path: Path, form: str = HDF5) -> Tree:
        """Read a whole file.

        Args:
            path: The file.
            form: One of those that ``child`` knows.

        Raises:
            InputError: SNN001, SNN101, SNN102, SNN107: what is wrong with the file; SNN108,
                reading it took too much, or crashed.
            EnvironmentFault: SNN508, no process could be started.
            InternalError: The process failed, and not by the file.
        """
        size = path.stat().st_size if form == AEDAT4 else check_readable(path)
        child = self._child or self._start()
        seconds = seconds_for(size, form)
        wait = WAIT_FACTOR * seconds
        with _killed_after(child, wait) as late:
            try:
                return self._ask(child, path, size, form)
            except InputError:
                raise
            except BROKEN as error:
                self._end()
                found = f"no end after {wait:.0f} s" if late else _reason(child.returncode)
                limit = f"{seconds:.1f} s of processor time for a file of {size} bytes"
                raise InputError([bounded(str(path), found, limit)]) from error
            except BaseException:
                self._end()
                raise

    @staticmethod
    def _ask(child: subprocess.Popen[bytes], path: Path, size: int, form: str) -> Tree:
        requests, pipe = cast("IO[bytes]", child.stdin), cast("IO[bytes]", child.stdout)
        told = [str(path.absolute()), str(path), size, form]
        requests.write(json.dumps(told).encode() + b"\n")
        requests.flush()
        try:
            return grow(receive(pipe))
        except Ended as ended:
            if ended.fault:
                raise InternalError(f"reading {path}: {ended.fault}") from ended
            raise InputError(ended.problems) from None

    def _start(self) -> subprocess.Popen[bytes]:
        paths = [str(ROOT), *(os.path.abspath(p) for p in sys.path)]  # noqa: PTH100
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        plugins = {"HDF5_PLUGIN_PRELOAD": "::"}  # filters from files: none
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", CODE, json.dumps(paths)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=BUFFER,
                env=os.environ | threads | plugins,
                start_new_session=True,
            )
        except OSError as error:
            raise EnvironmentFault([_no_process(error)]) from error
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        _kill(child)
        for pipe in (child.stdin, child.stdout):
            with suppress(OSError):  # a request that nobody took
                cast("IO[bytes]", pipe).close()
        child.wait()


@contextmanager
def _killed_after(child: subprocess.Popen[bytes], seconds: float) -> Generator[list[float]]:
    """Kill ``child`` after ``seconds``; the list then holds them."""
    late: list[float] = []

    def kill() -> None:
        late.append(seconds)
        _kill(child)

    timer = threading.Timer(seconds, kill)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
        timer.join()


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Kill the group of a child that nobody has waited for."""
    if child.returncode is not None:
        return
    with suppress(ProcessLookupError, PermissionError):  # macOS: a group of dead processes
        if sys.platform == "win32":
            child.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)


def _reason(code: int) -> str:
    if code >= 0:
        return f"the process that reads it ended with code {code}"
    name = signal.Signals(-code).name
    if name in {"SIGPROF", "SIGXCPU"}:
        return "reading it takes longer than that"
    return f"the process that reads it was ended by {name}"


def _no_process(error: OSError) -> Diagnostic:
    return Diagnostic(
        rule=rules.MACHINE_SUFFICES,
        node="the process that reads files",
        found=error.strerror or str(error),
        limit="a Python process beside this one",
        remedy="end other programs; snnc doctor looks at the rest",
    )
