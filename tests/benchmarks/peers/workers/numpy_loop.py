"""The plain loop over NumPy."""

from __future__ import annotations

import sys
from typing import Any

from tests.benchmarks.peers.loop import Loop
from tests.benchmarks.peers.networks import Network
from tests.benchmarks.peers.serving import Simulation, answer_requests, digest


class NumpyLoop(Simulation):
    """``loop.py``."""

    def __init__(self, network: Network, batch: int) -> None:
        self.versions: dict[str, str] = {}
        self._loop = Loop(network, batch)

    def first(self) -> dict[str, Any]:
        """Run once."""
        result = self._loop.run()
        return {
            "rates": result.rates,
            "spikes": digest(result.spikes),
            "means": result.means,
        }

    def run(self) -> None:
        """Run once more."""
        self._loop.run()


if __name__ == "__main__":
    answer_requests(NumpyLoop, sys.argv[1:])
