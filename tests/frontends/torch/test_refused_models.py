"""Models whose computation cannot be kept: branches, reshapes, states that do not go on."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import pytest

from snnc.frontends.snntorch.frontend import from_snntorch
from tests.frontends.torch.refused import (
    GOES_ON,
    HAND_ON,
    KEEPS,
    LISTED,
    REPLACE,
    UNSUPPORTED,
    UNTRACEABLE,
    WRONG,
    Forward,
    leaky,
    line,
    model,
    refusal,
    text,
)
from tests.frontends.torch.unsupported import nn, torch

pytestmark = pytest.mark.torch


def branches(self: Any, x: Any) -> Any:
    spk1, _ = self.lif1(self.fc1(x))
    if spk1.sum() > 0:
        spk1 = spk1 * 2
    return self.lif2(self.fc2(spk1))


def test_branches_on_values() -> None:
    assert refusal(model(branches)) == text(
        UNTRACEABLE,
        f"Net.forward ({line(branches, 2)})",
        "__bool__ reads the values of tensors",
        LISTED,
        "compute the same whatever the values are",
    )


def foreign(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1(self.fc1(x))[0] @ FOREIGN))


FOREIGN = torch.ones(5, 5) if torch else None


def through_a_view(self: Any, x: Any) -> Any:
    spk1, _ = self.lif1(self.fc1(x))
    spk1.view(-1).mul_(2)
    return self.lif2(self.fc2(spk1))


@pytest.mark.parametrize(
    ("forward", "place", "found"),
    [
        (foreign, "Net.forward", "a tensor that is no parameter or buffer of the model"),
        (through_a_view, "fc2", "a tensor that was changed in place through another one"),
    ],
)
def test_tensors_of_unknown_origin(forward: Forward, place: str, found: str) -> None:
    ahead = 1 if forward is foreign else 3
    assert refusal(model(forward)) == text(
        UNTRACEABLE,
        f"{place} ({line(forward, ahead)})",
        found,
        "parameters, buffers, and what functions of torch give",
        "make it a parameter or a buffer, and change no view of a tensor in place",
    )


def test_a_hook_that_computes_is_followed() -> None:
    module = nn.Sequential(nn.Linear(6, 3), leaky())
    module[0].register_forward_hook(lambda *call: call[-1] * 2)
    assert ("0", "mul") in from_snntorch(module, (6,)).edges
    module[0].register_forward_hook(lambda *call: call[-1].tanh())
    assert "found: tanh\n" in refusal(module)


def test_a_dense_layer_on_more_than_one_axis() -> None:
    assert refusal(nn.Sequential(nn.Linear(6, 3), leaky()), (4, 6)) == text(
        UNSUPPORTED,
        "0",
        "nn.Linear on values of shape [4, 6]",
        "one axis beside the batch",
        "put nn.Flatten() before it",
    )


def viewed(self: Any, x: Any) -> Any:
    return self.lif1(x.view(-1, 2, 3))


def test_reshapes() -> None:
    limit = "the same shape, or all in one axis as nn.Flatten gives it"
    remedy = "change the model; of an input the shape can be given with --input-shape"
    wanted = text(UNTRACEABLE, f"view ({line(viewed)})", "makes [2, 3] of [6]", limit, remedy)
    assert refusal(model(viewed)) == wanted
    module = nn.Sequential(nn.Unflatten(1, (2, 3)), leaky())
    assert refusal(module) == text(UNTRACEABLE, "0", "makes [2, 3] of [6]", limit, remedy)


def test_a_shift_within_a_channel() -> None:
    def forward(self: Any, x: Any) -> Any:
        return self.lif1(x + self.shift)

    module = model(forward, shift=nn.Parameter(torch.arange(6.0).view(2, 3)))
    assert refusal(module, (2, 3)) == text(
        UNTRACEABLE,
        f"add ({line(forward)})",
        "adds other numbers within a channel of [2, 3]",
        "one number for each channel",
        "change the model; of an input the shape can be given with --input-shape",
    )


def test_double_precision() -> None:
    def forward(self: Any, x: Any) -> Any:
        return self.lif2(self.fc2(self.lif1(self.fc1(x))[0].double()))

    assert refusal(model(forward, fc2=nn.Linear(5, 3).double())).split("\n\n") == [
        text(
            UNSUPPORTED,
            "lif2",
            "its input is torch.float64",
            "models compute in torch.float32",
            "convert the model: module.float()",
        ),
        text(UNTRACEABLE, f"Net.forward ({line(forward)})", "double", LISTED, REPLACE),
    ]


def test_a_wrong_input_shape() -> None:
    assert refusal(nn.Sequential(nn.Linear(6, 3), leaky()), (7,)) == text(
        UNTRACEABLE,
        "Sequential.forward",
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x7 and 6x3)",
        "forward runs on a tensor of shape [2, 7], [batch, *shape]",
        "check --input-shape, in Python input_shape",
    )


# States.


def resets(self: Any, x: Any) -> Any:
    self.lif1.reset_mem()
    return self.lif2(self.fc2(self.lif1(self.fc1(x))[0]))


def starts_again(self: Any, x: Any) -> Any:
    spk1, _ = self.lif1(self.fc1(x), torch.zeros(len(x), 5))
    return self.lif2(self.fc2(spk1))


def starts_high(self: Any, x: Any) -> Any:
    spk1, _ = self.lif1(self.fc1(x), torch.ones(len(x), 5))
    return self.lif2(self.fc2(spk1))


def changes_in_place(self: Any, x: Any) -> Any:
    spk1, mem1 = self.lif1(self.fc1(x))
    mem1.mul_(0.5)
    return self.lif2(self.fc2(spk1))


@pytest.mark.parametrize(
    ("forward", "found"),
    [(resets, KEEPS), (starts_again, KEEPS), (starts_high, WRONG), (changes_in_place, WRONG)],
)
def test_states_that_do_not_go_on(forward: Forward, found: str) -> None:
    assert refusal(model(forward)) == text(UNTRACEABLE, "lif1", found, GOES_ON, HAND_ON)


def test_states_of_two_neurons_in_one_argument() -> None:
    def forward(self: Any, x: Any, mem: Any) -> Any:
        spk1, _ = self.lif1(self.fc1(x), mem)
        return self.lif2(self.fc2(spk1), mem)

    assert refusal(model(forward)) == text(UNTRACEABLE, "lif2", KEEPS, GOES_ON, HAND_ON)


def test_an_argument_that_is_no_state() -> None:
    def forward(self: Any, x: Any, scale: Any) -> Any:
        return self.lif1(self.fc1(x) * scale)[0]

    assert text(
        UNTRACEABLE,
        f"Net.forward ({line(forward)})",
        "RuntimeError: The size of tensor a (5) must match the size of tensor b (0) at "
        "non-singleton dimension 1",
        "forward runs on a tensor of shape [2, 6], [batch, *shape]",
        "leave scale out: a model takes one input, and beside it states of its neurons",
    ) in refusal(model(forward))

    def ignoring(self: Any, x: Any, mask: Any) -> Any:
        del mask
        return self.lif1(self.fc1(x))[0]

    assert refusal(model(ignoring)) == text(
        UNTRACEABLE,
        "forward(..., mask)",
        "no neuron takes the argument mask as its state",
        "forward takes the input of one step and the states of neurons",
        "leave mask out, or give it a default other than None",
    )


def test_a_potential_that_is_read() -> None:
    def forward(self: Any, x: Any) -> Any:
        return self.lif2(self.fc2(self.lif1(self.fc1(x))[1]))

    assert refusal(model(forward)) == text(
        UNTRACEABLE,
        "lif2",
        "its input depends on mem of lif1",
        "neurons send spikes; their states leave a model, or stay",
        "hand on the spikes, the first of what the layer returns",
    )


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_module_that_torch_has_compiled() -> None:
    module = nn.Sequential(torch.jit.script(nn.Linear(6, 5)), leaky())
    assert refusal(module) == text(
        UNSUPPORTED,
        "0",
        "RecursiveScriptModule, which TorchScript runs",
        "modules whose forward is Python",
        "give the model as it was before torch.jit.script or torch.jit.trace",
    )
