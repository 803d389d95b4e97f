"""The network on our runner is the network as one writes it by hand with Lava's own processes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output
from snnc.compiler.operators import FixedScaling
from snnc.compiler.trace import SIGNALS
from snnc.targets.lava.target import LavaTarget
from tests.builders import fixed_convolution, fixed_dense
from tests.targets.lava.networks import (
    RECORD_ALL,
    artifact,
    population,
    projection,
    random_inputs,
)
from tests.targets.lava.plain import check_plain, run_plain

pytestmark = pytest.mark.lava


def network() -> FixedNetwork:
    """Give what Lava's own processes can do: both axes of images differ, and so do all delays."""
    rng = np.random.default_rng(7)
    zero = FixedReset.ZERO
    kernels = fixed_convolution(rng.integers(-60, 100, (4, 1, 3, 2)), groups=2, stride=2, padding=1)
    return FixedNetwork(
        inputs=(FixedInput("image", (2, 6, 5)), FixedInput("graded", (3,), max_abs=9)),
        populations=(
            population("maps", (4, 3, 3), zero, 1, dv=300, threshold=120),
            population("hidden", (6,), zero, 2, du=2500, dv=200, threshold=150, bias_mant=7),
            population("out", (6,), zero, 3, du=900, dv=100, threshold=200),
        ),
        projections=(
            projection("image", "maps", kernels, exp=1),
            projection("maps", "hidden", fixed_dense(rng.integers(-60, 90, (6, 36)))),
            projection("graded", "hidden", rng.integers(-100, 128, (6, 3)), delay=2, exp=-2),
            projection("hidden", "hidden", rng.integers(-128, 100, (6, 6)), delay=1, exp=-1),
            projection("hidden", "out", FixedScaling(weight=rng.integers(60, 127, 6, np.int8))),
            replace(
                projection("hidden", "out", rng.integers(-128, 0, (6, 6)), delay=4, exp=-1),
                name="a second way",
            ),
        ),
        outputs=(Output("file", "out"),),
        dt=1e-3,
    )


def test_ours_is_the_plain_way() -> None:
    fixed = network()
    inputs = random_inputs(fixed, steps=12, batch=3)
    integers = {name: x.astype(np.int32) for name, x in inputs.items()}
    plain = run_plain(fixed, integers)
    trace = LavaTarget().run(artifact(fixed), inputs, RECORD_ALL)
    for signal in SIGNALS:
        for name, values in plain.signals[signal].items():
            assert np.array_equal(trace.signal(signal)[name], values), (signal, name)
    rates = {name: spikes.mean() for name, spikes in trace.spikes.items()}
    assert all(0.05 < rate < 0.95 for rate in rates.values()), rates
    assert len(plain.seconds) == 3


def test_what_the_plain_way_cannot_do() -> None:
    subtracting = population("p", (1,), FixedReset.SUBTRACT, 1)
    several = population("p", (2,), FixedReset.ZERO, 1, threshold=[3, 4])
    for p, reason in ((subtracting, "resets to 0"), (several, "one threshold")):
        fixed = FixedNetwork(
            inputs=(), populations=(p,), projections=(), outputs=(Output("o", "p"),), dt=1e-3
        )
        with pytest.raises(ValueError, match=reason):
            check_plain(fixed)
