"""A small network and enough samples of it for several batches."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from snnc.runtime.report import Report
from snnc.runtime.verification import plan
from snnc.runtime.verify import verify
from tests.runtime.samples import ROOT, STEPS, WIDTH, artifact, without_progress

SAMPLES, SIZE = 22, 4
"""Samples of the data and of a batch: five batches and one of two samples."""
TARGETS = ("integer", "cpu")

SMALL = f"""
from snnc.runtime.verification import plan
plan.GROUP = plan.BATCH = {SIZE}
"""
"""Makes batches small in a process of its own."""
HANGS = """
import time
from snnc.runtime.verification import outcome
run, left = outcome.tally_batch, [{batches}]

def hanging(*given):
    if left[0] == 0:
        time.sleep(3600)
    left[0] -= 1
    return run(*given)

outcome.tally_batch = hanging
"""
MAIN = """
import sys
from snnc.runtime.cli import main
sys.exit(main(sys.argv[1:]))
"""


def many() -> npt.NDArray[np.float32]:
    """Give spikes, ``[STEPS, SAMPLES, WIDTH]``."""
    return (np.random.default_rng(5).random((STEPS, SAMPLES, WIDTH)) < 0.5).astype(np.float32)


def truth() -> npt.NDArray[np.int64]:
    """Give what the float network answers, but for three samples."""
    answers: npt.NDArray[np.int64] = artifact("float").run(many()).predictions
    answers[[0, 9, 21]] = (answers[[0, 9, 21]] + 1) % 3
    return answers


def report(**options: Any) -> Report:
    """Verify the network on all samples."""
    given: dict[str, Any] = {"labels": truth(), "targets": TARGETS, "max_drop": 100}
    return verify(artifact(), many(), command="c", **(given | options))


def small_batches(monkeypatch: pytest.MonkeyPatch, size: int = SIZE, group: int = SIZE) -> None:
    monkeypatch.setattr(plan, "BATCH", size)
    monkeypatch.setattr(plan, "GROUP", group)


def write_samples(directory: Path) -> None:
    """Write ``x.npy``, ``y.npy`` and the artifact ``model``."""
    np.save(directory / "x.npy", many())
    np.save(directory / "y.npy", truth())
    artifact().save(directory / "model")


ARGUMENTS = (
    *("verify", "model", "--input", "x.npy", "--labels", "y.npy", "--report", "r"),
    *("--targets", "integer,cpu", "--max-drop", "100"),
)


def begin(
    directory: Path, *more: str, batches: int = -1, arguments: tuple[str, ...] = ARGUMENTS
) -> subprocess.Popen[str]:
    """Begin the command with small batches; after so many of them, if not negative, it hangs."""
    return subprocess.Popen(
        [sys.executable, "-c", SMALL + HANGS.format(batches=batches) + MAIN, *arguments, *more],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the command; give its exit code and what it said, without its progress."""
    _, err = process.communicate(timeout=250)
    return process.returncode, without_progress(err)


def contents(directory: Path) -> dict[str, bytes]:
    """Give every file of a report."""
    return {p.name: p.read_bytes() for p in sorted(directory.iterdir())}
