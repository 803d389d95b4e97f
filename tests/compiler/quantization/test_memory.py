"""Many weights are quantized without a copy of all of them in float64."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from snnc.compiler.check import check_fixed
from snnc.compiler.network import Integration
from snnc.compiler.quantization.account import account_for
from snnc.compiler.quantization.quantize import quantize
from tests.benchmarks import quantize as benchmark
from tests.builders import network, population, projection


@pytest.mark.parametrize("integration", Integration)
def test_memory(integration: Integration) -> None:
    """Less than the weights themselves in float32; a copy in float64 would be twice as much."""
    w = benchmark.weights(10**6)
    lif = population("lif", len(w), integration=integration)
    net = network([lif], [projection("x", "lif", w)])
    tracemalloc.start()
    try:
        fixed = quantize(net)
        assert list(check_fixed(fixed)) == []
        account_for(net, fixed)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < w.nbytes + 2**21


@pytest.mark.parametrize("kind", benchmark.KINDS)
def test_the_benchmark_runs(kind: str) -> None:
    seconds, passes, memory = benchmark.measure(kind, 400)
    assert np.isfinite([seconds, passes, memory]).all()
    assert passes > 0


def test_its_weights() -> None:
    w = benchmark.weights(10**4)
    assert w.shape == (100, 100)
    assert w.dtype == np.float32
    assert w.std() == pytest.approx(0.1, rel=0.05)
