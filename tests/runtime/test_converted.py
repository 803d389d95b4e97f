"""A network of ReLUs beside the network of spikes that was made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import snnc as package
from snnc.compiler.diagnostics import InputError
from snnc.runtime.findings import Status
from snnc.runtime.verify import verify
from tests.frontends.onnx.models import model, node, onnx, random, reference
from tests.runtime.conftest import Snnc

Array = npt.NDArray[Any]
STEPS = 24

pytestmark = pytest.mark.onnx


def relus(path: Path, *, inputs: int = 6, seed: int = 0) -> Array:
    """Write a network of ReLUs, and give samples, ``[200, inputs]``."""
    nodes = [node("Gemm", "x w b", "h"), node("Relu", "h", "r"), node("Gemm", "r v", "y")]
    w, b, v = random(inputs, 16, seed=seed), random(16), random(16, 3)
    onnx.save(model(nodes, {"x": ["n", inputs]}, w=w, b=b, v=v), path)
    return np.abs(random(200, inputs, seed=1))


def classes(path: Path, samples: Array) -> Array:
    """Give what ONNX's own evaluator answers."""
    (scores,) = reference(onnx.load(path), {"x": samples})
    return np.asarray(scores.argmax(axis=1))


def held(samples: Array) -> Array:
    return np.repeat(samples[None], STEPS, axis=0)


def test_the_network_of_relus_is_the_framework(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    samples = relus(path)
    answers = classes(path, samples)
    report = verify(
        path,
        held(samples),
        labels=answers,
        calibration=held(samples),
        targets="integer",
        max_drop=5,
    )
    first, second = report.links
    assert (first.reference, first.other) == ("framework", "float")
    assert first.promise == "accuracy falls by at most 5 points"
    assert (first.signals, first.values) == (("classes",), 200)
    assert first.status is Status.HELD
    executions = {e.name: e for e in report.executions}
    assert executions["framework"].executor == "onnx"
    assert executions["framework"].accuracy_by_step == (1.0,) * STEPS
    wrong = int((1 - executions["float"].accuracy_by_step[-1]) * 200 + 0.5)
    assert 0 < wrong == first.differing <= 10  # rates of 24 steps are not exact
    assert executions["float"].accuracy_by_step[0] < executions["float"].accuracy_by_step[-1]
    assert second.status is Status.HELD


def test_a_network_that_lost_its_classes_is_not_equivalent(tmp_path: Path) -> None:
    """Another network of the same shape is no reference: most of its classes are others."""
    path, other = tmp_path / "model.onnx", tmp_path / "other.onnx"
    samples = relus(path)
    relus(other, seed=9)
    program = package.compile(path, "integer", calibration=held(samples))
    answers = classes(other, samples)
    report = verify(program, held(samples), labels=answers, framework=other, targets="integer")
    assert report.links[0].status is Status.BROKEN
    assert report.links[0].statistics is not None
    assert report.links[0].statistics.accuracy_reference == 1
    assert report.exit_code == 1


def test_without_labels_it_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    samples = relus(path)
    report = verify(path, held(samples), calibration=held(samples), targets="integer")
    (first, _) = report.links
    same = 200 - first.differing
    assert first.status is Status.MEASURED
    assert first.agreement == same / 200
    assert first.reason == (
        f"{same} of 200 samples get the same class; not judged, since no labels were given"
    )


def test_data_that_change_are_what_they_are_in_the_mean(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    samples = relus(path)
    x = held(samples) * np.linspace(0, 2, STEPS, dtype=np.float32)[:, None, None]
    report = verify(path, x, calibration=x, labels=classes(path, samples), targets="integer")
    executions = {e.name: e for e in report.executions}
    assert executions["framework"].accuracy == 1


def test_a_file_of_other_inputs(tmp_path: Path) -> None:
    path, other = tmp_path / "model.onnx", tmp_path / "other.onnx"
    samples = relus(path)
    relus(other, inputs=5)
    program = package.compile(path, "integer", calibration=held(samples))
    with pytest.raises(InputError) as caught:
        verify(program, held(samples), framework=str(other), targets="integer")
    assert str(caught.value) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --model\n"
        "   found: a network of other inputs: input [5]\n"
        "   limit: the one that the network was made from: input [6]\n"
        "  remedy: name the .onnx file itself with --model, or verify it alone"
    )


def test_the_command_takes_the_file(here: Path, snnc: Snnc) -> None:
    samples = relus(here / "relus.onnx")
    np.save(here / "relus_x.npy", held(samples))
    np.save(here / "relus_y.npy", classes(here / "relus.onnx", samples))
    compiled = (
        "compile",
        "relus.onnx",
        "--target",
        "integer",
        "--calibrate",
        "relus_x.npy",
        "-o",
        "relus",
    )
    assert snnc(*compiled).code == 0
    given = (
        "--input",
        "relus_x.npy",
        "--labels",
        "relus_y.npy",
        "--targets",
        "integer",
        "--max-drop",
        "5",
    )
    ended = snnc("verify", "relus", "--model", "relus.onnx", *given, "--report", "relus_report")
    assert ended.code == 0
    assert "framework (onnx)  100.00 %" in ended.out
    assert "framework: classes" in ended.out


def test_one_step_of_spikes_is_no_reference(tmp_path: Path) -> None:
    """It cannot be run without the states that go from step to step."""
    nodes = [
        node("Mul", "v beta", "kept"),
        node("Add", "kept x", "next"),
        node("Greater", "next theta", "above"),
        node("Cast", "above", "spikes", to=1),
    ]
    path = tmp_path / "step.onnx"
    made = model(
        nodes,
        {"x": ["n", 3], "v": ["n", 3]},
        ("spikes", "next"),
        beta=np.float32(0.5),
        theta=np.float32(1),
    )
    onnx.save(made, path)
    x = np.ones((5, 2, 3), np.float32)
    report = verify(path, x, targets="integer")
    assert report.links[0].status is Status.NOT_RUN
