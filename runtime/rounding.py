"""How weights are rounded, as a user names it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.names import nearest, written


class Rounding(StrEnum):
    """What typical data may change of the integers, beside their scales."""

    NEAREST = "nearest"
    """Nothing: every weight is rounded by itself."""
    FEEDBACK = "feedback"
    """Weights make up for each other's rounding."""
    RECALIBRATED = "recalibrated"
    """Thresholds move, too, until neurons spike as often as they did."""


def rounding_problems(rounding: str | None, *, calibrated: bool) -> Iterator[Diagnostic]:
    """Yield that ``rounding`` is none, or needs data that are not there.

    Args:
        rounding: As the user names it; None where nothing is said.
        calibrated: Whether there are calibration data.
    """
    names = [r.value for r in Rounding]
    if rounding is not None and rounding not in names:
        like = nearest(rounding, names)
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--rounding",
            found=written(rounding),
            limit=", ".join(names),
            remedy=f"--rounding {like or Rounding.NEAREST}",
        )
    elif rounding not in (None, Rounding.NEAREST) and not calibrated:
        yield Diagnostic(
            rule=rules.ROUNDING_DATA,
            node="--rounding",
            found=f"{rounding} without calibration data",
            limit="typical input data, [steps, batch, *shape]",
            remedy="give them with --calibrate X.npy, or leave --rounding out",
        )
