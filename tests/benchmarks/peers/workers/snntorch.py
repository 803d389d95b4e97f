"""snnTorch: ``Leaky``, reset to zero in the step of the spike."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any

from tests.benchmarks.peers.networks import Network, Population
from tests.benchmarks.peers.serving import answer_requests
from tests.benchmarks.peers.workers.torch_layers import TorchLayers

snntorch: Any = import_module("snntorch")


class SnnTorch(TorchLayers):
    """``mem <- beta * mem + i``."""

    def __init__(self, network: Network, batch: int) -> None:
        super().__init__(network, batch)
        self.versions["snnTorch"] = version("snntorch")

    def neuron(self, p: Population) -> Any:
        """Give neurons."""
        return snntorch.Leaky(beta=p.decay, reset_mechanism="zero", reset_delay=False)

    def at_rest(self, neuron: Any) -> Any:
        """Give potentials of zero."""
        return neuron.reset_mem()


if __name__ == "__main__":
    answer_requests(SnnTorch, sys.argv[1:])
