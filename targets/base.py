"""What a target gives to the compiler and to the runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.trace import Trace

if TYPE_CHECKING:
    from snnc.targets.artifact import Artifact

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


class Target(Protocol):
    """A place to run. Compiling must not import the vendor's package; running may."""

    name: str
    summary: str
    fixed: bool
    """True where it executes the integers, False where it executes the real numbers."""

    def members(self, fixed: FixedNetwork) -> Mapping[str, bytes]:
        """Give the files that the artifact needs beside program and weights."""
        ...

    def missing(self) -> Diagnostic | None:
        """Say what this machine lacks to run it, or None."""
        ...

    def run(self, artifact: Artifact, inputs: Inputs, options: RunOptions) -> Trace:
        """Run ``artifact`` on ``inputs``."""
        ...
