"""How a neuron node of NIR computes in discrete time, by the conventions of each dialect.

Measured equivalences of the dialects are in the docstrings of ``nir_neurons`` and
``snntorch_neurons``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.network import Integration, Reset
from snnc.compiler.nodes import READ_OUTS, NeuronNode
from snnc.compiler.notes import DEFAULTS, REQUIRED
from snnc.compiler.operators import Reals

Doubles = npt.NDArray[np.float64]
ZERO, ONE = np.zeros((), np.float32), np.ones((), np.float32)

UNIT_GAIN_TOLERANCE = 1e-5
"""``r dt / tau`` of a network without such a factor: 1 but for float32 rounding (8e-8)."""


@dataclass(frozen=True, kw_only=True)
class Neurons:
    """How the neurons of one node compute; arrays broadcast to the node's shape.

    The fields are those of ``network.Population``.
    """

    integration: Integration
    decay: Reals
    gain: Reals
    threshold: Reals = field(default_factory=lambda: ONE)
    reset: Reset = Reset.NONE
    current_decay: Reals = field(default_factory=lambda: ZERO)
    leak: Reals = field(default_factory=lambda: ZERO)
    initial: Reals = field(default_factory=lambda: ZERO)
    reset_value: Reals = field(default_factory=lambda: ZERO)
    spike: Reals = field(default_factory=lambda: ONE)
    refractory: int = 0
    spiking: bool = True

    def arrays(self) -> tuple[Reals, ...]:
        """Give every array."""
        return tuple(v for v in vars(self).values() if isinstance(v, np.ndarray))


def relay() -> Neurons:
    """Give a read-out without memory: ``v = I``."""
    return Neurons(integration=Integration.DECAY, decay=ZERO, gain=ONE, spiking=False)


def noted_neurons(node: NeuronNode, notes: Mapping[str, Any]) -> Neurons:
    """Give the neurons of a node as snnc's frontends noted them on it."""
    return Neurons(
        integration=Integration(str(notes["integration"])),
        reset=Reset(str(notes["reset"])),
        refractory=int(np.asarray(notes.get("refractory", 0))),
        spiking=not isinstance(node, READ_OUTS),
        **{name: reals(notes[name]) for name in REQUIRED},
        **{name: reals(notes.get(name, default)) for name, default in DEFAULTS.items()},
    )


def nir_neurons(node: NeuronNode, dt: float, reset: Reset) -> Neurons:
    """Give the neurons of NIR's equations by forward Euler.

    ``LIF`` and ``LI`` are ``v += dt / tau * ((r I + v_leak) - v)``: with ``r = 1`` norse's
    ``LIFBoxCell``, bit for bit. ``CubaLIF`` and ``CubaLI`` are ``i += w_in dt / tau_syn * r I``,
    ``v += dt / tau_mem * ((v_leak - v) + i)``, ``i -= dt / tau_syn * i``, which has ``r`` folded
    into ``i``: with ``r = 1`` and ``w_in = tau_syn / dt`` norse's ``LIFCell``. ``IF`` and ``I`` are
    ``v += r dt * I``. ``Threshold`` is ``1`` where ``I > threshold``, without any state.

    A reset to zero is one to ``v_reset``.
    """
    if isinstance(node, nir.Threshold):
        threshold = reals(node.threshold)
        return Neurons(integration=Integration.DECAY, decay=ZERO, gain=ONE, threshold=threshold)
    if isinstance(node, nir.IF | nir.I):
        how = Neurons(
            integration=Integration.DECAY, decay=ONE, gain=_near_one(gains(node, dt)["r*dt"])
        )
    elif isinstance(node, nir.CubaLIF | nir.CubaLI):
        how = Neurons(
            integration=Integration.CURRENT_EULER,
            decay=euler_rate(np.asarray(node.tau_mem), dt),
            current_decay=euler_rate(np.asarray(node.tau_syn), dt),
            gain=_near_one(gains(node, dt)["w_in*dt/tau_syn"] * np.asarray(node.r)),
            leak=reals(node.v_leak),
        )
    else:
        how = Neurons(
            integration=Integration.EULER,
            decay=euler_rate(np.asarray(node.tau), dt),
            gain=reals(node.r),
            leak=reals(node.v_leak),
        )
    if isinstance(node, READ_OUTS):
        return replace(how, spiking=False)
    value = reals(0 if node.v_reset is None else node.v_reset)
    if reset is Reset.ZERO and value.any():
        reset = Reset.VALUE
    return replace(how, threshold=reals(node.v_threshold), reset=reset, reset_value=value)


def snntorch_neurons(
    node: nir.LIF | nir.CubaLIF | nir.Threshold, dt: float, reset: Reset
) -> Neurons:
    """Give the neurons that snnTorch exports as ``node`` (snntorch 1.0.0, ``export_nir.py``).

    ``LIF`` is ``mem = beta * mem + x`` with ``beta = 1 - dt / tau``. ``CubaLIF`` is ``syn = alpha *
    syn + x``, ``mem = beta * mem + syn`` with ``alpha = 1 - dt / tau_syn``.
    """
    if isinstance(node, nir.Threshold):
        return nir_neurons(node, dt, reset)
    current = isinstance(node, nir.CubaLIF)
    tau = node.tau_mem if isinstance(node, nir.CubaLIF) else node.tau
    return Neurons(
        integration=Integration.CURRENT_DECAY if current else Integration.DECAY,
        decay=snntorch_beta(np.asarray(tau), dt),
        current_decay=snntorch_beta(np.asarray(node.tau_syn), dt)
        if isinstance(node, nir.CubaLIF)
        else ZERO,
        gain=np.ones_like(reals(node.r)),
        threshold=reals(node.v_threshold),
        reset=reset,
    )


def gains(node: NeuronNode, dt: float) -> dict[str, Doubles]:
    """Give the factors of a node's input by name; 1 where a framework has no such factor."""

    def ratio(factor: Any, tau: Any) -> Doubles:
        with np.errstate(divide="ignore", invalid="ignore"):  # tau = 0 has a message of its own
            return np.asarray(factor, np.float64) * dt / np.asarray(tau, np.float64)

    if isinstance(node, nir.Threshold):
        return {}
    if isinstance(node, nir.IF | nir.I):
        return {"r*dt": ratio(node.r, 1.0)}
    if isinstance(node, nir.CubaLIF | nir.CubaLI):
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
