"""A time limit that holds in every phase of a run, whatever it waits for."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from .faults import Overtime

END_LIMIT = 4.0
"""Seconds in which a run that was told to end may clear up."""
PERIOD = 0.25
"""Seconds between two looks at whether it does."""
LONGEST = 1e9
"""Seconds that a timer takes for certain, some 30 years."""


@contextmanager
def deadline(seconds: float | None) -> Generator[None]:
    """Raise ``Overtime`` within the block after ``seconds``, in the main thread, wherever it is.

    What is raised in a destructor or around a fork, Python drops; then it is raised once more.
    Where all that does not end the block in time, the process ends at once; Linux then ends what
    it forked, and the resource tracker of multiprocessing removes the shared memory.

    Args:
        seconds: The limit, or None for none.
    """
    if seconds is None:
        yield
        return
    alarm = _Alarm(f"the run was ended after {seconds:g} s (--timeout)")
    before = signal.signal(signal.SIGALRM, alarm.ring)
    told, sys.unraisablehook = sys.unraisablehook, alarm.dropped
    try:
        signal.setitimer(signal.ITIMER_REAL, min(seconds, LONGEST), PERIOD)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        sys.unraisablehook = told


class _Alarm:
    def __init__(self, text: str) -> None:
        self.text = text
        self.due, self.end = True, 0.0
        self.tell = sys.unraisablehook

    def ring(self, number: int, frame: object) -> None:
        del number, frame
        now = time.monotonic()
        self.end = self.end or now + END_LIMIT
        if now > self.end:
            os.write(2, f"error: {self.text}\n".encode())
            os._exit(124)
        if self.due:
            self.due = False
            raise Overtime(self.text)

    def dropped(self, what: Any) -> None:
        if isinstance(what.exc_value, Overtime):
            self.due = True
        else:
            self.tell(what)
