"""The examples run as a user runs them, and so do the commands that they print."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]

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


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo")
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder, run(["examples/digits.py"], folder)


def test_digits(demo: tuple[Path, str]) -> None:
    folder, printed = demo
    report = json.loads((folder / "build/digits/report/report.json").read_text())
    assert report["verdict"] == "equivalent"
    links = {(link["reference"], link["other"]): link for link in report["links"]}
    assert links["framework", "float"]["differing"] == 0
    assert links["integer", "lava"]["differing"] == 0
    signals = {d["signal"] for d in links["integer", "lava"]["differences"]}
    assert signals == {"spikes", "u", "v"}
    accuracy = {e["name"]: e["accuracy"] for e in report["executions"]}
    assert accuracy["framework"] >= 0.95
    assert accuracy["lava"] >= accuracy["framework"] - 0.01
    assert "framework: spikes" in printed


@pytest.mark.norse
def test_norse_digits(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    printed = run(["examples/norse_digits.py"], tmp_path)
    report = json.loads((tmp_path / "build/norse_digits/report/report.json").read_text())
    assert report["verdict"] == "equivalent"
    links = {(link["reference"], link["other"]): link for link in report["links"]}
    assert links["framework", "float"]["differing"] == 0
    assert links["integer", "lava"]["differing"] == 0
    accuracy = {e["name"]: e["accuracy"] for e in report["executions"]}
    assert accuracy["framework"] >= 0.95
    assert accuracy["lava"] >= accuracy["framework"] - 0.01
    assert "framework (norse)" in printed


def test_the_printed_commands(demo: tuple[Path, str]) -> None:
    folder, printed = demo
    before = {
        path: path.read_bytes()
        for path in (folder / "build/digits").rglob("*")
        if path.is_file() and ("lava" in path.parts or path.suffix == ".nir")
    }
    commands = [
        shlex.split(line) for line in re.findall(r"^ *\$ snnc (.*)$", printed, re.MULTILINE)
    ]
    assert [c[0] for c in commands] == ["import", "compile", "run", "verify"]
    for command in commands:
        run(["-m", "snnc", *command], folder)
    assert {path: path.read_bytes() for path in before} == before  # the same bytes, once more
    with np.load(folder / "build/digits/out.npz") as out:
        assert out["output"].shape == (24, 540, 10)
