"""Runs on Lava that fail in every way, and what each leaves behind: nothing.

``python -m tests.lava_faults 100`` runs random faults, half by ``snnc run`` and half by the runner
of the artifact, and ends with 1 if one of them ends otherwise than documented, or leaves anything.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from snnc.targets.lava import child
from tests.runtime.samples import ROOT, artifact
from tests.targets.lava.leftovers import (
    MARK,
    mapped_segments,
    marked_processes,
    segments,
    started,
    wait_until_gone,
)
from tests.targets.lava.standalone import copy_runner, without_progress

SOURCE = Path(child.__file__).resolve().parent
SNNC, RUNNER = "snnc run", "run.py"
SHARED_MEMORY = "/dev/shm"
WAYS = (SNNC, RUNNER)
WORKERS = 8
"""Processes with the mark, at least, when Lava runs."""
CLEAR_UP = 5.0
"""Seconds after its limit in which a run has ended."""
START = 60.0
"""Seconds that a start may take on a busy machine."""

CALLER = """
import sys
from pathlib import Path
from snnc.targets.lava import child
from snnc.runtime.cli import main
child.RUNNER = Path(sys.argv[1])
sys.exit(main(sys.argv[2:]))
"""
SMALL = """
size=$1 place=$2
shift 2
mount -t tmpfs -o size="$size" tmpfs "$place" || exit 99
"$@"
code=$?
ls -A "$place" > "$LEFT"
exit $code
"""


@dataclass(frozen=True)
class Patch:
    """A change of the runner's source."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and what a user sees of it.

    Attributes:
        codes: Exit code by way.
        messages: What stands on standard error, a pattern by way.
        patch: What is changed in the runner, for what no user can do.
        act: Called with the process and its mark when Lava runs.
        timeout: ``--timeout``, in seconds.
        small: File system that is small, and how large.
        size: Steps and samples of the data.
    """

    codes: dict[str, int]
    messages: dict[str, str]
    patch: dict[str, Patch] = field(default_factory=dict[str, Patch])
    act: Callable[[subprocess.Popen[str], str], None] | None = None
    timeout: float | None = None
    small: tuple[str, str] | None = None
    size: tuple[int, int] = (500, 400)


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        seconds: From the fault, or from the limit, to the end; of faults with no moment of their
            own from the start.
        left: Processes, segments and files.
    """

    code: int
    text: str
    seconds: float
    left: tuple[str, ...]


def both(value: str, code: int) -> tuple[dict[str, int], dict[str, str]]:
    """Give one code, and one pattern within the form of each way."""
    found = rf"error\[SNN505\]: .*\n.*\n   found: {value}\n"
    return dict.fromkeys(WAYS, code), {SNNC: found, RUNNER: f"error: {value}\n"}


def limited(found: str) -> tuple[dict[str, int], dict[str, str]]:
    """Give code and patterns of the time limit."""
    told = rf"error\[SNN506\]: .*\n.*\n   found: {found}\n   limit: \d+ s \(--timeout\)\n"
    text = r"error: the run was ended after \d+ s \(--timeout\)\n"
    return dict.fromkeys(WAYS, 124), {SNNC: told, RUNNER: text}


def same(patch: Patch) -> dict[str, Patch]:
    """Give one patch for both ways."""
    return dict.fromkeys(WAYS, patch)


def kill_worker(process: subprocess.Popen[str], mark: str) -> None:
    """Kill one of the processes that Lava forked."""
    del process
    commands = marked_processes(mark)
    served = any("--serve" in command for command in commands.values())
    word = "--serve" if served else "/artifact/run.py"
    _, *forked = sorted((n for n, c in commands.items() if word in c), key=started)
    os.kill(random.choice(forked[1:]), signal.SIGKILL)  # the first manages shared memory


def send(number: signal.Signals) -> Callable[[subprocess.Popen[str], str], None]:
    """Give what sends a signal: Ctrl-C to the whole group, as a terminal does."""

    def act(process: subprocess.Popen[str], mark: str) -> None:
        del mark
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)

    return act


POSITION = "        step, sample = position\n"
INSTALL = "def install() -> None:\n"
SLEEP = "import time; time.sleep(300)\n"
LIF = r"(LIFReset|Population|Fused|\w+) \w+ \(.*\)"
SAVE = "    for identifier, signals in recording.items():\n"
WRITE = "    steps = None if arguments.raw_time else"

FAULTS = {
    "a process raises": Fault(
        *both(rf"{LIF} raised ValueError: no good", 3),
        patch=same(
            Patch(
                "window.py",
                POSITION,
                f"{POSITION}        if step == 20: raise ValueError('no good')\n",
            )
        ),
    ),
    "a process is killed": Fault(
        *both(r"(\w+ \w+ \(.*\)|Lava's runtime service) was ended by signal 9 \(SIGKILL\)", 3),
        act=kill_worker,
    ),
    "building fails": Fault(
        dict.fromkeys(WAYS, 3),
        {
            SNNC: r"   found: it ended with exit code 1: RuntimeError: cannot connect\n",
            RUNNER: r"error: the run failed: RuntimeError: cannot connect\n",
        },
        patch=same(
            Patch(
                "build.py",
                "    cores = make_cores(job.program, made, [])\n",
                "    raise RuntimeError('cannot connect')\n",
            )
        ),
    ),
    "a step hangs": Fault(
        *limited("no step done"),
        patch=same(
            Patch(
                "window.py",
                POSITION,
                f"{POSITION}        {SLEEP}",
            )
        ),
        timeout=4,
    ),
    "the import hangs": Fault(
        *limited("no step done"),
        patch=same(Patch("compat.py", INSTALL, f"{INSTALL}    {SLEEP}")),
        timeout=3,
    ),
    "the results hang": Fault(
        *limited(r"(no step|\d+ of \d+ hardware steps) done"),
        patch={
            SNNC: Patch("serve.py", SAVE, f"    {SLEEP}{SAVE}"),
            RUNNER: Patch("main.py", WRITE, f"    {SLEEP}{WRITE}"),
        },
        timeout=8,
        size=(10, 4),
    ),
    "too many steps": Fault(*limited(r"(no step|\d+ of \d+ hardware steps) done"), timeout=5),
    "the disk is full": Fault(
        dict.fromkeys(WAYS, 3),
        {
            SNNC: r"error\[SNN002\]: .*\n  --> .*\n   found: No space left on device\n",
            RUNNER: r"error: .*out.npz: No space left on device\n",
        },
        small=("200k", "TMPDIR"),
        size=(100, 40),
    ),
    "shared memory is full": Fault(
        *both(
            r"shared memory is full: /dev/shm had 64 KiB free, and the run needs (more|\d+ KiB)", 3
        ),
        small=("64k", SHARED_MEMORY),
    ),
    "a page is missing": Fault(
        *both(
            r"(\w+ \w+ \(.*\)|Lava's runtime service) was ended by signal 7 \(SIGBUS\): "
            r"no room for a page of memory; /dev/shm has 0 bytes free",
            3,
        ),
        patch=same(Patch("room.py", "    made = list(segments)\n", "    made = []\n")),
        small=("250k", SHARED_MEMORY),
    ),
    "Ctrl-C": Fault(
        dict.fromkeys(WAYS, 130),
        {SNNC: "interrupted\n", RUNNER: "error: interrupted\n"},
        act=send(signal.SIGINT),
    ),
    "SIGTERM": Fault(
        dict.fromkeys(WAYS, 143), {SNNC: "terminated\n", RUNNER: "^$"}, act=send(signal.SIGTERM)
    ),
    "kill -9": Fault(dict.fromkeys(WAYS, -9), {SNNC: "", RUNNER: ""}, act=send(signal.SIGKILL)),
}


def run(name: str, way: str, folder: Path, pause: float = 0.3) -> Ended:
    """Let one run fail in a folder of its own, and look at what is left.

    Args:
        name: Of the fault.
        way: Of the run.
        folder: An empty one.
        pause: Seconds from the start of Lava's processes to what is done to them.
    """
    fault, mark, left = FAULTS[name], str(folder), folder / "left"
    temporary = folder / "temporary"
    temporary.mkdir()
    variables = {"TMPDIR": str(temporary), MARK: mark, "PYTHONPATH": str(ROOT), "LEFT": str(left)}
    line = _command(fault, way, folder, temporary)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start jobs that ignore it
    start = _start_seconds(folder) if fault.timeout and way == RUNNER else 0.0
    with (
        subprocess.Popen(
            line,
            env=os.environ | variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process,
        _watched(mark) as seen,
    ):
        begin = time.monotonic() + start
        if fault.timeout and way == SNNC:  # the limit is of what Lava does
            _await(process, lambda: any("--serve" in c for c in marked_processes(mark).values()))
            begin = time.monotonic()
        if fault.act is not None:
            _await(process, lambda: len(marked_processes(mark)) >= WORKERS)
            time.sleep(pause)
            begin = time.monotonic()
            fault.act(process, mark)
        _, text = process.communicate(timeout=10 * START)
        seconds = time.monotonic() - begin - (fault.timeout or 0)
        alive = wait_until_gone(mark)
    stale = [*alive.values(), *sorted(seen & set(segments("")))]
    stale += [path.name for path in temporary.iterdir()]
    stale += left.read_text().split() if left.exists() else []
    for number in alive:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    return Ended(process.returncode, without_progress(text), seconds, tuple(stale))


def problems(name: str, way: str, ended: Ended) -> Iterator[str]:
    """Yield in which way a run ended otherwise than it should."""
    fault = FAULTS[name]
    if ended.code != fault.codes[way]:
        yield f"exit code {ended.code}, not {fault.codes[way]}: {ended.text}"
    elif not re.search(fault.messages[way], ended.text):
        yield f"another message: {ended.text!r}"
    if "Traceback" in ended.text:
        yield f"a traceback: {ended.text}"
    if ended.left:
        yield f"left behind: {', '.join(ended.left)}"


def slowness(name: str, ended: Ended) -> Iterator[str]:
    """Yield how long a run took to end, if that was too long."""
    fault = FAULTS[name]
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    if ended.seconds > busy * (CLEAR_UP if fault.act or fault.timeout else START):
        yield f"ended after {ended.seconds:.1f} s"


def may_mount() -> bool:
    """Say whether a process may have file systems of its own here."""
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", SHARED_MEMORY]
    with suppress(FileNotFoundError):
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


def _command(fault: Fault, way: str, folder: Path, temporary: Path) -> list[str]:
    steps, batch = fault.size
    made = artifact("lava").save(folder / "artifact")
    x = np.random.default_rng(3).random((steps, batch, 6)) < 0.5
    np.save(folder / "x.npy", x.astype(np.uint8))
    runner = made
    if way == SNNC:
        runner = folder / "runner"
        copy_runner(runner / "runner")
        shutil.copy(SOURCE / "run.py", runner)
    if patch := fault.patch.get(way):
        path = runner / "runner" / patch.file
        text = path.read_text()
        assert text.count(patch.old) == 1, patch
        path.write_text(text.replace(patch.old, patch.new))
    output = (temporary if fault.small and way == RUNNER else folder) / "out.npz"
    into = ["--input", f"{folder}/x.npy", "--output", str(output), "--record", "spikes,u,v"]
    into += [] if fault.timeout is None else ["--timeout", f"{fault.timeout:g}"]
    line = [sys.executable, str(runner / "run.py"), *into]
    if way == SNNC:
        (folder / "caller.py").write_text(CALLER)
        line = [sys.executable, f"{folder}/caller.py", str(runner / "run.py"), "run", str(made)]
        line += into
    if fault.small is None:
        return line
    size, place = fault.small
    place = str(temporary) if place == "TMPDIR" else place
    return ["unshare", "--mount", "sh", "-c", SMALL, "sh", size, place, *line]


def _start_seconds(folder: Path) -> float:
    """Measure how long the runner takes until it looks at its options: no limit holds before."""
    begin = time.monotonic()
    line = [sys.executable, f"{folder}/artifact/run.py", "--timeout", "0"]
    assert subprocess.run(line, capture_output=True, check=False).returncode == 2
    return time.monotonic() - begin


def _await(process: subprocess.Popen[str], ready: Callable[[], bool]) -> None:
    while not ready():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


@contextmanager
def _watched(mark: str) -> Generator[set[str]]:
    """Collect the segments that processes with ``mark`` hold while the block runs."""
    seen, over = set[str](), threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            seen.update(mapped_segments(mark))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def main() -> int:
    """Run random faults, print a line for each kind and way, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=int, nargs="?", default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    kinds = [(n, w) for n in FAULTS for w in WAYS if may_mount() or not FAULTS[n].small]
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    wrong = left = 0
    for index in range(arguments.runs):
        name, way = kinds[index] if index < len(kinds) else random.choice(kinds)
        with tempfile.TemporaryDirectory() as folder:
            ended = run(name, way, Path(folder), random.random())
        times[name, way].append(ended.seconds)
        print(f"{index + 1}: {name}, {way}, {ended.seconds:.1f} s", file=sys.stderr, flush=True)
        left += len(ended.left)
        for problem in [*problems(name, way, ended), *slowness(name, ended)]:
            wrong += 1
            print(f"{name}, {way}: {problem}")
    for (name, way), seconds in sorted(times.items()):
        print(
            f"{name}, {way}: {len(seconds)} runs, {np.median(seconds):.1f} s, "
            f"at most {max(seconds):.1f} s"
        )
    print(f"{arguments.runs} runs: {wrong} ended otherwise than documented, {left} things left")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
