"""The native engine on large networks: ``python -m tests.benchmarks.sparse_engine``.

10,000 and 100,000 neurons with 100 synapses each, of which 3 to 4 % spike in a step, driven by
their biases. Each is run with one thread and with two, in turns, and the median of its times is
told: processor time of one thread, wall time of both, as two threads are to share the work. The
NumPy reference computes the same steps, and every spike of them is compared.

    -n NEURONS     other sizes, as often as wanted
    --seconds S    about so long for each figure
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.operators import FixedDense, FixedSparse
from snnc.targets.cpu.engine import Engine
from snnc.targets.integer.reference import execute
from snnc.targets.running import no_progress
from tests.targets.lava.networks import population, projection

SYNAPSES = 100
REPEATS = 5
READ_OUT = 10
"""Neurons of the small population that is recorded."""


def large_network(n: int, synapses: int = SYNAPSES) -> FixedNetwork:
    """Give ``n`` neurons that spike by their biases, and read-outs of the first few of them.

    Weights are as often above 0 as below, so that 3 to 4 % of the neurons spike in a step.
    """
    rng = np.random.default_rng(3)
    stratum = n // synapses  # one target in each, so none stands twice
    target = np.arange(synapses) * stratum + rng.integers(0, stratum, (n, synapses))
    among = FixedSparse(
        weight=(rng.integers(-20, 21, target.size) * 2).astype(np.int8),
        target=target.astype(np.int32).ravel(),
        begin=np.arange(n + 1) * synapses,
        n_out=n,
    )
    eye = np.arange(n + 1)
    into = FixedSparse(
        weight=np.full(READ_OUT, 1, np.int8),
        target=np.arange(READ_OUT, dtype=np.int32),
        begin=np.minimum(eye, READ_OUT),
        n_out=READ_OUT,
    )
    bias = rng.integers(1500, 4000, n)
    neurons = population(
        "p", (n,), FixedReset.ZERO, 1, dv=40, threshold=1000, bias_mant=bias, bias_exp=0
    )
    shown = population("shown", (READ_OUT,), FixedReset.NONE, 2, dv=400, spiking=False)
    first = np.zeros((n, 1), np.int8)
    first[:READ_OUT] = 60
    return FixedNetwork(
        inputs=(FixedInput("x", (1,)),),
        populations=(neurons, shown),
        projections=(
            projection("x", "p", FixedDense(weight=first)),
            projection("p", "p", among),
            projection("p", "shown", into),
        ),
        outputs=(Output("out", "shown"),),
        dt=1e-3,
    )


@dataclass(frozen=True)
class Figures:
    """Of one network.

    Attributes:
        activity: Share of neurons that spike in a step.
        events: Synaptic events of a step.
        one: Processor seconds of a step on one thread.
        two: Wall seconds of a step on two threads.
        wall: The same on one.
        reference: Processor seconds of a step in NumPy.
    """

    activity: float
    events: float
    one: float
    two: float
    wall: float
    reference: float


def timed(run: Callable[[], Any]) -> tuple[float, float, Any]:
    """Give processor and wall seconds, and what ``run`` gives."""
    processor, wall = time.process_time(), time.perf_counter()
    result = run()
    return time.process_time() - processor, time.perf_counter() - wall, result


def measure(n: int, seconds: float) -> Figures:
    """Run the engine with one thread and with two in turns, and compare it with the reference."""
    network = large_network(n)
    engine = Engine(network)
    few = np.zeros((60, 1, 1), np.int32)
    few[::7] = 1
    signals = {"spikes": ("p",), "u": ("p",), "v": ("p", "shown")}
    taken, _, wanted = timed(lambda: execute(network, {"x": few}))
    for threads in (1, 2):
        got = engine.run({"x": few}, signals, threads, no_progress)
        for signal, arrays in got.items():
            for name, values in arrays.items():
                assert np.array_equal(values, getattr(wanted, signal)[name]), (signal, name)
    settled = wanted.spikes["p"][20:60]
    activity = float(settled.mean())

    probe, _, _ = timed(lambda: engine.run({"x": few}, {}, 1, no_progress))
    steps = max(20, int(60 * seconds / REPEATS / probe))
    x = np.zeros((steps, 1, 1), np.int32)
    one: list[tuple[float, float]] = []
    two: list[float] = []
    for _ in range(REPEATS):
        one.append(timed(lambda: engine.run({"x": x}, {}, 1, no_progress))[:2])
        two.append(timed(lambda: engine.run({"x": x}, {}, 2, no_progress))[1])
    return Figures(
        activity,
        float(settled.sum(axis=(1, 2)).mean() * SYNAPSES),
        median(p for p, _ in one) / steps,
        median(two) / steps,
        median(w for _, w in one) / steps,
        taken / len(few),
    )


def main() -> None:
    """Measure, and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("-n", type=int, action="append")
    options.add_argument("--seconds", type=float, default=5.0)
    chosen = options.parse_args()
    print("neurons   spikes a step   steps/s   Msyn/s   over NumPy   two threads over one")
    for n in chosen.n or (10_000, 100_000):
        f = measure(n, chosen.seconds)
        print(
            f"{n:7,} {f.activity:15.1%} {1 / f.one:9,.0f} {f.events / f.one / 1e6:8,.0f} "
            f"{f.reference / f.one:10,.0f} x {f.wall / f.two:21.2f} x"
        )


if __name__ == "__main__":
    main()
