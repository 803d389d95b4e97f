"""Samples one after the other on hardware that never stops, and what is kept of them."""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
SIGNALS = {"spikes": np.uint8, "u": np.int32, "v": np.int32}
"""What can be recorded of a population, and as which type."""


@dataclass(frozen=True)
class Window:
    """Maps hardware steps to steps of samples.

    Sample ``j`` (from 0) owns the hardware steps ``j * period + 1`` to ``(j + 1) * period``. A
    process of lag ``L`` works on its step ``t`` (from 1 to ``steps``) at hardware step
    ``j * period + L + t``.

    Attributes:
        steps: Steps of a sample.
        batch: Number of samples.
        period: Hardware steps from the start of a sample to the start of the next.
        lag: Hardware steps by which the process runs behind the input.
    """

    steps: int
    batch: int
    period: int
    lag: int = 0

    def position(self, hardware_step: int) -> tuple[int, int] | None:
        """Give step and sample, both from 0, or None outside of every sample.

        Args:
            hardware_step: Counts from 1, as Lava does.
        """
        sample, step = divmod(hardware_step - 1 - self.lag, self.period)
        if 0 <= sample < self.batch and step < self.steps:
            return step, sample
        return None


@dataclass(frozen=True, eq=False)
class Recorder:
    """Arrays in memory that a Lava process shares with the process that started it.

    Attributes:
        window: When the process works.
        arrays: For each signal an array ``[steps + latency, batch, n]`` in hardware time of the
            sample: zero wherever the process does not work.
    """

    window: Window
    arrays: dict[str, Array] = field(default_factory=dict[str, Array])

    def keep(self, hardware_step: int, **signals: Array) -> None:
        """Store those of ``signals`` that are recorded, if the step belongs to a sample."""
        position = self.window.position(hardware_step)
        if position is None:
            return
        step, sample = position
        for name, array in self.arrays.items():
            array[step + self.window.lag, sample] = signals[name]


def shared_array(shape: tuple[int, ...], dtype: type[Any]) -> Array:
    """Make an array of zeros that processes forked later write to in common.

    The mapping has no name, so nothing remains of it when the last process has ended.
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    return np.frombuffer(mmap.mmap(-1, max(size, 1)), dtype, prod(shape)).reshape(shape)
