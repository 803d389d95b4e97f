"""Targets that compute something else, and networks with a number planted otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.align import aligned_trace
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import FixedInput, FixedNetwork
from snnc.compiler.operators import FixedWeighted, Weights
from snnc.compiler.retime import retime
from snnc.compiler.trace import Trace
from snnc.runtime.bisection.reals import meant_by
from snnc.targets import TARGETS
from snnc.targets.artifact import Artifact
from snnc.targets.base import Target
from snnc.targets.inputs import integer_inputs
from snnc.targets.integer.reference import Recording, execute
from snnc.targets.running import Inputs, RunOptions
from tests.builders import fixed_network, fixed_population, fixed_projection

Ints = dict[str, npt.NDArray[np.int32]]
Fault = Callable[[FixedNetwork, Ints], Recording]
"""Executes a network on integers ``[steps, batch, n]``."""


@dataclass(frozen=True)
class Faulty(Target):
    """The reference, but for a fault."""

    fault: Fault
    name: str = "faulty"
    summary: str = "of a test"
    fixed: bool = True
    by_core: bool = False

    def missing(self) -> Diagnostic | None:
        return None

    def run(self, artifact: Artifact, inputs: Inputs, options: RunOptions) -> Trace:
        network = artifact.required_fixed
        x = integer_inputs(network, inputs)
        begin = time.perf_counter()
        recording = self.fault(network, x)
        return aligned_trace(
            network,
            {"spikes": recording.spikes, "u": recording.u, "v": recording.v},
            executor=self.name,
            steps=next(iter(x.values())).shape[0],
            record=options.record,
            raw_time=options.raw_time,
            seconds=time.perf_counter() - begin,
        )


def make_faulty(monkeypatch: pytest.MonkeyPatch, fault: Fault, *, by_core: bool = False) -> None:
    """Let there be a target ``faulty``."""
    monkeypatch.setitem(TARGETS, "faulty", "tests.runtime.bisection.faulty:made")
    monkeypatch.setitem(globals(), "made", lambda: Faulty(fault, by_core=by_core))


def of_network(change: Callable[[FixedNetwork], FixedNetwork]) -> Fault:
    """Execute another network than the one that is given."""
    return lambda network, x: execute(change(network), x)


def layers(*sizes: int, seed: int = 0, **fields: Any) -> FixedNetwork:
    """Make a network ``x -> p1 -> p2 -> ...`` of dense random weights, retimed."""
    random = np.random.default_rng(seed)
    names = ["x", *(f"p{k}" for k in range(1, len(sizes)))]
    neurons = {"threshold": 60 * sizes[0] // 10, "dv": 400, **fields}
    populations = [
        fixed_population(name, n, origin=(f"net.fc{k}", f"net.lif{k}"), **neurons)
        for k, (name, n) in enumerate(zip(names[1:], sizes[1:], strict=True), 1)
    ]
    weights = [random.integers(-60, 70, (n_out, n_in)) for n_in, n_out in pairwise(sizes)]
    projections = [
        fixed_projection(a, b, w, delay=0)
        for (a, b), w in zip(pairwise(names), weights, strict=True)
    ]
    return retime(fixed_network(populations, projections, inputs=[FixedInput("x", (sizes[0],))]))


def artifact(network: FixedNetwork, target: str = "integer") -> Artifact:
    return Artifact(target=target, network=meant_by(network), fixed=network)


def with_weight(network: FixedNetwork, k: int, at: Any, by: int) -> FixedNetwork:
    """Change the weights of the ``k``-th projection at an index."""
    q = network.projections[k]
    operators = tuple(
        replace(o, weight=_changed(o.weight, at, by)) if isinstance(o, FixedWeighted) else o
        for o in q.operators
    )
    projections = list(network.projections)
    projections[k] = replace(q, operators=operators)
    return replace(network, projections=tuple(projections))


def _changed(weight: Weights, at: Any, by: int) -> Weights:
    changed = weight.copy()
    changed[at] += by
    return changed


def with_neuron(
    network: FixedNetwork, population: str, field: str, neuron: int, value: int
) -> FixedNetwork:
    """Set a parameter of one neuron."""
    values = np.array(getattr(network.population(population), field))
    values[neuron] = value
    return with_population(network, population, **{field: values})


def with_population(network: FixedNetwork, population: str, **fields: Any) -> FixedNetwork:
    return replace(
        network,
        populations=tuple(
            replace(p, **fields) if p.name == population else p for p in network.populations
        ),
    )


def spikes(*shape: int, rate: float = 0.2, seed: int = 1) -> npt.NDArray[np.float32]:
    return (np.random.default_rng(seed).random(shape) < rate).astype(np.float32)
