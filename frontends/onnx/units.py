"""Recognized equations as NIR nodes."""
# nir has no types:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import Any

import nir
import numpy as np

from snnc.compiler.network import Integration
from snnc.frontends.onnx.graph import reals
from snnc.frontends.onnx.model import Array, Shape
from snnc.frontends.onnx.neurons import Equations

NO_LEAK_STEPS = 2.0**30
"""Time constant of a factor of 1, in steps: ``float32(1 - 2**-30)`` is 1."""


def neuron_node(
    equations: Equations, shape: Shape, dt: float, origin: str, notes: dict[str, Any]
) -> nir.NIRNode:
    """Give a standard node, with all that it cannot say as metadata.

    ``tau = dt / (1 - decay)`` of a factor and ``tau = dt / decay`` of a rate, in float64, so that
    NIR's equations take an input as the model does (see docs/frontends.md).

    Args:
        equations: With float32 numbers.
        shape: Of the population.
        dt: Length of a step in seconds.
        origin: Where the neurons are in the model.
        notes: More that the metadata say.
    """
    each = {
        "decay": _each(equations.decay, shape),
        "gain": _each(equations.gain, shape),
        "leak": _each(equations.leak, shape),
        "threshold": _each(equations.threshold, shape),
    }
    if equations.integration.has_current:
        each["current_decay"] = _each(equations.current_decay, shape)
    if equations.reset_value.any():
        each["reset_value"] = _each(equations.reset_value, shape)
    reset = "none" if equations.reset is None else str(equations.reset)
    said = {"integration": str(equations.integration), "reset": reset, "origin": origin}
    metadata = {"snnc": {**said, **each, **notes}}
    fields = _fields({n: x.astype(np.float64) for n, x in each.items()}, equations, dt)
    if equations.reset is not None:
        fields["v_threshold"] = each["threshold"]
        fields["v_reset"] = _each(equations.reset_value, shape)
    spiking = equations.reset is not None
    return _KINDS["tau_syn" in fields, "v_leak" in fields, spiking](**fields, metadata=metadata)


_KINDS: dict[tuple[bool, bool, bool], Any] = {
    (True, True, True): nir.CubaLIF,
    (True, True, False): nir.CubaLI,
    (False, True, True): nir.LIF,
    (False, True, False): nir.LI,
    (False, False, True): nir.IF,
    (False, False, False): nir.I,
}
"""By whether there is a current, a leak, and a spike."""


def _fields(each: dict[str, Array], equations: Equations, dt: float) -> dict[str, Any]:
    decay, gain = each["decay"], each["gain"]
    if equations.integration is Integration.DECAY and (decay == 1).all():
        return {"r": gain / dt}
    euler = equations.integration.is_euler
    steps = _steps(decay, rate=euler)
    fields: dict[str, Any] = {"v_leak": each["leak"].astype(np.float32)}
    fields["r"] = gain if euler else gain * steps
    if not equations.integration.has_current:
        return {"tau": dt * steps, **fields}
    of_current = _steps(each["current_decay"], rate=euler)
    return {"tau_mem": dt * steps, "tau_syn": dt * of_current, "w_in": of_current, **fields}


def _steps(values: Array, *, rate: bool) -> Array:
    """Give time constants in steps, of a factor a step or of a rate."""
    return np.asarray(1 / np.maximum(values if rate else 1 - values, 1 / NO_LEAK_STEPS))


def _each(values: Array, shape: Shape) -> np.ndarray[Any, np.dtype[np.float32]]:
    return reals(np.broadcast_to(values, (1, *shape)).reshape(shape))
