"""Weights of every width and sign mode run on Lava's own synapses, bit for bit as written down."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from snnc.compiler.check import check_fixed
from snnc.compiler.fixed import (
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    FixedReset,
    SignMode,
    exponent_limits,
    weight_limits,
)
from snnc.compiler.network import Output
from snnc.compiler.operators import FixedDense
from snnc.targets.lava.target import LavaTarget
from tests.builders import fixed_population, fixed_projection
from tests.targets.lava.networks import (
    RECORD_ALL,
    Array,
    artifact,
    differing,
    expected,
    process_of,
    write_artifact,
)

pytestmark = pytest.mark.lava

ROOT = Path(__file__).resolve().parents[3]
N = 6
KINDS = [(bits, mode) for bits in range(1, 9) for mode in SignMode if bits > mode.sign_bits]


@pytest.fixture(scope="module")
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def weights(rng: np.random.Generator, bits: int, mode: SignMode) -> Array:
    """Give weights with the extremes of their kind among them."""
    low, high = weight_limits(bits, mode)
    matrix = rng.integers(low, high + 1, (N, N))
    matrix[0, :2] = low, high
    return matrix


def every_kind(rng: np.random.Generator, levels: int, delay: int) -> FixedNetwork:
    """Give a population for each width, driven by weights of every sign mode that it can have."""
    populations: list[FixedPopulation] = []
    projections: list[FixedProjection] = []
    for bits in range(1, 9):
        name = f"p{bits}"
        populations.append(
            fixed_population(
                name,
                N,
                du=rng.integers(0, 4096, N),
                dv=rng.integers(0, 4097, N),
                threshold=rng.integers(1, 400, N),
                reset=FixedReset.ZERO,
                lag=delay,
            )
        )
        low, high = exponent_limits(bits)
        for k, mode in enumerate(m for b, m in KINDS if b == bits):
            matrix = weights(rng, bits, mode)
            largest = float(np.abs(matrix).sum(axis=1).max()) * levels * 3
            fits = int(np.floor(np.log2(2**18 / largest)))
            projections.append(
                fixed_projection(
                    "x",
                    name,
                    matrix,
                    weight_bits=bits,
                    sign_mode=mode,
                    weight_exp=low if (k + bits) % 3 == 0 else min(high, fits),
                    delay=delay,
                    name=f"{mode}{bits}",
                )
            )
    return FixedNetwork(
        inputs=(FixedInput("x", (N,), 1.0, levels),),
        populations=tuple(populations),
        projections=tuple(projections),
        outputs=(Output("out", "p8"),),
        dt=1e-3,
    )


TOLD = """
import json, sys
from pathlib import Path
import numpy as np
from snnc.targets.lava.runner import compat
compat.install()
from lava.proc.dense.process import Dense
from snnc.targets.lava.runner.build import Job, build
from snnc.targets.lava.runner.program import read_program
from snnc.targets.lava.runner.window import Recorder, Window

program, window = read_program(Path(sys.argv[1])), Window(1, 1, 1)
inputs = {"x": np.zeros((1, 1, 6), np.int32)}
job = Job(program, inputs, window, {p.id: Recorder(window) for p in program.processes})
made = {p.name: p for p in build(job, program.processes) if isinstance(p, Dense)}
told = {
    p.of: [
        int(made[p.id].proc_params["num_weight_bits"]),
        made[p.id].proc_params["sign_mode"].name.lower(),
        made[p.id].proc_params["weight_exp"],
        made[p.id].weights.init.tolist(),
    ]
    for p in program.processes
    if p.id in made
}
print(json.dumps(told))
"""
"""Lists what Lava's synapses are made with; its repairs are for a process of its own."""


def test_lava_is_told_width_and_mode(rng: np.random.Generator, tmp_path: Path) -> None:
    """Its weights lie at the upper end of 8 bits, of 9 with a sign."""
    fixed = every_kind(rng, 1, 1)
    write_artifact(tmp_path, fixed)
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TOLD, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert len(told) == len(KINDS)
    for q in fixed.projections:
        (dense,) = q.operators
        assert isinstance(dense, FixedDense)
        cleared = 8 - q.weight_bits + (q.sign_mode is SignMode.MIXED)
        weights = (2**cleared * dense.weight.astype(int)).tolist()
        assert told[q.name] == [q.weight_bits, q.sign_mode, q.weight_exp - cleared, weights]


@pytest.mark.parametrize(
    ("levels", "delay", "process"), [(1, 1, "Dense"), (127, 1, "Dense"), (1, 4, "DelayDense")]
)
def test_every_width_and_mode(
    rng: np.random.Generator, levels: int, delay: int, process: str
) -> None:
    fixed = every_kind(rng, levels, delay)
    assert list(check_fixed(fixed)) == []
    synapses = [kind for of, kind in process_of(fixed).items() if of[-1] in "12345678"]
    assert synapses.count(process) == len(KINDS)
    x = rng.integers(0 if levels == 1 else -levels, levels + 1, (12, 2, N))
    wanted = expected(fixed, {"x": x})
    assert all(wanted["spikes"][p.name].any() for p in fixed.populations)
    trace = LavaTarget().run(artifact(fixed), {"x": x.astype(np.float32)}, RECORD_ALL)
    assert differing(trace, wanted) == 0
