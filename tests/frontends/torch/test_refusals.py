"""Layers, options and functions of torch that are not supported: refused by name."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.frontends.cases import Refused, over
from tests.frontends.optional import optional
from tests.frontends.torch.refused import (
    LAYERS,
    LISTED,
    REPLACE,
    UNSUPPORTED,
    UNTRACEABLE,
    Forward,
    leaky,
    line,
    model,
    refusal,
    text,
)
from tests.frontends.torch.unsupported import nn, torch

F = optional("torch.nn.functional")
pytestmark = pytest.mark.torch


def of(option: str, *shape: int) -> Callable[[], tuple[Any, tuple[int, ...]]]:
    """Make the layer that is written, in front of neurons, and the shape of its input."""
    return lambda: (nn.Sequential(eval(option, {"nn": nn}), leaky()), shape)


LAYERS_REFUSED = [
    Refused(form, of(form, *shape), found, remedy)
    for form, shape, found, remedy in (
        (
            "nn.ReLU()",
            (6,),
            "torch: ReLU",
            "a ReLU network is converted, not imported: export it to ONNX",
        ),
        (
            "nn.Tanh()",
            (6,),
            "torch: Tanh",
            "replace the layer; docs/frontends.md lists what is supported",
        ),
        (
            "nn.LayerNorm(6)",
            (6,),
            "torch: LayerNorm",
            "use nn.BatchNorm, whose numbers are fixed in evaluation",
        ),
        (
            "nn.Upsample(scale_factor=2)",
            (1, 4, 4),
            "torch: Upsample",
            "use a convolution with a stride, or pooling, to change sizes",
        ),
        (
            "nn.Conv2d(1, 2, 3, padding=1, padding_mode='circular')",
            (1, 4, 4),
            "torch: Conv2d with padding_mode='circular'",
            "use the padding of a convolution or pooling layer, with zeros",
        ),
    )
]


@over(LAYERS_REFUSED)
def test_layers_of_torch(case: Refused) -> None:
    wanted = text(UNSUPPORTED, "0", case.found, LAYERS, case.remedy)
    assert refusal(*case.make()) == wanted


OPTIONS_REFUSED = [
    Refused(form, of(form, *shape), found, remedy)
    for form, shape, found, remedy in (
        (
            "nn.BatchNorm1d(6, track_running_stats=False)",
            (6,),
            "batch_norm takes mean and variance from the batch",
            "make the layer with track_running_stats=True and call model.eval()",
        ),
        (
            "nn.AdaptiveAvgPool2d(3)",
            (1, 4, 4),
            "adaptive_avg_pool2d from [4, 4] to [3, 3], which do not divide",
            "choose a size that divides the size of its input",
        ),
        (
            "nn.Conv1d(2, 3, 2)",
            (3,),
            "conv1d on values of shape [3]",
            "give it channels and as many axes as its window has",
        ),
        (
            "nn.Flatten(0)",
            (6,),
            "flatten makes [12] of [2, 6] and moves the batch",
            "keep the batch as the first axis: x.flatten(1), not x.flatten()",
        ),
    )
]


@over(OPTIONS_REFUSED)
def test_options_of_layers(case: Refused) -> None:
    wanted = text(UNTRACEABLE, "0", case.found, LISTED, case.remedy)
    assert wanted in refusal(*case.make()).split("\n\n")


def written(forward: Forward) -> str:
    """Give what ``forward`` returns, as it is written."""
    _, returned = inspect.getsource(forward).split("return ")
    return f"`{returned.strip()}`"


def product(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1(self.fc1(x))[0] * self.fc1(x)))


def permutation(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1(self.fc1(x))[0][:, [1, 0, 2, 3, 4]]))


def comparison(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2((self.lif1(self.fc1(x))[1] > 0.5).float()))


def spike_function(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1.spike_grad(self.fc1(x) - 1)))


def noise(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1(self.fc1(x) + torch.randn(len(x), 5))[0]))


def dropout(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(F.dropout(self.lif1(self.fc1(x))[0], 0.5)))


def third(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1(self.fc1(x))[0] / 3))


def first_of_the_batch(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1(self.fc1(x))[0] + self.fc1(x)[0]))


def softmax(self: Any, x: Any) -> Any:
    return self.lif1(self.fc1(x))[0].softmax(1)


def detached_data(self: Any, x: Any) -> Any:
    return self.lif2(self.fc2(self.lif1(self.fc1(x))[0].data))


def each_sample(self: Any, x: Any) -> Any:
    return self.lif1(self.fc1(x) * torch.arange(len(x)).unsqueeze(1))


FUNCTIONS_REFUSED = [
    Refused(written(forward), partial(model, forward), found, remedy)
    for forward, found, remedy in (
        (
            product,
            "mul of two tensors that both depend on the input",
            "send spikes through weights",
        ),
        (
            permutation,
            "__getitem__ takes elements out of a tensor",
            "use layers that take all elements",
        ),
        (comparison, "gt", REPLACE),
        (spike_function, "gt", REPLACE),
        (noise, "randn draws random numbers", REPLACE),
        (
            dropout,
            "dropout draws random numbers",
            "give it the mode of the model: training=self.training",
        ),
        (
            third,
            "div by numbers that are no power of two",
            "multiply by the inverse, and train with that",
        ),
        (
            first_of_the_batch,
            "__getitem__ takes samples out of the batch",
            "compute the same for every sample",
        ),
        (softmax, "softmax", "leave it to the code that calls the model"),
        (detached_data, "data", REPLACE),
        (each_sample, "mul with other numbers for each sample or step", REPLACE),
    )
]


@over(FUNCTIONS_REFUSED)
def test_functions(case: Refused) -> None:
    module = case.make()
    place = f"Net.forward ({line(type(module).forward)})"
    assert refusal(module) == text(UNTRACEABLE, place, case.found, LISTED, case.remedy)
