"""The script that runs Lava's own tests: how it counts, and that nothing hangs it."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.lava_plugin import EVENTS, PREFIX
from tests.lava_suite import BESIDE, CELLS, Cell, Result, Suite, Watch, counted, follow, table

SHARED_MEMORY = Path("/dev/shm")
HOUR = 3600.0
PLUGIN = """
import json, os
def tell(**event):
    with open(os.environ["LAVA_SUITE_EVENTS"], "a") as file:
        file.write(json.dumps(event) + "\\n")
"""
SUITE = """
import os, time
import pytest
def test_passes(): pass
def test_hangs():
    if os.fork() == 0:
        time.sleep(1000)
    os.wait()
@pytest.mark.skip
def test_skipped(): pass
def test_crashes(): os.kill(os.getpid(), 9)
def test_fails(): assert False
class TestClass:
    def test_passes(self): pass
@pytest.fixture
def broken():
    yield
    assert False
def test_fails_at_its_end(broken): pass
"""


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """Give this interpreter, and in place of the runner's two modules empty ones."""
    (tmp_path / "lava_plugin.py").write_bytes(BESIDE[0].read_bytes())
    (tmp_path / "compat.py").write_text("def _keep_start_method(): pass\n")
    (tmp_path / "orphans.py").write_text("def name_shared_memory(prefix): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return Suite(Path(sys.executable), tmp_path, "start")


@pytest.mark.slow
def test_a_file_of_tests(suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that hangs or crashes has failed, and those behind it are run."""
    look = Watch.look

    def looking(self: Watch) -> None:
        look(self)
        if (self.running or "").endswith("test_hangs"):
            self.heard -= 2 * HOUR

    monkeypatch.setattr(Watch, "look", looking)
    path = tmp_path / "test_odd.py"
    path.write_text(SUITE)
    found = suite.run([str(path)], silence=HOUR)
    assert {name.partition("::")[2]: outcome for name, outcome in found.items()} == {
        "test_passes": "passed",
        "test_hangs": "hung",
        "test_skipped": "skipped",
        "test_crashes": "crashed",
        "test_fails": "failed",
        "TestClass::test_passes": "passed",
        "test_fails_at_its_end": "failed",
    }
    assert counted(found) == "2 passed, 4 failed, 1 skipped"


def test_a_file_that_cannot_be_read(suite: Suite, tmp_path: Path) -> None:
    path = tmp_path / "test_odd.py"
    path.write_text("import nothing_like_it")
    assert counted(suite.run([str(path)])) == "0 passed, 1 failed, 0 skipped"
    path.write_text("import os; os._exit(3)")
    assert suite.run([str(path)]) == {str(path): "crashed"}


def test_the_group_is_ended(tmp_path: Path) -> None:
    """What a process started, and its shared memory, do not outlive the last test."""
    prefix = f"/snnc-suite-{os.getpid()}-"
    (SHARED_MEMORY / f"{prefix[1:]}x").touch()
    script = (
        f"{PLUGIN}\nimport subprocess, time\n"
        "child = subprocess.Popen(['sleep', '1000'])\n"
        "open('child', 'w').write(str(child.pid))\n"
        "tell(end=True)\ntime.sleep(1000)\n"
    )
    environment = {EVENTS: str(tmp_path / "events"), PREFIX: prefix}
    watch = follow([sys.executable, "-c", script], environment, tmp_path, 60.0)
    assert watch.ended
    assert watch.outcomes == {}
    child = Path("/proc", (tmp_path / "child").read_text(), "stat")
    with suppress(OSError):  # it is gone
        while child.read_text().split()[2] != "Z":
            time.sleep(0.05)
    assert not list(SHARED_MEMORY.glob(f"{prefix[1:]}*"))


def test_half_a_line_is_read_later(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "events")
    watch.look()
    begun = json.dumps({"test": "a", "outcome": "begun"}) + "\n"
    watch.path.write_text(begun[:10])
    watch.look()
    assert watch.running is None
    watch.path.write_text(begun)
    watch.look()
    assert watch.running == "a"


def test_table() -> None:
    """What failed stands below, by name."""
    good = Result(Cell("3.10", "numpy<2", "start"), "Python 3.10", {"a": "passed"}, 1, 90.0)
    bad = Result(CELLS[-1], "Python 3.13", {"a": "hung", "b": "skipped"}, 0, 6.0)
    assert table([good, bad]).splitlines() == [
        "versions     repairs  tests                          second try  time",
        "Python 3.10  start    1 passed, 0 failed, 0 skipped  1           1.5 min",
        "Python 3.13  all      0 passed, 1 failed, 1 skipped  0           0.1 min",
        "3.13 numpy>=2: a: hung",
    ]
