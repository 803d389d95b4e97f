"""What every recording of an event camera becomes: columns, rows, polarities and times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Recording:
    """Events in the order of the file; all arrays have the shape ``[events]``.

    Attributes:
        t: Microseconds since the recording began, 0 or more.
        x: Columns, 0 at the left.
        y: Rows, 0 at the top.
        on: 1 where it became brighter, 0 where it became darker.
        sensor: Height and width in pixels; None where the file does not tell.
    """

    t: npt.NDArray[np.int64]
    x: npt.NDArray[np.int32]
    y: npt.NDArray[np.int32]
    on: npt.NDArray[np.uint8]
    sensor: tuple[int, int] | None
