"""A time limit that holds in every phase of a run, whatever it waits for."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

from .faults import Overtime

END_LIMIT = 4.0
"""Seconds in which a run that was told to end may clear up."""
LONGEST = 1e9
"""Seconds that a timer takes for certain, some 30 years."""


@contextmanager
def deadline(seconds: float | None) -> Generator[None]:
    """Raise ``Overtime`` within the block after ``seconds``, in the main thread, wherever it is.

    Where that does not end the block in time, the process ends at once; Linux then ends what it
    forked, and the resource tracker of multiprocessing removes the shared memory.

    Args:
        seconds: The limit, or None for none.
    """
    if seconds is None:
        yield
        return
    text, told = f"the run was ended after {seconds:g} s (--timeout)", False

    def end(number: int, frame: object) -> NoReturn:
        nonlocal told
        del number, frame
        if told:
            os.write(2, f"error: {text}\n".encode())
            os._exit(124)
        told = True
        raise Overtime(text)

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, min(seconds, LONGEST), END_LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
