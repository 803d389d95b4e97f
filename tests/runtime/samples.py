"""A small network, its input and its artifact, as the tests of the runtime use them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedProjection
from snnc.compiler.operators import FixedDense
from snnc.compiler.trace import Trace
from snnc.frontends.nir.file import write_nir
from snnc.runtime.deploy import compile
from snnc.targets.artifact import Artifact

ROOT = Path(__file__).resolve().parents[2]
STEPS, BATCH, WIDTH, CLASSES = 12, 4, 6, 3


def lif(n: int) -> nir.LIF:
    """Give ``n`` neurons: ``tau`` of ten steps of 1e-4 s, threshold 0.3."""
    ones = np.ones(n, np.float32)
    return nir.LIF(
        tau=1e-3 * ones, r=ones, v_leak=0 * ones, v_threshold=0.3 * ones, v_reset=0 * ones
    )


def graph(*names: str) -> nir.NIRGraph:
    """Give 6 inputs -> 8 neurons -> 3 neurons; ``names`` of the two populations."""
    first, second = names or ("hidden", "output_layer")
    random = np.random.default_rng(8)

    def dense(n_target: int, n_source: int) -> nir.Affine:
        weight = random.normal(size=(n_target, n_source)) * 4
        return nir.Affine(weight.astype(np.float32), np.zeros(n_target, np.float32))

    nodes: dict[str, nir.NIRNode] = {
        "input": nir.Input(input_type={"input": np.array([WIDTH])}),
        "fc1": dense(8, WIDTH),
        first: lif(8),
        "fc2": dense(CLASSES, 8),
        second: lif(CLASSES),
        "output": nir.Output(output_type={"output": np.array([CLASSES])}),
    }
    path = list(nodes)
    return nir.NIRGraph(nodes=nodes, edges=list(pairwise(path)))


def data() -> npt.NDArray[np.float32]:
    """Give spikes, ``[STEPS, BATCH, WIDTH]``."""
    return (np.random.default_rng(3).random((STEPS, BATCH, WIDTH)) < 0.5).astype(np.float32)


def artifact(target: str = "integer", *names: str) -> Artifact:
    """Compile the network."""
    return compile(graph(*names), target, dt=1e-4)


def labels() -> npt.NDArray[np.int64]:
    """Give what the float network answers."""
    return artifact("float").run(data()).predictions


def write_files(directory: Path) -> None:
    """Write ``model.nir``, ``x.npy`` and ``y.npy``."""
    write_nir(graph(), directory / "model.nir")
    np.save(directory / "x.npy", data())
    np.save(directory / "y.npy", labels())


def run_snnc(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own; its stderr comes without progress."""
    done = subprocess.run(
        [sys.executable, "-m", "snnc", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = without_progress(done.stderr)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout, said)


def without_progress(stderr: str) -> str:
    """Drop the lines that tell of stages that take long."""
    return "\n".join(line for line in stderr.splitlines() if not line.endswith(" ..."))


def inverted() -> Artifact:
    """Give an artifact whose integers are not those of its network: every weight is inverted."""
    good = artifact("integer")
    fixed = good.required_fixed
    projections = tuple(replace(q, operators=_inverted(q)) for q in fixed.projections)
    return replace(good, fixed=replace(fixed, projections=projections))


def _inverted(q: FixedProjection) -> tuple[FixedDense, ...]:
    return tuple(FixedDense(weight=-o.weight) for o in q.operators if isinstance(o, FixedDense))


def spoil(signal: str, population: str, index: tuple[int, ...]) -> Any:
    """Give what changes one value of a trace, in its last sample where it has fewer."""

    def change(trace: Trace) -> Trace:
        values = {n: a.copy() for n, a in trace.signal(signal).items()}
        step, sample, *neuron = index
        values[population][(step, min(sample, values[population].shape[1] - 1), *neuron)] += 1
        changed: dict[str, Any] = {signal: values}
        return replace(trace, **changed)

    return change


def statuses(report: Any) -> dict[str, str]:
    return {link.name: str(link.status) for link in report.links}
