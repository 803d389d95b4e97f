"""Times into steps, exactly, and events into arrays of steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic

MICROSECONDS = 10**6
"""In a second."""
ROUNDING = 4
"""Units in the last place by which a time may lie before the step that it belongs to."""
BEYOND = 2**62
"""Stands for all steps from there on, so that they are integers of 64 bits."""
MOST_EVENTS = np.iinfo(np.uint16).max
"""Events that are counted for one value."""


class Values(StrEnum):
    """What the events of a step become.

    Attributes:
        BINARY: 1 where there is any.
        COUNT: How many there are.
    """

    BINARY = "binary"
    COUNT = "count"


@dataclass(frozen=True, kw_only=True)
class Binning:
    """How events become steps.

    Attributes:
        seconds: Length of a step; None for the network's.
        steps: Of each recording: longer ones are cut, shorter ones end in silence; None for as
            many as the longest takes.
        values: What the events of a step become.
        sensor: Height and width of the sensor, where the file and the input do not tell.
    """

    seconds: float | None = None
    steps: int | None = None
    values: str = Values.BINARY
    sensor: tuple[int, ...] | None = None

    def options(self) -> list[str]:
        """Give the options of the command that were said."""
        said = {
            "--bin-seconds": self.seconds is not None,
            "--bin-steps": self.steps is not None,
            "--bin-values": self.values != Values.BINARY,
            "--sensor-shape": self.sensor is not None,
        }
        return [option for option, given in said.items() if given]

    def problems(self) -> Iterator[Diagnostic]:
        """Tell of values that make no sense."""
        if self.seconds is not None and not 0 < self.seconds < float("inf"):
            yield _wrong("--bin-seconds", f"{self.seconds:g}", "seconds above 0", "0.001")
        if self.steps is not None and self.steps < 1:
            yield _wrong("--bin-steps", f"{self.steps}", "1 step or more", "300")
        if self.values not in list(Values):
            yield _wrong("--bin-values", self.values, ", ".join(Values), "binary")
        if self.sensor is not None and (len(self.sensor) != 2 or min(self.sensor) < 1):
            found = ",".join(map(str, self.sensor))
            yield _wrong("--sensor-shape", found, "height and width in pixels", "34,34")

    def step(self, dt: float) -> float:
        """Give the length of a step in seconds; ``dt`` is the network's."""
        return dt if self.seconds is None else self.seconds


def exact(seconds: float) -> Fraction:
    """Give the number that was meant by ``seconds``: 1/1000 for 0.001, also where it is a float32.

    The shortest decimal number that is rounded to ``seconds`` is what people wrote.
    """
    with np.errstate(over="ignore"):
        short = np.float32(seconds)
    return Fraction(str(short) if float(short) == seconds else repr(float(seconds)))


def steps_of_microseconds(t: npt.NDArray[np.int64], seconds: float) -> npt.NDArray[np.int64]:
    """Give the step of each time: ``k`` where ``k * seconds <= t < (k + 1) * seconds``.

    Args:
        t: Microseconds, 0 or more.
        seconds: Length of a step.
    """
    ratio = 1 / (exact(seconds) * MICROSECONDS)  # steps in a microsecond
    a, b = ratio.numerator, ratio.denominator
    most = int(t.max(initial=0))
    if max(a * b, (most // b + 1) * a) < 2**63:
        return np.asarray(t // b * a + t % b * a // b, np.int64)
    return np.array([min(value * a // b, BEYOND) for value in t.tolist()], np.int64)


def steps_of_seconds(t: npt.NDArray[Any], seconds: float) -> npt.NDArray[np.int64]:
    """Do the same for seconds in floating point, where ``3 * 0.005`` is in step 3.

    A time within ``ROUNDING`` units in the last place of the begin of a step belongs to it.

    Args:
        t: Seconds, 0 or more, float32 or float64.
        seconds: Length of a step.
    """
    with np.errstate(over="ignore"):
        quotient = np.minimum(t.astype(np.float64) / float(exact(seconds)), BEYOND)
    near = np.rint(quotient)
    margin = ROUNDING * float(np.finfo(t.dtype).eps) * np.maximum(near, 1)
    return np.where(np.abs(quotient - near) <= margin, near, np.floor(quotient)).astype(np.int64)


def fill(
    values: npt.NDArray[Any], sample: int, step: npt.NDArray[Any], index: npt.NDArray[Any]
) -> None:
    """Put events into one sample; those behind the last step are left out.

    Args:
        values: ``[steps, batch, n]``, uint8 for ``BINARY``, uint16 for ``COUNT``.
        sample: Which of the batch.
        step: Of each event.
        index: Of each event, 0 to n - 1.
    """
    kept = step < values.shape[0]
    step, index = step[kept].astype(np.int64), index[kept].astype(np.int64)
    place, counts = np.unique(step * values.shape[2] + index, return_counts=True)
    if values.dtype == np.uint8:
        counts = np.ones_like(counts)
    values[place // values.shape[2], sample, place % values.shape[2]] = np.minimum(
        counts, MOST_EVENTS
    )


def _wrong(option: str, found: str, limit: str, example: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.OPTION_VALID,
        node=option,
        found=found,
        limit=limit,
        remedy=f"{option} {example}",
    )
