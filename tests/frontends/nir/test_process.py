"""Reading in a process of its own: what kills, hangs or starves it is a named refusal."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from snnc.compiler.diagnostics import EnvironmentFault, InputError, InternalError
from snnc.frontends.hdf5 import process
from snnc.frontends.hdf5.child import seconds_for
from snnc.frontends.hdf5.process import ReaderProcess
from snnc.frontends.hdf5.wire import receive
from snnc.frontends.nir.file import read_nir, write_nir
from tests.frontends.graphs import assert_same, every_node, small_graph

ROOT = Path(__file__).resolve().parents[3]
PATCHED = """
import json, os, resource, signal, sys, time
sys.path[:] = json.loads(sys.argv[1])
from snnc.frontends.hdf5 import child
before = child.read_entries
def read_entries(path, name, announce):
    for number, entry in enumerate(before(path, name, announce)):
        if number == 3:
            {fault}
        yield entry
child.read_entries = read_entries
child.main()
"""
"""The child, with something that happens in the middle of a file."""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc of Linux")
REWRITE = "write the file again with the tool that made it, as nir.write does"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_nir(small_graph(), tmp_path / "a.nir")
    return tmp_path / "a.nir"


def patch(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setattr(process, "CODE", PATCHED.format(fault=fault))


def refusal(reader: ReaderProcess, path: Path) -> str:
    with pytest.raises(InputError) as caught:
        reader.read(path)
    return str(caught.value)


def text(path: Path, found: str, limit: str | None = None) -> str:
    size = path.stat().st_size
    limit = limit or f"{seconds_for(size):.1f} s of processor time for a file of {size} bytes"
    return (
        "error[SNN108]: a .nir file is read within its limits of time and memory, without a fault\n"
        f"  --> {path}\n   found: {found}\n   limit: {limit}\n  remedy: {REWRITE}"
    )


def all_children() -> set[str]:
    here = os.getpid()
    return set(Path(f"/proc/{here}/task/{here}/children").read_text().split())


Children = Callable[[], set[str]]


@pytest.fixture
def children() -> Children:
    """Give what tells the processes that the test has started and that are there still."""
    others = all_children()
    return lambda: all_children() - others


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "the process that reads it was ended by SIGSEGV"),
        ("os.abort()", "the process that reads it was ended by SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "the process that reads it was ended by SIGKILL"),
        ("os._exit(3)", "the process that reads it ended with code 3"),
        ("\n            while True: pass", "reading it takes longer than that"),
        ("os.write(1, b'nonsense' * 99)", "the process that reads it was ended by SIGKILL"),
    ],
)
def test_what_ends_the_process(
    path: Path, monkeypatch: pytest.MonkeyPatch, children: Children, fault: str, found: str
) -> None:
    patch(monkeypatch, fault)
    with ReaderProcess() as reader:
        told = refusal(reader, path)
        assert children() == set()
        monkeypatch.undo()
        assert reader.read(path)["version"] == "1.0"  # a new process
    assert told == text(path, found)


def test_waiting_for_ever_ends(
    path: Path, monkeypatch: pytest.MonkeyPatch, children: Children
) -> None:
    patch(monkeypatch, "time.sleep(600)")
    monkeypatch.setattr(process, "WAIT_FACTOR", 4)
    with ReaderProcess() as reader:
        assert refusal(reader, path) == text(path, "no end after 2 s")
    assert children() == set()


def test_too_much_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patch(monkeypatch, "bytearray(400 << 20)")
    size = path.stat().st_size
    with ReaderProcess() as reader:
        found, limit = (
            "reading it takes more memory than that",
            f"192 MiB for a file of {size} bytes",
        )
        assert refusal(reader, path) == text(path, found, limit)
        assert refusal(reader, path) == text(path, found, limit)  # the same process


@pytest.mark.parametrize("fault", ["open(path)", "os.open(path, os.O_RDONLY)", "os.pipe()"])
def test_no_other_file_can_be_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Not even by code that runs in the process: here it does, and there it would by a flaw."""
    patch(monkeypatch, fault)
    with ReaderProcess() as reader, pytest.raises(InternalError, match="Too many open files"):
        reader.read(path)


def test_no_core_is_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patch(monkeypatch, "raise AssertionError(resource.getrlimit(resource.RLIMIT_CORE))")
    with ReaderProcess() as reader, pytest.raises(InternalError, match=r"\(0, 0\)"):
        reader.read(path)


def test_a_fault_of_ours_is_told_as_one(
    path: Path, monkeypatch: pytest.MonkeyPatch, children: Children
) -> None:
    patch(monkeypatch, "raise AssertionError('lost')")
    with ReaderProcess() as reader, pytest.raises(InternalError) as caught:
        reader.read(path)
    assert str(caught.value) == f"reading {path}: AssertionError: lost"
    assert children() == set()


def test_no_process_can_be_started(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(EnvironmentFault) as caught:
        read_nir(path)
    assert str(caught.value) == (
        "error[SNN508]: the machine gives what the work needs: memory, files, processes\n"
        "  --> the process that reads files\n"
        "   found: Resource temporarily unavailable\n"
        "   limit: a Python process beside this one\n"
        "  remedy: end other programs; snnc doctor looks at the rest"
    )
    assert_same(small_graph(), read_nir(path, trust=True))


def test_the_process_is_gone_and_was_one(path: Path, tmp_path: Path, children: Children) -> None:
    write_nir(every_node(), tmp_path / "b.nir")
    with ReaderProcess() as reader:
        reader.read(path)
        first = children()
        assert len(first) == 1
        reader.read(tmp_path / "b.nir")
        assert children() == first
    assert children() == set()
    read_nir(path)
    assert children() == set()


def test_the_environment_does_not_reach_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONSTARTUP", "/dev/null")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setenv("PYTHONPATH", "nowhere")
    monkeypatch.chdir(path.parent)
    (path.parent / "h5py.py").write_text("raise RuntimeError('the wrong h5py')")
    assert_same(small_graph(), read_nir("a.nir"))


def test_nothing_but_what_reading_needs_is_imported() -> None:
    code = "import sys, snnc.frontends.hdf5.child; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ended.stdout.split())
    assert "h5py" in loaded
    assert loaded & {"nir", "torch", "networkx", "click", "pydantic", "scipy"} == set()


INTERRUPTED = """
    import sys
    from pathlib import Path
    from snnc.frontends.hdf5 import process
    from tests.frontends.nir.test_process import PATCHED
    process.CODE = PATCHED.format(fault="os.kill(os.getpid(), signal.SIGSTOP)")
    process.WAIT_FACTOR = 10_000
    reader = process.ReaderProcess()
    try:
        with reader:
            child = reader._start()
            print(child.pid, flush=True)
            reader.read(Path(sys.argv[1]))
    except KeyboardInterrupt:
        print("interrupted", child.poll(), flush=True)
"""


def test_ctrl_c_ends_both(path: Path) -> None:
    """In the middle of a file, where the child stops."""
    command = [sys.executable, "-c", textwrap.dedent(INTERRUPTED), str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        while Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.02)
        parent.send_signal(signal.SIGINT)
        assert parent.stdout.read() == f"interrupted {-signal.SIGKILL}\n"
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_process_whose_parent_is_gone_ends(path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path;"
        "from snnc.frontends.hdf5.process import ReaderProcess;"
        "reader = ReaderProcess(); reader.read(Path(sys.argv[1]));"
        "print(reader._child.pid, flush=True); os._exit(0)"
    )
    command = [sys.executable, "-c", code, str(path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    child = int(ended.stdout)
    while Path(f"/proc/{child}").exists():  # or the test takes too long
        time.sleep(0.05)


def test_names_that_json_must_carry(tmp_path: Path) -> None:
    path = tmp_path / "a\n\udcff ä.nir"
    write_nir(small_graph(), path)
    assert_same(small_graph(), read_nir(path))
    assert json.dumps(str(path)).isascii()


def frame(**head: Any) -> bytes:
    content = json.dumps(head).encode()
    return len(content).to_bytes(4, "little") + content


GROUP = frame(group="a", depth=0)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xff\xff\xff",
        frame(),
        frame(text="b", name="b", depth=1),
        GROUP + frame(text="b", name="b", depth=2),
        frame(text="b", name="b", depth=-1),
        frame(dtype="|O", shape=[1], name="b", depth=0),
        frame(dtype="<f8", shape=[-1, -1], name="b", depth=0),
        frame(dtype="<f8", shape=[2**40], name="b", depth=0),
        frame(text="b", name="b", depth=0) * 200_001,
    ],
)
def test_nonsense_of_the_process_is_not_believed(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"head|frame|array"):
        list(receive(io.BytesIO(content)))


@pytest.mark.parametrize(
    "content", [b"", GROUP, GROUP[:9], frame(dtype="<f8", shape=[2], name="b", depth=0) + bytes(15)]
)
def test_frames_that_break_off(content: bytes) -> None:
    with pytest.raises(EOFError):
        list(receive(io.BytesIO(content)))
