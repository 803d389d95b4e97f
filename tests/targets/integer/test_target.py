"""The integer target gives spikes, and the potentials of read-outs in the units of the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.network import Network, Reset
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.retime import retime
from snnc.targets.artifact import Artifact
from snnc.targets.float.executor import execute as execute_float
from snnc.targets.integer.reference import execute
from tests.builders import network, population, projection, spikes

READ_OUT: dict[str, Any] = {"spiking": False, "reset": Reset.NONE, "threshold": 0.0}


def layered() -> tuple[Network, FixedNetwork]:
    """Make a spiking layer that resets to a value, and a read-out behind it."""
    rng = np.random.default_rng(0)
    hidden = population("a", 6, shape=(2, 3), reset=Reset.VALUE, reset_value=-0.25, initial=0.5)
    read_out = population("b", 2, decay=0.9, initial=[0.25, -3], **READ_OUT)
    net = network(
        [hidden, read_out],
        [
            projection("x", "a", rng.normal(0.3, 0.5, (6, 4))),
            projection("a", "b", rng.normal(0, 1, (2, 6)), bias=0.1),
        ],
        outputs=("a", "b"),
    )
    return net, retime(quantize(net))


def test_outputs_and_signals() -> None:
    net, fixed = layered()
    x = spikes((12, 3, 4))
    artifact = Artifact(target="integer", network=net, fixed=fixed)
    trace = artifact.run(x, record=("spikes", "u", "v"))
    wanted = execute(fixed, {"x": x.astype(np.int32)})
    assert trace.lags == {"a": 1, "b": 2}
    for name, lag, shape in (("a", 1, (12, 3, 2, 3)), ("b", 2, (12, 3, 2))):
        for signal in ("u", "v"):
            got = trace.signal(signal)[name]
            assert got.dtype == np.int32
            assert (got == getattr(wanted, signal)[name][lag : lag + 12].reshape(shape)).all()
    assert set(trace.spikes) == {"a"}, "a read-out has none"
    assert (trace.outputs["out_a"] == trace.spikes["a"]).all()
    assert trace.outputs["out_a"].sum() > 0


def test_read_outs_give_real_potentials() -> None:
    net, fixed = layered()
    x = spikes((12, 3, 4))
    trace = Artifact(target="integer", network=net, fixed=fixed).run(x, record=("v",))
    p = fixed.population("b")
    got = trace.outputs["out_b"]
    assert got.dtype == np.float32
    assert (got == (trace.v["b"] / p.scale + p.offset).astype(np.float32)).all()
    real = execute_float(net, {"x": x}).v["b"]
    assert np.abs(got - real)[:3].max() < 0.01, "before a spike of the hidden layer differs"


def test_read_outs_have_an_offset() -> None:
    net, fixed = layered()
    moved = replace(fixed.population("b"), offset=np.array([7.0, -7.0]))
    before = Artifact(target="integer", network=net, fixed=fixed).run(spikes((12, 3, 4)))
    fixed = replace(fixed, populations=(fixed.populations[0], moved))
    after = Artifact(target="integer", network=net, fixed=fixed).run(spikes((12, 3, 4)))
    difference = after.outputs["out_b"] - before.outputs["out_b"]
    assert np.allclose(difference, [7, -7], atol=1e-5)


def test_potentials_count_from_the_offset() -> None:
    net, fixed = layered()
    x = np.zeros((4, 1, 4), np.float32)
    trace = Artifact(target="integer", network=net, fixed=fixed).run(x, record=("v",))
    p = fixed.population("a")
    assert (p.offset == -0.25).all()
    seen = trace.v["a"].reshape(4, 6) / p.scale + p.offset
    assert np.abs(seen - execute_float(net, {"x": x}).v["a"][:, 0]).max() < 1e-3


def test_raw_time() -> None:
    net, fixed = layered()
    x = spikes((12, 3, 4))
    artifact = Artifact(target="integer", network=net, fixed=fixed)
    raw, aligned = artifact.run(x, raw_time=True), artifact.run(x)
    assert raw.outputs["out_b"].shape == (14, 3, 2)
    assert (raw.outputs["out_b"][2:14] == aligned.outputs["out_b"]).all()
    assert (raw.outputs["out_a"][1:13] == aligned.outputs["out_a"]).all()
