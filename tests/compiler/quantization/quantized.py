"""What a quantized network should be, counted from the real numbers."""

from __future__ import annotations

import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedProjection
from snnc.compiler.network import Network
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedScaling,
    Weights,
)
from snnc.compiler.quantization.quantize import quantize
from snnc.targets.float.executor import execute as execute_float
from snnc.targets.integer.reference import execute as execute_fixed
from tests.builders import spikes


def weight_of(q: FixedProjection) -> Weights:
    """Give the integers of the one operator that has weights."""
    (weight,) = [
        o.weight for o in q.operators if isinstance(o, FixedDense | FixedConvolution | FixedScaling)
    ]
    return weight


def share_of_differing_spikes(net: Network, seed: int) -> float:
    """Compare ``lif`` as real numbers and as integers over 100 steps of 4 samples."""
    x = spikes((100, 4, net.inputs[0].size), seed=seed)
    real = execute_float(net, {"x": x}).spikes["lif"]
    got = execute_fixed(quantize(net), {"x": x.astype(np.int32)}).spikes["lif"]
    assert real.mean() > 0.02
    return float((real != got).mean())


def refusal(net: Network, bits: int = 8) -> str:
    with pytest.raises(InputError) as raised:
        quantize(net, weight_bits=bits)
    return str(raised.value)
