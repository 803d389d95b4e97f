"""From the model to Lava: import, real numbers, integers, Lava, each held against the one before.

No bit differs between the framework and the float network, nor between the integers and Lava, and
a file that keeps the network is the same network.
"""
# torch is Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

import snnc
from snnc.compiler.store import to_json
from snnc.frontends.importer import import_module
from tests.end_to_end.models import MODELS, STEPS, Array, made
from tests.frontends.onnx.models import model, node, random
from tests.frontends.onnx.test_step import exported, module_of, two_layers
from tests.frontends.optional import optional

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")

pytestmark = [pytest.mark.torch, pytest.mark.norse, pytest.mark.onnx, pytest.mark.lava]


def assert_proven(report: snnc.Report, *, framework: bool = True) -> None:
    """Every link was run and keeps its promise, on data that show something of the network."""
    report.assert_equivalent()
    links = {link.name: link for link in report.links}
    assert list(links) == ["framework -> float", "float -> integer", "integer -> lava"]
    first, _, last = links.values()
    assert first.asked == framework
    if framework:
        assert (str(first.status), first.signals) == ("held", ("spikes",))
        assert first.values > 1000
        assert (first.differing, first.n_ties, first.uncompared) == (0, 0, ())
    assert set(last.signals) == {"spikes", "u", "v"}
    assert last.values > 1000
    assert (last.differing, last.uncompared) == (0, ())
    assert not report.silent


@pytest.mark.parametrize("name", MODELS)
def test_from_the_module(name: str) -> None:
    module, x = made(name)
    report = snnc.verify(module, x, calibration=x, input_shape=x.shape[2:])
    assert_proven(report)
    program = snnc.compile(module, target="float", input_shape=x.shape[2:])
    spikes = program.run(x, record=("spikes",)).spikes
    assert all(0.02 < of.mean() < 0.8 for of in spikes.values()), "no population is silent"


@pytest.mark.parametrize("name", MODELS)
def test_through_a_file(name: str, tmp_path: Path) -> None:
    module, x = made(name)
    graph = import_module(module, input_shape=x.shape[2:])
    snnc.write_nir(graph, tmp_path / "model.nir")
    assert_same_program(graph, snnc.read_nir(tmp_path / "model.nir"), x)


def assert_same_program(one: nir.NIRGraph, other: nir.NIRGraph, x: Array) -> None:
    """Both compile to the same records of both stages, field by field and bit by bit."""
    here, there = (snnc.compile(g, target="lava", calibration=x) for g in (one, other))
    for mine, theirs in ((here.network, there.network), (here.fixed, there.fixed)):
        tensors: tuple[dict[str, Any], dict[str, Any]] = {}, {}
        assert to_json(mine, "", tensors[0]) == to_json(theirs, "", tensors[1])
        assert tensors[0].keys() == tensors[1].keys()
        for name, values in tensors[0].items():
            np.testing.assert_array_equal(values, tensors[1][name], strict=True)
        assert tensors[0]


def relu_network() -> tuple[Any, Array]:
    """A network of ReLUs, and images for it."""
    nodes = [
        node("Conv", "x w b", "p", pads=[1, 1, 1, 1]),
        node("Relu", "p", "q"),
        node("MaxPool", "q", "r", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", "r", "s"),
        node("Gemm", "s v c", "t"),
        node("Relu", "t", "u"),
        node("MatMul", "u z", "y"),
    ]
    weights: dict[str, Any] = {"w": random(4, 1, 3, 3, seed=1), "b": random(4, seed=2)}
    weights |= {"c": random(12, seed=6)}
    weights |= {"v": random(64, 12, seed=3), "z": random(12, 5, seed=4)}
    return model(nodes, {"x": ["n", 1, 8, 8]}, **weights), np.abs(random(20, 1, 8, 8, seed=5))


def one_step() -> tuple[Any, Array]:
    """One step of a module of snnTorch, exported by torch, and spikes for it."""
    torch.manual_seed(1)
    module = module_of(
        two_layers,
        conv=nn.Conv2d(2, 3, 3, padding=1),
        lif1=snn.Leaky(beta=0.7, threshold=0.4),
        pool=nn.MaxPool2d(2),
        fc=nn.Linear(48, 5),
        lif2=snn.Synaptic(alpha=0.6, beta=0.8, threshold=0.3, reset_mechanism="zero"),
    )
    states = [torch.zeros(1, 3, 8, 8), torch.zeros(1, 5), torch.zeros(1, 5)]
    x = (np.random.default_rng(1).random((STEPS, 8, 2, 8, 8)) < 0.4).astype(np.float32)
    return exported(module, torch.rand(1, 2, 8, 8), *states, dynamo=False), x


def test_from_a_network_of_relus(tmp_path: Path) -> None:
    relus, images = relu_network()
    graph = snnc.from_onnx(relus, calibration=images)
    held = np.repeat(images[None], STEPS, axis=0)
    assert_proven(snnc.verify(graph, held, calibration=held), framework=False)
    snnc.write_nir(graph, tmp_path / "model.nir")
    assert_same_program(graph, snnc.read_nir(tmp_path / "model.nir"), held)


def test_from_one_step_as_onnx(tmp_path: Path) -> None:
    step, x = one_step()
    graph = snnc.from_onnx(step)
    assert_proven(snnc.verify(graph, x, calibration=x), framework=False)
    snnc.write_nir(graph, tmp_path / "model.nir")
    assert_same_program(graph, snnc.read_nir(tmp_path / "model.nir"), x)


def test_a_file_in_the_place_of_the_module(tmp_path: Path) -> None:
    """What was written runs on Lava, held against the module that it came from."""
    module, x = made("recurrent")
    graph = import_module(module, input_shape=x.shape[2:])
    snnc.write_nir(graph, tmp_path / "model.nir")
    report = snnc.verify(tmp_path / "model.nir", x, framework=module, calibration=x)
    assert_proven(report)


def test_another_module_is_not_the_file(tmp_path: Path) -> None:
    """The proof can fail: the same layers with other weights."""
    module, x = made("recurrent")
    other = MODELS["recurrent"].make()
    snnc.write_nir(import_module(module, input_shape=x.shape[2:]), tmp_path / "model.nir")
    report = snnc.verify(
        tmp_path / "model.nir", x, framework=other, calibration=x, targets="integer"
    )
    assert not report.passed
    with pytest.raises(AssertionError, match="first divergence: step 0"):
        report.assert_equivalent()
