"""N-MNIST and N-Caltech101: 5 bytes an event, as their authors publish them.

Byte 0 is the column, byte 1 the row; the highest bit of byte 2 is the polarity, and the 23 bits
behind it are the time in microseconds, the first the highest (Orchard et al. 2015, Frontiers in
Neuroscience 9:437, and the description that comes with the data). A row of 240, which the sensor
does not have, is no event: the times from there on are 2^13 us later (``eventvision.py`` of the
same author).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnc.frontends.events.recording import Recording
from snnc.frontends.refusals import refused_data

EVENT = 5
"""Bytes of an event."""
LATER_ROW = 240
"""A row that is none: the clock has overflowed."""
LATER = 2**13
"""Microseconds by which the times behind it are later."""
LIMIT = "an N-MNIST recording: 5 bytes for each event"


def read_nmnist(path: Path, name: str) -> Recording:
    """Read one recording.

    Args:
        path: The file.
        name: Its path as messages give it.

    Raises:
        InputError: SNN641, its size is not that of whole events, or it holds none.
        OSError: It cannot be read.
    """
    content = np.fromfile(path, np.uint8)
    if content.size % EVENT:
        raise refused_data(name, f"{content.size} bytes", LIMIT)
    x, y, high, middle, low = content.reshape(-1, EVENT).T.astype(np.int32)
    later = np.cumsum(y == LATER_ROW, dtype=np.int64) * LATER
    t = ((high & 127) << 16 | middle << 8 | low) + later
    true = y != LATER_ROW
    if not true.any():
        raise refused_data(name, "no event", LIMIT)
    on = (high >> 7).astype(np.uint8)
    return Recording(t=t[true], x=x[true], y=y[true], on=on[true], sensor=None)
