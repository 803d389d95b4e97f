"""Neuron nodes of NIR with defaults, for the tests of dialects."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np

from snnc.compiler.network import Network, Population
from tests.builders import chain, linear

STEPS_UNIT: dict[str, Any] = {"tau": 0.01, "r": 10.0}
"""``r dt / tau = 1`` at a step of 1 ms."""
CURRENT_UNIT: dict[str, Any] = {"tau_syn": 0.004, "w_in": 4.0, "tau_mem": 0.01, "r": 10.0}
"""The same of both factors."""


def cuba(n: int = 1, metadata: Any = None, **fields: Any) -> nir.CubaLIF:
    """Make a CubaLIF: 4 ms, 10 ms, factors 1, threshold 1."""
    defaults = {"tau_syn": 0.004, "tau_mem": 0.01, "w_in": 1.0, "r": 1.0, "v_leak": 0.0}
    values = defaults | {"v_threshold": 1.0, "v_reset": 0.0} | fields
    return nir.CubaLIF(**{f: spread(v, n) for f, v in values.items()}, metadata=metadata or {})


def integrator(n: int = 1, **fields: Any) -> nir.IF:
    """Make an IF: r 1000, threshold 1."""
    values = {"r": 1000.0, "v_threshold": 1.0, "v_reset": 0.0} | fields
    return nir.IF(**{f: spread(v, n) for f, v in values.items()})


def leaky_read_out(n: int = 1, **fields: Any) -> nir.LI:
    """Make an LI: 10 ms, r 1."""
    values = {"tau": 0.01, "r": 1.0, "v_leak": 0.0} | fields
    return nir.LI(**{f: spread(v, n) for f, v in values.items()})


def current_read_out(n: int = 1, **fields: Any) -> nir.CubaLI:
    """Make a CubaLI: 4 ms, 10 ms, factors 1."""
    values = {"tau_syn": 0.004, "tau_mem": 0.01, "w_in": 1.0, "r": 1.0, "v_leak": 0.0} | fields
    return nir.CubaLI(**{f: spread(v, n) for f, v in values.items()})


def threshold(value: float, n: int = 1) -> nir.Threshold:
    """Make a Threshold."""
    return nir.Threshold(threshold=spread(value, n))


def spread(value: Any, n: int) -> Any:
    """Give ``n`` times a number as float32, or an array as it is."""
    return np.broadcast_to(np.float32(value), n).copy() if np.ndim(value) == 0 else value


def fed(node: nir.NIRNode) -> nir.NIRGraph:
    """Make a graph of a weight of 2 and ``node``."""
    return chain(linear([[2]]), node)


def only(net: Network) -> Population:
    """Give the population of a network of one."""
    (p,) = net.populations
    return p
