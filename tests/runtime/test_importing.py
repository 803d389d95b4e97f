"""``snnc import``: what SPEC can be, and which options go with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nir
import numpy as np
import numpy.typing as npt
import pytest

import snnc as package
from snnc.compiler.diagnostics import InputError
from tests.frontends.onnx.models import model, node, onnx, random
from tests.runtime.conftest import Snnc
from tests.runtime.samples import graph as small_graph

CONV_NET = """
import torch
from torch import nn
import snntorch

def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), snntorch.Leaky(beta=0.5, init_hidden=True),
        nn.Flatten(), nn.Linear(8, 3), snntorch.Leaky(beta=0.5, init_hidden=True, output=True),
    )
"""


PRINTING = """
import torch
from torch import nn
import snntorch

print("loading")

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 3)
        self.lif = snntorch.Leaky(beta=0.5, init_hidden=True)

    def forward(self, x):
        print("running")
        return self.lif(self.fc(x))

def net():
    print("building")
    return Net()
"""

Array = npt.NDArray[Any]


def relus(path: Path) -> Array:
    """Write a network of ReLUs, and give samples for it."""
    nodes = [
        node("Gemm", "x w b", "h"),
        node("Relu", "h", "r"),
        node("Gemm", "r v", "y"),
    ]
    made = model(nodes, {"x": ["n", 4]}, w=random(4, 5), b=random(5), v=random(5, 3))
    onnx.save(made, path)
    return np.abs(random(20, 4, seed=1))


def field(graph: nir.NIRGraph, node: str, name: str) -> Array:
    """Give a field of a node, whatever its type."""
    return np.asarray(getattr(graph.nodes[node], name))


@pytest.mark.onnx
def test_an_onnx_model(here: Path, snnc: Snnc) -> None:
    samples = relus(here / "model.onnx")
    np.save(here / "samples.npy", samples)
    ended = snnc("import", "model.onnx", "--calibrate", "samples.npy", "-o", "snn.nir")
    assert (ended.code, ended.out) == (0, "wrote snn.nir: 5 nodes\n")
    graph = package.read_nir(here / "snn.nir")
    wanted = package.from_onnx(here / "model.onnx", calibration=samples)
    assert set(graph.nodes) == set(wanted.nodes)
    held = np.repeat(samples[None], 6, axis=0)
    np.save(here / "held.npy", held)
    command = ("compile", "model.onnx", "--target", "integer", "--calibrate", "held.npy", "-o", "a")
    assert snnc(*command).code == 0
    assert snnc("run", "a", "--input", "held.npy", "-o", "out.npz").code == 0
    graph = package.from_onnx(here / "model.onnx", calibration=held)
    direct = package.compile(graph, "integer", calibration=held).run(held)
    assert np.array_equal(np.load(here / "out.npz")["output"], direct.outputs["output"])


@pytest.mark.onnx
@pytest.mark.parametrize("model", ["model.onnx", "MODEL.ONNX"])
def test_samples_are_enough_to_compile(model: str, here: Path, snnc: Snnc) -> None:
    samples = relus(here / model)
    np.save(here / "samples.npy", samples)
    command = ("compile", model, "--target", "integer", "--calibrate", "samples.npy")
    assert snnc(*command, "-o", "a").code == 0
    graph = package.from_onnx(here / model, calibration=samples)
    package.compile(graph, "integer", calibration=samples[None]).save(here / "b")
    one, other = ({p.name: p.read_bytes() for p in (here / d).iterdir()} for d in "ab")
    assert one == other
    made = package.load(here / "a")
    assert made.fixed is not None
    assert made.fixed.inputs[0].step < 1, "real values enter"
    held = np.repeat(samples[None], 6, axis=0)
    np.save(here / "held.npy", held)
    verify = ("verify", model, "--calibrate", "samples.npy", "--targets", "integer")
    assert snnc(*verify, "--input", "held.npy", "--report", "r").err == ""
    with pytest.raises(InputError) as raised:
        package.compile(graph, "integer", calibration=samples)
    assert [d.rule.code for d in raised.value.diagnostics] == ["SNN502"]


@pytest.mark.onnx
@pytest.mark.parametrize("names", [("x",), ("in/a", "c")])
def test_calibration_by_the_names_of_the_model(
    names: tuple[str, ...], here: Path, snnc: Snnc
) -> None:
    nodes = [node("Gemm", f"{name} w{i} b", f"h{i}") for i, name in enumerate(names)]
    nodes += [node("Sum", " ".join(f"h{i}" for i in range(len(names))), "h")]
    nodes += [node("Relu", "h", "r"), node("Gemm", "r v", "y")]
    weights: dict[str, Any] = {f"w{i}": random(4, 5, seed=i) for i in range(len(names))}
    made = model(nodes, {name: ["n", 4] for name in names}, **weights, b=random(5), v=random(5, 3))
    onnx.save(made, here / "model.onnx")
    samples: dict[str, Any] = {name: np.abs(random(20, 4, seed=1)) for name in names}
    np.savez(here / "x.npz", **samples)
    command = ("compile", "model.onnx", "--target", "integer", "--calibrate", "x.npz", "-o", "a")
    ended = snnc(*command)
    assert (ended.code, ended.err) == (0, "")
    fixed = package.load(here / "a").fixed
    assert fixed is not None
    assert [i.step < 1 for i in fixed.inputs] == [True] * len(names), "real values enter"
    np.savez(here / "x.npz", z=np.ones((20, 4)))
    assert snnc(*command).code == 2


@pytest.mark.parametrize("target", ["float", "integer"])
def test_calibration_data_are_looked_at_for_every_target(target: str) -> None:
    with pytest.raises(InputError) as raised:
        package.compile(small_graph(), target, dt=1e-4, calibration=np.zeros((3, 1, 4)))
    assert [(d.rule.code, d.node) for d in raised.value.diagnostics] == [
        ("SNN502", "calibration data: input")
    ]


@pytest.mark.onnx
def test_inspect_an_onnx_model(here: Path, snnc: Snnc) -> None:
    samples = relus(here / "model.onnx")
    np.save(here / "samples.npy", samples)
    ended = snnc("inspect", "model.onnx")
    assert (ended.code, ended.out) == (2, "")
    assert "  remedy: --calibrate X.npy" in ended.err
    ended = snnc("inspect", "model.onnx", "--calibrate", "samples.npy")
    assert (ended.code, ended.err) == (0, "")
    assert "subtract" in ended.out
    ended = snnc("inspect", "model.onnx", "--calibrate", "missing.npy")
    assert ended.err.startswith("error[SNN001]")


@pytest.mark.onnx
def test_a_percentile(here: Path, snnc: Snnc) -> None:
    samples = relus(here / "model.onnx")
    np.save(here / "samples.npy", samples)
    command = ("import", "model.onnx", "--calibrate", "samples.npy", "-o", "snn.nir")
    assert snnc(*command, "--percentile", "50").code == 0
    half = package.read_nir(here / "snn.nir")
    wanted = package.from_onnx(here / "model.onnx", calibration=samples, percentile=50)
    (name,) = (n for n in half.nodes if type(half.nodes[n]).__name__ == "IF")
    assert np.array_equal(field(half, name, "v_threshold"), field(wanted, name, "v_threshold"))


@pytest.mark.onnx
def test_activations_need_data(here: Path, snnc: Snnc) -> None:
    relus(here / "model.onnx")
    ended = snnc("import", "model.onnx", "-o", "snn.nir")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error[SNN145]")
    assert not (here / "snn.nir").exists()


UNFIT = {
    "a state for ONNX": (
        ("model.onnx", "--state", "w.pt"),
        "--state",
        "w.pt, and model.onnx is an .onnx file",
        "an option of FILE.py:FUNCTION",
    ),
    "a shape for ONNX": (
        ("model.onnx", "--input-shape", "1,2"),
        "--input-shape",
        "1,2, and model.onnx is an .onnx file",
        "an option of FILE.py:FUNCTION or a module",
    ),
    "a percentile for a module": (
        ("net.py:net", "--percentile", "50"),
        "--percentile",
        "50.0, and net.py:net is FILE.py:FUNCTION",
        "an option of an .onnx file",
    ),
    "data for a module": (
        ("net.py:net", "--calibrate", "x.npy"),
        "--calibrate",
        "x.npy, and net.py:net is FILE.py:FUNCTION",
        "an option of an .onnx file",
    ),
    "another framework": (
        ("model.onnx", "--framework", "norse"),
        "--framework",
        "norse",
        "model.onnx is an ONNX model",
    ),
    "no ONNX model": (
        ("net.py:net", "--framework", "onnx"),
        "--framework",
        "onnx",
        "net.py:net is no ONNX model",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_options_that_do_not_fit(case: str, here: Path, snnc: Snnc) -> None:
    arguments, option, found, limit = UNFIT[case]
    ended = snnc("import", *arguments, "-o", "model2.nir")
    assert (ended.code, ended.err) == (
        2,
        "error[SNN004]: options have a value in their range and fit together\n"
        f"  --> {option}\n   found: {found}\n   limit: {limit}\n  remedy: leave {option} out\n",
    )
    assert not (here / "model2.nir").exists()


@pytest.mark.torch
def test_a_state_dict_and_a_warning_of_own_nodes(here: Path, snnc: Snnc) -> None:
    import torch

    (here / "net.py").write_text(CONV_NET)
    scope: dict[str, Any] = {}
    exec(compile(CONV_NET, "net.py", "exec"), scope)
    trained = scope["net"]()
    with torch.no_grad():
        trained[0].weight.fill_(0.25)
    torch.save(trained.state_dict(), here / "weights.pt")
    command = ("import", "net.py:net", "--input-shape", "1,6,6", "--state", "weights.pt")
    ended = snnc(*command, "-o", "net.nir")
    assert (ended.code, ended.out) == (0, "wrote net.nir: 8 nodes\n")
    assert ended.err.startswith(
        "warning[SNN130]: every node of a written file is one that other tools can read\n"
    )
    assert (field(package.read_nir(here / "net.nir"), "0", "weight") == 0.25).all()
    np.save(here / "spikes.npy", np.ones((5, 2, 1, 6, 6), np.float32))
    options = ("--input-shape", "1,6,6", "--state", "weights.pt")
    ended = snnc(
        *("verify", "net.py:net", *options, "--input", "spikes.npy"),
        *("--targets", "integer", "--report", "report"),
    )
    assert (ended.code, ended.err) == (0, "")
    assert "framework (snntorch)" in ended.out


@pytest.mark.torch
def test_what_a_model_prints_is_no_result(here: Path, snnc: Snnc) -> None:
    (here / "net.py").write_text(PRINTING)
    ended = snnc("compile", "net.py:net", "--target", "float", "--json", "-o", "net.float")
    assert ended.code == 0
    assert json.loads(ended.out)["target"] == "float"
    assert {"loading", "building", "running"} <= set(ended.err.splitlines())


@pytest.mark.torch
def test_a_state_of_another_module(here: Path, snnc: Snnc) -> None:
    import torch

    (here / "net.py").write_text(CONV_NET)
    torch.save({"0.weight": torch.zeros(1)}, here / "weights.pt")
    command = ("import", "net.py:net", "--input-shape", "1,6,6", "--state", "weights.pt")
    ended = snnc(*command, "-o", "net.nir")
    assert ended.code == 2
    assert ended.err.startswith("error[SNN115]")


@pytest.mark.usefixtures("here")
def test_a_trusted_file_is_read_here(snnc: Snnc, monkeypatch: pytest.MonkeyPatch) -> None:
    from snnc.frontends.nir import file

    def refuse() -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(file, "ReaderProcess", refuse)
    assert snnc("inspect", "model.nir", "--dt", "1e-4", "--trust-input").code == 0
    assert snnc("inspect", "model.nir", "--dt", "1e-4").code == 4
