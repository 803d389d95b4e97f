"""How a worker talks with the command that started it: needs the standard library and NumPy only.

A worker is a process of its own in its simulator's environment, started with the spec of a network
and a batch size. It prepares the network, runs it once from rest and tells in one line of JSON what
that gave. Then it answers each ``sample SECONDS`` with a line of JSON, and the end of its input
with a last one. All else that is printed goes to standard error.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import resource
import sys
import time
from typing import Any, Protocol

import numpy as np

from tests.benchmarks.peers.networks import Array, Network, network


class Simulation(Protocol):
    """A network in one simulator, prepared."""

    versions: dict[str, str]
    """Of the simulator and what it computes with."""

    def first(self) -> dict[str, Any]:
        """Run once from rest, and say what that gave.

        Returns:
            ``rates`` by population; ``spikes``, the digest of the last population's, where they
            are exact; ``lags`` where a layer runs behind the input.
        """
        ...

    def run(self) -> None:
        """Run all steps once more; this is what is measured."""
        ...

    def cpu(self) -> float:
        """Give the seconds of processor time that were used so far."""
        return time.process_time()

    def peak_mib(self) -> float:
        """Give the most memory that was used so far, MiB."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def remark(self) -> str:
        """Give what else there is to say, if anything."""
        return ""

    def close(self) -> None:
        """End what runs beside this process: nothing, unless a simulator says otherwise."""
        return


def digest(spikes: Array) -> str:
    """Sum up spikes, 0 or 1."""
    return hashlib.sha256(np.packbits(spikes.astype(np.uint8)).tobytes()).hexdigest()[:16]


def lags(network: Network) -> dict[str, int]:
    """Give the steps by which layers run behind where a spike takes a step to arrive."""
    if network.x is None:
        return {}
    return {p.name: lag for lag, p in enumerate(network.populations, start=1)}


def sample(simulation: Simulation, steps: int, seconds: float, runs: int) -> tuple[float, int]:
    """Run ``runs`` times, give steps a second, and how many runs take ``seconds``."""
    begin = simulation.cpu()
    for _ in range(runs):
        simulation.run()
    used = max(simulation.cpu() - begin, 1e-9)
    return runs * steps / used, max(1, math.ceil(seconds * runs / used))


def answer_requests(kind: Any, arguments: list[str]) -> None:
    """Be a worker: ``kind(network, batch)`` makes the simulation."""
    answers = os.dup(1)
    os.dup2(2, 1)

    def answer(**found: Any) -> None:
        os.write(answers, json.dumps(found).encode() + b"\n")

    spec, batch = arguments[0], int(arguments[1])
    net: Network = network(spec)
    begin = time.process_time()
    simulation: Simulation = kind(net, batch)
    prepared = time.process_time() - begin
    answer(network=net.digest(), prepared_s=round(prepared, 3), **simulation.first())
    runs = 0
    for line in sys.stdin:
        seconds = float(line.split()[1])
        speed, wanted = sample(simulation, net.steps, seconds, max(runs, 1))
        if not runs and wanted > 1:  # that told only how many runs take so long
            speed, wanted = sample(simulation, net.steps, seconds, wanted)
        runs = wanted
        answer(steps_s=speed)
    versions = {"Python": platform.python_version(), "NumPy": np.__version__}
    answer(
        peak_mib=round(simulation.peak_mib()),
        versions=versions | simulation.versions,
        remark=simulation.remark(),
    )
    simulation.close()
