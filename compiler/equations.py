"""How a neuron node of NIR computes in discrete time, by the conventions of each dialect.

Measured equivalences of the dialects are in the docstrings of ``nir_neurons`` and
``snntorch_neurons``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.network import Integration, Reals, Reset
from snnc.compiler.notes import NeuronNode

Doubles = npt.NDArray[np.float64]

UNIT_GAIN_TOLERANCE = 1e-5
"""``r dt / tau`` of a network without such a factor: 1 but for float32 rounding (8e-8)."""


@dataclass(frozen=True)
class Neurons:
    """How the neurons of one node compute; arrays broadcast to the node's shape."""

    integration: Integration
    decay: Reals
    current_decay: Reals
    gain: Reals
    leak: Reals
    threshold: Reals
    reset: Reset


def noted_neurons(notes: Mapping[str, Any]) -> Neurons:
    """Give the neurons of a node as snnc's frontends noted them on it."""
    return Neurons(
        integration=Integration(str(notes["integration"])),
        decay=reals(notes["decay"]),
        current_decay=reals(notes.get("current_decay", 0)),
        gain=reals(notes["gain"]),
        leak=reals(notes["leak"]),
        threshold=reals(notes["threshold"]),
        reset=Reset(str(notes["reset"])),
    )


def nir_neurons(node: NeuronNode, dt: float, reset: Reset) -> Neurons:
    """Give the neurons of NIR's equations by forward Euler.

    ``LIF`` is ``v += dt / tau * ((r I + v_leak) - v)``: with ``r = 1`` norse's ``LIFBoxCell``, bit
    for bit. ``CubaLIF`` is ``i += w_in dt / tau_syn * r I``, ``v += dt / tau_mem * ((v_leak - v) +
    i)``, ``i -= dt / tau_syn * i``, which has ``r`` folded into ``i``: with ``r = 1`` and ``w_in =
    tau_syn / dt`` norse's ``LIFCell``. ``IF`` is ``v += r dt * I``.
    """
    if isinstance(node, nir.IF):
        return Neurons(
            integration=Integration.DECAY,
            decay=np.ones_like(reals(node.r)),
            current_decay=reals(0),
            gain=_near_one(gains(node, dt)["r*dt"]),
            leak=reals(0),
            threshold=reals(node.v_threshold),
            reset=reset,
        )
    if isinstance(node, nir.CubaLIF):
        return Neurons(
            integration=Integration.CURRENT_EULER,
            decay=euler_rate(np.asarray(node.tau_mem), dt),
            current_decay=euler_rate(np.asarray(node.tau_syn), dt),
            gain=_near_one(gains(node, dt)["w_in*dt/tau_syn"] * np.asarray(node.r)),
            leak=reals(node.v_leak),
            threshold=reals(node.v_threshold),
            reset=reset,
        )
    return Neurons(
        integration=Integration.EULER,
        decay=euler_rate(np.asarray(node.tau), dt),
        current_decay=reals(0),
        gain=reals(node.r),
        leak=reals(node.v_leak),
        threshold=reals(node.v_threshold),
        reset=reset,
    )


def snntorch_neurons(node: nir.LIF | nir.CubaLIF, dt: float, reset: Reset) -> Neurons:
    """Give the neurons that snnTorch exports as ``node`` (snntorch 1.0.0, ``export_nir.py``).

    ``LIF`` is ``mem = beta * mem + x`` with ``beta = 1 - dt / tau``. ``CubaLIF`` is ``syn = alpha *
    syn + x``, ``mem = beta * mem + syn`` with ``alpha = 1 - dt / tau_syn``.
    """
    current = isinstance(node, nir.CubaLIF)
    tau = node.tau_mem if isinstance(node, nir.CubaLIF) else node.tau
    return Neurons(
        integration=Integration.CURRENT_DECAY if current else Integration.DECAY,
        decay=snntorch_beta(np.asarray(tau), dt),
        current_decay=snntorch_beta(np.asarray(node.tau_syn), dt)
        if isinstance(node, nir.CubaLIF)
        else reals(0),
        gain=np.ones_like(reals(node.r)),
        leak=np.zeros_like(reals(node.v_leak)),
        threshold=reals(node.v_threshold),
        reset=reset,
    )


def gains(node: NeuronNode, dt: float) -> dict[str, Doubles]:
    """Give the factors of a node's input by name; 1 where a framework has no such factor."""

    def ratio(factor: Any, tau: Any) -> Doubles:
        with np.errstate(divide="ignore", invalid="ignore"):  # tau = 0 has a message of its own
            return np.asarray(factor, np.float64) * dt / np.asarray(tau, np.float64)

    if isinstance(node, nir.IF):
        return {"r*dt": ratio(node.r, 1.0)}
    if isinstance(node, nir.CubaLIF):
        return {
            "r*dt/tau_mem": ratio(node.r, node.tau_mem),
            "w_in*dt/tau_syn": ratio(node.w_in, node.tau_syn),
        }
    return {"r*dt/tau": ratio(node.r, node.tau)}


def is_unit(gain: Doubles) -> bool:
    """Tell whether ``gain`` is 1 but for rounding."""
    return bool((np.abs(gain - 1) < UNIT_GAIN_TOLERANCE).all())


def euler_rate(tau: npt.NDArray[Any], dt: float) -> Reals:
    """Give ``dt / tau`` in the precision of ``tau``: 1 where a float32 ``tau`` is one step."""
    return reals((np.float32(dt) if tau.dtype == np.float32 else dt) / tau)


def snntorch_beta(tau: npt.NDArray[Any], dt: float) -> Reals:
    """Give back the float32 ``beta`` that was exported as ``tau = dt / (1 - beta)``.

    Of float32 ``tau``: exact for betas of three decimals from 0.66 on, else 1e-7 off at most.
    Of float64 ``tau``: exact.
    """
    if tau.dtype == np.float32:
        return reals(np.float32(1) - np.float32(dt) / tau)
    return reals(1 - dt / tau)


def reals(values: Any) -> Reals:
    """Give ``values`` as float32."""
    with np.errstate(over="ignore"):  # infinity is refused by check_network
        return np.asarray(values).astype(np.float32)


def _near_one(gain: Doubles) -> Reals:
    """Take a product that float32 parameters put within rounding of 1 for the 1 that is meant."""
    return reals(np.where(np.abs(gain - 1) < 4 * np.finfo(np.float32).eps, 1, gain))
