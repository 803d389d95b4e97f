"""The arithmetic of a population: one step in integers.

The same as ``docs/arithmetic.md`` of snnc, and for reset to zero the same as Lava's bit-accurate
``LIF`` (lava 0.10.0, ``lava/proc/lif/models.py:71-214``).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt

State = npt.NDArray[Any]
"""Integers, kept as int64 or as float64."""
Spikes = npt.NDArray[np.bool_]

STATE_LIMIT = 2**23
"""``u`` and ``v`` are 24 bit wide (``lava/proc/lif/models.py:100``)."""
ALIGN_BITS = 6
"""Synaptic input and threshold are shifted by this (``lava/proc/lif/models.py:107-108``)."""
DECAY_BITS = 12
"""A decay is a fraction of ``2**12`` (``lava/proc/lif/models.py:104``)."""
WRAP_LIMIT = 2**18
"""Largest ``|a|`` for which one wrap always keeps ``u`` within 24 bits."""
FLOAT_LIMIT = 2**31
"""What ``|u|`` must stay below to be kept as float64: it is recorded in 32 bits, and its product
with a decay of 12 bits stays below ``2**53``."""
MAX_DU = 2**DECAY_BITS - 1
DELAYED = ("zero-next", "subtract-delayed", "subtract-retest")
"""Resets that ask which ``v`` was above the threshold as the step began."""


class Neurons:
    """Neurons of one kind, their state, and how it changes.

    Steps change it in place. Where the synaptic input is known to be small, integers are kept as
    float64, which rounds toward zero in one call.

    Attributes:
        size: Number of neurons.
        u: Synaptic current, shape ``[*batch, n]``.
        v: Membrane potential, shape ``[*batch, n]``.
    """

    def __init__(
        self,
        reset: str,
        parameters: Mapping[str, npt.NDArray[Any]],
        refractory: int = 0,
        spiking: bool = True,
        largest: float = inf,
    ) -> None:
        """Take the parameters of the population.

        Args:
            reset: One of ``none``, ``zero``, ``zero-next``, ``subtract``, ``subtract-delayed``,
                ``subtract-retest``.
            parameters: ``du``, ``dv``, ``threshold``, ``bias_mant``, ``bias_exp``, ``initial``,
                each ``[n]``.
            refractory: Steps after a spike in which ``v`` is held and no spike is possible.
            spiking: False for a read-out: no ``v`` is above its threshold.
            largest: Bound of the synaptic input's magnitude.
        """
        integers = {name: values.astype(np.int64) for name, values in parameters.items()}
        self.reset = reset
        self.du, self.dv = integers["du"], integers["dv"]
        self.initial = integers["initial"]
        self.size = self.initial.size
        self.refractory = refractory
        memory = 2**DECAY_BITS / (self.du.min(initial=MAX_DU) + 1)  # all that is left of an input
        largest_u = largest * 2**ALIGN_BITS * memory
        self.may_wrap = not largest_u < STATE_LIMIT
        floats = largest <= WRAP_LIMIT or largest_u < FLOAT_LIMIT
        self.dtype = np.float64 if floats else np.int64
        self.kept_u = self._parameter(2**DECAY_BITS - (self.du + 1))
        self.kept_v = self._parameter(2**DECAY_BITS - self.dv)
        self.remembers = bool(np.any(self.kept_u))
        theta = integers["threshold"] << ALIGN_BITS
        if not spiking:
            theta = np.full_like(theta, STATE_LIMIT)
        self.theta = self._parameter(theta)
        self.bias = self._parameter(integers["bias_mant"] << integers["bias_exp"])
        self.biased = bool(np.any(self.bias))
        self.decay = _truncated if floats else _shifted
        if floats:
            self.kept_u, self.kept_v = self.kept_u / 2**DECAY_BITS, self.kept_v / 2**DECAY_BITS
        self.rest()

    def _parameter(self, values: npt.NDArray[np.int64]) -> Any:
        """Give one number where all neurons have the same."""
        typed = values.astype(self.dtype)
        return typed[0].item() if self.size and (values == values[0]).all() else typed

    def rest(self, *batch: int) -> None:
        """Set the state of every sample to what it is before the first step."""
        shape = (*batch, self.size)
        self.u: State = np.zeros(shape, self.dtype)
        self.v: State = np.zeros(shape, self.dtype)
        self.v[...] = self.initial
        self.next_v = np.zeros(shape, self.dtype) if self.refractory else self.v
        self.drive: State = np.zeros(shape, self.dtype)
        self.pause = np.zeros(shape, np.int64)  # steps that v is still held

    def step(self, a: Any) -> Spikes:
        """Advance one step and give the spikes, shape ``[*batch, n]``.

        Args:
            a: Synaptic input, of this shape or one that NumPy repeats to it.
        """
        theta = self.theta
        over_before: Any = self.v > theta if self.reset in DELAYED else None
        self._integrate(a)
        v = self.decay(self.v, self.kept_v, self.next_v)
        v += self.u
        if self.biased:
            v += self.bias
        if self.reset in ("subtract-delayed", "subtract-retest"):
            v -= theta * over_before
        v.clip(-(STATE_LIMIT - 1), STATE_LIMIT - 1, out=v)
        if self.reset == "zero-next":
            np.putmask(v, over_before, 0)
        spikes: Spikes
        spikes = v > theta
        if self.reset == "zero":
            np.putmask(v, spikes, 0)
        elif self.reset == "subtract":
            v -= theta * spikes
        elif self.reset == "subtract-retest":
            v += theta * over_before - theta * spikes
        if self.refractory:
            v = self._hold(v, spikes)
        self.v = v
        return spikes

    def _integrate(self, a: Any) -> None:
        """Let ``u`` decay, and add the synaptic input to it."""
        u = drive = self.u
        if self.remembers:
            drive = self.drive
            self.decay(u, self.kept_u, u)
        np.multiply(a, 2**ALIGN_BITS, out=drive, dtype=self.dtype, casting="unsafe")
        if self.remembers:
            u += drive
        self.u = _wrapped(u) if self.may_wrap else u

    def _hold(self, v: State, spikes: Spikes) -> State:
        """Give ``v`` as it was where it is held; nothing there spikes."""
        held = self.pause > 0
        v = np.where(held, self.v, v)
        spikes &= ~held
        self.pause = np.where(spikes, self.refractory, np.maximum(self.pause - 1, 0))
        return v


def _shifted(x: State, kept: Any, out: State) -> State:
    """Give ``x * kept / 4096``, rounded toward zero, of int64."""
    product = x * kept
    np.multiply(np.sign(product), np.abs(product) >> DECAY_BITS, out=out)
    return out


def _truncated(x: State, kept: Any, out: State) -> State:
    """Give ``x * kept``, rounded toward zero, of float64."""
    np.trunc(np.multiply(x, kept, out=out), out=out)
    return out


def _wrapped(u: State) -> State:
    """Bring ``u`` back into 24 bits as Lava does: once, and into ``(-2**23, 2**23]``."""
    if u.max(initial=0) <= STATE_LIMIT and u.min(initial=0) > -STATE_LIMIT:
        return u
    u = np.where(u > STATE_LIMIT, u - 2 * STATE_LIMIT, u)
    return np.where(u <= -STATE_LIMIT, u + 2 * STATE_LIMIT, u)
