"""snnc's native engine, one thread."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

import snnc
from snnc.targets.cpu.engine import Engine
from snnc.targets.running import no_progress
from tests.benchmarks.peers.fixed import fixed_network
from tests.benchmarks.peers.networks import INPUT, Array, Network
from tests.benchmarks.peers.serving import Simulation, answer_requests, digest


class EngineRun(Simulation):
    """The engine; while it is measured it keeps the last layer's spikes, if there are layers."""

    def __init__(self, network: Network, batch: int, threads: int = 1) -> None:
        self.versions = {"snnc": snnc.__version__}
        self._threads = threads
        self._network = network
        self._fixed = fixed_network(network)
        self._engine = Engine(self._fixed)
        self._x = inputs(network, batch)
        last = network.populations[-1].name
        self._kept = {} if network.x is None else {"spikes": (last,)}

    def first(self) -> dict[str, Any]:
        """Run once, and keep every spike."""
        names = tuple(p.name for p in self._network.populations)
        kept = self._engine.run(self._x, {"spikes": names}, self._threads, no_progress)["spikes"]
        steps = self._network.steps
        rates = {INPUT: float(self._x[INPUT].mean())} if self._network.x is not None else {}
        for p in self._fixed.populations:
            kept[p.name] = kept[p.name][p.lag : p.lag + steps]
            rates[p.name] = float(kept[p.name].mean())
        return {"rates": rates, "spikes": digest(kept[names[-1]])}

    def run(self) -> None:
        """Run once more."""
        self._engine.run(self._x, self._kept, self._threads, no_progress)


def inputs(network: Network, batch: int) -> dict[str, Array]:
    """Give what enters, int8, ``[steps, batch, n]``; a network without input has one that rests.

    Samples beyond the drawn ones repeat these.
    """
    if network.x is None:
        return {INPUT: np.zeros((network.steps, batch, 1), np.int8)}
    which = np.arange(batch) % network.x.shape[1]
    x = network.x[:, which].reshape(network.steps, batch, -1)
    return {INPUT: x.astype(np.int8, order="C")}


if __name__ == "__main__":
    answer_requests(EngineRun, sys.argv[1:])
