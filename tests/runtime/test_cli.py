"""The command: how it ends, what it says, and where."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc import __version__
from snnc.compiler.diagnostics import InternalError
from snnc.runtime import cli as cli_module
from snnc.runtime import console
from snnc.runtime.cli import cli
from tests.runtime.conftest import Snnc
from tests.runtime.samples import ROOT, WIDTH, artifact, inverted, run_snnc, without_progress

COMMANDS = [
    "import",
    "compile",
    "run",
    "verify",
    "bisect",
    "reduce",
    "diff",
    "inspect",
    "targets",
    "explain",
    "schema",
    "doctor",
]

USE = """\
error[SNN004]: options have a value in their range and fit together
  --> {node}
   found: {found}
   limit: {limit}
  remedy: {remedy}
"""


def wrong_use(command: str, node: str, found: str, remedy: str = "") -> str:
    limit = f"the arguments that {command} --help lists"
    return USE.format(node=node, found=found, limit=limit, remedy=remedy or f"{command} --help")


# --- help ---------------------------------------------------------------------------------------


def test_help_lists_the_commands_in_the_order_of_the_work(snnc: Snnc) -> None:
    ended = snnc("--help")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines] == COMMANDS
    assert not any(line.endswith("...") for line in lines)


def test_help_tells_the_exit_codes(snnc: Snnc) -> None:
    codes = snnc("--help").out.split("Exit codes:\n")[1].splitlines()
    found = [line.split()[0] for line in codes if line.split()[0].isdigit()]
    assert found == ["0", "1", "2", "3", "4", "124", "129", "130", "143"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command: str, snnc: Snnc) -> None:
    ended = snnc(command, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: snnc {command} ")


@pytest.mark.parametrize("command", ["compile", "verify", "inspect"])
def test_help_tells_what_a_model_can_be(command: str, snnc: Snnc) -> None:
    told = " ".join(snnc(command, "--help").out.split())
    assert "MODEL is a .nir file, an .onnx file, or FILE.py:FUNCTION that returns" in told
    assert ("DIR is an artifact" in told) == (command != "compile")


def test_every_option_has_a_help_text() -> None:
    silent = [
        f"{name} {option}"
        for name, command in cli.commands.items()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("-") and not getattr(parameter, "help", None)
    ]
    assert silent == []


def test_version(snnc: Snnc) -> None:
    assert snnc("--version").out == f"snnc {__version__}\n"


def test_help_imports_no_package_but_click(tmp_path: Path) -> None:
    script = (
        "import sys; from snnc.runtime.cli import main; main(['--help']); "
        "print(sorted({m.partition('.')[0] for m in sys.modules} & "
        "{'numpy', 'nir', 'h5py', 'rich', 'pydantic', 'torch', 'lava', 'yaml'}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "[]\n"


# --- wrong use ----------------------------------------------------------------------------------


def test_no_command_shows_the_help_and_fails(snnc: Snnc) -> None:
    ended = snnc()
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Usage: snnc ")


def test_misspelled_command(snnc: Snnc) -> None:
    ended = snnc("comple", "model.nir")
    limit = ", ".join(COMMANDS)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == USE.format(
        node="snnc", found="no command comple", limit=limit, remedy="did you mean snnc compile?"
    )


def test_command_like_no_other(snnc: Snnc) -> None:
    assert snnc("\x1b[31m").err == USE.format(
        node="snnc",
        found=r"no command \x1b[31m",
        limit=", ".join(COMMANDS),
        remedy="snnc --help lists the commands",
    )


WRONG_USE = {
    "misspelled option": (
        ["compile", "m.nir", "--tagret", "lava"],
        "snnc compile",
        "no option --tagret",
        "did you mean --target? snnc compile --help tells all options",
    ),
    "option like no other": (["targets", "--quux"], "snnc targets", "no option --quux", ""),
    "option of another command": (
        ["inspect", "m.nir", "--weight-bits", "4"],
        "snnc inspect",
        "no option --weight-bits",
        "it is an option of snnc compile and snnc verify",
    ),
    "option before the commands": (["--quux"], "snnc", "no option --quux", ""),
    "option missing": (["compile", "m.nir"], "snnc compile", "no --target", ""),
    "argument missing": (["run", "--input", "x", "-o", "y"], "snnc run", "no DIR", ""),
    "too many arguments": (
        ["doctor", "now"],
        "snnc doctor",
        "got unexpected extra argument (now)",
        "",
    ),
    "no number": (
        ["compile", "m.nir", "--target", "lava", "--dt", "soon"],
        "snnc compile --dt",
        "'soon' is not a valid float",
        "",
    ),
    "no shape": (
        ["compile", "m.nir", "--target", "lava", "--input-shape", "1x2"],
        "snnc compile --input-shape",
        "'1x2' is no shape such as 1,28,28",
        "",
    ),
    "value missing": (
        ["compile", "m.nir", "--target"],
        "snnc compile",
        "option '--target' requires an argument",
        "",
    ),
}


@pytest.mark.parametrize("case", WRONG_USE)
def test_wrong_use(case: str, snnc: Snnc) -> None:
    arguments, node, found, remedy = WRONG_USE[case]
    ended = snnc(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == wrong_use(" ".join(node.split()[:2]), node, found, remedy)


# --- exit codes ---------------------------------------------------------------------------------


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


# --- progress -----------------------------------------------------------------------------------


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
