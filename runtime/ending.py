"""Signals that end the command: they unwind it as Ctrl-C does, so that nothing is left behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""What ends a process by default and without a word; not every system has both."""


class Terminated(BaseException):
    """The process was told to end; like ``KeyboardInterrupt`` it is no ``Exception``.

    Attributes:
        exit_code: 128 and the number of the signal, as shells give it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def unwinding() -> Generator[None, None, None]:
    """Raise ``Terminated`` where one of these signals arrives.

    The first signal is the last that counts: those that follow do not disturb the clearing up.
    A signal that the caller ignores, as ``nohup`` does, or handles stays as it is.

    Raises:
        Terminated: A signal has arrived.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    ours = [number for number in ENDING if signal.getsignal(number) is signal.SIG_DFL]

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        for each in ours:
            signal.signal(each, signal.SIG_IGN)
        raise Terminated(number)

    try:
        for number in ours:
            signal.signal(number, end)
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
