"""Run Lava's own tests under our repairs, on several Pythons and NumPys.

    python -m tests.lava_suite                                  all cells, one after the other
    python -m tests.lava_suite --python 3.12 --numpy 'numpy<2'  one of your own

The tests are those in the wheel of lava-nc 0.10.0, but for its tutorials. Each cell has an
environment of its own in a temporary folder, which is removed at the end. Each file of tests runs
in a process group of its own: where a test tells nothing for too long, the group is killed, the
test has failed, and the rest of the file goes on. A test that fails is tried once more, alone; the
table says how often that helped: some tests of Lava sleep and hope.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.environment import ROOT
from tests.lava_plugin import EVENTS, PREFIX, REPAIRS
from tests.matrix import aligned, find_python

LAVA = "lava-nc==0.10.0"
RUNNER = ROOT / "targets" / "lava" / "runner"
BESIDE = (ROOT / "tests" / "lava_plugin.py", RUNNER / "compat.py", RUNNER / "orphans.py")
"""What is copied beside Lava's tests: the plugin and what it needs."""
TUTORIALS = "tutorials"
"""A folder of tests that is left out: they execute notebooks."""
SILENCE = 180.0
"""Seconds without a word after which a test hangs; the longest takes 20 on an idle machine."""
LOOK = 0.05
"""Seconds between two looks at what a file of tests tells."""
SHARED_MEMORY = Path("/dev/shm")
Outcomes = dict[str, str]
"""For each test ``passed``, ``skipped``, ``failed``, ``hung`` or ``crashed``."""


@dataclass(frozen=True)
class Cell:
    """One Python with one NumPy.

    Attributes:
        python: Its version, as in ``python3.12``.
        numpy: The requirement that pip gets.
        repairs: ``all`` of ``compat.py``; ``start``, of the start method alone, which pytest needs.
    """

    python: str
    numpy: str
    repairs: str = "all"


CELLS = (
    Cell("3.10", "numpy==1.26.*", "start"),  # the Python that Lava is for
    Cell("3.11", "numpy==1.26.*"),
    Cell("3.11", "numpy>=2"),
    Cell("3.12", "numpy>=2"),
    Cell("3.13", "numpy>=2"),
)


@dataclass(frozen=True)
class Result:
    """What Lava's tests said in one cell.

    Attributes:
        versions: Of what was installed, in full.
        outcomes: Of each test.
        again: How many passed on the second try.
        seconds: That the tests took.
    """

    cell: Cell
    versions: str
    outcomes: Outcomes
    again: int
    seconds: float


@dataclass
class Watch:
    """Follows the events that the plugin writes for one file of tests.

    Attributes:
        path: Where they are written.
        outcomes: Of the tests that have one.
        running: The test that has begun and has no outcome yet.
        ended: Whether the last test has ended.
        heard: When something was last told, on the monotonic clock.
    """

    path: Path
    outcomes: Outcomes = field(default_factory=dict[str, str])
    running: str | None = None
    ended: bool = False
    heard: float = field(default_factory=time.monotonic)
    _read: int = 0

    def look(self) -> None:
        """Take in what was written since the last look."""
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
            self._read += len(whole + newline)
            for line in whole.splitlines():
                self.heard = time.monotonic()
                self._take(json.loads(line))

    def _take(self, event: Mapping[str, Any]) -> None:
        if event.get("end"):
            self.ended = True
            return
        test, outcome = str(event["test"]), str(event["outcome"])
        if outcome == "begun":
            self.running = test
        elif outcome != "passed":
            self.outcomes.setdefault(test, outcome)
        elif event["phase"] == "teardown":
            self.outcomes.setdefault(test, "passed")
        if event.get("phase") == "teardown":
            self.running = None


def follow(
    command: list[str], environment: Mapping[str, str], folder: Path, silence: float
) -> Watch:
    """Run a command that tells events in a group of its own, and end the group.

    Args:
        command: With the plugin.
        environment: Added to ours; names the file of events.
        folder: Where it runs; ``log.txt`` there gets its output.
        silence: Seconds without an event after which it is killed.

    Returns:
        What was told; a test that had begun is ``hung`` or ``crashed``.
    """
    watch = Watch(Path(environment[EVENTS]))
    watch.path.unlink(missing_ok=True)
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        over = None
        while over is None:
            code = process.poll()
            watch.look()
            if watch.ended or code is not None:
                over = "crashed"
            elif time.monotonic() - watch.heard > silence:
                over = "hung"
            else:
                time.sleep(LOOK)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for segment in SHARED_MEMORY.glob(f"{environment[PREFIX][1:]}*"):
            segment.unlink(missing_ok=True)
    if watch.running is not None:
        watch.outcomes[watch.running] = over
    return watch


@dataclass(frozen=True)
class Suite:
    """Lava's tests in one environment.

    Attributes:
        python: Its interpreter.
        folder: From where they run.
        repairs: As in ``Cell``.
    """

    python: Path
    folder: Path
    repairs: str

    @property
    def site(self) -> Path:
        """Where Lava and its tests are installed."""
        code = "import sysconfig; print(sysconfig.get_path('purelib'))"
        return Path(_output([str(self.python), "-c", code]).strip())

    def files(self) -> list[Path]:
        """Give every file of tests."""
        found = sorted(self.site.glob("tests/lava/**/test_*.py"))
        return [path for path in found if TUTORIALS not in path.parts]

    def run(self, tests: list[str], silence: float = SILENCE) -> Outcomes:
        """Run a file of tests, or some of one by their names, to the last of them."""
        outcomes: Outcomes = {}
        while True:
            watch = self._run_once(tests, outcomes, silence)
            new = watch.outcomes.keys() - outcomes.keys()
            outcomes.update(watch.outcomes)
            if watch.ended:
                return outcomes
            if not new:
                return outcomes | {tests[0]: "crashed"}

    def _run_once(self, tests: list[str], done: Iterable[str], silence: float) -> Watch:
        prefix = f"/lava-suite-{secrets.token_hex(4)}-"
        command = [str(self.python), "-m", "pytest", "-q", "-p", "lava_plugin"]
        command += ["-p", "no:cacheprovider", "-c", str(self.folder / "pytest.ini")]
        command += ["--rootdir", str(self.site), *tests, *(f"--deselect={name}" for name in done)]
        environment = {
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            REPAIRS: self.repairs,
            EVENTS: str(self.folder / f"events{prefix[1:]}.jsonl"),
            PREFIX: prefix,
        }
        return follow(command, environment, self.folder, silence)


def run_cell(cell: Cell, python: str, scratch: Path) -> Result:
    """Make the environment of a cell, run all tests in it, and remove it."""
    folder = Path(tempfile.mkdtemp(prefix=f"{cell.python}-", dir=scratch))
    suite = Suite(folder / "env" / "bin" / "python", folder, cell.repairs)
    _install(cell, python, suite)
    for path in BESIDE:
        shutil.copy(path, folder)
    (folder / "pytest.ini").write_text("[pytest]\n")
    versions = _versions(suite)
    _say(f"{cell.python} {cell.numpy}: {versions}")
    started, outcomes, files = time.monotonic(), Outcomes(), suite.files()
    for number, path in enumerate(files, start=1):
        found = suite.run([str(path)])
        outcomes |= found
        _say(f"{number} of {len(files)}: {path.name}: {counted(found)}")
    again = _try_again(suite, outcomes)
    result = Result(cell, versions, outcomes, again, time.monotonic() - started)
    shutil.rmtree(folder)
    return result


def _try_again(suite: Suite, outcomes: Outcomes) -> int:
    """Run each test that failed once more, and give how many of them passed then."""
    failed = [name for name, outcome in outcomes.items() if outcome not in ("passed", "skipped")]
    for name in failed:
        _say(f"{name}: {outcomes[name]}; once more")
        found = suite.run([str(suite.site / name)])  # the path of a file stays as it is
        if found.get(name) == "passed":
            outcomes[name] = "passed"
    return sum(outcomes[name] == "passed" for name in failed)


def _install(cell: Cell, python: str, suite: Suite) -> None:
    """Install Lava with what its tests need; on its own Python as its metadata want it."""
    subprocess.run([python, "-m", "venv", str(suite.python.parents[1])], check=True)
    needs = [cell.numpy, "pytest", "psutil", "matplotlib"]
    installs = [[*needs, LAVA]]
    if cell.python != "3.10":
        others = ["scipy", "networkx", "asteval"]
        installs = [[*needs, *others], ["--no-deps", "--ignore-requires-python", LAVA]]
    for arguments in installs:
        _say(f"pip install {shlex.join(arguments)}")
        command = [str(suite.python), "-m", "pip", "install", "-q", *arguments]
        subprocess.run(command, env=os.environ | {"PIP_NO_INPUT": "1"}, check=True)


def _versions(suite: Suite) -> str:
    code = (
        "import sys; from importlib.metadata import version as v; "
        "print('Python', sys.version.split()[0], "
        "*(f'{n} {v(n)}' for n in ('numpy', 'scipy', 'networkx', 'asteval', 'pytest')), sep=', ')"
    )
    return _output([str(suite.python), "-c", code]).strip().replace("Python, ", "Python ")


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def counted(outcomes: Outcomes) -> str:
    """Count tests by their outcome; one that hung or crashed has failed."""
    counts = Counter(outcomes.values())
    failed = sum(counts.values()) - counts["passed"] - counts["skipped"]
    return f"{counts['passed']} passed, {failed} failed, {counts['skipped']} skipped"


def table(results: Iterable[Result]) -> str:
    """Give the results as lines of a table, and below it what failed."""
    results = list(results)
    rows = [("versions", "repairs", "tests", "second try", "time")]
    rows += [
        (r.versions, r.cell.repairs, counted(r.outcomes), str(r.again), f"{r.seconds / 60:.1f} min")
        for r in results
    ]
    return "\n".join([aligned(rows), *_failures(results)])


def _failures(results: Iterable[Result]) -> Iterator[str]:
    for result in results:
        for name, outcome in sorted(result.outcomes.items()):
            if outcome not in ("passed", "skipped"):
                yield f"{result.cell.python} {result.cell.numpy}: {name}: {outcome}"


def _say(text: str) -> None:
    print(f"==> {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Run one cell, or all of them; give 1 unless every test passed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lava_suite",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--python", metavar="X.Y", help="a version; without it, all cells are run")
    parser.add_argument("--numpy", default="numpy", metavar="REQ", help="a requirement for pip")
    parser.add_argument("--repairs", choices=("all", "start"), default="all")
    parser.add_argument("--scratch", type=Path, help="where environments are made for a time")
    options = parser.parse_args()
    own = Cell(options.python, options.numpy, options.repairs)
    cells = (own,) if options.python else CELLS
    pythons = {cell.python: find_python(cell.python) for cell in cells}
    if missing := [version for version, python in pythons.items() if python is None]:
        parser.error(f"no Python {', '.join(missing)} that runs on the PATH or in pyenv")
    with tempfile.TemporaryDirectory(prefix="lava-suite-", dir=options.scratch) as scratch:
        results = [
            run_cell(cell, python, Path(scratch))
            for cell in cells
            if (python := pythons[cell.python])
        ]
    print(table(results))
    return 0 if not list(_failures(results)) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: {shlex.join(error.cmd)} failed; the lines above say why")
    except KeyboardInterrupt:
        sys.exit("interrupted")
