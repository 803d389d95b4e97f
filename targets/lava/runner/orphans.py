"""Nothing of a run outlives it: no process, no shared memory."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from multiprocessing import shared_memory
from typing import NoReturn

PR_SET_PDEATHSIG = 1
"""The option of Linux' ``prctl(2)`` for a signal at the parent's death."""
SUFFIX_LENGTH = 8
"""Random hexadecimal digits at the end of the name of a segment of shared memory."""


def end_in_order() -> None:
    """Let SIGTERM end this process by an exception, and its forked processes end with it.

    The forked ones ignore Ctrl-C, which goes to all of them at once: this one ends them. Where
    it is killed itself, Linux ends them, and multiprocessing's resource tracker, which sees its
    pipe close, removes their shared memory.
    """
    signal.signal(signal.SIGTERM, _terminate)
    parent = os.getpid()
    library = ctypes.CDLL(None)  # loaded here: a forked process does as little as it can

    def after_fork() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if sys.platform == "linux":
            library.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it died before it could be followed
                os._exit(1)

    os.register_at_fork(after_in_child=after_fork)


def end_with_parent() -> None:
    """Let Linux send SIGTERM when the process that started this one ends, however it does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _terminate(number: int, frame: object) -> NoReturn:
    del frame
    raise SystemExit(128 + number)


def name_shared_memory(prefix: str) -> None:
    """Begin the name of every segment made from now on with ``prefix``.

    Whoever knows the prefix can remove the segments of a run that was killed.
    """
    shared_memory.__dict__.update(
        _SHM_NAME_PREFIX=prefix, _SHM_SAFE_NAME_LENGTH=len(prefix) + SUFFIX_LENGTH
    )
