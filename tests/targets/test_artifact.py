"""An artifact: what is written, and what a loaded one gives."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import nir
import numpy as np
import pytest
from hypothesis import given, settings

from snnc import __version__
from snnc.compiler.diagnostics import InternalError
from snnc.compiler.fixed import FixedNetwork, FixedPopulation
from snnc.compiler.network import Network
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.retime import retime
from snnc.runtime.deploy import compile as compile_graph
from snnc.targets.artifact import Artifact, load
from tests import oracle
from tests.builders import chain, graph, integers_for, lif, linear, one_fixed, one_neuron, spikes
from tests.compiler.test_store import same
from tests.drawn.fixed import fixed_networks
from tests.drawn.graphs import graphs
from tests.drawn.networks import networks
from tests.targets.artifacts import integer


@given(networks())
@settings(max_examples=25)
def test_round_trip(network: Network) -> None:
    artifact = integer(network, options={"weight_bits": 8}, account={"latency_steps": 2})
    path = Path(os.environ["ARTIFACT_TEST"]) / "a"
    again = load(artifact.save(path))
    assert same(again.network, artifact.network)
    assert same(again.fixed, artifact.fixed)
    assert (again.target, again.path) == ("integer", path)
    assert (again.options, again.account) == (artifact.options, artifact.account)
    assert again.files() == artifact.files()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give hypothesis a folder: its own examples may not ask for one."""
    monkeypatch.setenv("ARTIFACT_TEST", str(tmp_path))


def test_float_has_no_integers(tmp_path: Path) -> None:
    artifact = Artifact(target="float", network=one_neuron(), fixed=None)
    again = load(artifact.save(tmp_path / "a"))
    assert sorted(again.files()) == ["manifest.json", "reference.json", "reference.safetensors"]
    assert again.fixed is None
    with pytest.raises(InternalError) as raised:
        _ = again.required_fixed
    assert str(raised.value) == "an artifact for float holds no integers"


def test_members_and_manifest(saved: Path) -> None:
    names = {p.relative_to(saved).as_posix() for p in saved.rglob("*") if p.is_file()}
    manifest = json.loads((saved / "manifest.json").read_text())
    assert names == {*manifest["members"], "manifest.json"}
    assert "sub/runner.py" in names
    assert (manifest["format"], manifest["snnc"], manifest["target"]) == (1, __version__, "integer")
    for name, member in manifest["members"].items():
        content = (saved / name).read_bytes()
        assert member == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert load(saved).members == {"sub/runner.py": b"print()\n"}


@given(graphs())
@settings(max_examples=15)
def test_the_same_graph_gives_the_same_bytes(g: nir.NIRGraph) -> None:
    backwards = graph(dict(reversed(g.nodes.items())), g.edges[::-1])
    for target in ("integer", "float"):
        one = compile_graph(g, target, dt=1e-3).files()
        assert compile_graph(g, target, dt=1e-3).files() == one
        assert compile_graph(backwards, target, dt=1e-3).files() == one


def test_another_graph_gives_other_bytes() -> None:
    one = compile_graph(chain(linear([[1]]), lif()), dt=1e-3).files()
    two = compile_graph(chain(linear([[1.0000001]]), lif()), dt=1e-3).files()
    assert one["reference.safetensors"] != two["reference.safetensors"]
    assert one["manifest.json"] != two["manifest.json"]


def test_a_loaded_artifact_runs_as_the_saved_one(saved: Path) -> None:
    x = spikes((9, 2, 2))
    signals = ("spikes", "u", "v")
    one, two = integer().run(x, record=signals), load(saved).run({"x": x}, record=signals)
    assert one.outputs["out"].sum() > 0
    for signal in signals:
        for name, values in one.signal(signal).items():
            assert (values == two.signal(signal)[name]).all()


@given(fixed_networks())
@settings(max_examples=30)
def test_outputs_are_aligned(fixed: FixedNetwork) -> None:
    """Step ``t`` of a signal is hardware step ``t + lag``; in raw time all is hardware time."""
    network = one_neuron(np.ones((1, fixed.inputs[0].size)))
    artifact = Artifact(target="integer", network=network, fixed=fixed)
    flat = integers_for(fixed, steps=6, batch=2)
    x = {i.name: flat[i.name].reshape(6, 2, *i.shape) for i in fixed.inputs}
    trace = artifact.run(x, record=("spikes", "u", "v"))
    wanted = oracle.as_arrays(oracle.run(fixed, flat))
    assert trace.executor == "integer"
    for p in fixed.populations:
        assert trace.lags[p.name] == p.lag
        for signal in signals_of(p):
            window = wanted[signal][p.name][p.lag : p.lag + 6].reshape(6, 2, *p.shape)
            assert np.array_equal(trace.signal(signal)[p.name], window)
    last = fixed.populations[-1]
    raw = artifact.run(x, record=("spikes", "u", "v"), raw_time=True)
    if last.spiking:
        assert np.array_equal(trace.outputs["out"], trace.spikes[last.name])
        assert np.array_equal(raw.outputs["out"].ravel(), wanted["spikes"][last.name].ravel())
    else:
        real = trace.v[last.name] / last.scale.reshape(last.shape) + last.offset.reshape(last.shape)
        assert np.array_equal(trace.outputs["out"], real.astype(np.float32))
    for p in fixed.populations:
        for signal in signals_of(p):
            values = raw.signal(signal)[p.name]
            assert np.array_equal(values.ravel(), wanted[signal][p.name].ravel())
    assert set(raw.v) == {p.name for p in fixed.populations}
    assert set(raw.spikes) == {p.name for p in fixed.populations if p.spiking}
    assert artifact.run(x, raw_time=True).spikes == {}


def signals_of(p: FixedPopulation) -> tuple[str, ...]:
    return ("spikes", "u", "v") if p.spiking else ("u", "v")


def test_outputs_have_the_shape_of_their_population() -> None:
    fixed = one_fixed(np.full((6, 1), 20), shape=(2, 3))
    artifact = Artifact(target="integer", network=one_neuron(), fixed=fixed)
    trace = artifact.run(spikes((5, 4, 1)), record="v")
    assert trace.outputs["out"].shape == (5, 4, 2, 3)
    assert trace.v["lif"].shape == (5, 4, 2, 3)
    assert trace.spikes == {}


def test_counts_and_predictions() -> None:
    fixed = one_fixed([[20, 0], [0, 20], [0, 20]], dv=4096)
    artifact = Artifact(target="integer", network=one_neuron([[1, 1]]), fixed=fixed)
    x = np.zeros((4, 3, 2))
    x[:2, 0, 0] = x[:3, 1, 1] = 1
    trace = artifact.run(x)
    assert trace.counts.tolist() == [[2, 0, 0], [0, 3, 3], [0, 0, 0]]
    assert trace.predictions.tolist() == [0, 1, 0]


@pytest.mark.parametrize("target", ["float", "integer"])
def test_a_spike_counts_for_its_size_in_predictions(target: str) -> None:
    network = one_neuron((4 * np.eye(3)).tolist(), spike=[0.5, 2, -1], decay=0.5)
    fixed = None if target == "float" else retime(quantize(network))
    x = np.zeros((4, 3, 3))
    x[:4, 0, 0] = x[:2, 0, 1] = x[:3, 1, 2] = x[:1, 1, 0] = x[:, 2, 2] = 1
    trace = Artifact(target=target, network=network, fixed=fixed).run(x)
    assert trace.class_weights is not None
    assert trace.class_weights.tolist() == [0.5, 2, -1]
    assert trace.counts.argmax(axis=1).tolist() == [0, 2, 2]
    assert trace.predictions.tolist() == [1, 0, 0]
    assert set(np.unique(trace.outputs["out"])) == {0, 1}
