"""Every layer of torch and every form of it: 0 differing spikes and potentials of a million."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.frontends.cases import VALUES, Case, becomes, over
from tests.frontends.optional import optional
from tests.frontends.torch.models import assert_exact, data, dyadic

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")
F = optional("torch.nn.functional")

pytestmark = pytest.mark.torch

Shape = tuple[int, ...]
Subject = tuple[Any, Shape]
"""A model, and the shape of its input."""


def leaky() -> Any:
    return snn.Leaky(beta=0.5, threshold=1.25, init_hidden=True)


def layer(kind: str, option: str, nodes: str, shape: Shape) -> Case:
    """Weights, which stand first in a model; what is written on the page is what is run."""

    def make() -> Subject:
        made = eval(f"nn.{kind}({option})", {"nn": nn})
        return nn.Sequential(dyadic(made), leaky()), shape

    return Case(f"nn.{kind}", option, nodes, make)


def behind(weights: Callable[[], Any], shape: Shape) -> Callable[[str, str, str], Case]:
    """A layer behind weights."""

    def case(kind: str, option: str, nodes: str) -> Case:
        def make() -> Subject:
            made = normal(eval(f"nn.{kind}({option})", {"nn": nn}))
            return nn.Sequential(dyadic(weights()), made, leaky()).eval(), shape

        return Case(f"nn.{kind}", option, nodes, make)

    return case


def normal(made: Any) -> Any:
    """A trained batch norm: numbers of no special form, which are to be rounded as torch does."""
    random = np.random.default_rng(2)
    if hasattr(made, "running_mean"):
        size = made.running_mean.shape
        made.running_mean[:] = torch.tensor(random.normal(0.3, 1, size), dtype=torch.float32)
        made.running_var[:] = torch.tensor(random.uniform(0.2, 3, size), dtype=torch.float32)
        for values in made.parameters():
            values.data = torch.tensor(random.normal(0.6, 1, size), dtype=torch.float32)
    return made


PLANE, LINE = (2, 20, 17), (4, 64)
on_planes = behind(lambda: nn.Conv2d(1, 8, 3, padding=1), (1, 18, 15))
on_lines = behind(lambda: nn.Conv1d(1, 20, 3, padding=1), (1, 60))
on_vectors = behind(lambda: nn.Linear(12, 100), (12,))
LAYERS = [
    layer("Linear", "12, 100", "Affine", (12,)),
    layer("Linear", "12, 100, bias=False", "Linear", (12,)),
    layer("Conv1d", "4, 20, 5", "Conv1d", LINE),
    layer(
        "Conv1d",
        "4, 20, 4, stride=2, padding='valid', dilation=2, groups=2",
        "Conv1d",
        LINE,
    ),
    layer("Conv1d", "4, 20, 4, padding='same', bias=False", "Conv1d", LINE),
    layer("Conv2d", "2, 8, 3", "Conv2d", PLANE),
    layer("Conv2d", "2, 8, (3, 5), stride=(2, 1), padding=(1, 2)", "Conv2d", PLANE),
    layer("Conv2d", "2, 8, 3, dilation=(2, 1), groups=2, bias=False", "Conv2d", PLANE),
    layer("Conv2d", "2, 8, (2, 4), padding='same', dilation=(1, 2)", "Conv2d", PLANE),
    layer("Conv2d", "2, 8, 1, groups=2", "Conv2d", PLANE),
    on_planes("MaxPool2d", "2", "MaxPool2d"),
    on_planes("MaxPool2d", "3, stride=2, padding=1", "MaxPool2d"),
    on_planes("MaxPool2d", "(2, 3), stride=(1, 2), dilation=(2, 1)", "MaxPool2d"),
    on_planes("MaxPool2d", "3, stride=2, ceil_mode=True", "MaxPool2d"),
    on_planes("MaxPool2d", "2, stride=3, padding=1, ceil_mode=True", "MaxPool2d"),
    on_planes("AvgPool2d", "2", "AvgPool2d"),
    on_planes("AvgPool2d", "3, stride=2, padding=1", "AvgPool2d"),
    on_planes("AvgPool2d", "3, stride=2, padding=1, count_include_pad=False", "AvgPool2d"),
    on_planes("AvgPool2d", "(2, 3), stride=(2, 3), ceil_mode=True", "AvgPool2d"),
    on_planes(
        "AvgPool2d",
        "3, stride=2, padding=1, ceil_mode=True, count_include_pad=False",
        "AvgPool2d",
    ),
    on_planes("AvgPool2d", "2, divisor_override=3", "AvgPool2d"),
    on_planes("AdaptiveAvgPool2d", "(3, 5)", "AvgPool2d"),
    on_planes("AdaptiveAvgPool2d", "1", "AvgPool2d"),
    on_planes("AdaptiveAvgPool2d", "(1, 5)", "AvgPool2d"),
    on_planes("AdaptiveMaxPool2d", "(6, 3)", "MaxPool2d"),
    on_lines("MaxPool1d", "2", "MaxPool1d"),
    on_lines("MaxPool1d", "3, stride=2, padding=1, ceil_mode=True", "MaxPool1d"),
    on_lines("AvgPool1d", "4", "Conv1d"),
    on_lines("AvgPool1d", "3", "Conv1d"),
    on_lines("AvgPool1d", "3, stride=2, padding=1", "Conv1d"),
    on_lines(
        "AvgPool1d", "3, stride=2, padding=1, ceil_mode=True, count_include_pad=False", "Conv1d"
    ),
    on_lines("AdaptiveAvgPool1d", "12", "Conv1d"),
    on_lines("AdaptiveAvgPool1d", "1", "Conv1d"),
    on_lines("AdaptiveMaxPool1d", "12", "MaxPool1d"),
    on_planes("BatchNorm2d", "8", "Conv2d"),
    on_planes("BatchNorm2d", "8, affine=False", "Conv2d"),
    on_lines("BatchNorm1d", "20, eps=1e-3", "Conv1d"),
    on_lines("BatchNorm1d", "20, affine=False", "Conv1d"),
    on_vectors("BatchNorm1d", "100", "Affine"),
    on_vectors("BatchNorm1d", "100, affine=False", "Affine"),
    on_planes("Dropout", "0.5", "nothing"),
    on_planes("Identity", "", "nothing"),
]


@over(LAYERS)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
def test_layers(case: Case) -> None:
    module, shape = case.make()
    with torch.no_grad():
        neurons = module[:-1](torch.zeros(1, *shape)).numel()
    samples = 20 if neurons > 500 else 200
    steps = max(4, -(-VALUES // (samples * neurons)))
    graph = assert_exact(module, data(steps, samples, *shape))
    path = str(len(module) - 2)  # of what stands before the neurons
    assert (becomes(graph, path) or "nothing") == case.becomes
