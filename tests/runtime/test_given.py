"""What users give as options and data in Python: taken as it is meant, or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.runtime.deploy import compile
from snnc.runtime.verify import verify
from snnc.targets.artifact import Artifact
from tests.runtime.conftest import Snnc
from tests.runtime.samples import BATCH, data, graph

BUDGET: dict[str, Any] = {"budget": "memory<=64KiB", "calibration": data()}


def compiled(**options: Any) -> Artifact:
    return compile(graph(), dt=1e-4, **options)


def refused(**options: Any) -> list[tuple[str, str]]:
    """Give place and finding of each diagnostic."""
    with pytest.raises(InputError) as caught:
        compiled(**options)
    assert all(d.limit and d.remedy for d in caught.value.diagnostics)
    return [(d.node, d.found) for d in caught.value.diagnostics]


@pytest.mark.parametrize(
    "name",
    ["weight_bits", "rounding", "max_thresholds", "decays", "overflow", "strict", "split_fan_in"],
)
def test_none_says_nothing(name: str) -> None:
    assert compiled(**{name: None}).files() == compiled().files()


@pytest.mark.parametrize("given", ["wrap,clip", " wrap , clip", ["wrap", "clip"]])
def test_overflow_as_on_the_command_line(given: Any) -> None:
    assert compiled(overflow=given).options["overflow"] == ["wrap", "clip"]
    assert compiled(overflow="").options["overflow"] == []


def test_numbers_of_numpy_are_saved() -> None:
    artifact = compiled(max_thresholds=np.int64(2), weight_bits=np.int8(4), strict=np.False_)
    assert artifact.files() == compiled(max_thresholds=2, weight_bits=4).files()


@pytest.mark.parametrize(
    ("option", "value", "found"),
    [
        ("target", None, "None"),
        ("target", ["lava"], "['lava']"),
        ("rounding", 3, "3"),
        ("rounding", ["feedback"], "['feedback']"),
        ("rounding", "", "''"),
        ("max_thresholds", 1.5, "1.5"),
        ("max_thresholds", "4", "4"),
        ("split_fan_in", 0, "0"),
        ("split_fan_in", "9", "9"),
        ("max_thresholds", True, "True"),
        ("decays", 3, "3"),
        ("decays", ["gain"], "['gain']"),
        ("overflow", 5, "5"),
        ("overflow", [None, "both"], "None, both"),
        ("overflow", "WRAP", "WRAP"),
        ("strict", "no", "no"),
        ("strict", 0, "0"),
        ("lava", 3, "3"),
        ("lava", ["stock"], "['stock']"),
        ("lava", "", "''"),
        ("budget", 5, "5"),
        ("budget", b"memory<=64KiB", "b'memory<=64KiB'"),
    ],
)
def test_values_of_a_wrong_kind(option: str, value: Any, found: str) -> None:
    given = {"calibration": data()} | {option: value}
    assert refused(**given) == [(f"--{option.replace('_', '-')}", found)]


def test_an_unknown_form_on_lava() -> None:
    with pytest.raises(InputError) as caught:
        compiled(target="lava", lava="fuse")
    assert str(caught.value) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --lava\n"
        "   found: fuse\n"
        "   limit: stock, mixed, fused\n"
        "  remedy: --lava fused"
    )


def test_forms_on_lava_go_with_target_and_rounding() -> None:
    assert refused(lava="stock", rounding="recalibrated", calibration=data()) == [
        ("--lava", "stock, and target integer"),
        ("--rounding", "recalibrated, and --lava stock"),
    ]
    wrong = {"target": "lava", "lava": "stock", "rounding": "recalibrated"}
    with pytest.raises(InputError) as caught:
        compiled(calibration=data(), **wrong)
    assert str(caught.value) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --rounding\n"
        "   found: recalibrated, and --lava stock\n"
        "   limit: one threshold for each population (lava 0.10.0, LIF), and recalibration moves "
        "each\n"
        "  remedy: --rounding feedback"
    )


@pytest.mark.parametrize("form", [None, "mixed"])
def test_lava_is_mixed_where_nothing_is_said(form: str | None) -> None:
    artifact = compiled(target="lava", lava=form)
    assert artifact.options["lava"] == "mixed"
    assert artifact.files() == compiled(target="lava").files()
    assert "lava" not in compiled(target="integer").options


def test_all_at_once() -> None:
    wrong = {"weight_bits": "4", "rounding": 1, "max_thresholds": "x", "decays": 2, "overflow": 3}
    assert refused(strict="yes", **wrong) == [
        ("--weight-bits", "'4'"),
        ("--rounding", "1"),
        ("--max-thresholds", "x"),
        ("--decays", "2"),
        ("--overflow", "3"),
        ("--strict", "yes"),
    ]


def test_names_and_data_at_once() -> None:
    wrong = {"weight_bits": {"fc3": 4, "fc9": 4}, "calibration": data()[:, 0]}
    assert [node for node, _ in refused(**wrong)] == [
        "--weight-bits",
        "--weight-bits",
        "calibration data: input",
    ]


def test_a_layer_whose_name_is_a_number() -> None:
    """As in a Sequential; YAML reads such a name as an integer, and so do people."""
    numbered = graph("1", "3")
    by_number = compile(numbered, dt=1e-4, weight_bits={3: 4})  # type: ignore[dict-item]
    assert by_number.files() == compile(numbered, dt=1e-4, weight_bits={"3": 4}).files()
    assert by_number.options["weight_bits"] == {"3": 4}


@pytest.mark.parametrize(
    "least", [{}, {"fc2": 4}, {"fc2": 4, "*": 3}], ids=["none", "one", "others"]
)
def test_a_budget_considers_2_bits_where_nothing_is_said(least: dict[str, int]) -> None:
    found = compiled(**BUDGET | {"budget": "memory<=40B"}, weight_bits=least).account["budget"]
    narrowest = {p["name"]: min(map(int, p["sensitivity"])) for p in found["populations"]}
    others = least.get("*", 2)
    assert narrowest == {"hidden": others, "output_layer": least.get("fc2", others)}


def test_labels_that_are_no_array() -> None:
    budget = BUDGET | {"budget": "top1>=-1pt"}
    assert refused(labels=[[0, 1], [2]], **budget) == [("labels", "shape [2]")]


@pytest.mark.parametrize("x", [[[1, 2], [3]], {"input": [[1, 2], [3]]}])
def test_data_that_are_no_array(x: Any) -> None:
    with pytest.raises(InputError) as caught:
        compiled(calibration=x)
    assert str(caught.value) == (
        "error[SNN502]: input data has the shape [steps, batch, *shape] of the network's input\n"
        "  --> calibration data: input\n"
        "   found: a list that NumPy makes no array of\n"
        "   limit: an array of numbers\n"
        "  remedy: give a NumPy array; a tensor becomes one by x.detach().cpu().numpy()"
    )


def test_an_exponent_in_a_budget() -> None:
    found = compiled(labels=np.zeros(BATCH, int), **BUDGET | {"budget": "top1>=-1e2pt"})
    assert found.account["budget"]["budget"] == "top1>=-1e2pt"


def test_options_that_a_float_network_has_no_use_for() -> None:
    given = {
        "weight_bits": {"fc2": 3},
        "max_thresholds": 4,
        "decays": "gain",
        "overflow": ("wrap", "clip"),
    }
    no_use = "and target float, for which nothing is rounded"
    assert refused(target="float", **given) == [
        ("--weight-bits", f"{{'fc2': 3}}, {no_use}"),
        ("--max-thresholds", f"4, {no_use}"),
        ("--decays", f"gain, {no_use}"),
        ("--overflow", f"wrap,clip, {no_use}"),
    ]
    with pytest.raises(InputError) as caught:
        verify(graph(), data(), dt=1e-4, targets="float", rounding="nearest")
    assert str(caught.value) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --rounding\n"
        f"   found: nearest, {no_use}\n"
        "   limit: a target of integers\n"
        "  remedy: --target integer, or leave --rounding out"
    )
    compiled(target="float", strict=True, calibration=data())


def test_compile_shows_what_few_thresholds_cost(snnc: Snnc, here: Path) -> None:
    call = ("compile", "model.nir", "--target=integer", "--dt=1e-4")
    assert "SQNR dB if free" not in snnc(*call).out
    assert "SQNR dB if free" in snnc(*call, "--max-thresholds=2").out
    assert (here / "model.integer").is_dir()
