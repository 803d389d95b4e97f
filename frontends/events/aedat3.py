"""AEDAT 3.1: lines of text, then packets of events of one kind, all little-endian.

A packet is a head of 28 bytes and ``eventCapacity`` events of ``eventSize`` bytes. A polarity event
is 8 bytes: bit 0 says that it counts, bit 1 is the polarity, bits 2 to 16 the row and 17 to 31 the
column; then the lower 31 bits of the time in microseconds, of which the packet holds the rest
(inivation, "AEDAT 3.1" in the documentation of its file formats). Packets of other kinds (frames,
motion) are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snnc.frontends.events.recording import Recording
from snnc.frontends.refusals import refused_data

MAGIC = b"#!AER-DAT3.1\r\n"
END = b"#!END-HEADER\r\n"
MAX_HEADER = 2**20
"""Bytes of the lines of text."""
HEAD = np.dtype(
    [
        ("kind", "<i2"),
        ("source", "<i2"),
        ("size", "<i4"),
        ("time_at", "<i4"),
        ("overflow", "<i4"),
        ("capacity", "<i4"),
        ("number", "<i4"),
        ("valid", "<i4"),
    ]
)
"""Head of a packet: ``eventType``, ``eventSource``, ``eventSize``, ``eventTSOffset``,
``eventTSOverflow``, ``eventCapacity``, ``eventNumber``, ``eventValid``."""
EVENT = np.dtype([("data", "<u4"), ("t", "<i4")])
POLARITY = 1
"""Kind of the packets of polarity events."""
SENSORS = {
    "DVS128": (128, 128),
    "DAVIS128": (128, 128),
    "DAVIS240": (180, 240),
    "DAVIS346": (260, 346),
    "DAVIS640": (480, 640),
}
"""Height and width by the beginning of a device's name (inivation, data sheets)."""
LIMIT = "an AEDAT 3.1 recording: a header, then whole packets of events"
Events = npt.NDArray[np.void]


def read_aedat3(path: Path, name: str) -> Recording:
    """Read the polarity events of one recording; its time begins with the first.

    Args:
        path: The file.
        name: Its path as messages give it.

    Raises:
        InputError: SNN641, it is damaged, holds no events, or those of several sensors.
        OSError: It cannot be read.
    """
    content = path.read_bytes()
    end = content[:MAX_HEADER].find(END)
    if not content.startswith(MAGIC) or end < 0:
        raise refused_data(name, "no end of the header", LIMIT)
    packets = list(_packets(content, end + len(END), name))
    sources = {source for source, _, _ in packets}
    if len(sources) > 1:
        raise refused_data(name, f"events of {len(sources)} sensors", "the events of one sensor")
    kept = [(events[events["data"] & 1 == 1], overflow) for _, overflow, events in packets]
    if not sum(events.size for events, _ in kept):
        raise refused_data(name, "no polarity event", LIMIT)
    t = np.concatenate([e["t"].astype(np.int64) + (o << 31) for e, o in kept])
    data = np.concatenate([events["data"] for events, _ in kept])
    return Recording(
        t=t - t.min(),
        x=(data >> 17).astype(np.int32),
        y=((data >> 2) & 0x7FFF).astype(np.int32),
        on=((data >> 1) & 1).astype(np.uint8),
        sensor=_sensor(content[:end], sources.pop()),
    )


def _packets(content: bytes, start: int, name: str) -> Iterator[tuple[int, int, Events]]:
    """Yield source, overflow of the time, and events of each packet of polarity events."""
    while start < len(content):
        if start + HEAD.itemsize > len(content):
            raise refused_data(name, f"a packet's head that is cut off at byte {start}", LIMIT)
        head = np.frombuffer(content, HEAD, 1, start)[0]
        start += HEAD.itemsize
        size, capacity, number = int(head["size"]), int(head["capacity"]), int(head["number"])
        if size < 1 or not 0 <= number <= capacity or capacity * size > len(content) - start:
            left = len(content) - start
            found = f"{number} of {capacity} events of {size} bytes stated, {left} bytes left"
            raise refused_data(name, found, LIMIT)
        if head["kind"] == POLARITY and number:
            if size != EVENT.itemsize or head["overflow"] < 0:
                found = f"polarity events of {size} bytes, overflow {head['overflow']}"
                raise refused_data(name, found, LIMIT)
            events = np.frombuffer(content, EVENT, number, start)
            yield int(head["source"]), int(head["overflow"]), events
        start += capacity * size


def _sensor(header: bytes, source: int) -> tuple[int, int] | None:
    """Give height and width of the device that the header names for ``source``."""
    found = re.search(rb"^#Source %d: *(\w+)" % source, header, re.MULTILINE)
    device = found[1].decode("ascii", "replace").upper() if found else ""
    return next((shape for start, shape in SENSORS.items() if device.startswith(start)), None)
