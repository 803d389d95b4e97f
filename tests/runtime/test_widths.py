"""Widths by name: on the command line, in a file, in Python, and what artifacts tell of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from snnc.frontends.nir.file import write_nir
from snnc.runtime.deploy import compile
from snnc.runtime.verify import verify
from snnc.targets.artifact import Artifact, load
from tests.runtime.conftest import Snnc
from tests.runtime.samples import data, graph

pytestmark = pytest.mark.usefixtures("here")

COMPILE = ("compile", "model.nir", "--target", "integer", "--dt", "1e-4", "-o", "made")


LIMIT = "1 to 8 bits, the sign included (Loihi: 8)"


def widths(artifact: Artifact) -> list[int]:
    """Give what the account says; the two populations are hidden and output_layer."""
    told: list[int] = [p["width"] for p in artifact.account["populations"]]
    assert told == [q.weight_bits for q in artifact.required_fixed.projections]
    assert told == [p["weight_bits"] for p in artifact.account["populations"]]  # both use them all
    return told


GIVEN: dict[str, tuple[tuple[str, ...], Any, list[int]]] = {
    "none": ((), 8, [8, 8]),
    "one": (("4",), 4, [4, 4]),
    "a population": (("hidden=3",), {"hidden": 3}, [3, 8]),
    "a layer": (("fc2=3",), {"fc2": 3}, [8, 3]),
    "all others": (("4,fc2=6",), {"*": 4, "fc2": 6}, [4, 6]),
    "in any order, with room": ((" fc2 = 6, 4 ",), {"*": 4, "fc2": 6}, [4, 6]),
    "repeated": (("4", "fc2=6"), {"*": 4, "fc2": 6}, [4, 6]),
    "a star": (("*=4", "fc2=6"), {"*": 4, "fc2": 6}, [4, 6]),
    "a star alone": (("*=4",), 4, [4, 4]),
}


@pytest.mark.parametrize("case", GIVEN)
def test_on_the_command_line(case: str, snnc: Snnc) -> None:
    given, asked, got = GIVEN[case]
    ended = snnc(*COMPILE, *(part for g in given for part in ("--weight-bits", g)))
    assert (ended.code, ended.err) == (0, "")
    artifact = load("made")
    assert artifact.options["weight_bits"] == asked
    assert widths(artifact) == got


@pytest.mark.parametrize(
    ("text", "asked", "got"),
    [
        ("4", 4, [4, 4]),
        ("{fc2: 6}", {"fc2": 6}, [8, 6]),
        ('{fc2: 6, "*": 4}', {"*": 4, "fc2": 6}, [4, 6]),
        ("4,fc2=6", {"*": 4, "fc2": 6}, [4, 6]),
        ("'*=4'", 4, [4, 4]),
        ("\n  hidden: 2\n  output_layer: 5", {"hidden": 2, "output_layer": 5}, [2, 5]),
    ],
)
def test_in_a_file(text: str, asked: Any, got: list[int], snnc: Snnc) -> None:
    Path("s.yaml").write_text(f"weight-bits: {text}\n")
    assert snnc(*COMPILE, "--config", "s.yaml").code == 0
    artifact = load("made")
    assert artifact.options["weight_bits"] == asked
    assert widths(artifact) == got
    assert snnc(*COMPILE, "--config", "s.yaml", "--weight-bits", "7").code == 0
    assert widths(load("made")) == [7, 7]  # the command line wins


def test_in_python() -> None:
    asked = {"fc2": 6, "*": 4}
    artifact = compile(graph(), dt=1e-4, weight_bits=asked)
    assert widths(artifact) == [4, 6]
    assert artifact.options["weight_bits"] == asked
    assert compile(graph(), dt=1e-4, weight_bits={}).files() != artifact.files()


def test_names_that_are_numbers_in_a_file(snnc: Snnc) -> None:
    write_nir(graph("1", "3"), Path("numbered.nir"))
    Path("s.yaml").write_text("weight-bits: {3: 6, '*': 4}\n")
    ended = snnc(COMPILE[0], "numbered.nir", *COMPILE[2:], "--config", "s.yaml")
    assert (ended.code, ended.err) == (0, "")
    assert widths(load("made")) == [4, 6]


def test_verify_takes_them() -> None:
    report = verify(graph(), data(), dt=1e-4, weight_bits={"fc2": 3}, targets=("integer",))
    assert [p["width"] for p in report.populations] == [8, 3]


def said(node: str, found: str, limit: str, remedy: str) -> str:
    return (
        "error[SNN004]: options have a value in their range and fit together\n"
        f"  --> {node}\n"
        f"   found: {found}\n"
        f"   limit: {limit}\n"
        f"  remedy: {remedy}\n"
    )


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("four", "'four'"),
        ("4.5", "'4.5'"),
        ("", "''"),
        ("fc2=6,", "''"),
        ("fc2=", "fc2=''"),
        ("fc2=4bits", "fc2='4bits'"),
        ("=4", "'=4'"),
        ("fc2:4", "'fc2:4'"),
        ("--5", "'--5'"),
        ("\u00b2", "'\u00b2'"),
        ("9" * 5000, f"'{'9' * 39}"),
    ],
)
def test_no_width(given: str, found: str, snnc: Snnc) -> None:
    """It is told like a width out of range, and with all else that is wrong."""
    ended = snnc(*COMPILE, f"--weight-bits={given}", "--decays", "gian")
    assert (ended.code, ended.out) == (2, "")
    named = "fc2=" if found.startswith("fc2=") else ""
    assert ended.err == "\n".join(
        (
            said("--weight-bits", found, LIMIT, f"--weight-bits {named}8"),
            said("--decays", "gian", "nearest, gain", "--decays gain"),
        )
    )
    assert not Path("made").exists()


@pytest.mark.parametrize(
    ("given", "found", "remedy"),
    [
        (("4,8",), "all others", "8"),
        (("4", "*=8"), "all others", "8"),
        (("fc2=4,fc2=4",), "fc2", "fc2=8"),
        (("fc2=4", "fc2=8"), "fc2", "fc2=8"),
    ],
)
def test_two_widths(given: tuple[str, ...], found: str, remedy: str, snnc: Snnc) -> None:
    ended = snnc(*COMPILE, *(f"--weight-bits={g}" for g in given))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == said(
        "--weight-bits",
        f"two widths for {found}",
        "one width for each name, and one for all others",
        f"--weight-bits {remedy}",
    )
    assert not Path("made").exists()


def test_widths_out_of_range(snnc: Snnc) -> None:
    ended = snnc(*COMPILE, "--weight-bits", "0,hidden=9,fc2=-3")
    assert ended.err == "\n".join(
        said("--weight-bits", found, LIMIT, f"--weight-bits {remedy}")
        for found, remedy in (("0", "8"), ("hidden=9", "hidden=8"), ("fc2=-3", "fc2=8"))
    )
    assert ended.code == 2


def test_unknown_names(snnc: Snnc) -> None:
    ended = snnc("verify", "model.nir", "--input", "x.npy", "--dt", "1e-4", "--report", "r",
                 "--weight-bits", "4,fc3=8,hiden=2")  # fmt: skip
    nobody = "which is no population and no layer of weights into one"
    names = "hidden (fc1), output_layer (fc2)"
    assert ended.code == 2
    assert ended.err.endswith(
        said("--weight-bits", f"'fc3', {nobody}", names, "did you mean fc2?")
        + "\n"
        + said("--weight-bits", f"'hiden', {nobody}", names, "did you mean hidden?")
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[4, 8]", "[4, 8]"),
        ("{fc2: yes}", "{'fc2': True}"),
        ("{fc2: 4.5}", "{'fc2': 4.5}"),
        ("{fc2: '4'}", "{'fc2': '4'}"),
        ("{null: 4}", "{None: 4}"),
        ("{1.5: 4}", "{1.5: 4}"),
    ],
)
def test_no_width_in_a_file(text: str, found: str, snnc: Snnc) -> None:
    Path("s.yaml").write_text(f"weight-bits: {text}\n")
    ended = snnc(*COMPILE, "--config", "s.yaml")
    assert ended.err == said(
        "s.yaml: weight-bits",
        found,
        "4, or 4,fc2=8, or {fc2: 8, '*': 4}",
        "write it as --weight-bits takes it on the command line",
    )
    assert ended.code == 2


def test_a_name_twice_in_a_file(snnc: Snnc) -> None:
    Path("s.yaml").write_text("weight-bits: {fc2: 4, fc2: 8}\n")
    ended = snnc(*COMPILE, "--config", "s.yaml")
    assert "found: fc2 stands twice\n" in ended.err


def test_inspect_tells_them(snnc: Snnc) -> None:
    assert snnc(*COMPILE, "--weight-bits", "5,fc2=3").code == 0
    rows = [line.split() for line in snnc("inspect", "made").out.splitlines()]
    assert [r[-4:-2] for r in rows if r[:1] in (["fc1"], ["fc2"]) and "mixed" in r] == [
        ["5", "mixed"],
        ["3", "mixed"],
    ]
    found = json.loads(snnc("inspect", "made", "--json").out)
    assert [(q["weight_bits"], q["sign_mode"]) for q in found["hardware_projections"]] == [
        (5, "mixed"),
        (3, "mixed"),
    ]
    assert [p["memory_bits"] for p in found["account"]["populations"]] == [48 * 5, 24 * 3]
