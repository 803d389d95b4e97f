"""Lava computes operators, read-outs, held and initial potentials, to the last bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.network import Output, Reset
from snnc.compiler.operators import FixedOperator, FixedScaling, MaxPooling, SumPooling
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.retime import retime
from snnc.targets.integer.target import IntegerTarget
from snnc.targets.lava.target import LavaTarget
from tests.builders import convolution, fixed_convolution, network, window
from tests.builders import population as real_population
from tests.builders import projection as real_projection
from tests.drawn.fixed import fixed_networks
from tests.targets.lava.networks import (
    RECORD_ALL,
    Array,
    artifact,
    differing,
    expected,
    expected_outputs,
    population,
    process_of,
    projection,
    random_inputs,
)

pytestmark = pytest.mark.lava


def compare(fixed: FixedNetwork, inputs: dict[str, Array]) -> dict[str, Array]:
    """Compare every signal and output with the oracle's; give the outputs."""
    trace = LavaTarget().run(artifact(fixed), inputs, RECORD_ALL)
    wanted = expected(fixed, inputs)
    assert differing(trace, wanted) == 0
    for name, values in expected_outputs(fixed, wanted).items():
        assert trace.outputs[name].dtype == values.dtype
        assert np.array_equal(trace.outputs[name], values)
    return dict(trace.outputs)


@settings(max_examples=15)
@given(fixed_networks(), st.integers(0, 2**32 - 1))
def test_random_networks(fixed: FixedNetwork, seed: int) -> None:
    compare(fixed, random_inputs(fixed, steps=7, batch=4, seed=seed))


def convolutional() -> FixedNetwork:
    """Give two layers of convolution and pooling, a loop, and a read-out, most on our processes."""
    rng = np.random.default_rng(4)
    first = fixed_convolution(rng.integers(-60, 128, (4, 1, 3, 3)), padding=(1, 2))
    second = fixed_convolution(rng.integers(-100, 128, (6, 2, 2, 2)), groups=2, dilation=2)
    loop = FixedScaling(weight=rng.integers(-128, 0, 100).astype(np.int8))
    pool = MaxPooling(window=window(2, 2, stride=2, padding=(0, 1)))
    quiet = {"dv": 300, "threshold": 300}
    return FixedNetwork(
        inputs=(FixedInput("x", (1, 8, 8)),),
        populations=(
            population("a", (4, 5, 5), FixedReset.ZERO, 1, **quiet),
            population("b", (6, 2, 2), FixedReset.SUBTRACT, 2, refractory=2, initial=9000, **quiet),
            population(
                "c", (3,), FixedReset.NONE, 3, spiking=False, du=900, dv=100, scale=777.7, offset=-3
            ),
        ),
        projections=(
            projection("x", "a", first, pool),
            projection("a", "a", loop, delay=2),
            projection("a", "b", second, SumPooling(window=window(2, 2)), exp=-1),
            projection("b", "c", rng.integers(-128, 128, (3, 24)), exp=2),
        ),
        outputs=(Output("potential", "c"), Output("spikes", "b")),
        dt=1e-3,
    )


def test_convolutional_network() -> None:
    fixed = convolutional()
    kinds = process_of(fixed)
    assert set(kinds.values()) == {"Source", "LIFReset", "Population", "Synapse", "Dense", "Sink"}
    assert kinds["a"] == "LIFReset"  # spikes that a loop delays do not keep it from Lava's own
    outputs = compare(fixed, random_inputs(fixed, steps=15, batch=3))
    assert 0.05 < outputs["spikes"].mean() < 1 / 3  # two of three steps are held
    assert len(np.unique(outputs["potential"])) > 100


def test_sample_after_others_is_as_if_run_alone() -> None:
    """The first sample is as busy as can be; what it leaves must not reach the second."""
    fixed = convolutional()
    populations = [replace(p, refractory=60) if p.name == "b" else p for p in fixed.populations]
    delays = [63 if p.name in ("a to a", "b to c") else p.delay for p in fixed.projections]
    projections = [replace(p, delay=d) for p, d in zip(fixed.projections, delays, strict=True)]
    fixed = replace(fixed, populations=tuple(populations), projections=tuple(projections))
    x = random_inputs(fixed, steps=70, batch=3)["x"]
    x[:, 0] = 1
    streamed = LavaTarget().run(artifact(fixed), {"x": x}, RECORD_ALL)
    alone = LavaTarget().run(artifact(fixed), {"x": x[:, 2:]}, RECORD_ALL)
    for signal in ("spikes", "u", "v"):
        for name, values in alone.signal(signal).items():
            assert values.any()
            assert np.array_equal(streamed.signal(signal)[name][:, 2:], values)
    assert np.array_equal(streamed.outputs["potential"][:, 2:], alone.outputs["potential"])


@pytest.mark.parametrize("delay", [1, 2, 62, 63])
def test_delay_of_a_synapse(delay: int) -> None:
    """What enters at one step is seen ``delay - 1`` steps later, since the lag is 1."""
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (2,), max_abs=9),),
        populations=(population("p", (2,), FixedReset.NONE, 1),),
        projections=(projection("x", "p", scaling(3, -5), delay=delay),),
        outputs=(Output("out", "p"),),
        dt=1e-3,
    )
    x = np.zeros((66, 3, 2), np.int64)
    x[0, 0], x[2, 1], x[-1, 1] = (7, 8), (-9, 1), (9, 9)  # the last one must reach no sample
    u = LavaTarget().run(artifact(fixed), {"x": x}, RECORD_ALL).u["p"]
    seen = np.zeros_like(x)
    seen[delay - 1 :] = x[: 67 - delay]
    assert np.array_equal(u, 64 * seen * [3, -5])


def scaling(*weights: int) -> FixedOperator:
    return FixedScaling(weight=np.array(weights, np.int8))


@pytest.mark.parametrize("refractory", [1, 2, 5])
def test_spikes_of_a_refractory_neuron(refractory: int) -> None:
    """Driven above its threshold in every step, it spikes in every ``refractory + 1``-th."""
    fixed = FixedNetwork(
        inputs=(FixedInput("x", (1,)),),
        populations=(population("p", (1,), FixedReset.ZERO, 1, refractory=refractory),),
        projections=(projection("x", "p", np.array([[127]])),),
        outputs=(Output("out", "p"),),
        dt=1e-3,
    )
    outputs = compare(fixed, {"x": np.ones((20, 2, 1))})
    steps = np.arange(20) % (refractory + 1) == 0
    assert np.array_equal(outputs["out"][:, :, 0], np.stack([steps, steps], axis=1))


def test_raw_time_of_a_read_out() -> None:
    """Outside of its steps nothing is recorded, which is the potential at rest."""
    fixed = convolutional()
    inputs = random_inputs(fixed, steps=6, batch=2)
    aligned = LavaTarget().run(artifact(fixed), inputs, RECORD_ALL).outputs["potential"]
    raw = LavaTarget().run(artifact(fixed), inputs, replace(RECORD_ALL, raw_time=True))
    late = raw.outputs["potential"]
    assert np.array_equal(late[3:], aligned)
    assert (late[:3] == -3).all()


def test_from_real_numbers() -> None:
    """Quantized and retimed: biases have neurons of their own, and everything runs on Lava."""
    rng = np.random.default_rng(6)
    kernels = rng.normal(0.1, 0.3, (4, 2, 3, 3))
    fixed = retime(
        quantize(
            network(
                [
                    real_population("conv", shape=(4, 3, 3), n=36, refractory=1, initial=0.5),
                    real_population("out", 5, spiking=False, reset=Reset.NONE, threshold=0.0),
                ],
                [
                    real_projection(
                        "x",
                        "conv",
                        None,
                        convolution(kernels, bias=0.1),
                        MaxPooling(window=window(2, 2, stride=2)),
                    ),
                    real_projection("conv", "out", rng.normal(0, 0.3, (5, 36)), bias=-0.1),
                ],
                inputs={"x": (2, 8, 8)},
            )
        )
    )
    inputs = random_inputs(fixed, steps=12, batch=3)
    outputs = compare(fixed, inputs)
    reference = IntegerTarget().run(artifact(fixed), inputs, RECORD_ALL)
    assert np.array_equal(outputs["out"], reference.outputs["out"])
    assert 0.05 < reference.spikes["conv"].mean() < 0.5
    assert outputs["out"].std() > 0.1
