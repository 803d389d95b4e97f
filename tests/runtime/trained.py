"""Modules to fine-tune, and what their integers should give."""
# torch and snntorch are Any here, and so is what lambdas make of them:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import snnc
from tests.frontends.optional import optional

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")
surrogate = optional("snntorch.surrogate")
Array = npt.NDArray[Any]
SLOPE = 25
BETA = 0.875


def spikes(*shape: int, rate: float = 0.4) -> Array:
    return (np.random.default_rng(5).random(shape) < rate).astype(np.float32)


def outputs_of(returned: Any) -> list[Any]:
    return [*returned.values()] if isinstance(returned, dict) else [returned]


def assert_exact(module: Any, quantized: Any, x: Array, **options: Any) -> list[Any]:
    """Hold every output of ``quantized`` against the artifact of ``module``; give them."""
    artifact = snnc.compile(module, **options)
    wanted = artifact.run(x).outputs
    returned = quantized(torch.from_numpy(x))
    assert not isinstance(returned, dict) or list(returned) == list(wanted)
    for values, array in zip(outputs_of(returned), wanted.values(), strict=True):
        assert values.dtype == torch.float32
        np.testing.assert_array_equal(values.detach().numpy(), array)
        assert array.any(), "an output of zeros tells nothing"
    return outputs_of(returned)


def two_layers(threshold: float = 0.5) -> Any:
    spike = surrogate.fast_sigmoid(slope=SLOPE)
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Linear(6, 8),
        snn.Leaky(beta=BETA, init_hidden=True, threshold=threshold, spike_grad=spike),
        nn.Linear(8, 3),
        snn.Leaky(beta=BETA, init_hidden=True, threshold=threshold, spike_grad=spike, output=True),
    )
