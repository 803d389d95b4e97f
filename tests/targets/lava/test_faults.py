"""What fails within Lava ends in one message, and nothing of it is left."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from snnc.compiler.diagnostics import EnvironmentFault, TimeLimitExceeded
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.operators import FixedScaling
from snnc.targets.lava import child
from snnc.targets.lava.forms import Form
from snnc.targets.lava.target import LavaTarget
from snnc.targets.running import Progress, RunOptions
from tests.targets.lava.leftovers import (
    LONG,
    MARK,
    end_leftovers,
    name_segments,
    own_segments,
    runner_processes,
    wait_until_gone,
)
from tests.targets.lava.networks import artifact, population, projection
from tests.targets.lava.standalone import copy_runner

pytestmark = pytest.mark.lava

HERE = Path(child.__file__).resolve().parent
HANGS = 120.0
"""Seconds after which a run that ought to fail is ended as one that hangs: another error."""


FORKED = 8
"""Processes of ``network``: that of shared memory, six of Lava's, Lava's runtime service."""


def network() -> FixedNetwork:
    """Give a network of every kind of process, but for delays."""
    return FixedNetwork(
        inputs=(FixedInput("x", (2,)),),
        populations=(
            population("first", (2,), FixedReset.SUBTRACT, 1),
            population("second", (2,), FixedReset.ZERO, 2),
        ),
        projections=(
            projection("x", "first", np.full((2, 2), 60)),
            projection("first", "second", FixedScaling(weight=np.full(2, 120, np.int8))),
        ),
        outputs=(Output("out", "second"),),
        dt=1e-3,
    )


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Mark the processes and the shared memory of the test; nothing of it may remain.

    Nor may files for a time, whose folder has a longer path than a socket may have.
    """
    temporary = tmp_path / ("long" * 30)
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv(MARK, str(tmp_path))
    monkeypatch.setattr(child, "END_LIMIT", LONG)
    name_segments(monkeypatch)
    yield str(tmp_path)
    assert end_leftovers(str(tmp_path)) == []
    assert list(temporary.iterdir()) == []


def patch_runner(
    directory: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str
) -> None:
    """Start a copy of the runner in which ``old`` stands as ``new``."""
    copy_runner(directory / "runner")
    shutil.copy(HERE / "run.py", directory)
    path = directory / "runner" / file
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    monkeypatch.setattr(child, "RUNNER", directory / "run.py")


def run(options: RunOptions, steps: int = 400, batch: int = 2000, form: Form = Form.MIXED) -> None:
    """Run for minutes, unless something happens."""
    x = np.ones((steps, batch, 2), np.uint8)
    LavaTarget().run(artifact(network(), form), {"x": x}, options)


def run_fused(options: RunOptions, steps: int = 800_000) -> None:
    """Run the fused form for as long."""
    run(options, steps=steps, batch=1, form=Form.FUSED)


def found(error: pytest.ExceptionInfo[EnvironmentFault]) -> str:
    """Give what the message says was found, once all else of it is as it must be."""
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.rule.code == "SNN505"
    assert diagnostic.node == "target lava"
    return diagnostic.found


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        (
            "neuron.py",
            "        theta = self.theta\n",
            "        theta = self.theta\n        self.n = getattr(self, 'n', 0) + 1\n"
            "        if self.n == 20: raise ValueError('no good\\nsecond line')\n",
            r"Population n0002 \(first\) raised second line",
        ),
        (
            "processes.py",
            "        self.recorder.keep(self.time_step, **{self.signal: self.a_in.recv()})\n",
            "        self.a_in.recv()\n        if self.time_step == 3: raise ValueError('last')\n",
            r"Sink n0006 \(out\) raised ValueError: last",
        ),
        (
            "synapse.py",
            "        y = x.reshape(-1, x.shape[-1])\n",
            "        raise MemoryError('no room for the columns')\n",
            r"Synapse n0005 \(first to second\) raised MemoryError: no room for the columns",
        ),
        (
            "window.py",
            "        step, sample = position\n",
            "        step, sample = position\n        if step == 9: import os; os._exit(5)\n",
            r"(Population n0002 \(first\)|LIFReset n0003 \(second\)|Sink n0006 \(out\)) "
            "ended with exit code 5",
        ),
        (
            "processes.py",
            '        self.values: Array = proc_params["values"]\n',
            '        self.values: Array = proc_params["nothing"]\n',
            r"Source n0001 \(x\) raised KeyError: 'nothing'",
        ),
        (
            "models.py",
            '        self.recorders: tuple[Recorder, ...] = proc_params["recorders"]\n',
            "        class Odd(Exception):\n"
            "            def __init__(self, a, b): super().__init__(f'{a} and {b}')\n"
            "        raise Odd(1, 2)\n",
            r"LIFReset n0003 \(second\) raised runner.models.RecordingLifReset.__init__.<locals>."
            "Odd: 1 and 2",
        ),
        (
            "build.py",
            "    cores = make_cores(job.program, made, [])\n",
            "    raise RuntimeError('cannot connect')\n",
            "it ended with exit code 1: RuntimeError: cannot connect",
        ),
    ],
    ids=[
        "a step raises",
        "the last process raises",
        "a synapse raises",
        "a worker exits",
        "building raises",
        "exception of its own",
        "no network",
    ],
)
def test_failure_inside(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mark: str,
    file: str,
    old: str,
    new: str,
    reason: str,
) -> None:
    assert mark
    patch_runner(tmp_path, monkeypatch, file, old, new)
    with pytest.raises(EnvironmentFault) as error:
        run(RunOptions(timeout=HANGS))
    assert re.fullmatch(reason, found(error))


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        (
            "neuron.py",
            "        theta = self.theta\n",
            "        theta = self.theta\n        self.n = getattr(self, 'n', 0) + 1\n"
            "        if self.n == 20: raise ValueError('no good\\nsecond line')\n",
            "Fused network (all nodes) raised second line",
        ),
        (
            "fused.py",
            "        self.steps = whole.run()\n",
            "        raise KeyError('nothing')\n",
            "Fused network (all nodes) raised KeyError: 'nothing'",
        ),
        (
            "whole.py",
            "        self.input_steps, batch =",
            "        raise MemoryError('too large')\n        self.input_steps, batch =",
            "it ended with exit code 1: MemoryError: too large",
        ),
    ],
    ids=["a step raises", "the process raises", "no network"],
)
def test_failure_inside_a_fused_network(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mark: str,
    file: str,
    old: str,
    new: str,
    reason: str,
) -> None:
    assert mark
    patch_runner(tmp_path, monkeypatch, file, old, new)
    with pytest.raises(EnvironmentFault) as error:
        run_fused(RunOptions(timeout=HANGS))
    assert found(error) == reason


@pytest.mark.parametrize(
    ("index", "who"),
    [(1, "Fused network (all nodes)"), (2, "Lava's runtime service"), (None, "it")],
)
def test_killed_process_of_a_fused_network(mark: str, index: int | None, who: str) -> None:
    def kill(done: int, total: int) -> None:
        assert done < total == 800_002
        # that of shared memory, the network, Lava's runtime service
        main, forked = runner_processes(mark, 3)
        os.kill(main if index is None else forked[index], signal.SIGKILL)

    with pytest.raises(EnvironmentFault) as error:
        run_fused(RunOptions(progress=once(kill)))
    assert found(error) == f"{who} was ended by signal 9 (SIGKILL)"


def test_fused_network_that_is_long_or_succeeds(mark: str) -> None:
    def no_time_left(done: int, total: int) -> None:
        assert done < total
        time.sleep(3)

    with pytest.raises(TimeLimitExceeded) as error:
        run_fused(RunOptions(timeout=3.0, progress=once(no_time_left)))
    (diagnostic,) = error.value.diagnostics
    assert re.fullmatch(r"(\d+ of 800002 hardware steps|no step) done", diagnostic.found)
    run_fused(RunOptions(), steps=10)
    assert mark


@pytest.mark.parametrize("index", [1, 2, 4])
def test_killed_worker(mark: str, index: int) -> None:
    def kill(done: int, total: int) -> None:
        assert done < total
        _, forked = runner_processes(mark, FORKED)
        os.kill(forked[index], signal.SIGKILL)

    with pytest.raises(EnvironmentFault) as error:
        run(RunOptions(progress=once(kill)))
    assert re.fullmatch(r"\w+ n000\d \(.*\) was ended by signal 9 \(SIGKILL\)", found(error))


@pytest.mark.parametrize(("index", "who"), [(-1, "Lava's runtime service was"), (None, "it was")])
def test_killed_head(mark: str, index: int | None, who: str) -> None:
    """The runtime service, and the main process of the runner."""

    def kill(done: int, total: int) -> None:
        assert done < total
        main, forked = runner_processes(mark, FORKED)
        os.kill(main if index is None else forked[index], signal.SIGKILL)

    with pytest.raises(EnvironmentFault) as error:
        run(RunOptions(progress=once(kill)))
    assert found(error) == f"{who} ended by signal 9 (SIGKILL)"


def once(act: Progress) -> Progress:
    """Act at the first word of progress: others may be on their way when everything ends."""
    told: list[int] = []

    def progress(done: int, total: int) -> None:
        told.append(done)
        if len(told) == 1:
            act(done, total)

    return progress


def test_killed_manager_of_shared_memory_does_no_harm(mark: str) -> None:
    """The segments are mapped already; their names go with the run."""
    killed: list[int] = []

    def kill(done: int, total: int) -> None:
        if not killed:
            killed.append(runner_processes(mark, FORKED)[1][0])
            os.kill(killed[0], signal.SIGKILL)
            assert own_segments()
        assert done <= total

    run(RunOptions(progress=kill), steps=250, batch=4)
    assert killed


def test_socket_in_a_long_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str) -> None:
    """Where addresses cannot be abstract, the message names the place."""
    assert mark
    patch_runner(tmp_path, monkeypatch, "guard.py", 'sys.platform == "linux"', "False")
    with pytest.raises(EnvironmentFault) as error:
        run(RunOptions())
    assert found(error) == (
        "the manager of shared memory did not start; its socket is in TMPDIR, "
        f"which may be too long a path: {os.environ['TMPDIR']}"
    )
    for left in Path(os.environ["TMPDIR"]).glob("pymp-*"):
        left.rmdir()


def test_time_limit_of_a_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str) -> None:
    step = "        theta = self.theta\n"
    hang = "        import time; time.sleep(300)\n"
    patch_runner(tmp_path, monkeypatch, "neuron.py", step, step + hang)
    assert time_limited(2.0) == "no step done"
    assert mark


def test_time_limit_of_a_run_that_is_long(mark: str) -> None:
    """A busy machine may need 5 s for the start alone; then the limit is a longer one."""
    limits = (time_limited(seconds) for seconds in (5.0, 15.0, 45.0))
    found = next(text for text in limits if text != "no step done")
    assert re.fullmatch(r"\d+ of 804000 hardware steps done", found)
    assert mark


def time_limited(seconds: float) -> str:
    """Run until the limit, and give what the message says was found."""
    with pytest.raises(TimeLimitExceeded) as error:
        run(RunOptions(timeout=seconds))
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.limit == f"{seconds:g} s (--timeout)"
    return diagnostic.found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_end_of_the_caller_ends_lava(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str, number: signal.Signals
) -> None:
    """Lava hangs, and its caller ends: the caller cleans up, or the runner where it cannot."""
    step = "        theta = self.theta\n"
    hang = (
        "        self.n = getattr(self, 'n', 0) + 1\n"
        "        if self.n == 600: import time; time.sleep(300)\n"
    )
    patch_runner(tmp_path, monkeypatch, "neuron.py", step, step + hang)
    script = tmp_path / "caller.py"
    script.write_text(f"""
from snnc.targets.lava import child
from snnc.targets.running import RunOptions
from tests.targets.lava.test_faults import run
from pathlib import Path
child.RUNNER = Path({str(tmp_path / "run.py")!r})
child.secrets.token_hex = lambda _: "test{os.getpid()}"
run(RunOptions(progress=lambda done, total: print("running", flush=True)))
""")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"running\n"
        process.send_signal(number)
        process.communicate(timeout=LONG)
        assert process.returncode == -number
    assert wait_until_gone(mark) == {}
    for left in Path(os.environ["TMPDIR"]).iterdir():  # only SIGINT lets Python clean up
        assert number != signal.SIGINT
        assert left.name.startswith("snnc-lava-")
        shutil.rmtree(left)


def test_success_leaves_nothing(mark: str) -> None:
    told: list[tuple[int, int]] = []
    options = RunOptions(progress=lambda done, total: told.append((done, total)))
    run(options, steps=10, batch=4)
    assert told == [(48, 48)]
    assert mark
