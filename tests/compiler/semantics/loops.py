"""Neurons in a plain loop over time, to compare equations with."""
# torch, snntorch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.semantics.discretize import discretize
from snnc.targets.float.executor import FloatRecording, execute
from tests.builders import chain

F = np.float32
Array = npt.NDArray[Any]
N, STEPS, SAMPLES = 40, 50, 50
assert N * STEPS * SAMPLES >= 100_000


class Random:
    """Numbers for ``N`` neurons."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def between(self, low: float, high: float) -> Array:
        return self.random.uniform(low, high, N).astype(F)

    def inputs(self, size: float) -> Array:
        """Real numbers, more above than below zero."""
        return self.random.normal(size / 3, size, (STEPS, SAMPLES, N)).astype(F)


def run(node: nir.NIRNode, x: Array, **options: Any) -> FloatRecording:
    """Run the neurons of ``node`` on currents, one for each."""
    return execute(discretize(chain(node, n=N), **options), {"input": x})


def compared(given: FloatRecording, wanted: tuple[Array, Array], *, exact: bool) -> None:
    """Compare spikes and potentials: bit for bit, or both but for rounding at the threshold."""
    spikes, v = wanted
    assert 0.02 < spikes.mean() < 0.8
    assert (given.spikes["0"] == spikes).all()
    if exact:
        assert given.v["0"].tobytes() == v.tobytes()
    else:
        assert np.abs(given.v["0"] - v).max() < 2e-5 * np.abs(v).max()
