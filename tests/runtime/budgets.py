"""A network with one bad layer, compiled for budgets."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from math import ceil
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from snnc.runtime.deploy import compile
from snnc.targets.artifact import Artifact
from tests.runtime.samples import lif

STEPS, SAMPLES, WIDTH = 40, 900, 16
WEIGHTS = {"first": 24 * 16, "bad": 24 * 24, "last": 4 * 24}
Data = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


def graph() -> nir.NIRGraph:
    """Give 16 inputs -> 24 neurons -> 24 neurons with bad weights -> 4 neurons."""
    random = np.random.default_rng(0)

    def sevenths(*shape: int) -> npt.NDArray[np.float32]:
        return (random.integers(-7, 8, shape) / 7).astype(np.float32)

    first, bad, last = sevenths(24, WIDTH), sevenths(24, 24), sevenths(4, 24)
    first[0] = -1  # never spikes
    bad[:, 0] = 6

    def layer(weight: npt.NDArray[np.float32]) -> nir.Affine:
        return nir.Affine(weight, np.zeros(len(weight), np.float32))

    def neurons(n: int) -> nir.LIF:
        made = lif(n)
        made.v_threshold = np.full(n, 0.1, np.float32)
        return made

    nodes: dict[str, nir.NIRNode] = {
        "input": nir.Input(input_type={"input": np.array([WIDTH])}),
        "fc1": layer(first),
        "first": neurons(24),
        "fc2": layer(bad),
        "bad": neurons(24),
        "fc3": layer(last),
        "last": neurons(4),
        "output": nir.Output(output_type={"output": np.array([4])}),
    }
    return nir.NIRGraph(nodes=nodes, edges=list(pairwise(nodes)))


@cache
def data() -> Data:
    """Give spikes and what the float network answers, where it is sure by 4 spikes."""
    rate = np.random.default_rng(2).random((1, SAMPLES, WIDTH)) * 0.5
    x = (np.random.default_rng(1).random((STEPS, SAMPLES, WIDTH)) < rate).astype(np.float32)
    trace = compile(graph(), "float", dt=1e-4).run(x)
    counts = np.sort(trace.counts, axis=1)
    sure = counts[:, -1] - counts[:, -2] >= 4
    assert sure.sum() > 500
    return x[:, sure], trace.predictions[sure]


@cache
def compiled(budget: str, weight_bits: int | None = 4) -> Artifact:
    x, y = data()
    return compile(
        graph(),
        dt=1e-4,
        calibration=x,
        labels=y,
        budget=budget,
        weight_bits=weight_bits,
        rounding="nearest",  # error feedback would repair the bad layer
    )


def chosen(artifact: Artifact) -> dict[str, int]:
    bits = artifact.options["weight_bits"]
    assert {p["name"]: p["bits"] for p in artifact.account["budget"]["populations"]} == bits
    return dict(bits)


def with_widths(bits: dict[str, int] | int) -> Artifact:
    """Compile with given widths."""
    options: dict[str, Any] = {"weight_bits": bits, "rounding": "nearest"}
    return compile(graph(), "integer", dt=1e-4, calibration=data()[0], **options)


def lost(artifact: Artifact) -> float:
    """Count the points of accuracy that ``artifact`` loses on all samples."""
    x, y = data()
    wrong = artifact.run(x).predictions != y
    return 100 * float(wrong.mean())


def error(artifact: Artifact, x: npt.NDArray[np.float32] | None = None) -> float:
    """Give the power of the error of the output, as a share of its power."""
    x = data()[0] if x is None else x
    real = compile(graph(), "float", dt=1e-4).run(x).counts.astype(float)
    return float(((artifact.run(x).counts - real) ** 2).sum() / (real**2).sum())


def only_bad(bits: int) -> dict[str, int]:
    """Give 4 bits to all but one."""
    return {"first": 4, "bad": bits, "last": 4}


@cache
def least(drop: float) -> int:
    """Give the least width of the bad layer that is enough."""
    return next(b for b in range(4, 9) if lost(with_widths(only_bad(b))) <= drop)


def unkept() -> str:
    """Give the message where 8 bits everywhere lose more than 0.1 points."""
    x, y = data()
    few = x[:, np.linspace(0, y.size - 1, 64, dtype=np.int64)]
    right = int((with_widths(8).run(x).predictions == y).sum())
    drop = 100 * (y.size - right) / y.size
    errors = (error(with_widths(bits), few) for bits in (8, {"first": 8, "bad": 6, "last": 8}))
    return (
        "error[SNN317]: the widest weights lose no more accuracy than the budget allows\n"
        "  --> bad\n"
        f"   found: accuracy falls by {drop:.2f} points with 8 bits everywhere, from 519 to "
        f"{right} right of 519; the most sensitive is this population, where 6 bits raise the "
        f"error of the outputs from {' to '.join(f'{100 * e:.2f}' for e in errors)} %\n"
        "   limit: 0.1 points: --budget top1>=-0.1pt\n"
        f'  remedy: --budget "top1>=-{ceil(10 * drop) / 10:g}pt", or train this population with '
        "smaller weights against its threshold"
    )


TOO_LARGE = """\
error[SNN318]: the narrowest weights take no more memory than the budget allows
  --> bad
   found: 528 B with 4 bits, of which 576 weights here take 288 B
   limit: 500 B: --budget memory<=500B
  remedy: --budget "memory<=528B", or a smaller --weight-bits"""
