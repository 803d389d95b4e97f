"""What a ``forward`` raises is told with its line, and with what to do about it."""
# torch and snntorch are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import pytest

from snnc.compiler.diagnostics import InputError
from snnc.frontends.norse.frontend import from_norse
from tests.frontends.optional import optional
from tests.frontends.torch.refused import (
    LAYERS,
    UNSUPPORTED,
    UNTRACEABLE,
    Forward,
    leaky,
    line,
    model,
    refusal,
    text,
)

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")
norse = optional("norse.torch")

pytestmark = pytest.mark.torch

RUNS = "forward runs on a tensor of shape [2, 6], [batch, *shape]"
TUPLE = "TypeError: linear(): argument 'input' (position 1) must be Tensor, not tuple"
BATCH = "take the number of samples from the input, x.size(0): snnc runs a batch of 2"


@pytest.mark.parametrize(
    ("kind", "name"), [("double", "Double"), ("half", "Half"), ("bfloat16", "BFloat16")]
)
def test_another_precision(kind: str, name: str) -> None:
    module = getattr(nn.Sequential(nn.Linear(6, 3), leaky()), kind)()
    assert refusal(module) == text(
        UNTRACEABLE,
        "Sequential.forward",
        f"RuntimeError: mat1 and mat2 must have the same dtype, but got Float and {name}",
        RUNS,
        f"convert the model, of which 0.weight is {module[0].weight.dtype}: module.float()",
    )


def views(self: Any, x: Any) -> Any:
    return self.lif1(self.fc1(x.view(128, -1)))


def adds(self: Any, x: Any) -> Any:
    return self.lif1(self.fc1(x + torch.zeros(128, 6)))


def keys(self: Any, x: Any) -> Any:
    return self.lif1(self.fc1({}[x.shape]))


def two(self: Any, x: Any, y: Any) -> Any:
    return self.lif1(self.fc1(x) + self.fc1(y))


def joined(self: Any, x: Any, y: Any) -> Any:
    return self.lif1(self.fc1(torch.cat([x, y, y], 1).view(-1, 7)))


def takes_both(self: Any, x: Any) -> Any:
    return self.fc2(self.lif1(self.fc1(x)))


@pytest.mark.parametrize(
    ("forward", "found", "remedy"),
    [
        (views, "RuntimeError: shape '[128, -1]' is invalid for input of size 12", BATCH),
        (
            adds,
            "RuntimeError: The size of tensor a (2) must match the size of tensor b (128) at "
            "non-singleton dimension 0",
            BATCH,
        ),
        (
            keys,
            "KeyError: torch.Size([2, 6])",
            "run the model by itself: module(torch.zeros([2, 6]))",
        ),
        (
            two,
            "RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x0 and 6x5)",
            "leave y out: a model takes one input, and beside it states of its neurons",
        ),
        (
            joined,
            "RuntimeError: shape '[-1, 7]' is invalid for input of size 12",
            "check --input-shape; what forward takes beside its input (y) must be states",
        ),
        (
            takes_both,
            TUPLE,
            "make neurons with init_hidden=True, or take their spikes: spk, mem = lif(x, mem)",
        ),
    ],
)
def test_what_forward_raises(forward: Forward, found: str, remedy: str) -> None:
    place = f"Net.forward ({line(forward)})"
    assert refusal(model(forward)) == text(UNTRACEABLE, place, found, RUNS, remedy)


@pytest.mark.norse
@pytest.mark.parametrize("mixed", [False, True])
def test_cells_of_norse_in_a_sequence_of_torch(mixed: bool) -> None:
    module = nn.Sequential(nn.Linear(6, 5), norse.LIFBoxCell(), nn.Linear(5, 3))
    module.append(leaky() if mixed else norse.LIFBoxCell())
    remedy = "put the cells in norse's SequentialState, or take their spikes: z, s = cell(x, s)"
    if mixed:
        remedy = "build the model with neurons of one framework, not of snntorch and norse"
    with pytest.raises(InputError) as caught:
        from_norse(module, (6,))
    assert str(caught.value) == text(UNTRACEABLE, "Sequential.forward", TUPLE, RUNS, remedy)


@pytest.mark.norse
def test_a_cell_of_another_framework() -> None:
    module = norse.SequentialState(nn.Linear(6, 5), leaky(), nn.Linear(5, 3), norse.LIFBoxCell())
    remedy = "build the model with neurons of one framework"
    assert refusal(module) == text(UNSUPPORTED, "3", "norse: LIFBoxCell", LAYERS, remedy)
