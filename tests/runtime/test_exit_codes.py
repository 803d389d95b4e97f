"""Every exit code of the command, and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import InternalError
from snnc.runtime.cli import cli
from tests.runtime.conftest import Snnc
from tests.runtime.samples import ROOT, WIDTH, artifact, inverted, run_snnc, without_progress


def test_0_done(here: Path) -> None:
    done = run_snnc("compile", "model.nir", "--target", "integer", "--dt", "1e-4", cwd=here)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("wrote model.integer: target integer, 11 neurons, latency of 2 ")


def test_1_not_equivalent(here: Path) -> None:
    inverted().save("inverted")
    done = run_snnc(
        *("verify", "inverted", "--input", "x.npy", "--labels", "y.npy", "--targets", "integer"),
        *("--report", "report"),
        cwd=here,
    )
    assert (done.returncode, done.stderr) == (1, "")
    verdict = done.stdout.splitlines()[-2]
    assert verdict.startswith("not equivalent: float -> integer: accuracy falls by ")


def test_2_input(here: Path) -> None:
    done = run_snnc("inspect", "nothing.nir", cwd=here)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error[SNN001]: a file that is named exists and can be read\n")


def test_3_environment(here: Path) -> None:
    (here / "file").write_text("")
    done = run_snnc(
        *("compile", "model.nir", "--target", "integer", "--dt", "1e-4", "-o", "file/out"), cwd=here
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "error[SNN002]: the place that is named can be written\n"
        "  --> file/out\n"
        "   found: Not a directory\n"
        "   limit: a place where this user may write, with room left\n"
        "  remedy: name another place with -o, or free this one"
    )


def test_124_time_limit(here: Path) -> None:
    np.save("long.npy", np.zeros((20_000, 1, WIDTH), np.uint8))
    done = run_snnc(
        *("run", "model.integer", "--input", "long.npy", "-o", "out.npz", "--timeout", "0.2"),
        cwd=here,
    )
    assert (done.returncode, done.stdout) == (124, "")
    head, place, found, limit, remedy = done.stderr.splitlines()
    assert head == "error[SNN506]: a run ends within its time limit"
    assert place == "  --> target integer"
    assert found.startswith("   found: step ")
    assert found.endswith(" of 20002 after 0.2 s")
    assert limit == "   limit: 0.2 s, named with --timeout"
    assert remedy == "  remedy: name a longer --timeout, or run fewer steps or samples"
    assert not Path("out.npz").exists()


def start_long_run(here: Path, model: str, *before: str) -> subprocess.Popen[str]:
    """Start a run that takes long, and give it when it says so."""
    np.save("long.npy", np.zeros((1_000_000, 1, WIDTH), np.uint8))
    (here / "scratch").mkdir()
    command = [sys.executable, "-m", "snnc", "run", model, "--input", "long.npy"]
    process = subprocess.Popen(
        [*before, *command, "-o", "out.npz"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(here / "scratch")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    while line and not line.startswith("running on "):  # after a second
        line = process.stderr.readline()
    return process


def said_at_the_end(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    said = process.stderr.read().strip()
    process.stderr.close()
    return said


ENDED = [
    (signal.SIGINT, "interrupted", 130),
    (signal.SIGTERM, "terminated", 143),
    (signal.SIGHUP, "terminated", 129),
]


@pytest.mark.parametrize(("number", "says", "code"), ENDED)
def test_ended_by_a_signal(number: signal.Signals, says: str, code: int, here: Path) -> None:
    process = start_long_run(here, "model.integer")
    process.send_signal(number)
    assert said_at_the_end(process) == says
    assert process.wait(120) == code
    assert made(here) == ["long.npy", "scratch"]
    assert list((here / "scratch").iterdir()) == []


def made(here: Path) -> list[str]:
    return sorted(p.name for p in here.iterdir() if not p.is_symlink())


@pytest.mark.lava
@pytest.mark.parametrize(("number", "says", "code"), ENDED[1:])
def test_lava_is_ended_by_a_signal(
    number: signal.Signals, says: str, code: int, here: Path
) -> None:
    artifact("lava").save("on_lava")
    process = start_long_run(here, "on_lava")
    while len(workers := children(process.pid)) != 1 or not list((here / "scratch").iterdir()):
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(number)
    assert said_at_the_end(process) == says
    assert process.wait(120) == code
    assert made(here) == ["long.npy", "on_lava", "scratch"]
    assert list((here / "scratch").iterdir()) == []
    while Path(f"/proc/{workers[0]}").exists():  # told while it starts, it ends behind its parent
        time.sleep(0.05)


def children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(number) for number in listed.split()]


def test_a_signal_that_is_ignored_stays_ignored(here: Path) -> None:
    process = start_long_run(here, "model.integer", "nohup")
    process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert said_at_the_end(process) == "terminated"
    assert process.wait(120) == 143


def signaled(monkeypatch: pytest.MonkeyPatch, *numbers: signal.Signals) -> list[str]:
    """Make ``snnc targets`` send itself signals, one after the other as it clears up."""
    cleared: list[str] = []

    def work(**_: Any) -> int:
        try:
            signal.raise_signal(numbers[0])
        finally:
            for number in numbers[1:]:
                signal.raise_signal(number)
            cleared.append("all")
        return 0

    monkeypatch.setattr(cli.commands["targets"], "callback", work)
    return cleared


def test_a_second_signal_does_not_disturb_the_clearing_up(
    snnc: Snnc, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleared = signaled(monkeypatch, signal.SIGTERM, signal.SIGTERM, signal.SIGHUP)
    ended = snnc("targets")
    assert (ended.code, ended.out, ended.err) == (143, "", "terminated\n")
    assert cleared == ["all"]
    for number in (signal.SIGTERM, signal.SIGHUP):
        assert signal.getsignal(number) is signal.SIG_DFL


def test_signals_are_the_main_threads(snnc: Snnc) -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(snnc("targets").code))
    thread.start()
    thread.join()
    assert codes == [0]


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``snnc targets`` raise ``error``."""

    def fail(*_: Any, **__: Any) -> int:
        raise error

    monkeypatch.setattr(cli.commands["targets"], "callback", fail)


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (InternalError("after retime:\nno\x1b"), r"InternalError: after retime:\nno\x1b"),
        (KeyError("x"), "KeyError: 'x'"),
        (SystemExit(0), "SystemExit: 0"),
    ],
)
def test_4_our_fault(
    error: BaseException, found: str, snnc: Snnc, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(error, monkeypatch)
    ended = snnc("targets")
    assert (ended.code, ended.out) == (4, "")
    assert ended.err == (
        "error[SNN900]: snnc keeps its own invariants\n"
        "  --> snnc\n"
        f"   found: {found}\n"
        "   limit: no such error, whatever the input\n"
        "  remedy: run the command again with --debug and report what it prints\n"
    )


MACHINE = """\
error[SNN508]: the machine gives what the work needs: memory, files, processes
  --> this machine
   found: {found}
   limit: what the operating system gives this process
  remedy: {remedy}
"""


@pytest.mark.parametrize(
    ("error", "found", "remedy"),
    [
        (MemoryError(), "out of memory", "give fewer samples at once"),
        (
            OSError(24, "Too many open files", "/dev/null"),
            "Too many open files: /dev/null",
            "snnc doctor looks at the machine",
        ),
    ],
)
def test_3_machine(
    error: Exception, found: str, remedy: str, snnc: Snnc, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(error, monkeypatch)
    ended = snnc("targets")
    assert (ended.code, ended.err) == (3, MACHINE.format(found=found, remedy=remedy))


def test_debug_shows_the_traceback_wherever_it_stands(
    snnc: Snnc, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(KeyError("x"), monkeypatch)
    for arguments in (("--debug", "targets"), ("targets", "--debug")):
        ended = snnc(*arguments)
        assert ended.code == 4
        assert ended.err.startswith("Traceback (most recent call last):\n")
        assert "error[SNN900]" in ended.err
    assert "Traceback" not in snnc("targets").err


@pytest.mark.parametrize("arguments", [["inspect", "model.integer"], ["--help"]])
def test_a_reader_that_goes_away_is_no_error(arguments: list[str], here: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "snnc", *arguments],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, without_progress(done.stderr)) == (0, "")
