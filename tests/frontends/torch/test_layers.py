"""Every layer of torch and every form of it: 0 differing spikes and potentials of a million."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.frontends.optional import optional
from tests.frontends.torch.models import assert_exact, data, dyadic

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")
F = optional("torch.nn.functional")

pytestmark = pytest.mark.torch


def leaky(**options: Any) -> Any:
    return snn.Leaky(**{"beta": 0.5, "threshold": 1.25, "init_hidden": True, **options})


def enough(module: Any, shape: tuple[int, ...]) -> tuple[int, int]:
    """Give steps and samples that make a million values of the first population."""
    with torch.no_grad():
        neurons = module[:-1](torch.zeros(1, *shape)).numel()
    samples = 20
    return max(4, -(-1_000_000 // (samples * neurons))), samples


def check(layer: Any, shape: tuple[int, ...], *more: Any) -> None:
    module = nn.Sequential(dyadic(layer), *more, leaky()).eval()
    steps, samples = enough(module, shape)
    assert_exact(module, data(steps, samples, *shape))


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: nn.Linear(12, 100), (12,)),
        (lambda: nn.Linear(12, 100, bias=False), (12,)),
        (lambda: nn.Conv1d(3, 20, 5), (3, 64)),
        (lambda: nn.Conv1d(4, 20, 4, stride=2, padding="valid", dilation=2, groups=2), (4, 64)),
        (lambda: nn.Conv1d(4, 20, 4, padding="same", bias=False), (4, 64)),
        (lambda: nn.Conv2d(2, 8, 3), (2, 20, 17)),
        (lambda: nn.Conv2d(2, 8, (3, 5), stride=(2, 1), padding=(1, 2)), (2, 20, 17)),
        (lambda: nn.Conv2d(4, 8, 3, dilation=(2, 1), groups=4, bias=False), (4, 20, 17)),
        (lambda: nn.Conv2d(2, 8, (2, 4), padding="same", dilation=(1, 2)), (2, 20, 17)),
        (lambda: nn.Conv2d(3, 9, 1, groups=3), (3, 20, 17)),
    ],
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
def test_weights(make: Callable[[], Any], shape: tuple[int, ...]) -> None:
    check(make(), shape)


@pytest.mark.parametrize(
    "pool",
    [
        lambda: nn.MaxPool2d(2),
        lambda: nn.MaxPool2d(3, stride=2, padding=1),
        lambda: nn.MaxPool2d((2, 3), stride=(1, 2), dilation=(2, 1)),
        lambda: nn.MaxPool2d(3, stride=2, ceil_mode=True),
        lambda: nn.MaxPool2d(2, stride=3, padding=1, ceil_mode=True),
        lambda: nn.AvgPool2d(2),
        lambda: nn.AvgPool2d(3, stride=2, padding=1),
        lambda: nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
        lambda: nn.AvgPool2d((2, 3), stride=(2, 3), ceil_mode=True),
        lambda: nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
        lambda: nn.AvgPool2d(2, divisor_override=3),
        lambda: nn.AdaptiveAvgPool2d((3, 5)),
        lambda: nn.AdaptiveAvgPool2d(1),
        lambda: nn.AdaptiveAvgPool2d((1, 5)),
        lambda: nn.AdaptiveMaxPool2d((6, 3)),
    ],
)
def test_pooling_of_planes(pool: Callable[[], Any]) -> None:
    check(nn.Conv2d(1, 8, 3, padding=1), (1, 18, 15), pool())


@pytest.mark.parametrize(
    "pool",
    [
        lambda: nn.MaxPool1d(2),
        lambda: nn.MaxPool1d(3, stride=2, padding=1, ceil_mode=True),
        lambda: nn.AvgPool1d(4),
        lambda: nn.AvgPool1d(3),
        lambda: nn.AvgPool1d(3, stride=2, padding=1),
        lambda: nn.AvgPool1d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
        lambda: nn.AdaptiveAvgPool1d(12),
        lambda: nn.AdaptiveAvgPool1d(1),
        lambda: nn.AdaptiveMaxPool1d(12),
    ],
)
def test_pooling_of_lines(pool: Callable[[], Any]) -> None:
    check(nn.Conv1d(1, 20, 3, padding=1), (1, 60), pool())


class OverSpace(nn.Module if nn else object):  # type: ignore[misc]
    """A mean over all axes behind the channels."""

    def forward(self, x: Any) -> Any:
        return x.mean(dim=list(range(2, x.ndim)))


def test_a_mean_over_space() -> None:
    check(nn.Conv2d(1, 100, 3), (1, 6, 6), OverSpace())
    check(nn.Conv1d(1, 100, 3), (1, 18), OverSpace())


def normal(layer: Any, seed: int = 2) -> Any:
    """A trained batch norm: numbers of no special form, which are to be rounded as torch does."""
    random = np.random.default_rng(seed)
    size = layer.running_mean.shape
    layer.running_mean[:] = torch.tensor(random.normal(0.3, 1, size), dtype=torch.float32)
    layer.running_var[:] = torch.tensor(random.uniform(0.2, 3, size), dtype=torch.float32)
    if layer.affine:
        for values in layer.parameters():
            values.data = torch.tensor(random.normal(0.6, 1, size), dtype=torch.float32)
    return layer


@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm(affine: bool) -> None:
    check(nn.Conv2d(1, 8, 3), (1, 20, 17), normal(nn.BatchNorm2d(8, affine=affine)))
    check(nn.Conv1d(1, 20, 3), (1, 64), normal(nn.BatchNorm1d(20, eps=1e-3, affine=affine)))
    check(nn.Linear(12, 100), (12,), normal(nn.BatchNorm1d(100, affine=affine)))
