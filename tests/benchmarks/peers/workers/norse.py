"""norse: ``LIFBoxCell``, whose current has no memory."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any

from tests.benchmarks.peers.networks import Network, Population
from tests.benchmarks.peers.serving import answer_requests
from tests.benchmarks.peers.workers.torch_layers import TorchLayers, torch

norse: Any = import_module("norse.torch")

DT = 1e-3


class Norse(TorchLayers):
    """``v <- v + dt / tau * (i - v)``."""

    gain_of_input = True

    def __init__(self, network: Network, batch: int) -> None:
        super().__init__(network, batch)
        self.versions["norse"] = version("norse")

    def neuron(self, p: Population) -> Any:
        """Give cells."""
        parameters = norse.LIFBoxParameters(
            tau_mem_inv=torch.tensor((1 - p.decay) / DT), v_th=torch.tensor(1.0)
        )
        return norse.LIFBoxCell(parameters, dt=DT)

    def at_rest(self, neuron: Any) -> Any:
        """Leave it to the cell."""
        del neuron


if __name__ == "__main__":
    answer_requests(Norse, sys.argv[1:])
