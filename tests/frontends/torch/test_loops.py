"""Models with a loop over time, as people write them, against the float network."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snnc.compiler.semantics.discretize import discretize
from snnc.frontends.snntorch.frontend import from_snntorch, run_snntorch
from tests.frontends.graphs import node_of
from tests.frontends.optional import optional
from tests.frontends.torch.models import (
    Array,
    Forward,
    assert_exact,
    data,
    dense_model,
    dyadic,
)

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")
F, utils = optional("torch.nn.functional"), optional("snntorch.utils")

pytestmark = pytest.mark.torch

STEPS = 25


def held(steps: int, samples: int, *shape: int) -> Array:
    return np.repeat(data(1, samples, *shape), steps, axis=0)


def repeated(self: Any, x: Any) -> Any:
    """The image once for each step, before a loop."""
    return torch.stack(loop(self, x.unsqueeze(0).repeat(STEPS, 1, 1).permute(0, 1, 2)))


def test_an_image_that_is_repeated() -> None:
    graph = assert_exact(dense_model(repeated), held(STEPS, 500, 12))
    assert graph.metadata["snnc"]["input"] == "constant"


def of_tutorial_5(self: Any, x: Any) -> Any:
    """The form of snnTorch's tutorial on training: one image, held for all steps."""
    mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
    spikes, potentials = [], []
    for _ in range(STEPS):
        spk1, mem1 = self.lif1(self.fc1(x), mem1)
        spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
        spikes.append(spk2)
        potentials.append(mem2)
    return torch.stack(spikes, dim=0), torch.stack(potentials, dim=0)


def test_a_loop_on_one_image() -> None:
    graph = assert_exact(dense_model(of_tutorial_5), held(STEPS, 500, 12))
    assert graph.metadata["snnc"] | {"framework": ""} == {
        "format": 2,
        "framework": "",
        "dt": 1e-4,
        "input": "constant",
        "steps": STEPS,
        "remarks": "forward holds its input for 25 steps: data have as many, all the same",
    }
    assert graph.edges == [
        ("input", "fc1"),
        ("fc1", "lif1"),
        ("lif1", "fc2"),
        ("fc2", "lif2"),
        ("lif2", "output"),
    ]


class Convolutional:
    """The form of snnTorch's tutorial on convolution: pooling by functions, a view between."""

    @staticmethod
    def make(forward: Forward) -> Any:
        module = type("Net", (nn.Module,), {"forward": forward})()
        module.conv1, module.lif1 = nn.Conv2d(1, 6, 5), snn.Leaky(beta=0.5)
        module.conv2, module.lif2 = nn.Conv2d(6, 8, 3), snn.Leaky(beta=0.5, threshold=2.0)
        module.fc1, module.lif3 = nn.Linear(8 * 2 * 2, 10), snn.Leaky(beta=0.5)
        return dyadic(module, size=0.125)

    def step(self: Any, x: Any, mem1: Any, mem2: Any, mem3: Any) -> Any:
        cur1 = F.max_pool2d(self.conv1(x), 2)
        spk1, mem1 = self.lif1(cur1, mem1)
        cur2 = F.max_pool2d(self.conv2(spk1), 2)
        spk2, mem2 = self.lif2(cur2, mem2)
        spk3, mem3 = self.lif3(self.fc1(spk2.view(x.size(0), -1)), mem3)
        return spk3, mem1, mem2, mem3

    def of_tutorial_6(self: Any, x: Any) -> Any:
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        mem3 = self.lif3.init_leaky()
        recorded = []
        for _ in range(STEPS):
            spk3, mem1, mem2, mem3 = Convolutional.step(self, x, mem1, mem2, mem3)
            recorded.append(spk3)
        return torch.stack(recorded)

    def hoisted(self: Any, x: Any) -> Any:
        """The same, with what is constant computed once."""
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        mem3 = self.lif3.init_leaky()
        cur1 = F.max_pool2d(self.conv1(x), 2)
        total = torch.zeros(len(x), 10)
        for _ in range(STEPS):
            spk1, mem1 = self.lif1(cur1, mem1)
            spk2, mem2 = self.lif2(F.max_pool2d(self.conv2(spk1), 2), mem2)
            spk3, mem3 = self.lif3(self.fc1(torch.flatten(spk2, 1)), mem3)
            total += spk3
        return total


@pytest.mark.parametrize(
    ("forward", "decoding"),
    [(Convolutional.of_tutorial_6, "steps"), (Convolutional.hoisted, "sum")],
)
def test_convolutions_in_a_loop(forward: Forward, decoding: str) -> None:
    graph = assert_exact(Convolutional.make(forward), held(STEPS, 160, 1, 16, 16))
    assert list(graph.nodes) == [
        "input",
        "conv1",
        "max_pool2d",
        "lif1",
        "conv2",
        "max_pool2d#2",
        "lif2",
        "lif2.flatten",
        "fc1",
        "lif3",
        "output",
    ]
    assert node_of(graph, "output").metadata == {"snnc": {"decoding": decoding}}


def loop(self: Any, steps: Any) -> Any:
    """One step after the other, ``steps`` giving the input of each."""
    mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
    recorded = []
    for value in steps:
        spk1, mem1 = self.lif1(self.fc1(value), mem1)
        spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
        recorded.append(spk2)
    return recorded


def indexed(self: Any, x: Any) -> Any:
    return torch.stack(loop(self, (x[step] for step in range(x.size(0)))))


def iterated(self: Any, x: Any) -> Any:
    return torch.stack(loop(self, x)).sum(0)


def unbound(self: Any, x: Any) -> Any:
    return torch.stack(loop(self, x.unbind(0)), dim=1).mean(dim=1)


def counted(self: Any, x: Any) -> Any:
    """As many steps as the model says, and the data have to have."""
    return torch.stack(loop(self, (x[step] for step in range(STEPS))))[-1]


def batch_first(self: Any, x: Any) -> Any:
    return torch.stack(loop(self, (x[:, step] for step in range(x.shape[1]))), 1)


def transposed(self: Any, x: Any) -> Any:
    return torch.stack(loop(self, x.transpose(0, 1).contiguous()))


def in_a_buffer(self: Any, x: Any) -> Any:
    recorded = torch.zeros(len(x), x.shape[1], 40)
    for step, spikes in enumerate(loop(self, x)):
        recorded[step] = spikes
    return recorded


def joined(self: Any, x: Any) -> Any:
    return torch.cat([spikes.unsqueeze(0) for spikes in loop(self, x)])


def added(self: Any, x: Any) -> Any:
    return sum(loop(self, x)) / x.size(0)


def listed(self: Any, x: Any) -> Any:
    return loop(self, x)


@pytest.mark.parametrize(
    ("forward", "decoding", "steps"),
    [
        (indexed, "steps", None),
        (iterated, "sum", None),
        (unbound, "mean", None),
        (counted, "last", STEPS),
        (batch_first, "steps", None),
        (transposed, "steps", None),
        (in_a_buffer, "steps", None),
        (joined, "steps", None),
        (added, "mean", None),
        (listed, "steps", None),
    ],
)
def test_loops_on_steps(forward: Forward, decoding: str, steps: int | None) -> None:
    graph = assert_exact(dense_model(forward), data(STEPS, 400, 12))
    assert graph.metadata["snnc"].get("steps") == steps
    assert "input" not in graph.metadata["snnc"]
    assert node_of(graph, "output").metadata["snnc"]["decoding"] == decoding
    assert len(graph.nodes) == 6


@pytest.mark.parametrize("forward", [indexed, batch_first, in_a_buffer])
def test_the_output_is_what_forward_returns(forward: Forward) -> None:
    module, x = dense_model(forward), data(9, 5, 12)
    given = torch.tensor(x if forward is not batch_first else x.swapaxes(0, 1))
    with torch.no_grad():
        wanted = module(given).numpy()
    ran = run_snntorch(module, x).outputs["output"]
    np.testing.assert_array_equal(ran, wanted.swapaxes(0, 1) if forward is batch_first else wanted)


def with_hidden_states(self: Any, x: Any) -> Any:
    utils.reset(self)
    return torch.stack([self.lif2(self.fc2(self.lif1(self.fc1(value)))) for value in x])


def test_states_that_the_layers_keep() -> None:
    hidden = {n: snn.Leaky(beta=0.5, threshold=2.0, init_hidden=True) for n in ("lif1", "lif2")}
    module = dense_model(with_hidden_states, **hidden)
    x = data(STEPS, 400, 12)
    assert_exact(module, x)
    module(torch.tensor(x[:, :3]))  # leaves states behind
    assert_exact(module, x)


def test_a_difference_is_seen() -> None:
    """The comparison of this module can fail."""
    module, x = dense_model(indexed), data(STEPS, 400, 12)
    graph = from_snntorch(module, (12,))
    node_of(graph, "fc2").metadata["snnc"]["delay"] = 1
    from snnc.targets.float.executor import execute

    here, ran = execute(discretize(graph), {"input": x}), run_snntorch(module, x)
    assert np.count_nonzero(here.spikes["lif2"] != ran.spikes["lif2"]) > 1000
    assert np.count_nonzero(here.spikes["lif1"] != ran.spikes["lif1"]) == 0
