"""NEST: ``iaf_psc_delta``, whose synapses add to the potential, with delays of one step."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np

from tests.benchmarks.peers.networks import INPUT, Network, Population, synapses
from tests.benchmarks.peers.serving import Simulation, answer_requests, lags

nest: Any = import_module("nest")

INPUT_STEPS = 50_000
"""Steps for which spikes of the input are laid down, the same ones again and again."""


class Nest(Simulation):
    """Exact integration in steps of 1 ms; spikes are counted and not kept."""

    def __init__(self, network: Network, batch: int) -> None:
        del batch
        nest.ResetKernel()
        nest.set_verbosity("M_ERROR")
        nest.resolution = 1.0
        nest.local_num_threads = 1
        self.versions = {"NEST": nest.__version__}
        self._network = network
        self._populations = [_neurons(p) for p in network.populations]
        source = self._populations[0] if network.x is None else self._generators()
        for p, weights, shape, target in zip(
            network.populations,
            network.weights,
            network.shapes,
            self._populations,
            strict=True,
        ):
            i, j, values = synapses(weights, shape)
            real = p.real_weight(values).astype(np.float64)
            nest.Connect(
                np.asarray(source.tolist())[i],
                np.asarray(target.tolist())[j],
                "one_to_one",
                syn_spec={"weight": real, "delay": np.ones(len(real))},
            )
            source = target
        self._recorders = [nest.Create("spike_recorder") for _ in self._populations]
        for population, recorder in zip(self._populations, self._recorders, strict=True):
            if network.x is not None:
                nest.Connect(population, recorder)

    def _generators(self) -> Any:
        """Make what sends the input's spikes."""
        net = self._network
        assert net.x is not None
        x = net.x[:, 0].reshape(net.steps, -1)
        begins = np.arange(0, INPUT_STEPS, net.steps)[:, None]
        times = [(begins + np.flatnonzero(column) + 1).ravel().astype(float) for column in x.T]
        return nest.Create(
            "spike_generator", x.shape[1], params=[{"spike_times": t} for t in times]
        )

    def first(self) -> dict[str, Any]:
        """Run once, and count."""
        net = self._network
        nest.Prepare()
        nest.Run(float(net.steps))
        if net.x is None:
            p = net.populations[0]
            return {"rates": {p.name: nest.local_spike_counter / (net.steps * p.size)}}
        rates = {INPUT: float(net.x[:, 0].mean())}
        for p, recorder in zip(net.populations, self._recorders, strict=True):
            rates[p.name] = recorder.n_events / (net.steps * p.size)
        return {"rates": rates, "lags": lags(net)}

    def run(self) -> None:
        """Run on; the input begins anew."""
        nest.Run(float(self._network.steps))


def _neurons(p: Population) -> Any:
    """Give neurons whose potential has no unit: the threshold is 1."""
    tau = -1 / np.log(p.decay)
    parameters = {
        "tau_m": tau,
        "C_m": tau,
        "E_L": 0.0,
        "V_reset": 0.0,
        "V_th": 1.0,
        "V_m": 0.0,
        "t_ref": 0.0,
    }
    neurons = nest.Create("iaf_psc_delta", p.size, params=parameters)
    neurons.I_e = (p.real_bias().astype(np.float64) / (1 - p.decay)).tolist()
    return neurons


if __name__ == "__main__":
    answer_requests(Nest, sys.argv[1:])
