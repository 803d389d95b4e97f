"""What `snnc compile` does with what users type, right and wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from snnc.frontends.nir.file import write_nir
from snnc.targets.artifact import load
from tests.runtime.commands import made
from tests.runtime.conftest import Snnc
from tests.runtime.samples import artifact, graph

pytestmark = pytest.mark.usefixtures("here")
COMPILE = ("compile", "model.nir", "--target", "integer", "--dt", "1e-4")


def test_compile_says_where_it_went_and_what_it_cost(snnc: Snnc) -> None:
    ended = snnc(*COMPILE, "-o", "new/a")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "wrote new/a: target integer, 11 neurons, latency of 2 steps"
    assert lines[2].split()[:3] == ["population", "neurons", "threshold"]
    assert [line.split()[0] for line in lines[4:6]] == ["hidden", "output_layer"]
    assert lines[-2:] == [
        "chosen: dt = 0.0001 s, as named",
        "chosen: reset zero, as NIR defines it",
    ]
    assert load("new/a").target == "integer"


@pytest.mark.parametrize(
    ("model", "output"),
    [("model.nir", "model.integer"), ("./a.b.nir", "a.b.integer"), ("folder/m.nir", "m.integer")],
)
def test_default_output(model: str, output: str, here: Path, snnc: Snnc) -> None:
    (here / "model.integer").unlink()
    (here / "folder").mkdir()
    if model != "model.nir":
        (here / model).write_bytes((here / "model.nir").read_bytes())
    assert snnc("compile", model, "--target", "integer", "--dt", "1e-4").code == 0
    assert (here / output / "manifest.json").is_file()


def test_compile_json(snnc: Snnc) -> None:
    ended = snnc(*COMPILE, "-o", "a", "--json")
    assert json.loads(ended.out) == {
        "artifact": "a",
        "target": "integer",
        "form": None,
        "cores": None,
        "cores_lower_bound": None,
        "latency_steps": 2,
        "choices": list(artifact().network.choices),
        "warnings": [],
        "budget": None,
        "relays": [],
        "divided": [],
        "mapping": None,
    }


def test_compile_shows_warnings(snnc: Snnc) -> None:
    slow = graph()
    hidden: Any = slow.nodes["hidden"]
    hidden.tau = np.full(8, 0.37, np.float32)  # 3700 steps
    write_nir(slow, "slow.nir")
    ended = snnc("compile", "slow.nir", "--target", "integer", "--dt", "1e-4", "--json")
    warnings = json.loads(ended.out)["warnings"]
    assert [w.splitlines()[0] for w in warnings if "SNN302" in w] == [
        "warning[SNN302]: a time constant keeps its value to 5 % when its decay is rounded to "
        "12 bits"
    ]
    assert (
        warnings[0].splitlines()[0]
        in snnc("compile", "slow.nir", "--target", "integer", "--dt", "1e-4").out.splitlines()
    )


def test_settings_file_and_command_line(snnc: Snnc) -> None:
    Path("s.yaml").write_text("target: float\ndt: 1e-4\noutput: from_file\n")
    assert snnc("compile", "model.nir", "--config", "s.yaml").code == 0
    assert load("from_file").target == "float"
    assert snnc("compile", "model.nir", "--config", "s.yaml", "--target", "integer").code == 0
    assert load("from_file").target == "integer"


def test_bad_settings_file_is_refused_before_the_work(snnc: Snnc) -> None:
    Path("s.yaml").write_text("max-drop: 1\n")
    ended = snnc("compile", "model.nir", "--target", "integer", "--config", "s.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> s.yaml: max-drop\n"
        "   found: no such option\n"
        "   limit: arch, bin-seconds, bin-steps, bin-values, budget, calibrate, decays, dialect, "
        "dt, hardware, input-shape, labels, lava, max-thresholds, output, overflow, partitioner, "
        "reset, rounding, sensor-shape, split-fan-in, strict, target, weight-bits\n"
        "  remedy: remove it\n"
    )


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("loihi", "snnc targets lists them"),
        ("integr", "--target integer"),
        ("Lava", "--target lava"),
    ],
)
def test_unknown_target(name: str, remedy: str, here: Path, snnc: Snnc) -> None:
    ended = snnc("compile", "model.nir", "--target", name, "--dt", "1e-4")
    assert (ended.code, ended.out, made(here)) == (2, "", [])
    assert ended.err == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --target\n"
        f"   found: {name}\n"
        "   limit: float, integer, cpu, cuda, lava\n"
        f"  remedy: {remedy}\n"
    )


MODELS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _: None, "error[SNN001]"),
    "not HDF5": (lambda path: path.write_text("(lif)"), "error[SNN101]"),
    "empty": (lambda path: path.write_bytes(b""), "error[SNN101]"),
    "no dt": (lambda path: write_nir(graph(), path), "error[SNN110]"),
}


@pytest.mark.parametrize("case", MODELS)
def test_model_that_cannot_be_used(case: str, here: Path, snnc: Snnc) -> None:
    make, head = MODELS[case]
    make(here / "m.nir")
    before = made(here)
    ended = snnc("compile", "m.nir", "--target", "integer")
    assert (ended.code, ended.out, made(here)) == (2, "", before)
    assert ended.err.startswith(head)
    assert ended.err.count("  remedy: ") == ended.err.count("error[")


def test_nan_weight_is_refused_by_its_node(here: Path, snnc: Snnc) -> None:
    bad = graph()
    dense: Any = bad.nodes["fc1"]
    dense.weight[2, 3] = np.nan
    nir.write("bad.nir", bad)
    ended = snnc("compile", "bad.nir", "--target", "integer", "--dt", "1e-4")
    assert (ended.code, ended.out, made(here)) == (2, "", ["bad.nir"])
    assert ended.err.startswith("error[SNN105]")
    assert "fc1" in ended.err


@pytest.mark.parametrize("content", ["other.txt", "manifest.json"])
def test_directory_of_others_is_not_replaced(content: str, here: Path, snnc: Snnc) -> None:
    (here / "mine").mkdir()
    (here / "mine" / content).write_text("precious")
    ended = snnc(*COMPILE, "-o", "mine")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "error[SNN003]: the place that is named is free or holds a result of snnc\n"
        "  --> mine\n"
        f"   found: a directory with '{content}', which is no part of an artifact of snnc\n"
        "   limit: a new directory, an empty one, or an artifact of snnc to replace\n"
        "  remedy: name another directory with -o\n"
    )
    assert (here / "mine" / content).read_text() == "precious"


def test_file_is_not_replaced(here: Path, snnc: Snnc) -> None:
    (here / "mine").write_text("precious")
    assert "   found: a file\n" in snnc(*COMPILE, "-o", "mine").err
    assert (here / "mine").read_text() == "precious"


@pytest.mark.parametrize(
    ("place", "found"), [("file/a", "Not a directory"), ("/proc/a", "No such file or directory")]
)
def test_place_that_cannot_be_written(place: str, found: str, here: Path, snnc: Snnc) -> None:
    (here / "file").write_text("")
    ended = snnc(*COMPILE, "-o", place)
    assert (ended.code, ended.out, made(here)) == (3, "", ["file"])
    assert ended.err == (
        "error[SNN002]: the place that is named can be written\n"
        f"  --> {place}\n"
        f"   found: {found}\n"
        "   limit: a place where this user may write, with room left\n"
        "  remedy: name another place with -o, or free this one\n"
    )


def test_what_was_there_comes_back_when_the_new_cannot_be_moved(
    here: Path, snnc: Snnc, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert snnc(*COMPILE, "-o", "a").code == 0
    rename = Path.rename

    def refuse_the_new(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_new)
    ended = snnc(*COMPILE, "-o", "a")
    assert (ended.code, made(here)) == (3, ["a"])
    assert "   found: Input/output error\n" in ended.err
    assert load("a").target == "integer"


def test_artifact_is_replaced_whole(here: Path, snnc: Snnc) -> None:
    assert snnc(*COMPILE, "-o", "a").code == 0
    (here / "a" / "program.json").unlink()
    assert snnc(*COMPILE, "-o", "a").code == 0
    assert load("a").target == "integer"
    assert made(here) == ["a"]
