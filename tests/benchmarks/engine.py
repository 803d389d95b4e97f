"""What the native engine gains over the NumPy reference: ``python -m tests.benchmarks.engine``.

Call it with ``OMP_NUM_THREADS=1`` in the environment. Both compute the same integers of the same
inputs on one thread, in turns, and the median of their processor times is compared; every signal of
both is compared, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedPopulation, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.operators import SumPooling
from snnc.targets.cpu.engine import Engine
from snnc.targets.integer.reference import execute
from snnc.targets.running import no_progress
from tests.builders import fixed_convolution, fixed_dense, window
from tests.targets.lava.networks import population, projection

REPEATS = 5
RATE = 0.1
"""Share of the input that spikes in a step."""


@dataclass(frozen=True)
class Case:
    """A network, and how it is run."""

    name: str
    network: FixedNetwork
    steps: int
    batch: int


def neurons(name: str, shape: tuple[int, ...], lag: int, threshold: int) -> FixedPopulation:
    return population(name, shape, FixedReset.ZERO, lag, dv=400, threshold=threshold)


def of_layers(
    shape: tuple[int, ...], populations: list[FixedPopulation], *operators: Any
) -> FixedNetwork:
    names = ["x", *(p.name for p in populations)]
    return FixedNetwork(
        inputs=(FixedInput("x", shape),),
        populations=tuple(populations),
        projections=tuple(
            projection(source, target, *layer)
            for source, target, layer in zip(names, names[1:], operators, strict=False)
        ),
        outputs=(Output("out", names[-1]),),
        dt=1e-3,
    )


def dense_layers() -> FixedNetwork:
    """Give 784 inputs, 256, 256 and 10 neurons."""
    rng = np.random.default_rng(0)
    sizes = (784, 256, 256, 10)
    return of_layers(
        (784,),
        [neurons(f"p{i}", (sizes[i],), i, t) for i, t in ((1, 900), (2, 420), (3, 420))],
        *(
            (fixed_dense(rng.integers(-60, 64, (n, m)).astype(np.int8)),)
            for m, n in pairwise(sizes)
        ),
    )


def convolutional() -> FixedNetwork:
    """Give two layers of convolution and sum pooling, and a dense one, on 28 x 28 pixels."""
    rng = np.random.default_rng(0)
    pool = SumPooling(window=window(2, 2, stride=2))
    return of_layers(
        (1, 28, 28),
        [
            neurons("first", (8, 12, 12), 1, 1500),
            neurons("second", (16, 4, 4), 2, 3500),
            neurons("last", (10,), 3, 1500),
        ],
        (fixed_convolution(rng.integers(-60, 100, (8, 1, 5, 5))), pool),
        (fixed_convolution(rng.integers(-60, 70, (16, 8, 5, 5))), pool),
        (fixed_dense(rng.integers(-100, 128, (10, 256))),),
    )


def recurrent() -> FixedNetwork:
    """Give 1,000 neurons that their bias drives, of which each reaches 10 % of all."""
    rng = np.random.default_rng(0)
    n = 1000
    among = rng.integers(-40, 41, (n, n)) * (rng.random((n, n)) < 0.1)
    driven = population(
        "p",
        (n,),
        FixedReset.ZERO,
        0,
        dv=40,
        threshold=1000,
        bias_mant=rng.integers(1500, 4000, n),
    )
    return FixedNetwork(
        inputs=(FixedInput("x", (1,)),),
        populations=(driven,),
        projections=(projection("p", "p", fixed_dense(among.astype(np.int8))),),
        outputs=(Output("out", "p"),),
        dt=1e-3,
    )


def cases() -> list[Case]:
    return [
        Case("dense layers", dense_layers(), 100, 1),
        Case("dense layers", dense_layers(), 100, 64),
        Case("convolutional", convolutional(), 25, 1),
        Case("convolutional", convolutional(), 25, 64),
        Case("recurrent", recurrent(), 1000, 1),
    ]


def seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.process_time()
    result = run()
    return time.process_time() - begin, result


def measure(case: Case) -> str:
    """Run both in turns, and give a row of the table."""
    network = case.network
    rng = np.random.default_rng(1)
    x = (rng.random((case.steps, case.batch, network.inputs[0].size)) < RATE).astype(np.int32)
    spikes = x.astype(np.int8)
    names = tuple(p.name for p in network.populations)
    engine = Engine(network)
    outputs = {"spikes": (names[-1],)}
    taken: dict[str, list[float]] = {"reference": [], "engine": []}
    for _ in range(REPEATS):
        taken["reference"].append(seconds(lambda: execute(network, {"x": x}))[0])
        # as often as makes the clock's grain small
        taken["engine"].append(
            seconds(
                lambda: [engine.run({"x": spikes}, outputs, 1, no_progress) for _ in range(20)]
            )[0]
            / 20
        )
    wanted = execute(network, {"x": x})
    got = engine.run({"x": spikes}, dict.fromkeys(("spikes", "u", "v"), names), 1, no_progress)
    for signal, arrays in got.items():
        for name, values in arrays.items():
            assert np.array_equal(values, getattr(wanted, signal)[name])
    rates = ", ".join(f"{wanted.spikes[name].mean():.1%}" for name in names)
    reference, native = (median(taken[name]) for name in ("reference", "engine"))
    rate = case.steps * case.batch / native
    return (
        f"{case.name:14} {case.batch:5} {rate:14,.0f} {reference / native:13.0f} x   "
        f"{engine.bytes / 1e6:6.2f} MB   {rates}"
    )


if __name__ == "__main__":
    print("network        batch   steps x samples   over NumPy   its memory  spikes a step")
    for case_ in cases():
        print(measure(case_))
