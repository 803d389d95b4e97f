"""What an imported snnTorch model looks like, and that importing leaves no mark on it."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.importer import import_module
from snnc.frontends.snntorch.frontend import from_snntorch, run_snntorch
from snnc.frontends.torch.run import RUN_BATCH
from tests.frontends.graphs import node_of
from tests.frontends.optional import optional

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def same_weights() -> None:
    torch.manual_seed(1)


def two_layers(**options: Any) -> Any:
    options = {"init_hidden": True, **options}
    return nn.Sequential(
        nn.Linear(6, 5),
        snn.Leaky(beta=0.9, **options),
        nn.Linear(5, 3, bias=False),
        snn.RLeaky(beta=0.5, linear_features=3, threshold=0.3, **options),
    )


def functional(forward: Callable[..., Any]) -> Any:
    """A model of four layers with the ``forward`` that is given."""
    module = type("Functional", (nn.Module,), {"forward": forward})()
    module.fc1, module.lif1 = nn.Linear(6, 5), snn.Leaky(beta=0.9)
    module.fc2, module.lif2 = nn.Linear(5, 3), snn.Leaky(beta=0.5, threshold=0.3)
    return module


def by_hand() -> Any:
    """A model in the form of snnTorch's own documentation: states go in and out by hand."""

    def forward(self: Any, x: Any, mem1: Any, spk2: Any, mem2: Any = None) -> Any:
        spk1, mem1 = self.lif1(self.fc1(x), mem1)
        spk2, mem2 = self.lif2(self.fc2(spk1), spk2, mem=mem2)
        return mem1, spk1, mem2, spk2

    module = functional(forward)
    module.lif2 = snn.RLeaky(beta=0.5, linear_features=3, threshold=0.3)
    return module


def spikes(random_seed: int, *shape: int) -> Any:
    return np.random.default_rng(random_seed).integers(0, 2, shape).astype(np.float32)


def test_sequential() -> None:
    module = two_layers()
    graph = from_snntorch(module, (6,), dt=1e-3)
    assert graph.edges == [
        ("input", "0"),
        ("0", "1"),
        ("1", "2"),
        ("2", "3"),
        ("3", "3.recurrent"),
        ("3.recurrent", "3"),
        ("3", "output"),
    ]
    kinds = {name: type(node) for name, node in graph.nodes.items()}
    assert kinds == {
        "input": nir.Input,
        "0": nir.Affine,
        "1": nir.LIF,
        "2": nir.Linear,
        "3": nir.LIF,
        "3.recurrent": nir.Affine,
        "output": nir.Output,
    }
    assert graph.metadata == {
        "snnc": {"format": 2, "framework": f"snntorch {snn.__version__}", "dt": 1e-3}
    }
    assert node_of(graph, "0").metadata == {"snnc": {"delay": 0, "order": 0, "origin": "0"}}
    assert node_of(graph, "3.recurrent").metadata == {
        "snnc": {"delay": 1, "order": 1, "origin": "3.recurrent"}
    }
    notes = node_of(graph, "3").metadata["snnc"]
    assert {n: v for n, v in notes.items() if isinstance(v, str)} == {
        "integration": "decay",
        "reset": "subtract-delayed",
        "origin": "3",
    }
    for name, value in (("decay", 0.5), ("gain", 1), ("leak", 0), ("threshold", 0.3)):
        np.testing.assert_array_equal(notes[name], np.full(3, value, np.float32), strict=True)
    weight = module[3].recurrent.weight.detach().numpy()
    np.testing.assert_array_equal(node_of(graph, "3.recurrent").weight, weight, strict=True)


def test_synaptic_current() -> None:
    module = nn.Sequential(
        nn.Linear(6, 5),
        snn.Synaptic(alpha=0.75, beta=0.5, init_hidden=True),
        nn.Linear(5, 3),
        snn.RSynaptic(alpha=1.5, beta=1.0, linear_features=3, init_hidden=True),
    )
    graph = from_snntorch(module, (6,), dt=1e-3)
    node = node_of(graph, "1")
    assert type(node) is nir.CubaLIF
    assert {f: getattr(node, f)[0] for f in ("tau_syn", "w_in", "tau_mem", "r")} == {
        "tau_syn": 0.004,
        "w_in": 4.0,
        "tau_mem": 0.002,
        "r": 2.0,
    }
    notes = node.metadata["snnc"]
    assert (notes["integration"], notes["reset"]) == ("current-decay", "subtract-delayed")
    for name, value in (("decay", 0.5), ("current_decay", 0.75), ("gain", 1), ("leak", 0)):
        np.testing.assert_array_equal(notes[name], np.full(5, value, np.float32), strict=True)
    clamped = node_of(graph, "3")
    assert clamped.metadata["snnc"]["current_decay"].tolist() == [1, 1, 1]
    assert np.isfinite([clamped.tau_syn, clamped.tau_mem, clamped.w_in]).all()
    np.testing.assert_array_equal((1 - 1e-3 / clamped.tau_syn).astype(np.float32), 1)
    assert ("3.recurrent", "3") in graph.edges


def test_synaptic_states_by_hand_are_the_same_network() -> None:
    def forward(self: Any, x: Any, syn1: Any, mem1: Any, spk2: Any, syn2: Any, mem2: Any) -> Any:
        spk1, syn1, mem1 = self.lif1(self.fc1(x), syn1, mem1)
        spk2, syn2, mem2 = self.lif2(self.fc2(spk1), spk2, syn2, mem=mem2)
        return spk2, syn1, mem1, syn2, mem2

    module = functional(forward)
    module.lif1 = snn.Synaptic(alpha=0.75, beta=0.5)
    module.lif2 = snn.RSynaptic(alpha=0.5, beta=0.9, linear_features=3)
    other = nn.Sequential(
        module.fc1,
        snn.Synaptic(alpha=0.75, beta=0.5, init_hidden=True),
        module.fc2,
        snn.RSynaptic(alpha=0.5, beta=0.9, linear_features=3, init_hidden=True, output=True),
    )
    other[3].recurrent = module.lif2.recurrent
    x = 3 * spikes(5, 40, 4, 6)
    syn1, mem1 = torch.zeros(2, 4, 5)
    spk2, syn2, mem2 = torch.zeros(3, 4, 3)
    wanted: list[Any] = []
    with torch.no_grad():
        for value in torch.tensor(x):
            spk2, syn1, mem1, syn2, mem2 = module(value, syn1, mem1, spk2, syn2, mem2)
            wanted.append(mem2.numpy())
    here, there = run_snntorch(module, x), run_snntorch(other, x)
    assert here.outputs["output"].any()
    np.testing.assert_array_equal(here.v["lif2"], np.stack(wanted))
    np.testing.assert_array_equal(here.v["lif2"], there.v["3"])
    np.testing.assert_array_equal(here.spikes["lif1"], there.spikes["1"])


def test_a_synaptic_current_that_starts_again_is_refused() -> None:
    def forward(self: Any, x: Any) -> Any:
        spk1, _, self.mem1 = self.lif1(self.fc1(x), torch.zeros(len(x), 5), self.mem1)
        return self.lif2(self.fc2(spk1))

    module = functional(forward)
    module.lif1, module.mem1 = snn.Synaptic(alpha=0.75, beta=0.5), None
    with pytest.raises(InputError) as caught:
        from_snntorch(module, (6,))
    assert str(caught.value) == (
        "error[SNN113]: what a model computes can be followed from its input to its outputs, the "
        "same in every step\n"
        "  --> lif1\n"
        "   found: syn does not go on from the step before\n"
        "   limit: every neuron starts from its first state and goes on from the state that it "
        "left\n"
        "  remedy: hand every state on unchanged, and reset states before the first step, if at all"
    )


def test_weights_are_copies() -> None:
    module = two_layers()
    graph = from_snntorch(module, (6,))
    before = node_of(graph, "0").weight.copy()
    with torch.no_grad():
        module[0].weight += 1
    np.testing.assert_array_equal(node_of(graph, "0").weight, before)


def test_states_by_hand_are_the_same_network() -> None:
    module, other = by_hand(), two_layers()
    for path, layer in (("fc1", 0), ("fc2", 2), ("lif2", 3)):
        other[layer].load_state_dict(getattr(module, path).state_dict(), strict=False)
    other[2].bias = nn.Parameter(module.fc2.bias.detach())
    x = 3 * spikes(0, 40, 9, 6)
    graph = from_snntorch(module, (6,))
    assert graph.edges == [
        ("input", "fc1"),
        ("fc1", "lif1"),
        ("lif1", "fc2"),
        ("fc2", "lif2"),
        ("lif2", "lif2.recurrent"),
        ("lif2.recurrent", "lif2"),
        ("lif2", "output"),
    ]
    here, there = run_snntorch(module, x), run_snntorch(other, x)
    assert here.outputs["output"].any()
    for mine, theirs in (("lif1", "1"), ("lif2", "3")):
        np.testing.assert_array_equal(here.spikes[mine], there.spikes[theirs])
        np.testing.assert_array_equal(here.v[mine], there.v[theirs])


def test_run_is_the_loop_that_a_user_writes() -> None:
    module = by_hand()
    x = 3 * spikes(1, 30, 4, 6)
    mem1, (spk2, mem2) = torch.zeros(4, 5), (torch.zeros(4, 3), torch.zeros(4, 3))
    wanted: list[Any] = []
    with torch.no_grad():
        for value in torch.tensor(x):
            mem1, _, mem2, spk2 = module(value, mem1, spk2, mem2)
            wanted.append(spk2.numpy())
    trace = run_snntorch(module, x)
    assert (trace.executor, list(trace.outputs)) == ("snntorch", ["output"])
    assert trace.outputs["output"].dtype == np.uint8
    np.testing.assert_array_equal(trace.outputs["output"], np.stack(wanted))


def test_run_goes_in_batches_and_tells_of_its_progress() -> None:
    module, told = two_layers(), list[tuple[int, int]]()
    x = 3 * spikes(2, 5, RUN_BATCH + 3, 6)
    trace = run_snntorch(module, x, progress=lambda done, total: told.append((done, total)))
    assert told == [(RUN_BATCH, RUN_BATCH + 3), (RUN_BATCH + 3, RUN_BATCH + 3)]
    alone = run_snntorch(module, x[:, -2:])
    np.testing.assert_array_equal(trace.v["3"][:, -2:], alone.v["3"])


def test_a_second_run_is_the_first_again() -> None:
    module, x = two_layers(), 3 * spikes(3, 20, 4, 6)
    first, second = run_snntorch(module, x), run_snntorch(module, x)
    np.testing.assert_array_equal(first.v["3"], second.v["3"])


@pytest.mark.parametrize("training", [True, False])
def test_the_module_is_left_as_it_was(training: bool) -> None:
    module = two_layers().train(training)
    module[1].eval()
    module(torch.ones(3, 6)).sum().backward()
    before = copy.deepcopy(module.state_dict())
    kept = {(id(m), name): id(state) for m in module for name, state in m.named_buffers()}
    from_snntorch(module, (6,))
    run_snntorch(module, spikes(4, 3, 2, 6))
    assert [m.training for m in module.modules()] == [training, training, False, *[training] * 3]
    after = module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    for layer in module.modules():
        assert not layer._forward_hooks
        assert not layer._forward_pre_hooks
    for layer, states in ((module[1], {"mem"}), (module[3], {"mem", "spk"})):
        held = {name: getattr(layer, name) for name in states}
        assert {name: id(state) for name, state in held.items()} == {
            name: kept[id(layer), name] for name in states
        }


def test_the_module_is_left_as_it_was_after_a_refusal() -> None:
    module = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), snn.Leaky(beta=0.5, init_hidden=True))
    module.train()
    with pytest.raises(Exception, match="ReLU"):
        from_snntorch(module, (6,))
    assert all(m.training for m in module.modules())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())


def test_layers_named_like_our_nodes_get_another_name() -> None:
    module = nn.Sequential()
    module.add_module("input", nn.Linear(6, 5))
    module.add_module("output", snn.Leaky(beta=0.5, init_hidden=True))
    graph = from_snntorch(module, (6,))
    assert graph.edges == [
        ("input", "input.layer"),
        ("input.layer", "output.layer"),
        ("output.layer", "output"),
    ]
    assert node_of(graph, "output.layer").metadata["snnc"]["origin"] == "output"
    assert list(run_snntorch(module, spikes(0, 3, 2, 6)).spikes) == ["output.layer"]


@pytest.mark.parametrize("form", ["layer", "flatten", "view", "reshape"])
def test_flatten_becomes_a_node_where_the_shape_changes(form: str) -> None:
    def forward(self: Any, x: Any) -> Any:
        x = {
            "layer": nn.Flatten(),
            "flatten": lambda x: x.flatten(1),
            "view": lambda x: x.view(x.shape[0], -1),
            "reshape": lambda x: torch.reshape(x, (len(x), 6)),
        }[form](x)
        return self.lif2(self.fc2(self.lif1(self.fc1(x))[0]))

    graph = from_snntorch(functional(forward), (2, 3))
    assert graph.edges[:2] == [("input", "input.flatten"), ("input.flatten", "fc1")]
    np.testing.assert_array_equal(graph.nodes["input"].input_type["input"], [2, 3])
    np.testing.assert_array_equal(graph.nodes["input.flatten"].output_type["output"], [6])


def test_a_neuron_keeps_the_shape_of_its_population() -> None:
    beta = torch.rand(3)
    module = nn.Sequential(
        snn.Leaky(beta=beta, init_hidden=True),
        nn.Flatten(),
        nn.Linear(6, 2),
        snn.Leaky(beta=0.5, init_hidden=True),
    )
    graph = from_snntorch(module, (2, 3))
    assert node_of(graph, "0").tau.shape == (2, 3)
    decay = node_of(graph, "0").metadata["snnc"]["decay"]
    np.testing.assert_array_equal(decay, np.tile(beta.numpy(), (2, 1)))
    assert ("0", "0.flatten") in graph.edges
    assert run_snntorch(module, spikes(0, 4, 5, 2, 3)).spikes["0"].shape == (4, 5, 2, 3)


def test_one_layer_feeds_two() -> None:
    def forward(self: Any, x: Any) -> Any:
        hidden, _ = self.lif1(self.fc1(x))
        self.fc2(hidden)  # which nobody reads
        return self.lif2(hidden), self.fc3(hidden)

    module = functional(forward)
    module.fc3 = nn.Linear(5, 2)
    graph = from_snntorch(module, (6,))
    assert "fc2" not in graph.nodes
    assert ("lif1", "fc3") in graph.edges
    assert ("lif1", "lif2") in graph.edges


def test_the_output_is_the_layer_that_nobody_reads() -> None:
    def forward(self: Any, x: Any) -> Any:
        spk1, mem1 = self.lif1(self.fc1(x))
        spk2, mem2 = self.lif2(self.fc2(spk1))
        return spk1, mem1, spk2, mem2

    assert from_snntorch(functional(forward), (6,)).edges[-1] == ("lif2", "output")


def test_a_model_that_keeps_its_states_itself() -> None:
    def forward(self: Any, x: Any) -> Any:
        spk1, self.mem1 = self.lif1(self.fc1(x), getattr(self, "mem1", None))
        return self.lif2(self.fc2(spk1))

    assert len(from_snntorch(functional(forward), (6,)).nodes) == 6


def test_elementwise_recurrence_is_a_product() -> None:
    v = torch.tensor([0.5, -1.0, 2.0])
    layer = snn.RLeaky(beta=0.5, all_to_all=False, V=v, init_hidden=True)
    node = node_of(from_snntorch(layer, (3,)), "rleaky.recurrent")
    assert isinstance(node, nir.Scale)
    np.testing.assert_array_equal(node.scale, v.numpy(), strict=True)
    assert node.metadata == {"snnc": {"delay": 1, "order": 1, "origin": "rleaky.recurrent"}}


def test_import_module_asks_the_model_for_its_shape() -> None:
    graph = import_module(two_layers())
    np.testing.assert_array_equal(graph.nodes["input"].input_type["input"], [6])
    assert graph.metadata["snnc"]["dt"] == 1e-4
    assert import_module(two_layers(), dt=1e-3).metadata["snnc"]["dt"] == 1e-3
    shaped = import_module(snn.Leaky(beta=0.5), input_shape=(2, 2))
    np.testing.assert_array_equal(shaped.nodes["input"].input_type["input"], [2, 2])
