"""Nothing of a run outlives it: no process, no shared memory."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from multiprocessing import shared_memory
from typing import Any

PR_SET_PDEATHSIG = 1
"""The option of Linux' ``prctl(2)`` for a signal at the parent's death."""
CLEAR_UP = 4
"""Seconds in which a process that was told to end may clear up, and hears nothing more of it."""
AGAIN = 0.05
"""Seconds after which a signal that had no effect is sent again."""
SUFFIX_LENGTH = 8
"""Random hexadecimal digits at the end of the name of a segment of shared memory."""

_told: list[float] = []


def end_in_order() -> None:
    """Let SIGTERM end this process by an exception, and its forked processes end with it.

    The forked ones ignore Ctrl-C, which goes to all of them at once: this one ends them. Where
    it is killed itself, Linux ends them, and multiprocessing's resource tracker, which sees its
    pipe close, removes their shared memory.
    """
    signal.signal(signal.SIGTERM, _end_once)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end_once)
    tell = sys.unraisablehook

    def dropped(what: Any) -> None:
        """Python drops what is raised in a destructor, or around a fork."""
        if not isinstance(what.exc_value, KeyboardInterrupt | SystemExit):
            tell(what)
            return
        interrupted = isinstance(what.exc_value, KeyboardInterrupt)
        number = signal.SIGINT if interrupted else signal.SIGTERM
        _told.clear()
        again = threading.Timer(AGAIN, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    sys.unraisablehook = dropped
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


def clearing_up() -> bool:
    """Say whether this process was told to end and may still clear up; from now on it was.

    Whatever interrupted that would leave Lava's processes behind, for which Python then waits.
    Where it takes too long all the same, the process ends at once, and they with it.
    """
    now = time.monotonic()
    if _told and now - _told[-1] < CLEAR_UP:
        return True
    _told.append(now)
    signal.signal(signal.SIGALRM, _end_now)
    signal.alarm(CLEAR_UP)
    return False


def _end_now(number: int, frame: object) -> None:
    del number, frame
    os._exit(1)


def _end_once(number: int, frame: object) -> None:
    del frame
    if clearing_up():
        return
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def name_shared_memory(prefix: str) -> None:
    """Begin the name of every segment made from now on with ``prefix``.

    Whoever knows the prefix can remove the segments of a run that was killed.
    """
    shared_memory.__dict__.update(
        _SHM_NAME_PREFIX=prefix, _SHM_SAFE_NAME_LENGTH=len(prefix) + SUFFIX_LENGTH
    )
