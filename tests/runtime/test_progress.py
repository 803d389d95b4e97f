"""Progress of the command: a line after a while, a bar on a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from snnc.runtime import cli as cli_module
from snnc.runtime import console
from snnc.runtime.cli import cli
from tests.runtime.conftest import Snnc
from tests.runtime.samples import ROOT, run_snnc


def staged(monkeypatch: pytest.MonkeyPatch, within: Callable[[], object]) -> None:
    """Make ``snnc targets`` a stage in which ``within`` is called."""

    def work(**_: Any) -> int:
        with console.Display() as display:
            display.stage("working on \x1b[31m")
            within()
        return 0

    monkeypatch.setattr(cli.commands["targets"], "callback", work)


def test_progress_is_one_line_after_a_while(snnc: Snnc, monkeypatch: pytest.MonkeyPatch) -> None:
    note, told = console.note, threading.Event()

    def tell(text: str) -> None:
        note(text)
        told.set()

    monkeypatch.setattr(console, "note", tell)
    monkeypatch.setattr(console, "PATIENCE", 0.1)
    staged(monkeypatch, told.wait)
    assert snnc("targets").err == "working on \\x1b[31m ...\n"


def test_no_progress_on_short_work(snnc: Snnc, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing comes, neither during the stage nor when it is over."""
    timers: list[threading.Timer] = []

    class Timer(threading.Timer):
        def start(self) -> None:
            timers.append(self)
            super().start()

    monkeypatch.setattr(threading, "Timer", Timer)
    staged(monkeypatch, lambda: None)
    assert snnc("targets").err == ""
    (timer,) = timers
    assert timer.interval == console.PATIENCE
    assert timer.finished.is_set()


def on_terminal(script: str, *awaited: str, **environment: str) -> str:
    """Run Python with a terminal as its stderr and give what it wrote there.

    Args:
        script: Reads a line where it has to wait for something that is ``awaited``.
        awaited: What it writes before it is given that line.
        environment: Variables.
    """
    terminal, stderr = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", **environment},
        stdin=subprocess.PIPE,
        stderr=stderr,
    ) as process:
        os.close(stderr)
        assert process.stdin is not None
        written = b""
        for text in awaited:
            while text.encode() not in written:
                written += os.read(terminal, 4096)
            process.stdin.write(b"\n")
            process.stdin.flush()
        with contextlib.suppress(OSError):  # the terminal's way to say that all has been read
            while part := os.read(terminal, 4096):
                written += part
    os.close(terminal)
    assert process.returncode == 0
    return written.decode()


STAGES = """
from snnc.runtime.console import Display
with Display() as display:
    progress = display.stage("one \x1b[2J")
    for done in range(5):
        progress(done, 5)
    input()
    display.stage("two")
    input()
"""


def test_progress_on_a_terminal_goes_away() -> None:
    written = on_terminal(STAGES, r"one \x1b[2J", "two")
    assert "\x1b[2J" not in written
    assert written.rstrip().endswith("\x1b[2K\x1b[?25h")  # line erased, cursor shown


def test_progress_without_color() -> None:
    color = r"\x1b\[[0-9;]*3\d"
    assert re.search(color, on_terminal(STAGES, "one", "two"))
    assert not re.search(color, on_terminal(STAGES, "one", "two", NO_COLOR="1"))


def test_no_bar_on_a_dumb_terminal() -> None:
    assert on_terminal(STAGES, "", "", TERM="dumb") == ""


def test_module_can_be_run(here: Path) -> None:
    done = run_snnc("targets", "--json", cwd=here)
    assert [t["name"] for t in json.loads(done.stdout)["targets"]] == [
        "float",
        "integer",
        "cpu",
        "cuda",
        "lava",
    ]
    assert cli_module.main(["--version"]) == 0
