"""What a run is given beside the artifact: data, and how to go about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

Inputs = Mapping[str, npt.NDArray[Any]]
"""For each input of the network an array ``[steps, batch, *shape]``."""

Progress = Callable[[int, int], None]
"""Called with the work done and the work in all, now and then."""


def no_progress(done: int, total: int) -> None:
    """Show nothing."""
    del done, total


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How to run.

    Attributes:
        record: Which of ``spikes``, ``u``, ``v`` to keep of every population.
        raw_time: Leave everything in hardware time, ``latency`` steps longer than the input.
        timeout: Seconds after which the run is ended, or None for the target's own limit.
        progress: Told how far the run is.
    """

    record: tuple[str, ...] = ()
    raw_time: bool = False
    timeout: float | None = None
    progress: Progress = no_progress
