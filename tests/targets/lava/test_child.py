"""The watch over the runner, with small runners of all kinds of misbehavior; Lava has no part."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from snnc.compiler.diagnostics import EnvironmentFault, TimeLimitExceeded
from snnc.targets.lava import child
from snnc.targets.lava.child import Limit, run_lava
from snnc.targets.running import no_progress
from tests.targets.lava.leftovers import (
    LONG,
    MARK,
    end_leftovers,
    name_segments,
    own_segments,
    wait_until_gone,
)

LIMIT = Limit(300.0, "--timeout")

PRELUDE = """
import json, os, sys, time, multiprocessing.shared_memory as m
directory = sys.argv[2]
request = json.load(open(directory + "/request.json"))
open("/dev/shm" + request["shared_memory"] + "1", "wb").write(b"0")
def tell(**event):
    os.write(1, json.dumps(event).encode() + b"\\n")
def orphan():
    if os.fork() == 0:
        time.sleep(300)
        os._exit(0)
"""

Start = Callable[..., None]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Give a function that runs a runner of the given text; nothing of it may remain."""
    monkeypatch.setenv(MARK, str(tmp_path))

    def run(text: str, limit: Limit = LIMIT, **options: Callable[[int, int], None]) -> None:
        runner = tmp_path / "run.py"
        runner.write_text(PRELUDE + text)
        monkeypatch.setattr(child, "RUNNER", runner)
        monkeypatch.setattr(child, "END_LIMIT", LONG)
        name_segments(monkeypatch)
        run_lava(tmp_path, ("u",), limit, options.get("progress", no_progress))

    yield run
    assert end_leftovers(str(tmp_path)) == []


def message(found: str) -> str:
    return (
        "error[SNN505]: the process that runs Lava finishes its work\n"
        "  --> target lava\n"
        f"   found: {found}\n"
        "   limit: every process of Lava runs to the last step\n"
        "  remedy: run fewer samples at once if memory is short; "
        "snnc doctor shows what is installed"
    )


def test_success_tells_progress_and_leaves_results(start: Start, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        told.append((done, total))

    text = """
assert request["record"] == ["u"]
print("noise", file=sys.stderr)
tell(done=1, total=2)
tell(done=2, total=2)
open(directory + "/result", "w").write("done")
"""
    start(text, progress=progress)
    assert told == [(1, 2), (2, 2)]
    assert (tmp_path / "result").read_text() == "done"


def test_orphans_of_a_success_are_ended(start: Start) -> None:
    start("orphan()")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "tell(fault='Dense n0002 (fc) raised ValueError: x')\nsys.exit(3)",
            "Dense n0002 (fc) raised ValueError: x",
        ),
        ("orphan()\nos.kill(os.getpid(), 9)", "it was ended by signal 9 (SIGKILL)"),
        ("orphan()\nos.abort()", "it was ended by signal 6 (SIGABRT)"),
        ("raise OSError('no room')", "it ended with exit code 1: OSError: no room"),
        ("sys.exit(7)", "it ended with exit code 7: no message"),
    ],
)
def test_failure(start: Start, text: str, found: str) -> None:
    with pytest.raises(EnvironmentFault) as raised:
        start(text)
    assert str(raised.value) == message(found)


@pytest.mark.parametrize(
    ("before", "found"),
    [("", "no step done"), ("tell(done=3, total=9)\n", "3 of 9 hardware steps done")],
)
def test_hang_ends_at_the_limit(
    start: Start, monkeypatch: pytest.MonkeyPatch, before: str, found: str
) -> None:
    """The limit is over when a step is told, and not before."""
    late = [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + late[0], sleep=time.sleep)
    monkeypatch.setattr(child, "time", clock)

    def progress(done: int, total: int) -> None:
        assert done < total
        late[0] = 60.0

    text = f"import signal\nsignal.signal(15, signal.SIG_IGN)\norphan()\n{before}time.sleep(300)"
    limit = Limit(60.0 if before else 0.5, "--timeout")
    with pytest.raises(TimeLimitExceeded) as raised:
        start(text, limit, progress=progress)
    assert str(raised.value) == (
        "error[SNN506]: a run ends within its time limit\n"
        "  --> target lava\n"
        f"   found: {found}\n"
        f"   limit: {limit.seconds:g} s (--timeout)\n"
        "  remedy: raise --timeout, or run fewer samples at once"
    )


def test_error_of_the_progress_display_ends_the_run(start: Start) -> None:
    def progress(done: int, total: int) -> None:
        raise RuntimeError(f"{done}/{total}")

    with pytest.raises(RuntimeError, match="1/2"):
        start("orphan()\ntell(done=1, total=2)\ntime.sleep(300)", progress=progress)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_end_of_the_caller_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """The caller is another process; killed, it cannot clean up: the runner notices by its pipe."""
    runner = tmp_path / "run.py"
    runner.write_text(PRELUDE + "tell(done=1, total=2)\nsys.stdin.read()\n")
    caller = tmp_path / "caller.py"
    caller.write_text(f"""
from pathlib import Path
from types import SimpleNamespace
from snnc.targets.lava import child
child.RUNNER = Path({str(runner)!r})
child.secrets.token_hex = lambda _: "test{os.getpid()}"
tell = lambda done, total: print("running", flush=True)
child.run_lava(Path({str(tmp_path)!r}), (), child.Limit(300.0, ""), tell)
""")
    monkeypatch.setenv(MARK, str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3]))
    with subprocess.Popen(
        [sys.executable, str(caller)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"running\n"
        process.send_signal(number)
        process.communicate(timeout=LONG)
        assert process.returncode == -number
    assert wait_until_gone(str(tmp_path)) == {}
    for name in own_segments():  # not the stub's to remove
        assert number != signal.SIGINT
        Path("/dev/shm", name).unlink()


def test_request(start: Start, tmp_path: Path) -> None:
    start("")
    request = json.loads((tmp_path / "request.json").read_text())
    assert request == {"record": ["u"], "shared_memory": f"/snnc-test{os.getpid()}-"}
