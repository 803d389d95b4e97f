"""GeNN 5, ``single_threaded_cpu``: C++ that GeNN writes and compiles, stepped from Python."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np

from tests.benchmarks.peers.networks import (
    INPUT,
    Array,
    Dense,
    Network,
    Population,
    Weights,
    synapses,
)
from tests.benchmarks.peers.serving import Simulation, answer_requests, lags

pygenn: Any = import_module("pygenn")

NEURON: dict[str, Any] = {
    "params": ["Decay"],
    "vars": [("V", "scalar"), ("Count", "unsigned int")],
    "sim_code": "V = Decay * V + Bias + Isyn;",
    "threshold_condition_code": "V > 1",
    "reset_code": "V = 0; Count++;",
}
SOURCE: dict[str, Any] = {
    "params": ["Period"],
    "vars": [
        ("Next", "unsigned int"),
        ("Begin", "unsigned int"),
        ("End", "unsigned int"),
        ("Offset", "scalar"),
    ],
    "threshold_condition_code": "t >= Times[Next] + Offset",
    "reset_code": "Next++; if(Next == End) { Next = Begin; Offset += Period; }",
    "extra_global_params": [("Times", "scalar*")],
}
"""Neurons that send what they are told, again and again."""
NEVER = 1e30


class Genn(Simulation):
    """Pulses that add to the next step's potential; dense layers are dense matrices."""

    def __init__(self, network: Network, batch: int) -> None:
        del batch
        self.versions = {"GeNN": pygenn.__version__}
        self._network = network
        self._model = pygenn.GeNNModel("float", "peer", backend="single_threaded_cpu")
        self._model.dt = 1.0
        self._populations = [self._neurons(p) for p in network.populations]
        source = self._populations[0] if network.x is None else self._source(network.x[:, 0])
        for i, target in enumerate(self._populations):
            p, weights, shape = network.populations[i], network.weights[i], network.shapes[i]
            self._connect(source, target, p, weights, shape)
            source = target
        self._model.build(sys.argv[3])
        self._model.load()

    def _neurons(self, p: Population) -> Any:
        """Give neurons; a bias takes no time where there is none."""
        model, values = NEURON, dict[str, Any](V=0.0, Count=0)
        if p.bias.any():
            model = NEURON | {"vars": [*NEURON["vars"], ("Bias", "scalar")]}
            values = values | {"Bias": p.real_bias()}
        else:
            model = NEURON | {"sim_code": "V = Decay * V + Isyn;"}
        kind = pygenn.create_neuron_model(f"lif_{p.name}", **model)
        return self._model.add_neuron_population(p.name, p.size, kind, {"Decay": p.decay}, values)

    def _source(self, x: Array) -> Any:
        """Give neurons that send ``x``, ``[steps, *shape]``."""
        columns = x.reshape(len(x), -1).T
        times = [np.flatnonzero(column) for column in columns]
        times = [t if t.size else np.array([NEVER]) for t in times]
        ends = np.cumsum([len(t) for t in times])
        begins = ends - [len(t) for t in times]
        values = {"Next": begins, "Begin": begins, "End": ends, "Offset": 0.0}
        kind = pygenn.create_neuron_model("replayed", **SOURCE)
        source = self._model.add_neuron_population(
            INPUT, len(columns), kind, {"Period": float(len(x))}, values
        )
        source.extra_global_params["Times"].set_init_values(
            np.concatenate(times).astype(np.float32)
        )
        return source

    def _connect(
        self, source: Any, target: Any, p: Population, weights: Weights, shape: tuple[int, ...]
    ) -> None:
        i, j, values = synapses(weights, shape)
        real = p.real_weight(values)
        dense = isinstance(weights, Dense)
        if dense:
            real = p.real_weight(weights.weight.T).ravel()
        group = self._model.add_synapse_population(
            f"into_{p.name}",
            "DENSE" if dense else "SPARSE",
            source,
            target,
            pygenn.init_weight_update("StaticPulse", {}, {"g": real}),
            pygenn.init_postsynaptic("DeltaCurr"),
        )
        if not dense:
            group.set_sparse_connections(i, j)

    def first(self) -> dict[str, Any]:
        """Run once, and read what every neuron counted."""
        net = self._network
        self.run()
        rates = {} if net.x is None else {INPUT: float(net.x[:, 0].mean())}
        for p, population in zip(net.populations, self._populations, strict=True):
            population.vars["Count"].pull_from_device()
            rates[p.name] = float(population.vars["Count"].values.sum()) / (net.steps * p.size)
        return {"rates": rates, "lags": lags(net)}

    def run(self) -> None:
        """Run on; the input begins anew."""
        for _ in range(self._network.steps):
            self._model.step_time()


if __name__ == "__main__":
    answer_requests(Genn, sys.argv[1:])
