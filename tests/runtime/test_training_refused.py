"""What cannot be fine-tuned is told."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any, cast

import pytest

import snnc
from snnc.compiler.diagnostics import InputError
from tests.runtime.trained import (
    BETA,
    assert_exact,
    nn,
    snn,
    spikes,
    torch,
    two_layers,
)

pytestmark = pytest.mark.torch


def refusal(x: Any, module: Any = None) -> str:
    quantized = snnc.quantized_module(two_layers() if module is None else module)
    with pytest.raises(InputError) as caught:
        quantized(x)
    return str(caught.value)


def test_neurons_without_a_surrogate() -> None:
    module = two_layers()
    module[1] = snn.Leaky(beta=0.5, threshold=0.1, init_hidden=True, surrogate_disable=True)
    x = torch.from_numpy(spikes(10, 3, 6))
    assert refusal(x, module) == (
        "error[SNN323]: neurons that are trained pass a gradient on\n"
        "  --> 1\n"
        "   found: spikes without a gradient\n"
        "   limit: a spike function with a surrogate gradient\n"
        "  remedy: make the layer with a surrogate of its framework; to compute without gradients, "
        "call the module within torch.no_grad()"
    )
    with torch.no_grad():
        assert_exact(module, snnc.quantized_module(module), x.numpy())


def test_data_are_held_to_what_the_artifact_takes() -> None:
    assert "error[SNN503]" in refusal(torch.full((4, 2, 6), 0.5))
    assert "error[SNN502]" in refusal(torch.zeros(4, 6))
    assert "error[SNN502]" in refusal(torch.zeros(4, 2, 7))


def test_what_cannot_be_compiled_is_told_at_once() -> None:
    with pytest.raises(InputError, match="SNN004"):
        snnc.quantized_module(two_layers(), weight_bits=9)
    with pytest.raises(InputError, match="SNN004"):
        snnc.quantized_module("net.py:network")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="SNN112"):
        snnc.quantized_module(nn.Sequential(nn.Linear(6, 3), nn.ReLU()))


def test_weights_that_training_has_made_unusable_are_told() -> None:
    module = two_layers()
    quantized = snnc.quantized_module(module)
    with torch.no_grad():
        module[0].weight[0, 0] = float("nan")
    with pytest.raises(InputError, match="SNN105"):
        quantized(torch.from_numpy(spikes(10, 3, 6)))


@pytest.mark.parametrize("x", [None, "x.npy", [[1, 2], [3]], {"input": spikes(3, 2, 4)}])
def test_data_that_are_no_tensor(x: Any) -> None:
    quantized = snnc.quantized_module(small())
    with pytest.raises(InputError) as caught:
        quantized(x)
    assert str(caught.value) == (
        "error[SNN502]: input data has the shape [steps, batch, *shape] of the network's input\n"
        "  --> input\n"
        f"   found: a {type(x).__name__} that torch makes no tensor of\n"
        "   limit: a tensor or an array of real numbers, [steps, batch, *shape]\n"
        "  remedy: give the data of the network's only input as one tensor"
    )


def test_complex_data_are_refused() -> None:
    quantized = snnc.quantized_module(small())
    with pytest.raises(InputError, match=r"data of type torch\.complex64"):
        quantized(torch.from_numpy(spikes(3, 2, 4)).to(torch.complex64))


def test_what_is_quantized_already_is_refused() -> None:
    quantized = snnc.quantized_module(small())
    for use in (snnc.quantized_module, snnc.compile):
        with pytest.raises(InputError) as caught:
            use(quantized)
        assert str(caught.value) == (
            "error[SNN004]: options have a value in their range and fit together\n"
            "  --> module\n"
            "   found: a module that snnc.quantized_module made\n"
            "   limit: a torch.nn.Module\n"
            "  remedy: give the module that it was made of, which is trained with it: its .module"
        )
    snnc.compile(cast("Any", quantized).module)


def small() -> Any:
    return nn.Sequential(nn.Linear(4, 3), snn.Leaky(beta=BETA, init_hidden=True))
