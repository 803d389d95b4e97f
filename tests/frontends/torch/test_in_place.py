"""Changes in place that torch does not count, and what an import leaves of them."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snnc.frontends.snntorch.frontend import from_snntorch, run_snntorch
from tests.frontends.graphs import node_of
from tests.frontends.optional import optional
from tests.frontends.torch.models import data
from tests.frontends.torch.refused import (
    GOES_ON,
    HAND_ON,
    UNTRACEABLE,
    WRONG,
    Forward,
    leaky,
    line,
    model,
    refusal,
    text,
)

torch, nn = optional("torch"), optional("torch.nn")

pytestmark = pytest.mark.torch


def changing(change: Forward) -> Any:
    """A loop with a change of the spikes or the state after each step."""

    def forward(self: Any, x: Any) -> Any:
        mem1, spikes = self.lif1.init_leaky(), []
        for step in range(len(x)):
            spk1, mem1 = self.lif1(self.fc1(x[step]), mem1)
            change(spk1, mem1)
            spikes.append(spk1)
        return torch.stack(spikes)

    return model(forward)


@pytest.mark.parametrize(
    "change",
    [
        lambda _, mem: mem.mul_(0.5),
        lambda _, mem: mem.data.mul_(0.5),
        lambda _, mem: mem.data.zero_(),
        lambda _, mem: mem.data.__setitem__(slice(None), 0),
        lambda _, mem: torch.mul(mem, 0.5, out=mem.data),
    ],
)
def test_states_that_are_changed_in_place(change: Forward) -> None:
    assert refusal(changing(change)) == text(UNTRACEABLE, "lif1", WRONG, GOES_ON, HAND_ON)


def kept_by_the_layer(self: Any, x: Any) -> Any:
    spk1 = self.lif1(self.fc1(x))
    self.lif1.mem.data.mul_(0.5)
    return spk1


def test_a_state_of_a_layer_that_is_changed_in_place() -> None:
    module = model(kept_by_the_layer, lif1=leaky())
    assert refusal(module) == text(UNTRACEABLE, "lif1", WRONG, GOES_ON, HAND_ON)


def test_spikes_that_are_changed_in_place() -> None:
    module = changing(lambda spk, _: spk.data.mul_(0.5))
    assert refusal(module) == text(
        UNTRACEABLE,
        f"Net.forward ({line(type(module).forward, 6)})",
        "a tensor that was changed in place through another one",
        "parameters, buffers, and what functions of torch give",
        "make it a parameter or a buffer, and change no view of a tensor in place",
    )


def clamped(self: Any, x: Any) -> Any:
    self.fc1.weight.data.clamp_(min=0)
    return self.lif1(self.fc1(x))


def test_weights_are_left_as_they_were_and_imported_as_they_are_used() -> None:
    module = model(clamped, lif1=leaky())
    weight, before = module.fc1.weight, module.fc1.weight.detach().clone()
    state = weight._version, weight.data_ptr()
    graph = from_snntorch(module, (6,))
    run_snntorch(module, data(4, 3, 6))
    assert torch.equal(weight, before)
    assert (weight._version, weight.data_ptr()) == state
    wanted = before.clamp(min=0).numpy()
    np.testing.assert_array_equal(node_of(graph, "fc1").weight, wanted)


def loop_with(before: Forward) -> Any:
    """A loop that does something to the neurons before each step."""

    def forward(self: Any, x: Any) -> Any:
        mem1, spikes, spk1 = self.lif1.init_leaky(), [], torch.zeros(x.shape[1], 5)
        for step in range(len(x)):
            before(self.lif1, step, spk1)
            spk1, mem1 = self.lif1(self.fc1(x[step]), mem1)
            spikes.append(spk1)
        return torch.stack(spikes)

    return model(forward)


@pytest.mark.parametrize(
    ("before", "found"),
    [
        (lambda lif, step, _: setattr(lif, "threshold", torch.tensor(1.0 + step)), "threshold"),
        (lambda lif, step, _: lif.beta.fill_(0.9 - 0.1 * step), "beta"),
        (lambda lif, _step, _spk: setattr(lif, "threshold", torch.tensor(2.0)), "threshold"),
        (lambda lif, _, spk: setattr(lif, "threshold", 1 + 0.5 * spk.mean(0)), ""),
    ],
)
def test_neurons_that_forward_changes(before: Forward, found: str) -> None:
    """What it sets is gone when their nodes are made, and may differ from step to step."""
    assert text(
        UNTRACEABLE,
        "lif1",
        f"forward sets {found}" if found else "threshold depends on the input or on neurons",
        "the parameters of neurons are the same in every step",
        "set them when the model is made, or train with fixed ones",
    ) in refusal(loop_with(before))
