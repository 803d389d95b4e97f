"""What the command prints: data on stdout, diagnostics and progress on stderr."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from snnc.compiler.diagnostics import Diagnostic
from snnc.runtime.text import duration, shown

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from snnc.targets.running import Progress

PATIENCE = 1.0
"""Seconds of silence before the command says what it is doing."""
BETWEEN = 30.0
"""Seconds between two lines that say how far it is, where there is no terminal."""


def emit(text: str) -> None:
    """Print data on stdout, letters that its encoding has not as escapes.

    A reader that has closed it is no error.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # What follows, and the flush at exit, go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def emit_json(data: Mapping[str, Any]) -> None:
    """Print data on stdout as JSON."""
    emit(json.dumps(data, indent=1, ensure_ascii=True, allow_nan=False))


def note(text: str) -> None:
    """Print a line on stderr; where nobody reads it any more, it is lost."""
    with contextlib.suppress(OSError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def note_diagnostic(diagnostic: Diagnostic, severity: str = "error") -> None:
    """Print a diagnostic on stderr, with what the user named made harmless."""
    harmless = replace(
        diagnostic,
        node=shown(diagnostic.node),
        found=shown(diagnostic.found),
        limit=shown(diagnostic.limit),
        remedy=shown(diagnostic.remedy),
    )
    note(harmless.text(severity))


class Display:
    """Shows on stderr what a command is doing, stage after stage.

    On a terminal it is a line with a bar that goes away; elsewhere one line for each stage that
    takes longer than a second, and one every half a minute that tells the time that is left.
    """

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):  # the terminal may be closed
            self._end_stage()
            if self._bars is not None:
                self._bars.stop()

    def stage(self, text: str) -> Progress:
        """Begin a stage; the one before it is over.

        Args:
            text: What is being done, such as ``running on lava``.

        Returns:
            The function that tells how far the stage is.
        """
        self._end_stage()
        if self._terminal:
            return self._bar(shown(text))
        self._timer = threading.Timer(PATIENCE, note, [f"{shown(text)} ..."])
        self._timer.daemon = True
        self._timer.start()
        return Lines(shown(text))

    def _bar(self, text: str) -> Callable[[int, int], None]:
        if self._bars is None:
            self._bars = _make_bars()
            self._bars.start()
        bars, task = self._bars, self._bars.add_task(text, total=None)
        self._task = task
        begun = False

        def progress(done: int, total: int) -> None:
            nonlocal begun
            if begun:
                bars.update(task, completed=done, total=total)
            else:  # what was done before says nothing of the speed
                bars.reset(task, completed=done, total=total)
            begun = True

        return progress

    def _end_stage(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._bars is not None and self._task is not None:
            self._bars.remove_task(self._task)
        self._timer = self._task = None


class Lines:
    """Tells how far a stage is where there is no terminal: a line now and then."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._first: tuple[float, int] | None = None
        self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Take up that so much is done; the first call says what was done before."""
        now = time.monotonic()
        if self._first is None:
            self._first = now, done
        if now - self._last < BETWEEN or not 0 < done < total:
            return
        self._last = now
        begun, before = self._first
        line = f"{self._text}: {100 * done / total:.0f} %"
        if done > before:
            line += f", {duration((now - begun) * (total - done) / (done - before))} left"
        note(f"{line} ...")


def _make_bars() -> Bars:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
