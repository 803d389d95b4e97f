"""The examples run as a user runs them, and so do the commands that they print."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
Example = tuple[Path, str]
"""The folder in which an example ran, and what it printed."""

pytestmark = [pytest.mark.torch, pytest.mark.lava, pytest.mark.slow]


def run(arguments: list[str], folder: Path) -> str:
    """Run a Python command in ``folder``, where snnc is found but is not; give its output."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Example]:
    """Run an example by its name; each once, whatever test of its group asks for it."""

    @cache
    def run_it(name: str) -> Example:
        folder = tmp_path_factory.mktemp(name)
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=ignore)
        return folder, run([f"examples/{name}.py"], folder)

    return run_it


def commands(printed: str) -> list[list[str]]:
    """Give the commands that an example prints."""
    return [shlex.split(line) for line in re.findall(r"^ *\$ snnc (.*)$", printed, re.MULTILINE)]


def run_commands(found: Example, *names: str) -> None:
    """Run what an example printed, which are commands of these names."""
    folder, printed = found
    assert [command[0] for command in commands(printed)] == [*names]
    for command in commands(printed):
        run(["-m", "snnc", *command], folder)


def accuracy_of(report: Path) -> dict[str, float]:
    """Give the accuracy of each execution of a report that says equivalent.

    Not one spike may differ between framework and float network, and no spike, ``u`` or ``v``
    between the integers and Lava.
    """
    found: dict[str, Any] = json.loads((report / "report.json").read_text())
    assert found["verdict"] == "equivalent"
    links = {(link["reference"], link["other"]): link for link in found["links"]}
    assert links["framework", "float"]["values"] > 100_000
    assert links["framework", "float"]["differing"] == 0
    if ("integer", "lava") in links:
        assert set(links["integer", "lava"]["signals"]) == {"spikes", "u", "v"}
        assert links["integer", "lava"]["values"] > 500_000
        assert links["integer", "lava"]["differing"] == 0
    return {e["name"]: e["accuracy"] for e in found["executions"]}


@pytest.mark.xdist_group("digits")
def test_digits(example: Callable[[str], Example]) -> None:
    folder, printed = example("digits")
    accuracy = accuracy_of(folder / "build/digits/report")
    assert accuracy["framework"] >= 0.95
    assert accuracy["lava"] >= accuracy["framework"] - 0.01
    assert "framework: spikes" in printed


def losses(folder: Path, name: str) -> dict[int, float]:
    """Give for 8 and 4 bits the points that a network loses on its whole test set."""
    printed = run(["-m", "tests.benchmarks.accuracy", name, "8", "4", "--json"], folder)
    rows = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert all(row["n"] >= 540 and row["correct_reference"] >= 0.9 * row["n"] for row in rows)
    return {row["bits"]: row["drop"] for row in rows}


def assert_kept(lost: dict[int, float]) -> None:
    """At 8 bits a network loses 0.3 points at most, at 4 bits 1.5."""
    assert lost[8] <= 0.3
    assert lost[4] <= 1.5


@pytest.mark.xdist_group("digits")
def test_narrow_weights_of_digits(example: Callable[[str], Example]) -> None:
    folder, _ = example("digits")
    assert_kept(losses(folder, "digits"))


@pytest.mark.xdist_group("norse_digits")
@pytest.mark.norse
def test_narrow_weights_of_norse_digits(example: Callable[[str], Example]) -> None:
    folder, _ = example("norse_digits")
    assert_kept(losses(folder, "norse_digits"))


@pytest.mark.xdist_group("mnist_cnn")
@pytest.mark.mnist
def test_narrow_weights_of_mnist_cnn(example: Callable[[str], Example]) -> None:
    folder, _ = example("mnist_cnn")
    assert_kept(losses(folder, "mnist_cnn"))


def test_narrow_weights_of_a_recurrent_network(tmp_path: Path) -> None:
    assert_kept(losses(tmp_path, "recurrent"))


@pytest.mark.xdist_group("digits")
def test_the_commands_of_digits(example: Callable[[str], Example]) -> None:
    folder, _ = example("digits")
    before = {
        path: path.read_bytes()
        for path in (folder / "build/digits").rglob("*")
        if path.is_file() and ("lava" in path.parts or path.suffix == ".nir")
    }
    run_commands(example("digits"), "import", "compile", "run", "verify")
    assert {path: path.read_bytes() for path in before} == before  # the same bytes, once more
    with np.load(folder / "build/digits/out.npz") as out:
        assert out["output"].shape == (24, 540, 10)


@pytest.mark.xdist_group("budget_digits")
def test_budget_digits(example: Callable[[str], Example]) -> None:
    """Both budgets are kept on the images that they were given, and cost little on others."""
    folder, _ = example("budget_digits")
    found: list[Any] = []
    for index in (0, 1):
        manifest = (folder / f"build/digits/budget_{index}/manifest.json").read_text()
        found.append(json.loads(manifest)["account"]["budget"])
        report = folder / f"build/digits/budget_{index}_report/report.json"
        link = json.loads(report.read_text())["links"][1]
        assert link["statistics"]["n"] == 270
        assert link["statistics"]["drop_points"] <= 1.5
    assert found[0]["chosen"]["statistics"]["drop_points"] <= 0.5
    assert found[0]["memory_bits"] < 0.7 * found[0]["memory_bits_widest"]
    assert found[1]["memory_bits"] <= 3 * 1024 * 8


@pytest.mark.xdist_group("budget_digits")
def test_the_commands_of_budget_digits(example: Callable[[str], Example]) -> None:
    folder, _ = example("budget_digits")
    artifacts = [folder / f"build/digits/budget_{index}" for index in (0, 1)]
    before = {p: p.read_bytes() for a in artifacts for p in a.iterdir()}
    run_commands(example("budget_digits"), "compile", "compile")
    assert {p: p.read_bytes() for p in before} == before


@pytest.mark.xdist_group("map_digits")
def test_map_digits(example: Callable[[str], Example]) -> None:
    """Small cores are as few as can be, and compute every bit of what the network does."""
    folder, printed = example("map_digits")
    manifest = json.loads((folder / "build/digits/on_small/manifest.json").read_text())
    mapping = manifest["account"]["mapping"]
    assert mapping["cores"] == mapping["cores_lower_bound"] == 4
    assert mapping["rates"] == "calibration"
    assert "integer -> mapped: held, all 4,121,280 values are equal" in printed
    assert "integer -> cpu: held, all 4,121,280 values are equal" in printed


@pytest.mark.xdist_group("map_digits")
def test_the_commands_of_map_digits(example: Callable[[str], Example]) -> None:
    folder, _ = example("map_digits")
    artifacts = [folder / f"build/digits/on_{name}" for name in ("loihi1", "small")]
    before = {p: p.read_bytes() for a in artifacts for p in a.iterdir()}
    run_commands(example("map_digits"), "compile", "compile", "verify")
    assert {p: p.read_bytes() for p in before} == before


@pytest.mark.xdist_group("norse_digits")
@pytest.mark.norse
def test_norse_digits(example: Callable[[str], Example]) -> None:
    folder, printed = example("norse_digits")
    accuracy = accuracy_of(folder / "build/norse_digits/report_integer")
    assert accuracy["framework"] >= 0.95
    assert accuracy["integer"] >= accuracy["framework"] - 0.01
    assert "lava" in accuracy_of(folder / "build/norse_digits/report")
    assert "framework (norse)" in printed


@pytest.mark.xdist_group("norse_digits")
@pytest.mark.norse
def test_the_commands_of_norse_digits(example: Callable[[str], Example]) -> None:
    folder, _ = example("norse_digits")
    run_commands(example("norse_digits"), "import", "compile", "run", "verify")
    with np.load(folder / "build/norse_digits/out.npz") as out:
        assert out["output"].shape == (24, 120, 10)
        assert out["output"].dtype == np.float32  # potentials


@pytest.mark.xdist_group("mnist_cnn")
@pytest.mark.mnist
def test_mnist_cnn(example: Callable[[str], Example]) -> None:
    """Trained, imported, quantized within a point, and run on Lava."""
    folder, _ = example("mnist_cnn")
    accuracy = accuracy_of(folder / "build/mnist_cnn/report_integer")
    assert accuracy["framework"] >= 0.93
    assert accuracy["float"] == accuracy["framework"]
    assert accuracy["integer"] >= accuracy["framework"] - 0.01
    on_lava = accuracy_of(folder / "build/mnist_cnn/report")
    assert on_lava["lava"] == on_lava["integer"]


@pytest.mark.xdist_group("mnist_cnn")
@pytest.mark.mnist
def test_the_commands_of_mnist_cnn(example: Callable[[str], Example]) -> None:
    folder, _ = example("mnist_cnn")
    report = folder / "build/mnist_cnn/report"
    before = accuracy_of(report)
    run_commands(example("mnist_cnn"), "verify")
    assert accuracy_of(report) == before


def numbers_behind(text: str, printed: str) -> list[float]:
    """Give the numbers of the line that begins with ``text``."""
    found = re.search(rf"^ *{re.escape(text)} +(.*)$", printed, re.MULTILINE)
    assert found is not None
    return [float(number.rstrip("%")) for number in found[1].split()]


def test_finetune_digits(example: Callable[[str], Example]) -> None:
    """Training on the integers wins back more than rounding does, over both networks."""
    _, printed = example("finetune_digits")
    for seed in ("0", "1"):
        found = numbers_behind(f"{seed}     4", printed)
        _, nearest, rounded, _, tuned, won, lost = found
        assert tuned > rounded > nearest + 10
        assert round(100 * (won - lost) / 540, 1) == pytest.approx(tuned - rounded, abs=0.11)
    total = re.search(r"4 bits: (\d+) won, (\d+) lost, p (\S+) ", printed)
    assert total is not None
    assert int(total[1]) > int(total[2])
    assert float(total[3]) < 0.05


@pytest.mark.xdist_group("onnx_mnist")
@pytest.mark.mnist
@pytest.mark.onnx
def test_onnx_mnist(example: Callable[[str], Example]) -> None:
    """In 16 steps spikes come within a point of the ReLUs, and integers lose no more than two."""
    _, printed = example("onnx_mnist")
    assert numbers_behind("steps", printed) == [1, 2, 4, 8, 16, 32]
    (relus,) = numbers_behind("the ReLUs are right of 500 images in", printed)
    assert relus >= 93
    assert numbers_behind("of 500 images", printed)[4] >= relus - 1
    (relus,) = numbers_behind("the ReLUs are right of 100 images in", printed)
    assert numbers_behind("of 100, integers", printed)[4] >= relus - 2


@pytest.mark.xdist_group("onnx_mnist")
@pytest.mark.mnist
@pytest.mark.onnx
def test_the_commands_of_onnx_mnist(example: Callable[[str], Example]) -> None:
    folder, printed = example("onnx_mnist")
    run_commands((folder, printed), "import", "compile", "run")
    with np.load(folder / "build/onnx_mnist/out.npz") as out:
        output = out["output"]
    assert output.shape == (32, 100, 10)
    labels = np.load(folder / "build/onnx_mnist/y.npy")
    right = 100 * (output[:16].sum(0).argmax(1) == labels).mean()
    assert right == numbers_behind("of 100, integers", printed)[4]


def test_join_lava(example: Callable[[str], Example]) -> None:
    """A network among a user's own Lava processes spikes as it does alone."""
    _, printed = example("join_lava")
    assert "the network is 2 steps late" in printed
    assert "differing from the artifact on its own: 0" in printed
    for who in ("the network", "what is behind"):
        found = re.search(rf"^spikes of {who} +\[ *(\d+) +(\d+)\]$", printed, re.MULTILINE)
        assert found is not None
        assert int(found[2]) > 9


@pytest.mark.xdist_group("event_digits")
def test_event_digits(example: Callable[[str], Example]) -> None:
    """Recordings of an event camera are told apart, on the engine as in the framework."""
    folder, printed = example("event_digits")
    accuracy = accuracy_of(folder / "build/event_digits/report")
    assert accuracy["framework"] >= 0.75
    assert accuracy["cpu"] >= accuracy["framework"] - 0.01
    run_commands((folder, printed), "import", "compile", "run", "verify")
    assert accuracy_of(folder / "build/event_digits/report") == accuracy
    with np.load(folder / "build/event_digits/out.npz") as out:
        assert out["output"].shape == (18, 1, 10)


def test_bisect_synapse(example: Callable[[str], Example]) -> None:
    """The synapse that was changed is found, and its case differs when it is run."""
    folder, printed = example("bisect_synapse")
    assert "synapses     100,000   1\n" in printed
    assert "weight of fc2, from layer1 211: 7 against 10\n" in printed
    assert "population layer2, neuron 137: u 23936 against 24320\n" in printed
    case = folder / "build/bisect/case"
    command = ["-m", "snnc", "bisect", "reference", "other", "--input", "input.npz"]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *command],
        cwd=case,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    expected = json.loads((case / "reproducer.json").read_text())["expected"]
    assert f"neuron 0: {expected['signal']} " in done.stdout.splitlines()[-1]
