"""What users get wrong about a verification is told before the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.runtime.verify import verify
from tests.runtime.conftest import Snnc
from tests.runtime.samples import BATCH, CLASSES, artifact, data, graph


def message(*arguments: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        verify(*arguments, **options)
    return str(caught.value)


LABELS: dict[str, tuple[Any, str]] = {
    "too few": (np.zeros(3, int), "shape [3]"),
    "one-hot": (np.zeros((BATCH, CLASSES), int), f"shape [{BATCH}, {CLASSES}]"),
    "real": (np.zeros(BATCH), "values of type float64"),
    "from one": (np.array([1, 2, 3, 1]), "values from 1 to 3"),
    "negative": (np.array([0, -1, 0, 0]), "values from -1 to 0"),
}


@pytest.mark.parametrize("case", LABELS)
def test_labels_that_do_not_fit(case: str) -> None:
    wrong, found = LABELS[case]
    assert message(graph(), data(), labels=wrong, dt=1e-4) == (
        "error[SNN507]: there is one label for each sample\n"
        "  --> labels\n"
        f"   found: {found}\n"
        "   limit: 4 integers from 0 to 2, one for each sample\n"
        "  remedy: give the class indices of the samples, in their order"
    )


@pytest.mark.parametrize(
    ("targets", "unknown", "remedy"),
    [
        (("Integer", "lavva"), "Integer, lavva", "--targets integer,lava"),
        (("integer", "lavva"), "lavva", "--targets integer,lava"),
        (("integer", "fpga"), "fpga", "snnc targets lists them"),
        ((), "none", "snnc targets lists them"),
    ],
)
def test_unknown_targets(targets: tuple[str, ...], unknown: str, remedy: str) -> None:
    assert message(graph(), data(), targets=targets) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --targets\n"
        f"   found: {unknown}\n"
        "   limit: float, integer, cpu, cuda, lava\n"
        f"  remedy: {remedy}"
    )


def test_options_out_of_range_at_once() -> None:
    assert message(graph(), data(), targets=("lavva", "fpga"), max_drop=-1) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --targets\n"
        "   found: lavva, fpga\n"
        "   limit: float, integer, cpu, cuda, lava\n"
        "  remedy: snnc targets lists them\n"
        "\n"
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --max-drop\n"
        "   found: -1\n"
        "   limit: points of percent, 0 to 100\n"
        "  remedy: --max-drop 1.0"
    )


def test_no_target() -> None:
    assert "   found: none\n" in message(graph(), data(), targets=())


def test_options_of_compilation_with_an_artifact() -> None:
    assert message(artifact(), data(), calibration=data(), dt=1e-4) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --calibrate\n"
        "   found: an option of compilation, and Artifact is compiled already\n"
        "   limit: options of compilation go with a model\n"
        "  remedy: leave --calibrate out, or compile the model again with it\n"
        "\n"
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --dt\n"
        "   found: an option of compilation, and Artifact is compiled already\n"
        "   limit: options of compilation go with a model\n"
        "  remedy: leave --dt out, or compile the model again with it"
    )


def test_float_artifact_has_no_integers() -> None:
    assert message(artifact("float"), data()) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --targets\n"
        "   found: integer, lava, and Artifact was compiled for float\n"
        "   limit: an artifact that holds integers\n"
        "  remedy: compile the model for lava: snnc compile MODEL --target lava"
    )


@pytest.mark.parametrize(
    ("x", "found"),
    [
        (data()[:, 0], "shape [12, 6], which has no batch axis"),
        (data()[:, :0], "shape [12, 0, 6]"),
        (5.0, "shape []"),
        ({}, "arrays none"),
    ],
)
def test_input_of_another_shape(x: Any, found: str) -> None:
    text = message(artifact(), x).splitlines()
    assert text[0].startswith("error[SNN502]: ")
    assert text[2] == f"   found: {found}"


def test_the_directory_in_which_it_runs(
    here: Path, snnc: Snnc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be replaced, which is told before the work."""
    (here / "empty").mkdir()
    monkeypatch.chdir(here / "empty")
    ended = snnc("verify", "../model.integer", "--input", "../x.npy", "--report", ".")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "error[SNN003]: the place that is named is free or holds a result of snnc\n"
        "  --> .\n"
        "   found: the directory in which snnc runs\n"
        "   limit: a new directory, an empty one, or a report of snnc to replace\n"
        "  remedy: name another directory with --report\n"
    )


def test_model_that_is_no_module(here: Path, snnc: Snnc) -> None:
    ended = snnc(
        *("verify", "model.integer", "--input", "x.npy", "--report", "r"),
        *("--model", "model.nir"),
    )
    assert (ended.code, ended.out, (here / "r").exists()) == (2, "", False)
    assert ended.err.startswith(
        "error[SNN114]: FILE.py:FUNCTION names a function that returns a trained module\n"
        "  --> model.nir\n"
    )
