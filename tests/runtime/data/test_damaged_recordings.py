"""Recordings of event cameras that are damaged, or of a form that is not read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snnc.compiler.diagnostics import InputError
from snnc.runtime.data.read import read_data
from tests.runtime.data.recorded import (
    aedat3,
    aedat3_packet,
    aedat4,
    aedat4_packet,
    network,
    nmnist,
    stream,
)
from tests.runtime.data.test_recordings import FILES, FORMS, E, binned, message


def refused(name: str, found: str, limit: str) -> str:
    return (
        "error[SNN641]: a file of data is whole, and of a form that snnc reads\n"
        f"  --> DIR/{name}\n   found: {found}\n   limit: {limit}\n"
        "  remedy: write or record the file again; docs/inputs.md describes what is read"
    )


NMNIST = "an N-MNIST recording: 5 bytes for each event"
AEDAT3 = "an AEDAT 3.1 recording: a header, then whole packets of events"
AEDAT4 = "an AEDAT 4 recording: a header, then whole packets"
WHOLE3, WHOLE4 = FILES["aedat3.aedat"], FILES["aedat4.aedat4"]
DAMAGED = {
    "an odd size": ("a.bin", nmnist(E)[:-1], "999 bytes", NMNIST),
    "empty": ("a.bin", b"", "no event", NMNIST),
    "no header": ("a.aedat", b"#!AER-DAT3.1\r\n\0", "no end of the header", AEDAT3),
    "no events": ("a.aedat", aedat3(), "no polarity event", AEDAT3),
    "a head cut off": (
        "a.aedat",
        WHOLE3 + b"\1\0\1\0",
        f"a packet's head that is cut off at byte {len(WHOLE3)}",
        AEDAT3,
    ),
    "events cut off": (
        "a.aedat",
        WHOLE3[:-4],
        "200 of 200 events of 8 bytes stated, 1596 bytes left",
        AEDAT3,
    ),
    "a size of 0": (
        "a.aedat",
        WHOLE3.replace(b"\1\0\1\0\x08\0\0\0", b"\1\0\1\0\0\0\0\0"),
        "200 of 200 events of 0 bytes stated, 1600 bytes left",
        AEDAT3,
    ),
    "events of another size": (
        "a.aedat",
        WHOLE3.replace(b"\1\0\1\0\x08\0\0\0", b"\1\0\1\0\x04\0\0\0"),
        "polarity events of 4 bytes, overflow 0",
        AEDAT3,
    ),
    "two sensors": (
        "a.aedat",
        aedat3(aedat3_packet(E), aedat3_packet(E, source=2)),
        "events of 2 sensors",
        "the events of one sensor",
    ),
    "AEDAT 2": ("a.aedat", b"#!AER-DAT2.0\r\n", "AEDAT 2.0", f"{FORMS}; DV converts older ones"),
    "a packet cut off": (
        "a.aedat4",
        WHOLE4[:-1],
        f"a header or a packet that ends behind byte {len(WHOLE4) - 1}",
        AEDAT4,
    ),
    "cut off before the table": (
        "a.aedat4",
        aedat4(aedat4_packet(E), aedat4_packet(E), table=True)[: len(WHOLE4)],
        f"a header or a packet that ends behind byte {len(WHOLE4)}",
        AEDAT4,
    ),
    "a huge packet": (
        "a.aedat4",
        aedat4(b"\0\0\0\0\xff\xff\xff\xff"),
        f"a header or a packet that ends behind byte {len(aedat4()) + 8}",
        AEDAT4,
    ),
    "no such packet": (
        "a.aedat4",
        aedat4(b"\0\0\0\0\4\0\0\0abcd"),
        "the process that reads it ended with code 1",
        f"0.5 s of processor time for a file of {len(aedat4()) + 12} bytes",
    ),
    "no packet": (
        "a.aedat4",
        aedat4(),
        "no event",
        "an AEDAT 4 recording with one stream of events",
    ),
    "times for longer than there are": (
        "a.aedat4",
        aedat4(aedat4_packet(replace(E, t=np.where(E.t > 5000, 2**63 - 1, -(2**63))))),
        f"events over {2**64 - 1:,} us",
        "an AEDAT 4 recording with one stream of events",
    ),
    "two streams": (
        "a.aedat4",
        aedat4(streams=stream(0, 4, 5) + stream(1, 4, 5)),
        "2 streams of events",
        "the events of one sensor",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged(case: str, tmp_path: Path) -> None:
    name, content, found, limit = DAMAGED[case]
    (tmp_path / name).write_bytes(content)
    assert message(tmp_path / name) == refused(name, found, limit)


def test_file_of_another_form_in_a_directory(tmp_path: Path) -> None:
    (tmp_path / "a.aedat").write_bytes(b"\x93NUMPY and more")
    text = refused("a.aedat", "a file that begins with b'\\x93NUMPY a'", FORMS)
    with pytest.raises(InputError) as caught:
        binned(tmp_path, network(2, 4, 5))
    assert str(caught.value).replace(str(tmp_path), "DIR") == text


def test_directory_without_recordings(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_data(tmp_path)
    text = refused("", "a directory without recordings", "files that end in .bin, .aedat, .aedat4")
    assert str(caught.value).replace(str(tmp_path), "DIR/") == text
