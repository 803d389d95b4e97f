"""Recurrences, branches, sums, layers used twice, several outputs, layers as functions."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.semantics.discretize import discretize
from tests.frontends.graphs import node_of
from tests.frontends.optional import optional
from tests.frontends.torch.models import (
    assert_exact,
    both,
    data,
    dense_model,
    dyadic,
)

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")
F, utils = optional("torch.nn.functional"), optional("snntorch.utils")

pytestmark = pytest.mark.torch

STEPS = 25


def fed_back(self: Any, x: Any) -> Any:
    mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
    spk1, spk2 = torch.zeros(x.shape[1], 100), x.new_zeros(x.shape[1], 40)
    for value in x:
        spk1, mem1 = self.lif1(self.fc1(value) + self.own(spk1) + self.back(spk2), mem1)
        spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
    return spk2


def test_recurrence_by_hand() -> None:
    own, back = nn.Linear(100, 100), nn.Linear(40, 100, bias=False)
    graph = assert_exact(dense_model(fed_back, own=own, back=back), data(STEPS, 400, 12))
    assert {n: node_of(graph, n).metadata["snnc"]["delay"] for n in ("own", "back", "fc2")} == {
        "own": 1,
        "back": 1,
        "fc2": 0,
    }
    assert {("lif1", "own"), ("lif2", "back"), ("add#2", "lif1")} <= set(graph.edges)


def from_two_steps_ago(self: Any, x: Any) -> Any:
    mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
    before = [torch.zeros(x.shape[1], 100)] * 2
    recorded: list[Any] = []
    for step in range(x.shape[0]):
        spk1, mem1 = self.lif1(self.fc1(x[step]) + 0.5 * before.pop(0), mem1)
        before.append(spk1)
        current = self.fc2(spk1)
        if step > 0:
            current = current + self.back(recorded[-1])
        spk2, mem2 = self.lif2(current, mem2)
        recorded.append(spk2)
    return torch.stack(recorded)


def test_longer_delays_and_a_first_step_of_its_own() -> None:
    back = nn.Linear(40, 40, bias=False)
    graph = assert_exact(dense_model(from_two_steps_ago, back=back), data(STEPS, 400, 12))
    assert node_of(graph, "mul").metadata["snnc"]["delay"] == 2
    assert node_of(graph, "back").metadata["snnc"]["delay"] == 1


def one_step(self: Any, x: Any, spk: Any = None, mem: Any = None) -> Any:
    if spk is None:
        spk = torch.zeros(len(x), 100)
    spk, mem = self.lif1(self.fc1(x) + self.own(spk), mem)
    return spk, mem


def test_recurrence_by_hand_in_a_model_of_one_step() -> None:
    module = dense_model(one_step, own=nn.Linear(100, 100))
    assert_exact(module, data(STEPS, 400, 12))


def two_uses(self: Any, x: Any) -> Any:
    mem1 = mem2 = self.lif1.reset_mem()
    recorded = []
    for value in x:
        spk1, mem1 = self.lif1(self.fc1(value), mem1)
        spk2, mem2 = self.lif1(self.own(spk1) - self.own(spk1) * 0.5 + 0.25, mem2)
        recorded.append(self.own(spk2))
    return torch.stack(recorded)


def test_layers_used_twice() -> None:
    module = dense_model(two_uses, own=nn.Linear(100, 100))
    graph = assert_exact(module, data(STEPS, 400, 12))
    assert [n for n, node in graph.nodes.items() if isinstance(node, nir.LIF)] == ["lif1", "lif1#2"]
    assert {n for n in graph.nodes if n.startswith("own")} == {"own", "own#2"}
    np.testing.assert_array_equal(node_of(graph, "own").weight, node_of(graph, "own#2").weight)
    names = [p.name for p in discretize(graph).populations]
    assert names == ["lif1", "lif1#2", "output.readout"]


class Residual:
    """Two branches that meet in a sum, and a concatenation of three."""

    @staticmethod
    def make() -> Any:
        forward = Residual.forward
        module = type("Residual", (nn.Module,), {"forward": forward})()
        lif = {"beta": 0.5, "init_hidden": True}
        module.conv1, module.lif1 = nn.Conv2d(2, 6, 3, padding=1), snn.Leaky(**lif)
        module.conv2, module.lif2 = nn.Conv2d(6, 6, 3, padding=1), snn.Leaky(threshold=2.0, **lif)
        module.short = nn.Conv2d(2, 6, 1, bias=False)
        module.pool, module.fc = nn.AdaptiveAvgPool2d(3), nn.Linear(14 * 9, 10)
        module.out = snn.Leaky(threshold=2.0, **lif)
        return dyadic(module, size=0.125)

    def forward(self: Any, x: Any) -> Any:
        one = self.lif1(self.conv1(x))
        two = self.lif2(self.conv2(one) + self.short(x) + one)
        every = torch.cat([one, x, two], dim=1)
        return self.out(self.fc(self.pool(every).flatten(1)))


def test_a_residual_network_with_a_concatenation() -> None:
    graph = assert_exact(Residual.make(), data(40, 60, 2, 6, 12))
    assert [source for source, target in graph.edges if target == "cat"] == [
        "cat.0",
        "cat.1",
        "cat.2",
    ]
    assert {("short", "add"), ("conv2", "add"), ("add", "add#2"), ("lif1", "add#2")} <= set(
        graph.edges
    )


def joins_vectors(self: Any, x: Any) -> Any:
    spk1 = self.lif1(self.fc1(x))
    return self.lif2(self.fc2(torch.cat([spk1, x], -1)))


def test_a_concatenation_of_vectors() -> None:
    hidden = {n: snn.Leaky(beta=0.5, threshold=2.0, init_hidden=True) for n in ("lif1", "lif2")}
    module = dense_model(joins_vectors, fc2=nn.Linear(112, 40), **hidden)
    assert_exact(module, data(STEPS, 400, 12))


def several_outputs(self: Any, x: Any, mem1: Any, syn2: Any, mem2: Any, mem3: Any) -> Any:
    spk1, mem1 = self.lif1(self.fc1(x), mem1)
    spk2, syn2, mem2 = self.lif2(self.fc2(spk1), syn2, mem2)
    _, mem3 = self.lif3(self.fc2(spk1), mem3)
    return {"class": spk2, "value": mem3, "weights": self.fc3(spk1)}, mem1, syn2, mem2


def test_spikes_potentials_and_weights_as_outputs() -> None:
    module = dense_model(
        several_outputs,
        lif2=snn.Synaptic(alpha=0.5, beta=0.5, threshold=4.0),
        lif3=snn.Leaky(beta=0.5, reset_mechanism="none"),
        fc3=nn.Linear(100, 3),
    )
    graph, ran, here = both(module, data(STEPS, 400, 12))
    assert [e for e in graph.edges if e[1].startswith("output")] == [
        ("lif2", "output.0"),
        ("lif3", "output.1"),
        ("fc3", "output.2"),
    ]
    assert isinstance(node_of(graph, "lif3"), nir.LI)
    assert set(ran.spikes) == set(here.spikes) == {"lif1", "lif2"}
    assert set(ran.u) == set(here.u) == {"lif2"}
    assert [o.dtype for o in ran.outputs.values()] == [np.uint8, np.float32, np.float32]
    np.testing.assert_array_equal(ran.outputs["output.1"], here.v["lif3"])
    np.testing.assert_array_equal(ran.outputs["output.2"], here.v["output.2.readout"])
    assert_exact(module, data(STEPS, 400, 12))


def reduced_weights(self: Any, x: Any) -> Any:
    mem1 = self.lif1.reset_mem()
    recorded = []
    for value in x:
        spk1, mem1 = self.lif1(self.fc1(value), mem1)
        recorded.append(self.fc2(spk1))
    return torch.stack(recorded).amax(dim=0)


def test_an_output_of_weights_made_one_over_time() -> None:
    graph = assert_exact(dense_model(reduced_weights), data(STEPS, 400, 12))
    assert node_of(graph, "output").metadata["snnc"]["decoding"] == "max"


def rectified(self: Any, x: Any) -> Any:
    """Spikes of size 1 are what a ReLU makes of them, and what stacks and sums of them are."""
    spk1 = F.relu(self.lif1(self.fc1(x)))
    return self.lif2(torch.stack([self.fc2(spk1), self.fc2(x @ self.wide)]).sum(0))


def test_a_relu_of_spikes_and_a_sum_of_a_stack() -> None:
    hidden = {n: snn.Leaky(beta=0.5, threshold=2.0, init_hidden=True) for n in ("lif1", "lif2")}
    module = dense_model(rectified, **hidden)
    module.wide = nn.Parameter(torch.eye(12, 100))
    graph = assert_exact(module, data(STEPS, 400, 12))
    assert [s for s, target in graph.edges if target == "sum"] == ["fc2", "fc2#2"]


def functional(self: Any, x: Any) -> Any:
    x = F.dropout(x.to(torch.float32).clone(), 0.5, training=self.training)
    current = F.linear(x[...], self.fc1.weight * 1.0, self.fc1.bias).detach() @ self.matrix
    spk1 = self.lif1(F.batch_norm(current, self.norm.running_mean, self.norm.running_var))
    return self.lif2(-self.fc2(spk1) / 4 + self.shift)


def test_layers_written_as_functions() -> None:
    hidden = {n: snn.Leaky(beta=0.5, threshold=0.5, init_hidden=True) for n in ("lif1", "lif2")}
    module = dense_model(functional, norm=nn.BatchNorm1d(100), **hidden)
    module.matrix = nn.Parameter(torch.eye(100).roll(3, 0))
    module.shift = torch.full((40,), 0.75)
    module.norm.running_var.fill_(2.5)
    module.train()
    graph = assert_exact(module, data(STEPS, 400, 12))
    assert list(graph.nodes) == [
        "input",
        "linear",
        "matmul",
        "batch_norm",
        "lif1",
        "fc2",
        "neg",
        "div",
        "add",
        "lif2",
        "output",
    ]
    assert module.training
    assert graph.metadata["snnc"]["remarks"] == (
        "in training mode, imported as in evaluation: norm"
    )
