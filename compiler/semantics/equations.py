"""What the neurons of a node compute in discrete time, in the few forms that frameworks have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias, cast

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.graph.nodes import READ_OUTS, NeuronNode
from snnc.compiler.graph.notes import DEFAULTS, REQUIRED
from snnc.compiler.network import Integration, Reset
from snnc.compiler.operators import Reals

Array = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]
Rate: TypeAlias = Callable[[Array, float], Reals]
"""Gives, of a time constant and ``dt``, what a state keeps or moves by in one step."""
Maker: TypeAlias = Callable[[Any, float], "Neurons"]
"""Gives, of a node and ``dt``, its neurons but for threshold and reset."""
ZERO, ONE = np.zeros((), np.float32), np.ones((), np.float32)


@dataclass(frozen=True, kw_only=True)
class Neurons:
    """How the neurons of one node compute; arrays broadcast to the node's shape.

    The fields are those of ``network.Population``.
    """

    integration: Integration
    decay: Reals
    gain: Reals = field(default_factory=lambda: ONE)
    threshold: Reals = field(default_factory=lambda: ONE)
    reset: Reset = Reset.NONE
    current_decay: Reals = field(default_factory=lambda: ZERO)
    leak: Reals = field(default_factory=lambda: ZERO)
    initial: Reals = field(default_factory=lambda: ZERO)
    reset_value: Reals = field(default_factory=lambda: ZERO)
    spike: Reals = field(default_factory=lambda: ONE)
    refractory: int = 0
    inclusive: bool = False
    spiking: bool = True

    def arrays(self) -> tuple[Reals, ...]:
        """Give every array."""
        values = (getattr(self, f.name) for f in fields(self))
        return tuple(cast("Reals", v) for v in values if isinstance(v, np.ndarray))


def relay() -> Neurons:
    """Give a read-out without memory: ``v = I``."""
    return Neurons(integration=Integration.DECAY, decay=ZERO, spiking=False)


def noted_neurons(node: NeuronNode, notes: Mapping[str, Any]) -> Neurons:
    """Give the neurons of a node as snnc's frontends noted them on it."""
    numbers: dict[str, Any] = {name: reals(notes[name]) for name in REQUIRED}
    numbers |= {name: reals(notes.get(name, default)) for name, default in DEFAULTS.items()}
    return Neurons(
        integration=Integration(str(notes["integration"])),
        reset=Reset(str(notes["reset"])),
        refractory=int(np.asarray(notes.get("refractory", 0))),
        spiking=not isinstance(node, READ_OUTS),
        **numbers,
    )


# --- what a state moves by, or keeps, in one step ---------------------------------------------


def euler_rate(tau: Array, dt: float) -> Reals:
    """Give ``dt / tau`` in the precision of ``tau``: 1 where a float32 ``tau`` is one step."""
    return reals((np.float32(dt) if tau.dtype == np.float32 else dt) / tau)


def exact_rate(tau: Array, dt: float) -> Reals:
    """Give ``1 - exp(-dt / tau)``, by which a constant input moves a state in one step."""
    return reals(-np.expm1(-dt / tau.astype(np.float64)))


def euler_decay(tau: Array, dt: float) -> Reals:
    """Give ``1 - dt / tau``: the ``beta`` of which snnTorch wrote ``tau = dt / (1 - beta)``.

    Of float32 ``tau``: exact for betas of three decimals from 0.66 on, else 1e-7 off at most.
    Of float64 ``tau``: exact.
    """
    if tau.dtype == np.float32:
        return reals(np.float32(1) - np.float32(dt) / tau)
    return reals(1 - dt / tau)


def exact_decay(tau: Array, dt: float) -> Reals:
    """Give ``exp(-dt / tau)``, what is left of a state after one step."""
    return reals(np.exp(-dt / tau.astype(np.float64)))


# --- one state: LIF, LI, IF, I, Threshold -----------------------------------------------------


def towards_input(rate: Rate) -> Maker:
    """Give ``v += rate * ((r I + v_leak) - v)``: with ``dt / tau`` forward Euler."""

    def make(node: nir.LIF | nir.LI, dt: float) -> Neurons:
        return Neurons(
            integration=Integration.EULER,
            decay=rate(np.asarray(node.tau), dt),
            gain=reals(node.r),
            leak=reals(node.v_leak),
        )

    return make


def decaying(decay: Rate, gain: Rate | None = None) -> Maker:
    """Give ``v = decay * v + gain * I``, gain 1 where there is none."""

    def make(node: nir.LIF | nir.LI, dt: float) -> Neurons:
        tau = np.asarray(node.tau)
        return Neurons(
            integration=Integration.DECAY,
            decay=decay(tau, dt),
            gain=ONE if gain is None else gain(tau, dt),
        )

    return make


def adding(gain: Callable[[Any, float], Reals]) -> Maker:
    """Give ``v += gain * I``."""

    def make(node: nir.IF | nir.I, dt: float) -> Neurons:
        return Neurons(integration=Integration.DECAY, decay=ONE, gain=gain(node, dt))

    return make


def stepping(node: nir.Threshold, dt: float) -> Neurons:
    """Give a spike where ``I > threshold``, whatever was before."""
    del node, dt
    return Neurons(integration=Integration.DECAY, decay=ZERO)


# --- two states: CubaLIF, CubaLI --------------------------------------------------------------


def current_towards_input(gain: Callable[[Any, float], Reals]) -> Maker:
    """Give ``i += gain * I``, ``v += dt / tau_mem * ((v_leak - v) + i)``, and then ``i`` decays.

    That is ``i -= dt / tau_syn * i``: ``v`` takes up the input of the step in full.
    """

    def make(node: nir.CubaLIF | nir.CubaLI, dt: float) -> Neurons:
        return Neurons(
            integration=Integration.CURRENT_EULER,
            decay=euler_rate(np.asarray(node.tau_mem), dt),
            current_decay=euler_rate(np.asarray(node.tau_syn), dt),
            gain=gain(node, dt),
            leak=reals(node.v_leak),
        )

    return make


def current_decaying(decay: Rate, gain: Rate | None = None) -> Maker:
    """Give ``i = decay * i + gain * I``, ``v = decay * v + i``, each with its time constant."""

    def make(node: nir.CubaLIF | nir.CubaLI, dt: float) -> Neurons:
        tau_syn = np.asarray(node.tau_syn)
        return Neurons(
            integration=Integration.CURRENT_DECAY,
            decay=decay(np.asarray(node.tau_mem), dt),
            current_decay=decay(tau_syn, dt),
            gain=ONE if gain is None else gain(tau_syn, dt),
        )

    return make


def from_leak(maker: Maker) -> Maker:
    """Give the same, from ``v = v_leak`` before the first step."""

    def make(node: Any, dt: float) -> Neurons:
        return replace(maker(node, dt), initial=reals(node.v_leak))

    return make


# --- gains ------------------------------------------------------------------------------------


def no_gain(node: NeuronNode, dt: float) -> Reals:
    """Give 1."""
    del node, dt
    return ONE


def gain_of_time(node: nir.IF | nir.I, dt: float) -> Reals:
    """Give ``r dt``."""
    return _near_one(np.asarray(node.r, np.float64) * dt)


def gain_of_current(node: nir.CubaLIF | nir.CubaLI, dt: float) -> Reals:
    """Give ``w_in dt / tau_syn * r``: the equation of NIR has ``r i``, and ``r`` is folded in."""
    w_in, tau, r = (np.asarray(a, np.float64) for a in (node.w_in, node.tau_syn, node.r))
    return _near_one(w_in * dt / tau * r)


def reals(values: Any) -> Reals:
    """Give ``values`` as float32."""
    with np.errstate(over="ignore"):  # infinity is refused by check_network
        return np.asarray(values).astype(np.float32)


def _near_one(gain: Doubles) -> Reals:
    """Take a product that float32 parameters put within rounding of 1 for the 1 that is meant."""
    return reals(np.where(np.abs(gain - 1) < 4 * np.finfo(np.float32).eps, 1, gain))
