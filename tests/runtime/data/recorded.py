"""Recordings of events, written byte by byte from the published formats, for tests to read."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.network import Input, Network


@dataclass(frozen=True)
class Events:
    """Times in microseconds, columns, rows and polarities, each ``[events]``."""

    t: npt.NDArray[np.int64]
    x: npt.NDArray[np.int64]
    y: npt.NDArray[np.int64]
    on: npt.NDArray[np.int64]

    def __getitem__(self, some: slice) -> Events:
        return Events(self.t[some], self.x[some], self.y[some], self.on[some])


def events(n: int, *, height: int = 4, width: int = 5, last: int = 9_999, seed: int = 0) -> Events:
    """Draw ``n`` events in the order of their times, the first at 0 and the last at ``last``."""
    random = np.random.default_rng(seed)
    t = np.sort(random.integers(0, last, n))
    t[0], t[-1] = 0, last
    return Events(
        t, random.integers(0, width, n), random.integers(0, height, n), random.integers(0, 2, n)
    )


def nmnist(e: Events) -> bytes:
    """Give 5 bytes for each event."""
    content = b""
    for t, x, y, on in zip(*(a.tolist() for a in (e.t, e.x, e.y, e.on)), strict=True):
        content += bytes([x, y, on << 7 | t >> 16, t >> 8 & 255, t & 255])
    return content


def aedat3_packet(
    e: Events, *, kind: int = 1, source: int = 1, overflow: int = 0, valid: Sequence[int] = ()
) -> bytes:
    """Give one packet; ``valid`` says of each event whether it counts."""
    n = e.t.size
    head = struct.pack("<hhiiiiii", kind, source, 8, 4, overflow, n, n, n)
    body = b""
    counts = valid or [1] * n
    for t, x, y, on, v in zip(*(a.tolist() for a in (e.t, e.x, e.y, e.on)), counts, strict=True):
        body += struct.pack("<Ii", x << 17 | y << 2 | on << 1 | v, t)
    return head + body


def aedat3(*packets: bytes, device: str = "Unknown") -> bytes:
    """Give a file of packets."""
    header = (
        "#!AER-DAT3.1\r\n#Format: RAW\r\n"
        f"#Source 1: {device}\r\n"
        "#Start-Time: 2026-01-01 00:00:00 (TZ+0000)\r\n#!END-HEADER\r\n"
    )
    return header.encode() + b"".join(packets)


def aedat4_packet(e: Events, stream: int = 0) -> bytes:
    """Give one packet without compression: a flatbuffer of a vector of structs of 16 bytes."""
    body = struct.pack("<I4sHHHxx", 16, b"EVTS", 6, 8, 4)  # root; fields of the table
    body += struct.pack("<iIIII", 8, 12, 0, 0, e.t.size)  # the table, its vector and its length
    for t, x, y, on in zip(*(a.tolist() for a in (e.t, e.x, e.y, e.on)), strict=True):
        body += struct.pack("<qhhbxxx", t, x, y, on)
    content = struct.pack("<I", len(body)) + body
    return struct.pack("<II", stream, len(content)) + content


def aedat4(*packets: bytes, streams: str | None = None, table: bool = False) -> bytes:
    """Give a file of packets; ``table`` puts something behind them, as complete files have."""
    about = f"<dv><node name='outInfo'>{streams or stream(0, 4, 5)}</node></dv>".encode()
    magic = b"#!AER-DAT4.0\r\n"
    size = 24 + 20 + 4 + len(about) + 1
    end = len(magic) + 4 + size + sum(map(len, packets)) if table else -1
    header = struct.pack("<I4sHHHHHxxxxxx", 24, b"IOHE", 10, 20, 4, 8, 16)
    header += struct.pack("<iiqI", 16, 0, end, 4)  # the table: no compression, end, description
    header += struct.pack("<I", len(about)) + about + b"\0"
    behind = b"the table of all packets" if table else b""
    return magic + struct.pack("<I", len(header)) + header + b"".join(packets) + behind


def stream(number: int, height: int, width: int) -> str:
    """Give the description of one stream of events."""
    return (
        f"<node name='{number}'><attr key='typeIdentifier' type='string'>EVTS</attr>"
        f"<node name='info'><attr key='sizeX' type='int'>{width}</attr>"
        f"<attr key='sizeY' type='int'>{height}</attr></node></node>"
    )


def network(*shape: int, dt: float = 1e-3, name: str = "input") -> Network:
    """Give a network of which only the input counts."""
    return Network(
        inputs=(Input(name, shape),),
        junctions=(),
        populations=(),
        projections=(),
        outputs=(),
        dt=dt,
        choices=(),
    )


def plainly_binned(
    e: Events, shape: tuple[int, int, int], step: int, steps: int, *, count: bool = False
) -> npt.NDArray[np.int64]:
    """Bin one event after the other, times and ``step`` in microseconds."""
    values = np.zeros((steps, *shape), np.int64)
    for t, x, y, on in zip(*(a.tolist() for a in (e.t, e.x, e.y, e.on)), strict=True):
        if t // step < steps:
            place = (t // step, on if shape[0] == 2 else 0, y, x)
            values[place] = values[place] + 1 if count else 1
    return values
