"""Widths by name: on the command line, in a file, in Python, and what artifacts tell of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from snnc.compiler.diagnostics import InputError
from snnc.runtime.deploy import compile
from snnc.runtime.verify import verify
from snnc.targets.artifact import Artifact, load
from tests.runtime.conftest import Snnc
from tests.runtime.samples import data, graph

pytestmark = pytest.mark.usefixtures("here")

COMPILE = ("compile", "model.nir", "--target", "integer", "--dt", "1e-4", "-o", "made")


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


def test_verify_takes_them() -> None:
    report = verify(graph(), data(), dt=1e-4, weight_bits={"fc2": 3}, targets=("integer",))
    assert [p["width"] for p in report.populations] == [8, 3]


def test_the_float_network_has_names_too() -> None:
    with pytest.raises(InputError, match=r"did you mean fc2\?"):
        compile(graph(), "float", dt=1e-4, weight_bits={"fc22": 3})


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
        (("four",), "'four' is no width such as 4 or fc2=8"),
        (("4.5",), "'4.5' is no width such as 4 or fc2=8"),
        (("",), "'' is no width such as 4 or fc2=8"),
        (("4,",), "'' is no width such as 4 or fc2=8"),
        (("fc2=",), "'fc2=' is no width such as 4 or fc2=8"),
        (("=4",), "'=4' is no width such as 4 or fc2=8"),
        (("fc2:4",), "'fc2:4' is no width such as 4 or fc2=8"),
        (("--5",), "'--5' is no width such as 4 or fc2=8"),
        (("\u00b2",), "'\u00b2' is no width such as 4 or fc2=8"),
        (("9" * 5000,), f"'{'9' * 59} is no width such as 4 or fc2=8"),
        (("4,8",), "two widths for all others"),
        (("4", "*=8"), "two widths for all others"),
        (("fc2=4,fc2=4",), "two widths for fc2"),
        (("fc2=4", "fc2=8"), "two widths for fc2"),
    ],
)
def test_no_width(given: tuple[str, ...], found: str, snnc: Snnc) -> None:
    ended = snnc(*COMPILE, *(f"--weight-bits={g}" for g in given))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == said(
        "snnc compile --weight-bits",
        found,
        "the arguments that snnc compile --help lists",
        "snnc compile --help",
    )
    assert not Path("made").exists()


def test_widths_out_of_range(snnc: Snnc) -> None:
    ended = snnc(*COMPILE, "--weight-bits", "0,hidden=9,fc2=-3")
    limit = "1 to 8 bits, the sign included (Loihi: 8)"
    assert ended.err == "\n".join(
        said("--weight-bits", found, limit, f"--weight-bits {remedy}")
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
        ("{1: 4}", "{1: 4}"),
        ("four", "'four'"),
    ],
)
def test_no_width_in_a_file(text: str, found: str, snnc: Snnc) -> None:
    Path("s.yaml").write_text(f"weight-bits: {text}\n")
    ended = snnc(*COMPILE, "--config", "s.yaml")
    assert ended.err == said(
        "s.yaml: weight-bits",
        found,
        "an integer, or integers by name",
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
