"""Files that are no `.nir` files, or not safe to read: refused, and nothing else is opened."""
# h5py has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from snnc.frontends.hdf5 import gate
from tests.frontends.graphs import reals
from tests.frontends.nir.refused import (
    COMPLETE,
    FORM,
    NODES,
    Edit,
    edited,
    put,
    refusal,
    text,
)

pytestmark = pytest.mark.usefixtures("process")

SAFE = "error[SNN102]: a .nir file refers to nothing but itself and is of a sane size"
NAME = "error[SNN107]: every name in a .nir file is plain text"
READABLE = "error[SNN001]: a file that is named exists and can be read"
REWRITE = "write the file again with the tool that made it, as nir.write does"
GROUPS = "an HDF5 file with the groups node and node/nodes and the data set node/edges"


def declare(place: str, shape: tuple[int, ...], **options: Any) -> Edit:
    """Replace the data set at ``place`` by one that holds nothing yet."""

    def edit(file: Any) -> None:
        del file[place]
        file.create_dataset(place, shape, "f4", **options)

    return edit


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (put("node"), "no group node of type NIRGraph"),
        (put("node/type", "LIF"), "no group node of type NIRGraph"),
        (put("node/type"), "no group node of type NIRGraph"),
        (put("node/nodes"), "no group node/nodes or no data set node/edges"),
        (put("node/edges"), "no group node/nodes or no data set node/edges"),
        (
            put("node/edges", np.array([[1, 2]])),
            "node/edges is int64 of shape [1, 2], not pairs of names",
        ),
        (
            put("node/edges", [("a", "b", "c")]),
            "node/edges is object of shape [1, 3], not pairs of names",
        ),
        (
            put("node/type", np.bytes_(b"\xff")),
            "damaged: UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: "
            "invalid start byte",
        ),
    ],
)
def test_a_file_of_another_form(tmp_path: Path, edit: Edit, found: str) -> None:
    path = edited(tmp_path / "a.nir", edit)
    assert refusal(path) == text(FORM, str(path), found, GROUPS, REWRITE)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"{}", "a file that begins with b'{}'"),
        (b" " * 512 + gate.SIGNATURE, "a file that begins with b'        '"),
    ],
)
def test_a_file_that_is_not_hdf5(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "a.nir"
    path.write_bytes(content)
    assert refusal(path) == text(FORM, str(path), found, GROUPS, REWRITE)


def test_a_truncated_file(tmp_path: Path) -> None:
    path = edited(tmp_path / "a.nir", lambda _: None)
    content = path.read_bytes()
    for size in range(8, len(content), 97):
        path.write_bytes(content[:size])
        assert refusal(path).startswith(f"{FORM}\n  --> {path}\n   found: damaged: OSError: ")


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (Path.exists, "No such file or directory"),
        (Path.mkdir, "not a regular file"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    ],
)
def test_what_is_no_file(tmp_path: Path, make: Callable[[Path], object], found: str) -> None:
    path = tmp_path / "a.nir"
    make(path)
    limit, remedy = "a file that this user may read", "check the path and its permissions"
    assert refusal(path) == text(READABLE, str(path), found, limit, remedy)


def test_a_path_that_no_file_can_have() -> None:
    told = refusal(Path("a\0.nir"))
    limit, remedy = "a file that this user may read", "check the path and its permissions"
    assert told == text(READABLE, r"a\x00.nir", "a null byte in the path", limit, remedy)


def soft_link(file: Any) -> None:
    file[NODES + "lif/link"] = h5py.SoftLink("/node/type")


def external_link(file: Any) -> None:
    file[NODES + "lif/link"] = h5py.ExternalLink("other.h5", "/data")


def named_type(file: Any) -> None:
    file[NODES + "lif/link"] = np.dtype("f4")


def external_data(file: Any) -> None:
    declare(NODES + "fc/weight", (3, 2), external=[("secret", 0, 24)])(file)


def virtual_data(file: Any) -> None:
    del file[NODES + "fc/weight"]
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "data", (3, 2))
    file.create_virtual_dataset(NODES + "fc/weight", layout)


def chunk_bomb(file: Any) -> None:
    weight, chunk = reals(2**13, 2**11 + 1), (2**13, 2**11 + 1)
    put(NODES + "fc/weight", weight, chunks=chunk, compression="gzip")(file)


def long_elements(file: Any) -> None:
    put(NODES + "fc/weight", np.array([b"x" * 70_000]))(file)


def deep_groups(file: Any) -> None:
    group = file["node"].create_group("metadata")
    for _ in range(100):
        group = group.create_group("a")


def quad(file: Any) -> None:
    put(NODES + "fc/weight", np.zeros((3, 2), np.longdouble))(file)


@pytest.mark.parametrize(
    ("edit", "node", "found", "limit"),
    [
        (soft_link, "lif/link", "a link to another place or another file", "hard links"),
        (external_link, "lif/link", "a link to another place or another file", "hard links"),
        (named_type, "lif/link", "a named data type", "groups and data sets"),
        (external_data, "fc/weight", "data that lies in other files", "data in the file itself"),
        (virtual_data, "fc/weight", "data that lies in other files", "data in the file itself"),
        (
            declare(NODES + "fc/weight", (2**12, 2**12)),
            "fc/weight",
            "67108864 bytes declared, 0 stored",
            "1100 to 1",
        ),
        (
            declare(NODES + "fc/weight", (3, 2), chunks=(3, 2), fillvalue=7.0),
            "fc/weight",
            "24 bytes declared, 0 stored",
            "1100 to 1",
        ),
        (
            put(NODES + "fc/weight", reals(3, 2), scaleoffset=2),
            "fc/weight",
            "filter 6",
            "gzip, shuffle, fletcher32, lzf",
        ),
        (chunk_bomb, "fc/weight", "a chunk of 67141632 bytes", "67108864 bytes"),
        (long_elements, "fc/weight", "elements of 70000 bytes", "65536 bytes"),
        (quad, "fc/weight", "elements of 16 bytes", "8 bytes"),
        (
            put("node/edges", [("in", "fc")], dtype=h5py.string_dtype(), chunks=(1, 2)),
            "../edges",
            "strings in chunks",
            "strings one after the other",
        ),
        (deep_groups, "../metadata" + 79 * "/a", "one more group within it", "80 levels"),
    ],
)
def test_a_file_that_is_not_safe(
    tmp_path: Path, edit: Edit, node: str, found: str, limit: str
) -> None:
    path = edited(tmp_path / "a.nir", edit)
    place = f"{path}:{os.path.normpath(NODES + node)}"
    assert refusal(path) == text(SAFE, place, found, limit, REWRITE)


@pytest.mark.parametrize(
    "value",
    [
        np.ones(3, complex),
        np.zeros(3, [("a", "f4"), ("b", "f4")]),
        h5py.Empty("f4"),
    ],
    ids=["complex", "compound", "empty"],
)
def test_data_of_another_class(tmp_path: Path, value: Any) -> None:
    path = edited(tmp_path / "a.nir", put(NODES + "lif/r", value))
    assert refusal(path) == text(
        COMPLETE,
        f"{path}:node/nodes/lif/r",
        "data of another class",
        "numbers and strings",
        REWRITE,
    )


def test_a_reference_is_data_of_another_class(tmp_path: Path) -> None:
    def edit(file: Any) -> None:
        put(NODES + "lif/r", file["node"].ref, dtype=h5py.ref_dtype)(file)

    assert "found: data of another class" in refusal(edited(tmp_path / "a.nir", edit))


def test_an_object_with_two_names(tmp_path: Path) -> None:
    def alias(file: Any) -> None:
        file[NODES + "twin"] = file[NODES + "lif"]

    path = edited(tmp_path / "a.nir", alias)
    assert refusal(path) == "\n\n".join(
        text(SAFE, f"{path}:node/nodes/{n}", "an object with 2 names", "one name each", REWRITE)
        for n in ("lif", "twin")
    )


def test_a_bomb_of_links_and_a_cycle_end(tmp_path: Path) -> None:
    """Of a billion ways to the innermost group, none is gone twice."""

    def bomb(file: Any) -> None:
        group = file["node"].create_group("metadata")
        for _ in range(30):
            inner = group.create_group("a")
            group["b"] = inner
            group = inner
        group["again"] = file["node"]

    path = edited(tmp_path / "a.nir", bomb)
    assert "found: an object with 2 names" in refusal(path)


def test_declared_size_is_bounded_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = edited(tmp_path / "a.nir", lambda _: None)
    monkeypatch.setattr(gate, "MAX_BYTES", 300)
    first = refusal(path, trust=True).split("\n\n")[0].split("\n")
    assert first[0] == SAFE
    assert first[2].endswith(f" bytes up to here, in a file of {path.stat().st_size}")
    assert first[3] == "   limit: 300 bytes in all"


def test_the_number_of_objects_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = edited(tmp_path / "a.nir", lambda _: None)
    monkeypatch.setattr(gate, "MAX_OBJECTS", 20)
    limit, found = "20 groups and data sets", "21 objects up to here"
    place = f"{path}:node/nodes/lif"
    assert refusal(path, trust=True) == text(SAFE, place, found, limit, REWRITE)


def test_only_the_first_problems_of_a_hostile_file_are_told(tmp_path: Path) -> None:
    def edit(file: Any) -> None:
        for i in range(1000):
            file[f"{NODES}link{i}"] = h5py.SoftLink("/node")

    told = refusal(edited(tmp_path / "a.nir", edit))
    assert told.count("error[SNN102]") == gate.MAX_REPORTED


@pytest.mark.parametrize(
    ("name", "shown", "found"),
    [
        (b"a\nb\x1b[31m", r"a\nb\x1b[31m", "a control or invisible character in the name"),
        ("\u202e".encode(), r"\u202e", "a control or invisible character in the name"),
        ("e\u0301".encode(), "e\u0301", "a name that is not in NFC"),
        (b"\xff", r"\xff", "a name that is not UTF-8"),
    ],
)
def test_a_name_that_is_not_plain_text(tmp_path: Path, name: bytes, shown: str, found: str) -> None:
    path = edited(tmp_path / "a.nir", lambda file: file[NODES[:-1]].create_group(name))
    limit, remedy = (
        "1 to 255 bytes of visible NFC text without slash",
        "rename it where the model is made",
    )
    assert refusal(path) == text(NAME, f"{path}:node/nodes/{shown}", found, limit, remedy)


def test_no_other_file_is_opened(tmp_path: Path) -> None:
    """The property itself, whatever the trick: who opens the pipe waits for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def link(file: Any) -> None:
        file[NODES + "lif/link"] = h5py.ExternalLink(str(pipe), "/data")

    def virtual(file: Any) -> None:
        del file[NODES + "fc/weight"]
        layout = h5py.VirtualLayout((3, 2), "f4")
        layout[:] = h5py.VirtualSource(str(pipe), "data", (3, 2))
        file.create_virtual_dataset(NODES + "fc/weight", layout)

    raw = declare(NODES + "fc/weight", (3, 2), external=[(str(pipe), 0, 24)])
    for edit in (link, virtual, raw):
        assert SAFE in refusal(edited(tmp_path / "a.nir", edit))


@pytest.mark.parametrize(
    ("offset", "value", "found"),
    [
        (0, b"\xff\xff\xff\x7f", "a string states 2147483647 bytes and has"),
        (4, b"\xff\xff\xff\x7f", "no string heap at byte"),
        (12, b"\xff\xff", "a string is missing in the heap at byte"),
    ],
)
def test_a_damaged_reference_to_a_string(
    tmp_path: Path, offset: int, value: bytes, found: str
) -> None:
    path = edited(tmp_path / "a.nir", lambda _: None)
    with h5py.File(path) as file:
        start = file["node/edges"].id.get_offset() + offset
    content = path.read_bytes()
    path.write_bytes(content[:start] + value + content[start + len(value) :])
    head = f"{FORM}\n  --> {path}\n   found: damaged: ValueError: {found}"
    assert refusal(path).startswith(head)


def test_a_heap_that_never_ends(tmp_path: Path) -> None:
    """An object of size 0 without a number: HDF5 2.0.0 stays at it for ever."""
    path = edited(tmp_path / "a.nir", lambda _: None)
    content = bytearray(path.read_bytes())
    start = content.index(b"GCOL\x01") + 16
    content[start : start + 16] = bytes(16)
    path.write_bytes(content)
    assert "a string is missing in the heap at byte" in refusal(path)
