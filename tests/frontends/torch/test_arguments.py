"""Arguments of ``from_snntorch`` and ``from_norse`` are checked before the model runs."""
# torch and the frameworks are Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

import snnc
from snnc.compiler.diagnostics import InputError
from tests.frontends.optional import optional

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")
norse = optional("norse.torch")

pytestmark = pytest.mark.torch

OPTION = "error[SNN004]: options have a value in their range and fit together"
SHAPES = "the shape of one sample at one step, every dimension 1 or more"
SHAPE = "--input-shape 1,28,28, in Python input_shape=(1, 28, 28)"
SECONDS = "a length in seconds above 0"


def text(node: str, found: str, limit: str, remedy: str) -> str:
    return f"{OPTION}\n  --> {node}\n   found: {found}\n   limit: {limit}\n  remedy: {remedy}"


def model(neurons: Any = None) -> Any:
    return nn.Sequential(nn.Linear(10, 5), neurons or snn.Leaky(beta=0.9, init_hidden=True))


def refusal(import_: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        import_(*arguments, **options)
    return str(caught.value)


@pytest.mark.parametrize("shape", [10, (10.0,), "10", ("10",), (0,), {10}, np.array([10])])
def test_a_shape_that_is_none(shape: Any) -> None:
    told = text("--input-shape", repr(shape), SHAPES, SHAPE)
    assert refusal(snnc.from_snntorch, model(), shape) == told
    assert refusal(snnc.compile, model(), "float", input_shape=shape) == told


@pytest.mark.parametrize(
    ("dt", "found"), [("a", "'a'"), ([1e-4], "[0.0001]"), (np.float32(-1), "-1"), (1j, "1j")]
)
def test_a_step_that_is_none(dt: Any, found: str) -> None:
    told = text("--dt", found, SECONDS, "--dt 1e-4, in Python dt=1e-4")
    assert refusal(snnc.from_snntorch, model(), (10,), dt=dt) == told
    assert refusal(snnc.compile, model(), "float", dt=dt) == told


@pytest.mark.parametrize(
    ("module", "found", "remedy"),
    [
        (
            "file.py:f",
            "'file.py:f'",
            "snnc.compile and snnc.verify take names of models; here give the module itself",
        ),
        (int, "the class int", "make the module: int(...)"),
        (
            {"weight": 1},
            "an object of dict",
            "build the module, and load the state dict: module.load_state_dict(state)",
        ),
        (None, "an object of NoneType", "give the trained module itself"),
    ],
)
def test_a_module_that_is_none(module: Any, found: str, remedy: str) -> None:
    told = text("module", found, "a torch.nn.Module", remedy)
    assert refusal(snnc.from_snntorch, module, (10,)) == told
    if not isinstance(module, str):
        assert refusal(snnc.compile, module, "float") == told


def test_all_is_told_at_once() -> None:
    told = refusal(snnc.from_snntorch, type(model()), 10, dt="a").split("\n\n")
    assert [one.splitlines()[1] for one in told] == [
        "  --> module",
        "  --> --input-shape",
        "  --> --dt",
    ]


@pytest.mark.parametrize("shape", [(10,), [10], (np.int64(10),), None])
def test_shapes_that_are_taken(shape: Any) -> None:
    graph = snnc.from_snntorch(model(), shape, dt=None)
    assert graph.nodes["input"].input_type["input"].tolist() == [10]
    notes = cast("Any", graph.metadata)["snnc"]
    assert notes["dt"] == 1e-4


def test_an_unknown_shape_is_asked_for() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(10, 5), snn.Leaky(beta=0.9, init_hidden=True))
    found = "not given, and the model's first layer is not nn.Linear"
    told = text("--input-shape", found, "the shape of one sample at one step", SHAPE)
    assert refusal(snnc.from_snntorch, module) == told


@pytest.mark.norse
def test_norse_takes_the_same() -> None:
    module = norse.SequentialState(nn.Linear(10, 5), norse.LIFBoxCell())
    graph = snnc.from_norse(module)
    assert graph.nodes["input"].input_type["input"].tolist() == [10]
    assert refusal(snnc.from_norse, module, 10) == text("--input-shape", "10", SHAPES, SHAPE)
