"""The pages on the command, verification and Python name all that there is, and nothing else."""

from __future__ import annotations

import inspect
import re

import pytest

import snnc
from snnc.runtime.cli import cli
from snnc.runtime.exits import EXIT_CODES
from snnc.runtime.findings import Execution, Link, Status, Verdict
from snnc.runtime.quantization import QuantizationOptions
from snnc.runtime.report import Report
from tests.runtime.samples import ROOT

PAGES = {
    name: (ROOT / "docs" / f"{name}.md").read_text() for name in ("cli", "verification", "python")
}
OPTIONS = {
    option
    for command in cli.commands.values()
    for parameter in command.params
    for option in parameter.opts
    if option.startswith("--")
}


def test_cli_names_every_command_and_option() -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGES["cli"]))
    assert named == OPTIONS | {"--debug"}
    assert set(re.findall(r"snnc ([a-z]+)\b", PAGES["cli"])) >= set(cli.commands)


def test_cli_names_every_exit_code() -> None:
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", PAGES["cli"], re.MULTILINE)} == set(
        EXIT_CODES
    )


@pytest.mark.parametrize("record", [Report, Link, Execution])
def test_verification_names_every_field(record: type[Report | Link | Execution]) -> None:
    named = set(re.findall(r"`(\w+)`", PAGES["verification"]))
    told = {name for name, field in record.model_fields.items() if not field.exclude}
    assert told - named == set()


def test_verification_names_every_status_and_verdict() -> None:
    rows = set(re.findall(r"^\| ([a-z ]+) \|", PAGES["verification"], re.MULTILINE))
    assert rows >= {str(value) for value in (*Status, *Verdict)}


def test_python_names_every_option_of_compile() -> None:
    table = PAGES["python"].partition("## Options")[2].partition("## Arrays")[0]
    named = {n for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for n in words(row)}
    own = set(inspect.signature(snnc.compile).parameters)
    options = own - {"model", "target", "progress", "quantization"}
    assert named - {"compile"} == options | set(QuantizationOptions.__annotations__)


def words(text: str) -> list[str]:
    return re.findall(r"`(\w+)`", text)


def test_python_names_every_public_name() -> None:
    named = set(re.findall(r"`(\w+)", PAGES["python"]))
    assert set(dir(snnc)) - {"__version__"} - named == set()
