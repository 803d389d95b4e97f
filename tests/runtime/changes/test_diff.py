"""``snnc diff`` of artifacts and reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import snnc
from snnc.compiler.diagnostics import InputError
from snnc.compiler.operators import FixedDense
from snnc.runtime.changes.diff import diff
from snnc.runtime.changes.records import Change, Changes
from snnc.runtime.changes.text import changes_text
from snnc.runtime.cli import main
from snnc.runtime.report import Report
from snnc.runtime.verify import verify
from snnc.targets.artifact import Artifact
from tests.runtime.samples import artifact, data, graph, labels


@cache
def program() -> Artifact:
    return artifact()


@cache
def report() -> Report:
    return verify(program(), data(), labels=labels(), targets="integer", max_drop=100)


def with_weight(change: int) -> Artifact:
    """Give the program with one weight that is another."""
    fixed = program().required_fixed
    projection = fixed.projections[0]
    (operator,) = projection.operators
    assert isinstance(operator, FixedDense)
    weight = operator.weight.copy()
    weight[2, 3] += change
    changed = replace(projection, operators=(replace(operator, weight=weight),))
    projections = (changed, *fixed.projections[1:])
    return replace(program(), fixed=replace(fixed, projections=projections))


def weight_of(program: Artifact) -> int:
    operator = program.required_fixed.projections[0].operators[0]
    assert isinstance(operator, FixedDense)
    return int(operator.weight[2, 3])


def test_artifacts(tmp_path: Path) -> None:
    program().save(tmp_path / "a")
    program().save(tmp_path / "b")
    with_weight(-1).save(tmp_path / "c")
    assert diff(tmp_path / "a", tmp_path / "b").same
    found = snnc.diff(tmp_path / "a", tmp_path / "c")
    weight = weight_of(program())
    assert not found.same
    assert found.changes == (
        Change(
            part="integers / projections / fc1 / operators / 0",
            what="weight",
            first=weight,
            second=weight - 1,
            differing=1,
            values=48,
            largest=1.0,
            place=(2, 3),
        ),
    )


def test_other_networks_and_options(tmp_path: Path) -> None:
    program().save(tmp_path / "a")
    other = snnc.compile(graph("first", "output_layer"), "cpu", dt=1e-4, weight_bits=4)
    other.save(tmp_path / "b")
    found = {
        (c.part, c.what): (c.first, c.second) for c in diff(tmp_path / "a", tmp_path / "b").changes
    }
    assert found["", "target"] == ("integer", "cpu")
    assert found["options", "weight_bits"] == (8, 4)
    assert found["network / populations / first", "name"] == (None, "first")
    assert found["network / populations / hidden", "name"] == ("hidden", None)
    assert any(part == "account / populations / output_layer" for part, _ in found)


def test_reports(tmp_path: Path) -> None:
    report().save(tmp_path / "a")
    elsewhere = report().model_copy(update={"command": "another", "model": "the same elsewhere"})
    elsewhere.save(tmp_path / "b")
    assert diff(tmp_path / "a", tmp_path / "b").same
    assert diff(tmp_path / "a" / "report.json", tmp_path / "b").same

    link = report().links[-1]
    environment = {**report().environment, "numpy": "0.0"}
    first, *rest = report().data
    changed = report().model_copy(
        update={
            "links": (*report().links[:-1], link.model_copy(update={"differing": 12_345})),
            "environment": environment,
            "data": (first.model_copy(update={"sha256": "0" * 64}), *rest),
        }
    )
    changed.save(tmp_path / "c")
    found = diff(tmp_path / "a", tmp_path / "c")
    assert [(c.part, c.what, c.second) for c in found.changes] == [
        ("links / float -> integer", "differing", 12_345),
        ("data / input input", "sha256", "0" * 64),
        ("environment", "numpy", "0.0"),
    ]


def test_a_report_of_another_format(tmp_path: Path) -> None:
    report().save(tmp_path / "a")
    older = json.loads((tmp_path / "a/report.json").read_text())
    older["format"] = 1
    del older["silent"]
    (tmp_path / "older.json").write_text(json.dumps(older))
    found = diff(tmp_path / "older.json", tmp_path / "a")
    assert [(c.what, c.first, c.second) for c in found.changes] == [
        ("format", 1, report().format),
        ("silent", None, report().silent),
    ]


UNKNOWN = (
    "error[SNN651]: what snnc diff compares is a report or an artifact\n"
    "  --> DIR/{name}\n   found: {found}\n"
    "   limit: the directory of a report or an artifact, or a report.json\n"
    "  remedy: snnc compile writes artifacts, snnc verify reports"
)
DAMAGED = (
    "error[SNN653]: a report that is compared can be read\n"
    "  --> DIR/a.json\n   found: {found}\n"
    "   limit: a report.json of snnc verify, of whatever release\n"
    "  remedy: verify again, and compare with what that writes"
)


def message(first: Path, second: Path) -> str:
    with pytest.raises(InputError) as caught:
        diff(first, second)
    return str(caught.value).replace(str(first.parent), "DIR")


def test_what_is_neither(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.npy").write_bytes(b"")
    cases = {
        "empty": "a directory without either",
        "x.npy": "another file",
        "none": "no such file or directory",
    }
    for name, found in cases.items():
        path = tmp_path / name
        assert message(path, path) == UNKNOWN.format(name=name, found=found)


def test_two_kinds(tmp_path: Path) -> None:
    report().save(tmp_path / "a")
    program().save(tmp_path / "b")
    assert message(tmp_path / "a", tmp_path / "b") == (
        "error[SNN652]: snnc diff compares two of a kind\n"
        "  --> DIR/b\n   found: an artifact\n   limit: a report, as the first is\n"
        "  remedy: name a report"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{}", "format: field required"),
        ("", "the file: invalid json: eof while parsing a value at line 1 column 0"),
        ("[1]", "the file: input should be an object"),
    ],
)
def test_damaged_reports(text: str, found: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    assert message(tmp_path / "a.json", tmp_path / "a.json") == DAMAGED.format(found=found)


@pytest.mark.parametrize("text", ["[" * 10**5, '{"links": ' + "[" * 10**5, "\udc80", '{"a": NaN'])
def test_hostile_reports(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text, errors="surrogateescape")
    assert message(tmp_path / "a.json", tmp_path / "a.json").startswith("error[SNN653]")


def test_a_damaged_artifact(tmp_path: Path) -> None:
    program().save(tmp_path / "a")
    (tmp_path / "a/weights.safetensors").write_bytes(b"")
    assert message(tmp_path / "a", tmp_path / "a").startswith("error[SNN504]")


def changes(*given: Change) -> Changes:
    return Changes(kind="report", first="a", second="b", same=not given, changes=given)


TEXT = """\
the report
  verdict: equivalent -> not equivalent

links / float -> \\x1b[31m
  differing: 0 -> 12,345
  drop: 0.123457 -> 0.2
  close: 0.1 -> 0.10000000000000002
  + explanation: a tie
  - local
  shares: 2 of 9 values, at most 0.5 apart, first at [1, 0]: 0.5 -> 1

different: 7 changes"""


def test_text() -> None:
    link = "links / float -> \x1b[31m"
    found = changes(
        Change(part="", what="verdict", first="equivalent", second="not equivalent"),
        Change(part=link, what="differing", first=0, second=12345),
        Change(part=link, what="drop", first=0.12345678, second=0.2),
        Change(part=link, what="close", first=0.1, second=0.1 + 2e-17),
        Change(part=link, what="explanation", first=None, second="a tie"),
        Change(part=link, what="local", first="there", second=None),
        Change(
            part=link,
            what="shares",
            first=0.5,
            second=1.0,
            differing=2,
            values=9,
            largest=0.5,
            place=(1, 0),
        ),
    )
    assert changes_text(found) == TEXT
    assert changes_text(changes()) == "the same: two reports without a difference"


def test_what_is_no_number(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """JSON has no NaN, and a page has no distance from it."""
    report().save(tmp_path / "of")
    told = json.loads((tmp_path / "of/report.json").read_text())
    for name, value in (("a", float("nan")), ("b", 1.5)):
        (tmp_path / f"{name}.json").write_text(json.dumps(told | {"shares": [value, 1.5]}))
    a, b = str(tmp_path / "a.json"), str(tmp_path / "b.json")
    assert main(["diff", a, b]) == 1
    assert "shares: 1 of 2 values, first at [0]: nan -> 1.5" in capsys.readouterr().out
    assert main(["diff", a, b, "--json"]) == 1
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert (change["first"], change["largest"]) == ("NaN", None)


def test_many_changes_are_cut() -> None:
    many = [Change(part="lags", what=str(i), first=i, second=i + 1) for i in range(1_030)]
    lines = changes_text(changes(*many)).splitlines()
    assert len(lines) == 1 + 20 + 1 + 1 + 1
    assert lines[21] == "  and 1,010 more: snnc diff --json has all"
    long = changes_text(changes(Change(part="", what="a", first="x" * 500, second=1)))
    assert "x" * 100 + "... -> 1" in long


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program().save(tmp_path / "a")
    with_weight(1).save(tmp_path / "b")
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    run: Callable[..., int] = lambda *given: main(["diff", *given])  # noqa: E731
    assert run(a, a) == 0
    assert capsys.readouterr().out == "the same: two artifacts without a difference\n"
    assert run(a, b) == 1
    assert "weight: 1 of 48 values, at most 1 apart, first at [2, 3]" in capsys.readouterr().out
    assert run(a, b, "--json") == 1
    found = Changes.model_validate_json(capsys.readouterr().out)
    assert (found.kind, found.same, len(found.changes)) == ("artifact", False, 1)
    assert run(a, str(tmp_path)) == 2
    assert np.isfinite(found.changes[0].largest or 0)
