"""SpikingJelly: ``LIFNode``; layers take all steps in one call, what recurs one at a time."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

from tests.benchmarks.peers.networks import Network, Population
from tests.benchmarks.peers.serving import answer_requests
from tests.benchmarks.peers.workers.torch_layers import TorchLayers, nn

functional, layer, neuron = (
    import_module(f"spikingjelly.activation_based.{name}")
    for name in ("functional", "layer", "neuron")
)


class SpikingJelly(TorchLayers):
    """``v <- v - v / tau + i``."""

    def __init__(self, network: Network, batch: int) -> None:
        self._mode = "s" if network.x is None else "m"
        super().__init__(network, batch)
        self.versions["SpikingJelly"] = version("spikingjelly")
        pairs = zip(self.layers, self.neurons, strict=True)
        self._stages = [
            nn.Sequential(layer.SeqToANNContainer(synapses), cells)
            for synapses, cells in pairs
            if self._mode == "m"
        ]

    def neuron(self, p: Population) -> Any:
        """Give neurons."""
        return neuron.LIFNode(
            tau=1 / (1 - p.decay), decay_input=False, v_reset=0.0, step_mode=self._mode
        )

    def at_rest(self, neuron: Any) -> Any:
        """Bring a layer back to rest; it holds its state itself."""
        functional.reset_net(neuron)

    def step(self, neuron: Any, current: Any, state: Any) -> tuple[Any, Any]:
        """Give spikes; the state is held inside."""
        return neuron(current), state

    def loop(self, means: Any) -> Any:
        """Give every layer all steps at once, if nothing recurs."""
        if self._mode == "s":
            return super().loop(means)
        x = self.x
        for stage in self._stages:
            functional.reset_net(stage)
        rates: list[float] = []
        for stage in self._stages:
            x = stage(x)
            if means is not None:
                rates.append(float(x.mean()))
        return means if means is None else np.array(rates) * self.network.steps


if __name__ == "__main__":
    answer_requests(SpikingJelly, sys.argv[1:])
