"""The arithmetic of a population: one step in integers.

The same as ``docs/arithmetic.md`` of snnc, and for reset to zero the same as Lava's bit-accurate
``LIF`` (lava 0.10.0, ``lava/proc/lif/models.py:71-214``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

STATE_LIMIT = 2**23
"""``u`` and ``v`` are 24 bit wide (``lava/proc/lif/models.py:100``)."""
ALIGN_BITS = 6
"""Synaptic input and threshold are shifted by this (``lava/proc/lif/models.py:107-108``)."""
DECAY_BITS = 12
"""A decay is a fraction of ``2**12`` (``lava/proc/lif/models.py:104``)."""


class Neurons:
    """Neurons of one kind, their state, and how it changes.

    Attributes:
        u: Synaptic current, shape ``[n]``.
        v: Membrane potential, shape ``[n]``.
    """

    def __init__(
        self,
        reset: str,
        parameters: Mapping[str, npt.NDArray[Any]],
        refractory: int = 0,
        spiking: bool = True,
    ) -> None:
        """Take the parameters of the population.

        Args:
            reset: One of ``none``, ``zero``, ``zero-next``, ``subtract``, ``subtract-delayed``,
                ``subtract-retest``.
            parameters: ``du``, ``dv``, ``threshold``, ``bias_mant``, ``bias_exp``, ``initial``,
                each ``[n]``.
            refractory: Steps after a spike in which ``v`` is held and no spike is possible.
            spiking: False for a read-out: no ``v`` is above its threshold.
        """
        integers = {name: values.astype(np.int64) for name, values in parameters.items()}
        self.reset = reset
        self.du, self.dv = integers["du"], integers["dv"]
        self.theta = integers["threshold"] << ALIGN_BITS
        if not spiking:
            self.theta = np.full_like(self.theta, STATE_LIMIT)
        self.bias = integers["bias_mant"] << integers["bias_exp"]
        self.initial = integers["initial"]
        self.refractory = refractory
        self.rest()

    def rest(self) -> None:
        """Set the state to what it is before the first step of a sample."""
        self.u: Integers = np.zeros_like(self.theta)
        self.v: Integers = self.initial
        self.pause: Integers = np.zeros_like(self.theta)  # steps that v is still held

    def step(self, a: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Advance one step and give the spikes.

        Args:
            a: Synaptic input, shape ``[n]``.
        """
        theta = self.theta
        over_before = self.v > theta
        self.u = _wrapped(_decayed(self.u, self.du + 1) + (a.astype(np.int64) << ALIGN_BITS))
        v = _decayed(self.v, self.dv) + self.u + self.bias
        if self.reset in ("subtract-delayed", "subtract-retest"):
            v -= theta * over_before
        v = np.clip(v, -(STATE_LIMIT - 1), STATE_LIMIT - 1)
        if self.reset == "zero-next":
            v[over_before] = 0
        spikes = v > theta
        if self.reset == "zero":
            v[spikes] = 0
        elif self.reset == "subtract":
            v -= theta * spikes
        elif self.reset == "subtract-retest":
            v += theta * over_before - theta * spikes
        if self.refractory:
            held = self.pause > 0
            v = np.where(held, self.v, v)
            spikes &= ~held
            self.pause = np.where(spikes, self.refractory, np.maximum(self.pause - 1, 0))
        self.v = v
        return spikes


def _decayed(x: Integers, decay: Integers) -> Integers:
    """Give ``x * (4096 - decay) / 4096``, rounded toward zero."""
    product: Integers = x * (2**DECAY_BITS - decay)
    shrunk: Integers = np.sign(product) * (np.abs(product) >> DECAY_BITS)
    return shrunk


def _wrapped(u: Integers) -> Integers:
    """Bring ``u`` back into 24 bits as Lava does: once, and into ``(-2**23, 2**23]``."""
    u = np.where(u > STATE_LIMIT, u - 2 * STATE_LIMIT, u)
    return np.where(u <= -STATE_LIMIT, u + 2 * STATE_LIMIT, u)
