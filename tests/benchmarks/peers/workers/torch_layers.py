"""What norse, snnTorch and SpikingJelly have in common: layers of torch, and a loop over steps."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from tests.benchmarks.peers.networks import (
    INPUT,
    Convolution,
    Dense,
    Network,
    Population,
    Sparse,
    Weights,
    synapses,
)
from tests.benchmarks.peers.serving import Simulation

torch: Any = import_module("torch")
nn: Any = torch.nn

DENSE_UP_TO = 2000
"""Neurons up to which random synapses are a dense matrix, which torch multiplies faster."""


class TorchLayers(Simulation):
    """A network whose synapses are torch's and whose neurons are a library's."""

    gain_of_input = False
    """Whether the neuron multiplies its input by one less its decay, as norse's does."""

    def __init__(self, network: Network, batch: int) -> None:
        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        self.versions = {"torch": torch.__version__}
        self.network = network
        self.batch = batch
        self.x = None if network.x is None else torch.tensor(network.x[:, :batch]).float()
        self.layers = [
            self._layer(w, shape, p)
            for w, shape, p in zip(
                network.weights, network.shapes, network.populations, strict=True
            )
        ]
        self.biases = [self._bias(p) for p in network.populations]
        self.neurons = [self.neuron(p) for p in network.populations]

    def neuron(self, p: Population) -> Any:
        """Give neurons with a threshold of 1 that are reset to 0."""
        raise NotImplementedError

    def at_rest(self, neuron: Any) -> Any:
        """Give the state of a layer before the first step."""
        raise NotImplementedError

    def step(self, neuron: Any, current: Any, state: Any) -> tuple[Any, Any]:
        """Give spikes and the state of a layer after a step."""
        spikes, state = neuron(current, state)
        return spikes, state

    def first(self) -> dict[str, Any]:
        """Run once, and sum up what every layer sends."""
        means = self.loop(np.zeros(len(self.layers)))
        names = [p.name for p in self.network.populations]
        rates = dict(zip(names, (means / self.network.steps).tolist(), strict=True))
        if self.x is not None:
            rates[INPUT] = float(self.x.mean())
        return {"rates": rates}

    def run(self) -> None:
        """Run once more."""
        self.loop(None)

    def loop(self, means: Any) -> Any:
        """Run all steps; add the mean of what each layer sends in each of them, if asked to."""
        states = [self.at_rest(neuron) for neuron in self.neurons]
        spikes = torch.zeros(self.batch, self.network.populations[-1].size)
        total = torch.zeros_like(spikes)
        for t in range(self.network.steps):
            if self.x is not None:
                spikes = self.x[t]
            for i, (layer, bias) in enumerate(zip(self.layers, self.biases, strict=True)):
                current = layer(spikes) if bias is None else layer(spikes) + bias
                spikes, states[i] = self.step(self.neurons[i], current, states[i])
                if means is not None:
                    means[i] += float(spikes.mean())
            total += spikes
        return means

    def _gain(self, p: Population) -> float:
        return 1 / (1 - p.decay) if self.gain_of_input else 1.0

    def _bias(self, p: Population) -> Any:
        return torch.tensor(p.real_bias() * self._gain(p)) if p.bias.any() else None

    def _layer(self, weights: Weights, shape: tuple[int, ...], p: Population) -> Any:
        gain = self._gain(p)
        match weights:
            case Dense(weight):
                layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
                layer.weight.copy_(torch.tensor(p.real_weight(weight) * gain))
                return nn.Sequential(nn.Flatten(), layer) if len(shape) > 1 else layer
            case Convolution(weight):
                convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 5, bias=False)
                # torch has averages of 2 x 2, not sums
                convolution.weight.copy_(torch.tensor(4 * p.real_weight(weight) * gain))
                return nn.Sequential(convolution, nn.AvgPool2d(2))
            case Sparse():
                return self._sparse(weights, shape, p, gain)

    def _sparse(self, weights: Sparse, shape: tuple[int, ...], p: Population, gain: float) -> Any:
        source, target, values = synapses(weights, shape)
        real = p.real_weight(values) * gain
        if p.size <= DENSE_UP_TO:
            layer = nn.Linear(p.size, p.size, bias=False)
            dense = np.zeros((p.size, p.size), np.float32)
            dense[target, source] = real
            layer.weight.copy_(torch.tensor(dense))
            return layer
        order = np.argsort(target, kind="stable")
        begin = np.concatenate(([0], np.cumsum(np.bincount(target, minlength=p.size))))
        matrix = torch.sparse_csr_tensor(
            torch.tensor(begin),
            torch.tensor(source[order].astype(np.int64)),
            torch.tensor(real[order]),
            size=(p.size, p.size),
        )

        def product(spikes: Any) -> Any:
            return (matrix @ spikes.T).T

        return product
