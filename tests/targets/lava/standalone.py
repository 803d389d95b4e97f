"""The runner of an artifact, started as a user does where snnc is not installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.trace import SIGNALS
from snnc.targets.lava import runner
from tests.targets.lava.networks import Array, Signals

NEEDS = ("asteval", "lava", "networkx", "numpy", "numpy.libs", "safetensors", "scipy", "scipy.libs")
"""Folders of the packages that the runner may use: lava-nc, numpy, safetensors, and Lava's own."""


def copy_runner(folder: Path) -> None:
    """Copy the runner, but for its ``__pycache__``, into which others write meanwhile."""
    source = Path(runner.__file__).parent
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))


def link_package(name: str, folder: Path) -> None:
    """Link an installed package, or the libraries that belong to it, into ``folder``."""
    spec = find_spec(name.partition(".")[0])
    assert spec is not None
    assert spec.submodule_search_locations is not None
    source = Path(next(iter(spec.submodule_search_locations))).parent / name
    folder.mkdir(exist_ok=True)
    if source.exists():
        (folder / name).symlink_to(source)


def command(script: Path, packages: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Give a command that starts ``script`` without any other package, and its environment."""
    environment = os.environ | {"PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1"}
    return [sys.executable, "-S", str(script), *arguments], environment


def start(script: Path, packages: Path, *arguments: str) -> tuple[int, str]:
    """Run ``script`` to its end, and give exit code and standard error without progress."""
    line, environment = command(script, packages, *arguments)
    done = subprocess.run(
        line, env=environment, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.stdout == ""
    return done.returncode, without_progress(done.stderr)


def without_progress(text: str) -> str:
    """Drop the lines that a slow machine makes the runner write."""
    return re.sub(r"^step \d+ of \d+\n", "", text, flags=re.MULTILINE)


def results(path: Path, fixed: FixedNetwork) -> tuple[dict[str, Array], Signals]:
    """Read outputs and recorded signals."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    outputs = {o.name: arrays.pop(o.name) for o in fixed.outputs}
    signals: Signals = {s: {} for s in SIGNALS}
    for name, values in arrays.items():
        population_name, _, kind = name.rpartition(".")
        signals[kind][population_name] = values
    return outputs, signals
