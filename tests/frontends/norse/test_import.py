"""What an imported norse model looks like, and that importing leaves no mark on it."""
# torch and norse are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from snnc.frontends.importer import import_module, run_module
from snnc.frontends.norse.frontend import from_norse, run_norse
from snnc.frontends.spec import framework_of
from snnc.frontends.torch.run import RUN_BATCH
from snnc.runtime.cli import main
from tests.environment import ROOT
from tests.frontends.graphs import node_of
from tests.frontends.optional import optional

torch, nn, norse = optional("torch"), optional("torch.nn"), optional("norse.torch")

pytestmark = [pytest.mark.torch, pytest.mark.norse]


@pytest.fixture(autouse=True)
def same_weights() -> None:
    torch.manual_seed(1)


def sequential() -> Any:
    parameters = norse.LIFParameters(v_th=torch.as_tensor(0.1))
    return norse.SequentialState(
        nn.Linear(6, 5),
        norse.LIFCell(parameters),
        nn.Linear(5, 4, bias=False),
        norse.LIFBoxCell(norse.LIFBoxParameters(v_th=torch.as_tensor(0.01))),
        norse.LIFRecurrentCell(4, 3, parameters),
    )


def by_hand() -> Any:
    """The same model as a class: states go in and out by hand, in an order of their own."""

    def forward(self: Any, x: Any, s3: Any, s1: Any = None, s2: Any = None) -> Any:
        z, s1 = self.lif1(self.fc1(x), s1)
        z, s2 = self.lif2(self.fc2(z), state=s2)
        z, s3 = self.lif3(z, s3)
        return z, s3, s1, s2

    module = type("ByHand", (nn.Module,), {"forward": forward})()
    layers = copy.deepcopy(sequential())
    module.fc1, module.lif1, module.fc2, module.lif2, module.lif3 = layers
    return module


def data(*shape: int) -> Any:
    return np.random.default_rng(5).uniform(0, 3, shape).astype(np.float32)


def test_nodes_and_edges() -> None:
    graph = from_norse(sequential(), (6,))
    assert {name: type(node).__name__ for name, node in graph.nodes.items()} == {
        "input": "Input",
        "0": "Affine",
        "1": "CubaLIF",
        "2": "Linear",
        "3": "LIF",
        "4.input": "Linear",
        "4": "CubaLIF",
        "4.recurrent": "Linear",
        "output": "Output",
    }
    assert graph.edges == [
        ("input", "0"),
        ("0", "1"),
        ("1", "2"),
        ("2", "3"),
        ("3", "4.input"),
        ("4.input", "4"),
        ("4", "4.recurrent"),
        ("4.recurrent", "4"),
        ("4", "output"),
    ]
    assert graph.metadata == {"snnc": {"format": 2, "framework": "norse 1.1.0", "dt": 0.001}}


def test_the_numbers_of_a_node() -> None:
    node = node_of(from_norse(sequential(), (6,)), "4")
    np.testing.assert_array_equal(node.tau_mem, np.full(3, 0.01), strict=True)
    np.testing.assert_array_equal(node.tau_syn, np.full(3, 0.005), strict=True)
    np.testing.assert_allclose(node.w_in, np.full(3, 5), rtol=1e-15)
    np.testing.assert_array_equal(node.r, np.ones(3, np.float32), strict=True)
    notes = node.metadata["snnc"]
    expected = {
        "decay": 0.1,
        "current_decay": 0.2,
        "gain": 1,
        "leak": 0,
        "initial": 0,
        "threshold": 0.1,
        "reset_value": 0,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(notes[name], np.full(3, value, np.float32), strict=True)
    rest = {name: value for name, value in notes.items() if name not in expected}
    assert rest == {
        "integration": "current-euler",
        "reset": "zero",
        "refractory": 0,
        "origin": "4",
    }


def test_potentials_of_a_node() -> None:
    given = norse.LIFParameters(
        v_leak=torch.tensor(-0.5), v_th=torch.tensor([0.5, 0.25, 1]), v_reset=torch.tensor(-1.0)
    )
    cell = norse.LIFRefracCell(norse.LIFRefracParameters(given, torch.tensor(1.5)))
    node = node_of(from_norse(cell, (3,)), "lifrefraccell")
    assert isinstance(node, nir.CubaLIF)
    np.testing.assert_array_equal(node.v_leak, np.full(3, -0.5, np.float32), strict=True)
    np.testing.assert_array_equal(node.v_reset, np.full(3, -1, np.float32), strict=True)
    thresholds = np.array([0.5, 0.25, 1], np.float32)
    np.testing.assert_array_equal(node.v_threshold, thresholds, strict=True)
    notes = node.metadata["snnc"]
    assert (notes["reset"], notes["refractory"]) == ("value", 2)
    for name, value in {"leak": -0.5, "initial": -0.5, "reset_value": -1}.items():
        np.testing.assert_array_equal(notes[name], np.full(3, value, np.float32), strict=True)


@pytest.mark.parametrize(
    ("kind", "integration", "node"),
    [("LIBoxCell", "leak-euler", nir.LI), ("LICell", "current-euler", nir.CubaLI)],
)
def test_read_outs_are_no_spiking_nodes(kind: str, integration: str, node: type) -> None:
    graph = from_norse(norse.SequentialState(nn.Linear(4, 3), getattr(norse, kind)()), (4,))
    assert type(graph.nodes["1"]) is node
    notes = node_of(graph, "1").metadata["snnc"]
    assert (notes["integration"], notes["reset"]) == (integration, "none")


def test_time_constants_give_back_the_rate_that_norse_computes_with() -> None:
    """``1 / tau_inv``, but where float32 rounds the product otherwise."""
    rates = torch.rand(10_000) * 900 + 1
    cell = norse.LIFCell(norse.LIFParameters(tau_mem_inv=rates, tau_syn_inv=rates), dt=0.0007)
    node = node_of(from_norse(cell, (10_000,)), "lifcell")
    exact = 1 / rates.numpy().astype(np.float64)
    for tau, name in ((node.tau_mem, "decay"), (node.tau_syn, "current_decay")):
        np.testing.assert_array_equal(
            (0.0007 / tau).astype(np.float32), node.metadata["snnc"][name]
        )
        np.testing.assert_allclose(tau, exact, rtol=1.2e-7)
        assert np.mean(tau == exact) > 0.5


def test_the_decay_is_the_product_that_torch_computes() -> None:
    rates = torch.rand(10_000) * 900 + 1
    cell = norse.LIFBoxCell(norse.LIFBoxParameters(tau_mem_inv=rates), dt=0.0007)
    decay = node_of(from_norse(cell, (10_000,)), "lifboxcell").metadata["snnc"]["decay"]
    np.testing.assert_array_equal(decay, (0.0007 * rates).numpy(), strict=True)


def test_an_integrator_without_leak() -> None:
    graph = from_norse(norse.IAFCell(dt=0.0005), (2, 2))
    node = node_of(graph, "iafcell")
    assert isinstance(node, nir.IF)
    np.testing.assert_array_equal(node.r, np.full((2, 2), 2000.0), strict=True)
    assert node.metadata["snnc"]["integration"] == "decay"
    assert graph.metadata["snnc"]["dt"] == 0.0005


def test_states_by_hand_are_the_same_network() -> None:
    x = data(30, 4, 6)
    torch.manual_seed(1)
    module = by_hand()
    torch.manual_seed(1)
    other = sequential()
    spikes, wanted = run_norse(module, x), run_norse(other, x)
    assert wanted.outputs["output"].any()
    np.testing.assert_array_equal(spikes.outputs["output"], wanted.outputs["output"])
    assert from_norse(module, (6,)).nodes.keys() >= {"fc1", "lif1", "lif3.recurrent"}


def test_all_hidden_layers_may_be_returned() -> None:
    module = sequential()
    other = norse.SequentialState(*module, return_hidden=True)
    assert from_norse(other, (6,)).edges == from_norse(module, (6,)).edges


def test_the_run_is_that_of_norse() -> None:
    module, x = sequential(), data(20, 4, 6)
    trace, state = run_norse(module, x), None
    with torch.no_grad():
        for t, value in enumerate(torch.tensor(x)):
            spikes, state = module(value, state)
            np.testing.assert_array_equal(trace.outputs["output"][t], spikes.numpy())
            np.testing.assert_array_equal(trace.v["1"][t], state[1].v.numpy())
            np.testing.assert_array_equal(trace.v["4"][t], state[4].v.numpy())
    assert trace.executor == "norse"


def test_large_batches_are_run_in_parts() -> None:
    module, told = sequential(), list[tuple[int, int]]()
    x = data(6, RUN_BATCH + 3, 6)
    trace = run_norse(module, x, progress=lambda done, total: told.append((done, total)))
    assert told == [(RUN_BATCH, RUN_BATCH + 3), (RUN_BATCH + 3, RUN_BATCH + 3)]
    alone = run_norse(module, x[:, -3:])
    np.testing.assert_array_equal(trace.spikes["1"][:, -3:], alone.spikes["1"])


@pytest.mark.parametrize("training", [True, False])
def test_the_module_is_left_as_it_was(training: bool) -> None:
    module = sequential().train(training)
    before = copy.deepcopy(module.state_dict())
    from_norse(module, (6,))
    run_norse(module, data(3, 2, 6))
    assert module.training is module[1].training is training
    assert all(torch.equal(before[name], values) for name, values in module.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())


def test_the_framework_is_found_out() -> None:
    module = sequential()
    assert framework_of(module) == framework_of(by_hand(), "norse") == "norse"
    assert import_module(module).metadata["snnc"]["framework"] == "norse 1.1.0"
    assert import_module(module, dt=0.001).metadata["snnc"]["dt"] == 0.001
    assert run_module(module, data(3, 2, 6)).executor == "norse"


def test_torchvision_is_not_needed() -> None:
    """Its own metadata declare it, but only its data sets import it."""
    source = (
        "import sys; sys.modules['torchvision'] = None\n"
        "import norse.torch as norse\n"
        "import snnc\n"
        "print(*snnc.from_norse(norse.LIFCell(), (3,)).nodes)\n"
    )
    command = [sys.executable, "-c", source]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == "input lifcell output\n"


MODEL = """\
import torch
import norse.torch as norse

def trained():
    torch.manual_seed(1)
    return norse.SequentialState(torch.nn.Linear(6, 4), norse.LIFCell())
"""


def test_the_command_imports_and_proves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.py").write_text(MODEL)
    np.save("x.npy", 5 * data(40, 3, 6))
    spec = "model.py:trained"
    assert main(["import", spec, "--framework", "norse", "-o", "model.nir"]) == 0
    assert main(["import", spec, "--framework", "snntorch", "-o", "other.nir"]) == 2
    assert not Path("other.nir").exists()
    assert "  remedy: --framework norse, or leave it out\n" in capsys.readouterr().err
    assert main(["verify", spec, "--input", "x.npy", "--targets", "float", "--report", "r"]) == 0
    assert "framework: spikes  0 of 480" in capsys.readouterr().out
