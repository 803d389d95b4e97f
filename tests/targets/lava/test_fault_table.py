"""Faults as users meet them, by ``snnc run`` and by the runner of an artifact: one message each.

``python -m tests.lava_faults`` runs all of them, again and again; what ``test_faults.py`` and
``test_runner.py`` see from within is not repeated here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from snnc.targets.lava import scratch
from snnc.targets.lava.runner import room
from snnc.targets.lava.runner.deadline import deadline
from snnc.targets.lava.runner.faults import NoRoom, Overtime
from tests.lava_faults import FAULTS, RUNNER, SNNC, may_mount, problems, run
from tests.runtime.samples import ROOT

CASES = [
    ("building fails", RUNNER),
    ("the import hangs", SNNC),
    ("the import hangs", RUNNER),
    ("the results hang", RUNNER),
    ("the disk is full", SNNC),
    ("the disk is full", RUNNER),
    ("shared memory is full", SNNC),
    ("shared memory is full", RUNNER),
    ("a page is missing", SNNC),
    ("Ctrl-C", SNNC),
    ("SIGTERM", SNNC),
    ("kill -9", SNNC),
]


@pytest.mark.lava
@pytest.mark.parametrize(("name", "way"), CASES)
def test_fault(tmp_path: Path, name: str, way: str) -> None:
    if FAULTS[name].small and not may_mount():
        pytest.skip("this user may not mount a small file system (unshare --mount)")
    assert list(problems(name, way, run(name, way, tmp_path))) == []


@pytest.mark.lava
def test_what_to_do_about_shared_memory(tmp_path: Path) -> None:
    if not may_mount():
        pytest.skip("this user may not mount a small file system (unshare --mount)")
    found = run("shared memory is full", SNNC, tmp_path)
    assert found.text.endswith(
        "   limit: every process of Lava runs to the last step\n"
        "  remedy: free /dev/shm, or mount it larger; a container is given more by --shm-size=1g\n"
    )


class Segment:
    """A file that stands for a segment."""

    def __init__(self, path: Path, size: int) -> None:
        self.size = size
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT)


def test_room_is_taken(tmp_path: Path) -> None:
    segments = [Segment(tmp_path / name, size) for name, size in (("a", 5000), ("b", 1))]
    room.take(segments, room.free())
    assert [(tmp_path / name).stat().st_size for name in "ab"] == [5000, 1]


def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(fd: int, offset: int, size: int) -> None:
        raise OSError(28, "No space left on device", (fd, offset, size))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    monkeypatch.setattr(room, "free", lambda: 3 * 2**20)
    with pytest.raises(NoRoom) as error:
        room.take([Segment(tmp_path / "a", 5000), Segment(tmp_path / "b", 2**30)], 4 * 2**20)
    assert str(error.value) == (
        "shared memory is full: /dev/shm had 4 MiB free, and the run needs 1.001 GiB"
    )


def test_a_start_that_is_refused() -> None:
    refused = room.not_started(OSError(24, "Too many open files"), 7)
    assert str(refused) == "Lava could not be started: Too many open files"
    refused = room.not_started(OSError(28, "No space left on device"), None)
    assert str(refused) == "shared memory is full: /dev/shm has no room, and the run needs more"


def test_a_deadline_is_no_more_once_it_is_kept() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with deadline(None), deadline(1e300):
        pass
    with deadline(1000.0):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before
    told = r"^the run was ended after 0.05 s \(--timeout\)$"
    with pytest.raises(Overtime, match=told), deadline(0.05):
        time.sleep(5)


def test_a_deadline_that_is_over_before_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rings while it is set does not ring on: it would end the process after seconds."""
    before, setitimer = signal.getsignal(signal.SIGALRM), signal.setitimer

    def slowly(which: int, seconds: float, interval: float = 0.0) -> None:
        setitimer(which, seconds, interval)
        time.sleep(seconds and 5)

    monkeypatch.setattr(signal, "setitimer", slowly)
    with pytest.raises(Overtime), deadline(0.05):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_what_a_destructor_drops_is_raised_again(capfd: pytest.CaptureFixture[str]) -> None:
    class Slow:
        def __del__(self) -> None:
            time.sleep(1)

    def work() -> None:
        with deadline(0.05):
            Slow()
            time.sleep(20)

    with pytest.raises(Overtime):
        work()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_that_a_destructor_drops(number: signal.Signals, code: int) -> None:
    text = f"""
import os, signal, time
from snnc.targets.lava.runner import orphans
class Dropping:
    def __del__(self):
        os.kill(os.getpid(), {int(number)})
        time.sleep(1)
orphans.end_in_order()
Dropping()
try:
    time.sleep(300)
except KeyboardInterrupt:
    os._exit(130)
"""
    assert ended(text) == (code, "")


def test_who_does_not_end_in_time_is_ended() -> None:
    """As a destructor does, which swallows what is raised in it."""
    text = """
import time
from snnc.targets.lava.runner.deadline import deadline
from snnc.targets.lava.runner.faults import Overtime
with deadline(0.05):
    for _ in range(2):
        try:
            time.sleep(300)
        except Overtime:
            continue
"""
    assert ended(text) == (124, "error: the run was ended after 0.05 s (--timeout)\n")


def ended(text: str) -> tuple[int, str]:
    """Run Python, and give its exit code and what stands on standard error."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-c", text]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_folders_of_runs_that_were_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock tells them from those of runs that live, and their age from those that begin."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    old = time.time() - 2 * scratch.SETTLED
    for name in ("dead", "young", "else"):
        folder = tmp_path / f"{scratch.PREFIX}{name}"
        folder.mkdir()
        if name != "else":
            (folder / scratch.LOCK).touch()
            os.utime(folder / scratch.LOCK, (old, old) if name == "dead" else None)
    with scratch.scratch_folder() as lives:
        os.utime(lives / scratch.LOCK, (old, old))
        with scratch.scratch_folder() as other:
            names = {path.name for path in tmp_path.iterdir()}
            kept = {f"{scratch.PREFIX}young", f"{scratch.PREFIX}else", lives.name, other.name}
            assert names == kept
    assert {path.name for path in tmp_path.iterdir()} == kept - {lives.name, other.name}
