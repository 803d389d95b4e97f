"""What a step of a convolutional network costs on Lava, a part of ``tests/benchmarks/lava.py``.

Of the time that a step takes in the mixed form, the arithmetic is what remains when the same
numbers are computed without Lava, one process after the other.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedPopulation, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.operators import MaxPooling
from snnc.compiler.store import Tensors, to_json
from snnc.targets.lava.forms import Form
from snnc.targets.lava.runner.neuron import Neurons
from snnc.targets.lava.runner.program import filled
from snnc.targets.lava.runner.synapse import Synapses
from snnc.targets.lava.target import LavaTarget
from snnc.targets.running import RunOptions
from tests.builders import fixed_convolution, fixed_dense, window
from tests.targets.lava.networks import artifact, population, projection

SHORT, LONG = 200, 1200
"""Steps of two runs: what the longer takes more is free of Lava's start."""
REPEATS = 4
RATE = 0.2
"""Share of the pixels that spike in a step."""
PARAMETERS = ("du", "dv", "threshold", "bias_mant", "bias_exp", "initial")


def network(reset: FixedReset) -> FixedNetwork:
    """Give two layers of convolution and pooling and one of plain weights, for 28 x 28 pixels."""
    rng = np.random.default_rng(0)
    pool = MaxPooling(window=window(2, 2, stride=2))
    first = fixed_convolution(rng.integers(-60, 128, (8, 1, 5, 5)))
    second = fixed_convolution(rng.integers(-70, 100, (16, 8, 5, 5)))
    last = fixed_dense(rng.integers(-100, 128, (10, 256)))
    return FixedNetwork(
        inputs=(FixedInput("x", (1, 28, 28)),),
        populations=(
            population("first", (8, 12, 12), reset, 1, dv=400, threshold=600),
            population("second", (16, 4, 4), reset, 2, dv=400, threshold=2500),
            population("last", (10,), reset, 3, dv=400, threshold=2000),
        ),
        projections=(
            projection("x", "first", first, pool),
            projection("first", "second", second, pool),
            projection("second", "last", last),
        ),
        outputs=(Output("out", "last"),),
        dt=1e-3,
    )


def step_on_lava(fixed: FixedNetwork, form: Form, batch: int = 1) -> float:
    """Give the milliseconds of a step and sample, from the shortest of some runs of each length."""
    whole = artifact(fixed, form)

    def seconds(steps: int) -> float:
        x = (np.random.default_rng(1).random((steps, batch, 1, 28, 28)) < RATE).astype(np.uint8)
        return min(LavaTarget().run(whole, {"x": x}, RunOptions()).seconds for _ in range(REPEATS))

    return (seconds(LONG) - seconds(SHORT)) / (LONG - SHORT) / batch * 1e3


def step_of_synapses(fixed: FixedNetwork, index: int) -> float:
    """Give the milliseconds of a step of a projection, computed as our process does."""
    p = fixed.projections[index]
    shape = fixed.shapes[p.source]
    tensors: Tensors = {}
    records = filled(to_json(p.operators, "o", tensors), tensors)
    synapses = Synapses(records, shape, p.weight_exp)
    x = (np.random.default_rng(2).random(int(np.prod(shape))) < RATE).astype(np.int32)
    return _milliseconds(lambda: synapses.step(x))


def step_of_neurons(p: FixedPopulation) -> float:
    """Give the milliseconds of a step of a population."""
    neurons = Neurons(str(p.reset), {name: getattr(p, name) for name in PARAMETERS})
    a = np.random.default_rng(3).integers(-99, 999, p.size)
    return _milliseconds(lambda: neurons.step(a))


def _milliseconds(step: Any, repeats: int = 1000) -> float:
    begin = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - begin) / repeats * 1e3


def main() -> None:
    """Print the table."""
    fixed = network(FixedReset.SUBTRACT_DELAYED)
    arithmetic = 0.0
    for index, p in enumerate(fixed.projections):
        taken = step_of_synapses(fixed, index)
        arithmetic += taken
        print(f"{p.name:18} {taken:.3f} ms")
    for population_ in fixed.populations:
        taken = step_of_neurons(population_)
        arithmetic += taken
        print(f"{population_.name:18} {taken:.3f} ms")
    print(f"{'all arithmetic':18} {arithmetic:.3f} ms a step")
    for reset in (FixedReset.SUBTRACT_DELAYED, FixedReset.ZERO):
        taken = step_on_lava(network(reset), Form.MIXED)
        print(f"mixed, {reset:16} {taken:.3f} ms a step")
    for batch in (1, 32):
        taken = step_on_lava(fixed, Form.FUSED, batch)
        print(f"fused, {batch:2} side by side {taken:.3f} ms a step and sample")
