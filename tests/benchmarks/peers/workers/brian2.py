"""Brian2, ``cpp_standalone``: a program that Brian2 writes and compiles, and that runs on its own.

What is measured is the processor time of its loop over the steps, which the program is made to
read off itself before and after; that it loads the network and writes results is left out.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.peers.networks import INPUT, Network, synapses
from tests.benchmarks.peers.serving import Simulation, answer_requests, lags

brian2: Any = import_module("brian2")
ms = brian2.ms

CLOCK = """
{{ rusage r; getrusage(RUSAGE_SELF, &r); std::ofstream f("{name}.txt");
f << r.ru_utime.tv_sec + 1e-6 * r.ru_utime.tv_usec + r.ru_stime.tv_sec + 1e-6 * r.ru_stime.tv_usec
  << " " << r.ru_maxrss << std::endl; }}
"""
EQUATIONS = """
dv/dt = (drive - v) / tau : 1
drive : 1 (constant)
"""


class Brian2(Simulation):
    """Exact integration; an arriving spike adds to ``v`` in the slot after the resets.

    What is added decays by one step before it is compared with the threshold, so weights are
    divided by the decay; then the step is that of ``networks.py``.
    """

    def __init__(self, network: Network, batch: int) -> None:
        del batch
        self.versions = {"Brian2": brian2.__version__}
        self._network = network
        self._folder = Path(sys.argv[3]).resolve() / "standalone"
        self._used = self._whole = 0.0
        self._runs = 0
        brian2.set_device("cpp_standalone", build_on_run=False)
        brian2.prefs.codegen.cpp.extra_compile_args_gcc = [
            "-w",
            "-O3",
            "-ffast-math",
            "-march=native",
        ]
        brian2.prefs.devices.cpp_standalone.openmp_threads = 0
        brian2.defaultclock.dt = 1 * ms
        self._net = brian2.Network()
        self._net.schedule = ["start", "groups", "thresholds", "resets", "synapses", "end"]
        self._groups = self._described()
        self._monitors = [brian2.SpikeMonitor(group, record=False) for group in self._groups]
        self._net.add(*self._monitors)
        device = brian2.get_device()
        device.insert_code("before_network_run", CLOCK.format(name="before"))
        device.insert_code("after_network_run", CLOCK.format(name="after"))
        self._net.run(network.steps * ms)
        brian2.prefs.codegen.cpp.headers += ["<sys/resource.h>", "<fstream>"]
        device.build(directory=str(self._folder), run=False)

    def _described(self) -> list[Any]:
        net = self._network
        groups: list[Any] = []
        if net.x is not None:
            times, indices = np.nonzero(net.x[:, 0].reshape(net.steps, -1))
            source = brian2.SpikeGeneratorGroup(net.x[0, 0].size, indices, times * ms)
            groups.append(source)
            self._net.add(source)
        for p, weights, shape in zip(net.populations, net.weights, net.shapes, strict=True):
            tau = -1 / np.log(p.decay) * ms
            group = brian2.NeuronGroup(
                p.size,
                EQUATIONS,
                threshold="v > 1",
                reset="v = 0",
                method="exact",
                namespace={"tau": tau},
            )
            group.drive = p.real_bias() / (1 - p.decay)
            groups.append(group)
            source = groups[-2] if len(groups) > 1 else group
            links = brian2.Synapses(source, group, "w : 1 (constant)", on_pre="v_post += w")
            i, j, values = synapses(weights, shape)
            links.connect(i=i, j=j)
            links.w = p.real_weight(values) / p.decay
            self._net.add(group, links)
        return groups

    def first(self) -> dict[str, Any]:
        """Run the program, and read what the monitors counted."""
        brian2.get_device().run()
        names = [p.name for p in self._network.populations]
        if self._network.x is not None:
            names = [INPUT, *names]
        rates = {
            name: float(monitor.num_spikes) / (self._network.steps * len(group))
            for name, monitor, group in zip(names, self._monitors, self._groups, strict=True)
        }
        return {"rates": rates, "lags": lags(self._network)}

    def run(self) -> None:
        """Run the program again."""
        subprocess.run(["./main"], cwd=self._folder, stdout=subprocess.DEVNULL, check=True)
        begin, end = self._read("before")[0], self._read("after")[0]
        self._used += end - begin
        self._whole += end
        self._runs += 1

    def cpu(self) -> float:
        """Give the processor time of all loops so far."""
        return self._used

    def remark(self) -> str:
        """Give the speed if the program's start and loading counted."""
        speed = self._runs * self._network.steps / self._whole
        return f"{speed:,.0f} steps/s with its start and loading"

    def peak_mib(self) -> float:
        """Give what the program needed."""
        return self._read("after")[1] / 1024

    def _read(self, name: str) -> tuple[float, float]:
        used, kib = (self._folder / f"{name}.txt").read_text().split()
        return float(used), float(kib)


if __name__ == "__main__":
    answer_requests(Brian2, sys.argv[1:])
