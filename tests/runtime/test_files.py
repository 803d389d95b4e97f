"""Arrays in files: what is read, what is refused, and what is written."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.compiler.trace import Trace
from snnc.runtime.files import (
    NIR,
    NPZ,
    FileKind,
    check_file_place,
    read_array,
    read_arrays,
    trace_arrays,
    write_file,
    write_npz,
)

UNREADABLE = """\
error[SNN001]: a file that is named exists and can be read
  --> --input {path}
   found: {found}
   limit: an .npy file of numbers, or an .npz file with one array for each input
  remedy: write it with numpy.save(path, array), or numpy.savez(path, name=array)"""
UNWRITABLE = """\
error[SNN002]: the place that is named can be written
  --> {path}
   found: {found}
   limit: a place where this user may write, with room left
  remedy: name another place with -o, or free this one"""


def npy(array: Any, **options: Any) -> bytes:
    """Give the bytes of an .npy file."""
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def npz(**arrays: Any) -> bytes:
    """Give the bytes of an .npz file."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def declaring(shape: str) -> bytes:
    """Give an .npy file of four floats whose header declares ``shape``."""
    return npy(np.zeros(4)).replace(b"(4,), }" + b" " * (len(shape) - 4), shape.encode() + b", }")


REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "a file that is neither .npy nor .npz"),
    "text": (b"0 1 0 1\n", "a file that is neither .npy nor .npz"),
    "damaged header": (b"\x93NUMPY\x01\x00\x04\x00abcd", "a damaged .npy header"),
    "unknown version": (b"\x93NUMPY\x09\x00\x04\x00abcd", "a damaged .npy header"),
    "truncated": (npy(np.zeros(4))[:-8], "24 bytes of data where the header declares 32"),
    "too long": (npy(np.zeros(4)) + b"x", "33 bytes of data where the header declares 32"),
    "declares a terabyte": (
        declaring("(137438953472,)"),
        "32 bytes of data where the header declares 1099511627776",
    ),
    "pickled": (npy(np.array([{}])), "pickled Python objects, which are never read"),
    "text values": (npy(np.array(["a"])), "values of type <U1, not numbers"),
    "complex": (npy(np.zeros(2, complex)), "values of type complex128, not numbers"),
    "damaged zip": (b"PK\x03\x04 and no more", "File is not a zip file"),
    "pickled in zip": (
        npz(a=np.zeros(1), b=np.array([{}])),
        "b: pickled Python objects, which are never read",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, tmp_path: Path) -> None:
    content, found = REFUSED[case]
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_arrays(path, "--input")
    assert str(caught.value) == UNREADABLE.format(path=path, found=found)


def test_missing_and_directory(tmp_path: Path) -> None:
    for path, found in (
        (tmp_path / "no.npy", "no such file or directory"),
        (tmp_path, "is a directory"),
    ):
        with pytest.raises(InputError) as caught:
            read_arrays(path, "--input")
        assert str(caught.value) == UNREADABLE.format(path=path, found=found)


def test_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(InputError) as caught:
        read_arrays(path, "--input")
    assert str(caught.value) == UNREADABLE.format(path=path, found="not a regular file")


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.uint8).reshape(1, 2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3),
        np.zeros((0, 4), np.float16),
        np.array([True, False]),
    ],
)
def test_arrays_are_read_as_they_are(array: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, array)
    found = read_array(path, "--input")
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_several_where_one_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "y.npz"
    path.write_bytes(npz(a=np.zeros(1), b=np.zeros(1)))
    assert sorted(read_arrays(path, "--labels")) == ["a", "b"]
    with pytest.raises(InputError, match=r"found: 2 arrays, an .npz file"):
        read_array(path, "--labels")


HOSTILE = ["file", "allow_pickle", "a/b", "../c", "ü", "x.npy"]


def test_written_arrays_come_back_whatever_their_names(tmp_path: Path) -> None:
    arrays = {name: np.full((2, 1), i, np.int32) for i, name in enumerate(HOSTILE)}
    write_npz(tmp_path / "out.npz", arrays)
    with np.load(tmp_path / "out.npz") as found:
        assert {name: found[name].tolist() for name in found.files} == {
            name: array.tolist() for name, array in arrays.items()
        }


def test_same_arrays_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_npz(tmp_path / name, {"x": np.arange(5)})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with zipfile.ZipFile(tmp_path / "a") as archive:
        assert [m.date_time for m in archive.infolist()] == [(1980, 1, 1, 0, 0, 0)]


def test_nothing_is_left_of_a_write_that_fails(tmp_path: Path) -> None:
    def fail(stream: Any) -> None:
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    path = tmp_path / "out.npz"
    path.write_bytes(b"PK before")
    with pytest.raises(EnvironmentFault) as caught:
        write_file(path, fail, NPZ)
    assert str(caught.value) == UNWRITABLE.format(path=path, found="No space left on device")
    assert [p.name for p in tmp_path.iterdir()] == ["out.npz"]
    assert path.read_bytes() == b"PK before"


CHECKS: dict[str, Callable[[Path], None]] = {
    "before": lambda path: check_file_place(path, NPZ),
    "writing": lambda path: write_npz(path, {"x": np.zeros(1)}),
}


@pytest.mark.parametrize("check", CHECKS)
def test_place_below_a_file(check: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "out.npz"
    with pytest.raises(EnvironmentFault) as caught:
        CHECKS[check](path)
    assert str(caught.value) == UNWRITABLE.format(path=path, found="Not a directory")


def test_directory_in_the_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        check_file_place(tmp_path, NPZ)
    assert str(caught.value) == UNWRITABLE.format(path=tmp_path, found="a directory is there")


def test_checking_a_place_makes_nothing(tmp_path: Path) -> None:
    check_file_place(tmp_path / "new" / "out.npz", NPZ)
    assert list(tmp_path.iterdir()) == []


def foreign(path: Path) -> str:
    return (
        "error[SNN003]: the place that is named is free or holds a result of snnc\n"
        f"  --> {path}\n"
        "   found: something that is not an .npz file\n"
        "   limit: a new file, or an .npz file to replace\n"
        "  remedy: name another file with -o"
    )


STRANGE: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("all of my thesis"),
    "a pipe": os.mkfifo,
    "a link that leads nowhere": lambda path: path.symlink_to("nowhere"),
    "a link to a device": lambda path: path.symlink_to("/dev/null"),
    "HDF5": lambda path: path.write_bytes(NIR.magic),
}


@pytest.mark.parametrize("case", STRANGE)
def test_what_is_no_npz_file_stays(case: str, tmp_path: Path) -> None:
    path = tmp_path / "out.npz"
    STRANGE[case](path)
    before = path.lstat()
    for check in CHECKS.values():
        with pytest.raises(InputError) as caught:
            check(path)
        assert str(caught.value) == foreign(path)
    assert (path.lstat().st_ino, path.lstat().st_size) == (before.st_ino, before.st_size)


def test_a_file_is_known_by_what_is_written(tmp_path: Path) -> None:
    import h5py

    write_npz(tmp_path / "out.npz", {"x": np.zeros(1)})
    write_npz(tmp_path / "none.npz", {})
    h5py.File(tmp_path / "model.nir", "w").close()
    check_file_place(tmp_path / "out.npz", NPZ)
    check_file_place(tmp_path / "none.npz", NPZ)
    check_file_place(tmp_path / "model.nir", NIR)


@pytest.mark.parametrize("kind", [NPZ, NIR])
def test_the_beginning_of_a_magic_is_not_enough(kind: FileKind, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(kind.magic[:-1])
    with pytest.raises(InputError, match=rf"found: something that is not {kind.name}"):
        check_file_place(tmp_path / "x", kind)


def test_names_of_a_trace() -> None:
    a = np.zeros((2, 1, 3), np.uint8)
    trace = Trace(executor="x", outputs={"out": a}, spikes={"lif": a}, v={"lif": a})
    assert list(trace_arrays(trace)) == ["out", "lif.spikes", "lif.v"]


def test_output_and_signal_of_one_name() -> None:
    a = np.zeros((2, 1, 3), np.uint8)
    with pytest.raises(InputError) as caught:
        trace_arrays(Trace(executor="x", outputs={"lif.u": a}, u={"lif": a}))
    assert str(caught.value) == (
        "error[SNN004]: options have a value in their range and fit together\n"
        "  --> --record\n"
        "   found: lif.u twice: an output and a recorded signal\n"
        "   limit: one array for each name in the file that is written\n"
        "  remedy: rename the output in the model, or record fewer signals"
    )
