"""Models whose float32 sums are exact, and how their runs are compared."""
# torch is Any here:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.semantics.discretize import discretize
from snnc.compiler.trace import Trace
from snnc.frontends.importer import import_module, run_module
from snnc.targets.float.executor import FloatRecording
from snnc.targets.float.executor import execute as run_float
from tests.frontends.cases import VALUES
from tests.frontends.optional import optional

torch, nn, snn = optional("torch"), optional("torch.nn"), optional("snntorch")

Array = npt.NDArray[Any]
Forward = Callable[..., Any]


def dyadic(module: Any, seed: int = 0, size: float = 0.5, parts: int = 64) -> Any:
    """Give weights and biases that are small multiples of 1 / ``parts``.

    Sums of such weights times few-bit inputs are exact in float32, in whatever order they are
    added: then no order of summation hides a difference, or makes one.
    """
    random = np.random.default_rng(seed)
    for values in module.parameters():
        drawn = np.round(random.uniform(-size, 1.5 * size, tuple(values.shape)) * parts) / parts
        values.data = torch.tensor(drawn, dtype=torch.float32)
    return module


def data(steps: int, samples: int, *shape: int, seed: int = 1) -> Array:
    """Give multiples of 1/8 from 0 to 2."""
    drawn = np.random.default_rng(seed).integers(0, 17, (steps, samples, *shape))
    return (drawn / 8).astype(np.float32)


def both(module: Any, x: Array) -> tuple[nir.NIRGraph, Trace, FloatRecording]:
    """Give the graph of ``module``, what its framework gives and what the float network gives."""
    ran = run_module(module, x)
    graph = import_module(module, input_shape=x.shape[2:])
    return graph, ran, run_float(discretize(graph), {"input": x.reshape(*x.shape[:2], -1)})


def assert_exact(
    module: Any, x: Array, *, bits: int = VALUES, silent: bool = False
) -> nir.NIRGraph:
    """Hold every spike and every state of the framework against the float network's."""
    graph, ran, here = both(module, x)
    compared = 0
    assert set(ran.v) <= set(here.v)
    for name, v in ran.v.items():
        np.testing.assert_array_equal(v.reshape(here.v[name].shape), here.v[name])
        compared += v.size
    for name, u in ran.u.items():
        np.testing.assert_array_equal(u.reshape(here.u[name].shape), here.u[name])
    assert set(ran.spikes) == set(here.spikes)
    for name, spikes in ran.spikes.items():
        assert silent or 0.005 < spikes.mean() < 0.995, f"{name} tells nothing"
        np.testing.assert_array_equal(spikes.reshape(here.spikes[name].shape), here.spikes[name])
    for name in set(here.v) - set(ran.v):
        output = ran.outputs[name.removesuffix(".readout")]
        np.testing.assert_array_equal(output.reshape(here.v[name].shape), here.v[name])
        compared += output.size
    assert compared >= bits
    return graph


def dense_model(forward: Forward, **layers: Any) -> Any:
    """Two dense layers with neurons, and the ``forward`` that is given."""
    module = type("Net", (nn.Module,), {"forward": forward})()
    own = {"fc1": nn.Linear(12, 100), "lif1": snn.Leaky(beta=0.75)}
    own |= {"fc2": nn.Linear(100, 40), "lif2": snn.Leaky(beta=0.5, threshold=4.0)}
    for name, layer in (own | layers).items():
        setattr(module, name, layer)
    return dyadic(module, size=0.25)
