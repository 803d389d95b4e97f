"""What it costs to run a network core by core on Lava: ``python -m tests.benchmarks.lava_cores``.

Two convolutions and ten neurons, laid out over the cores of Loihi; one spike in five inputs. What a
longer run takes more than a short one is free of Lava's start. Each runs by turns; the numbers are
medians of the work of all processes together, which others on the machine change little.
"""

from __future__ import annotations

import statistics
from dataclasses import replace

import numpy as np

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.mapping.lay_out import lay_out
from snnc.compiler.network import Output
from snnc.compiler.operators import SumPooling, Window
from snnc.targets.artifact import Artifact
from snnc.targets.hardware.load import load_hardware
from snnc.targets.lava.forms import Form
from snnc.targets.lava.groups import plan_of, runnable
from snnc.targets.lava.target import LavaTarget
from snnc.targets.running import RunOptions
from tests.benchmarks.lava_mixed import work
from tests.builders import fixed_convolution
from tests.targets.lava.networks import artifact, population, projection

STEPS, SAMPLES, REPEATS = 50, 40, 3
RATE = 0.2


def network() -> FixedNetwork:
    """Give 5,642 neurons behind 28 x 28 pixels, which spike now and then."""
    rng = np.random.default_rng(0)
    pool = SumPooling(window=Window((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)))
    first, second = rng.integers(-20, 30, (8, 1, 5, 5)), rng.integers(-20, 25, (16, 8, 5, 5))
    return FixedNetwork(
        inputs=(FixedInput("x", (1, 28, 28)),),
        populations=(
            population("first", (8, 24, 24), FixedReset.ZERO, 1, dv=300, threshold=300),
            population("second", (16, 8, 8), FixedReset.ZERO, 2, dv=300, threshold=600),
            population("out", (10,), FixedReset.ZERO, 3, dv=300, threshold=300),
        ),
        projections=(
            projection("x", "first", fixed_convolution(first)),
            projection("first", "second", pool, fixed_convolution(second)),
            projection("second", "out", rng.integers(-30, 40, (10, 1024))),
        ),
        outputs=(Output("class", "out"),),
        dt=1e-3,
    )


def taken(made: Artifact, samples: int) -> float:
    """Give the work of a run in seconds."""
    shape = (STEPS, samples, 1, 28, 28)
    x = (np.random.default_rng(1).random(shape) < RATE).astype(np.uint8)
    used = work()
    LavaTarget().run(made.executed, {"x": x}, RunOptions(timeout=900))
    return work() - used


def main() -> None:
    """Print a row for each form, whole and over cores."""
    fixed = network()
    mapped = lay_out(fixed, load_hardware("loihi1"))
    long = (SAMPLES - 1) * (STEPS + fixed.latency)
    ways = {
        f"{form}, {'whole' if over is None else f'{len(over.cores)} cores'}": replace(
            artifact(fixed, form), mapped=over
        )
        for form in (Form.MIXED, Form.FUSED)
        for over in (None, mapped)
    }
    starts: dict[str, list[float]] = {name: [] for name in ways}
    steps: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, made in ways.items():
            starts[name].append(taken(made, 1))
            steps[name].append((taken(made, SAMPLES) - starts[name][-1]) / long * 1e3)
    print("| | processes | start, s of work | a step, ms of work |\n|---|---|---|---|")
    for name, made in ways.items():
        form = Form(made.options["lava"])
        count = 1 if form is Form.FUSED else len(plan_of(runnable(made), form).processes)
        first, each = statistics.median(starts[name]), statistics.median(steps[name])
        print(f"| {name} | {count} | {first:.2f} | {each:.2f} |")


if __name__ == "__main__":
    main()
