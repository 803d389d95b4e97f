"""AEDAT 4 in the process that reads it: what ``aedat`` decodes, after a look at the sizes.

Behind 14 bytes of magic stands a flatbuffer with its size before it, the header: compression, and
the place of a table at the end. Then come packets, each a stream and a size of 4 bytes before its
content (inivation, "AEDAT 4.0" in the documentation of its file formats). ``aedat`` ends in silence
where a file breaks off between two packets, and believes every size.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from snnc.frontends.hdf5.read import Entry
from snnc.frontends.refusals import refused_data

MAGIC = b"#!AER-DAT4.0\r\n"
HEAD = 8
"""Bytes of a packet before its content."""
CHUNK = 2**18
"""Events that are sent at once, or a few more."""
LIMIT = "an AEDAT 4 recording: a header, then whole packets"


def read_packets(path: Path, name: str, announce: Callable[[int], None]) -> Iterator[Entry]:
    """Yield the sensor's height and width, and groups of ``t``, ``x``, ``y`` and ``on``.

    Args:
        path: The file.
        name: Its path as messages give it.
        announce: Called with 0 when the file is open and none of its packets has been decoded.

    Raises:
        InputError: SNN641, it is damaged, or holds no stream of events, or several.
    """
    from aedat import Decoder

    _check_sizes(path, name)
    try:
        decoder = Decoder(path)
        announce(0)
        streams = [s for s in decoder.id_to_stream().values() if s["type"] == "events"]
        if len(streams) != 1:
            found = f"{len(streams)} streams of events"
            raise refused_data(name, found, "the events of one sensor")
        yield 0, "sensor", np.array([streams[0]["height"], streams[0]["width"]])
        for number, events in enumerate(_chunks(decoder)):
            yield 0, str(number), None
            yield 1, "t", events["t"].astype(np.int64)
            yield 1, "x", events["x"].astype(np.int32)
            yield 1, "y", events["y"].astype(np.int32)
            yield 1, "on", events["on"].astype(np.uint8)
    except RuntimeError as error:
        raise refused_data(name, f"damaged: {error}", LIMIT) from error


def _chunks(decoder: Any) -> Iterator[Any]:
    """Yield the events of many packets at once."""
    waiting: list[Any] = []
    for packet in decoder:
        waiting += [packet["events"]] if "events" in packet else []
        if sum(map(len, waiting)) >= CHUNK:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)


def _check_sizes(path: Path, name: str) -> None:
    """Follow the packets from one to the next.

    Raises:
        InputError: SNN641, they do not end where they should.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        begin = len(MAGIC) + 4
        place = begin + _number(content, len(MAGIC), 4)
        end = _table_place(content, begin, min(place, len(content)))
        end = len(content) if end < 0 else end
        while place < end <= len(content):
            following = place + HEAD + _number(content, place + 4, 4)
            if following > end:
                break
            place = following
        if place != end:
            found = f"a header or a packet that ends behind byte {min(end, len(content))}"
            raise refused_data(name, found, LIMIT)


def _table_place(content: mmap.mmap, begin: int, end: int) -> int:
    """Give the second field of the header, where the packets end: -1 where it is not told.

    A table begins with the distance back to the list of its fields; the list holds its own size,
    the table's, and where in the table each field lies, 0 for one that is left out ("FlatBuffers
    binary format").
    """
    table = begin + _number(content, begin, 4)
    fields = table - _signed(content, table, 4)
    if not (begin <= fields and fields + 4 <= end and table < end):
        return -1
    place = _number(content, fields + 6, 2) if _number(content, fields, 2) >= 8 else 0
    return _signed(content, table + place, 8) if place else -1


def _number(content: mmap.mmap, start: int, size: int) -> int:
    return int.from_bytes(content[start : start + size], "little")


def _signed(content: mmap.mmap, start: int, size: int) -> int:
    return int.from_bytes(content[start : start + size], "little", signed=True)
