"""The command: help, wrong use, and whatever ends it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from snnc import __version__
from snnc.runtime.cli import cli
from tests.runtime.conftest import Snnc
from tests.runtime.samples import ROOT

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
