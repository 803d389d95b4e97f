"""Arrays from the user's files, and results into files: whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from errno import EISDIR
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault, InputError
from snnc.compiler.trace import Trace
from snnc.runtime.data.memory import check_memory, fits
from snnc.targets.directory import cannot_write, check_writable

Array = npt.NDArray[Any]

NPY, ZIP = b"\x93NUMPY", b"PK\x03\x04"
"""First bytes of an .npy and of an .npz file."""
FEWER = "give fewer samples at once"
ZIP_DATE = (1980, 1, 1, 0, 0, 0)
"""Date of every member that is written: the same arrays give the same bytes."""


DAMAGE = (ValueError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What NumPy and zipfile raise on damaged files; RuntimeError where a password is needed."""


@dataclass(frozen=True)
class FileKind:
    """A kind of file that is written.

    Attributes:
        name: What it is called, such as ``an .npz file``.
        magic: The bytes that it begins with.
    """

    name: str
    magic: bytes


NPZ = FileKind("an .npz file", b"PK")
NIR = FileKind("a .nir file", b"\x89HDF\r\n\x1a\n")


def read_arrays(path: Path, option: str) -> Array | dict[str, Array]:
    """Read an .npy file, or an .npz file as a mapping of names to arrays.

    Pickled objects are never read.

    Args:
        path: The file.
        option: Where the user named it.

    Raises:
        InputError: SNN001, the file cannot be read or holds no arrays; SNN642, they are too large.
    """
    with _readable(path, option):
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ValueError("not a regular file")
        with path.open("rb") as stream:
            begin = stream.read(len(NPY))
            stream.seek(0)
            if begin == NPY:
                return _read_npy(stream, path.stat().st_size, path)
            if begin.startswith(ZIP):
                return _read_npz(stream, f"{option} {path}")
        raise ValueError("a file that is neither .npy nor .npz")


def read_array(path: Path, option: str) -> Array:
    """Read an .npy file.

    Raises:
        InputError: SNN001, the file cannot be read or is no .npy file.
    """
    arrays = read_arrays(path, option)
    if isinstance(arrays, dict):
        raise InputError([unreadable(path, option, f"{len(arrays)} arrays, an .npz file")])
    return arrays


def trace_arrays(trace: Trace) -> dict[str, Array]:
    """Give the outputs by their names and the recorded signals as ``population.signal``.

    Raises:
        InputError: SNN004, an output and a recorded signal have the same name.
    """
    arrays = dict(trace.outputs)
    for signal in ("spikes", "u", "v"):
        for population, values in trace.signal(signal).items():
            name = f"{population}.{signal}"
            if name in arrays:
                raise InputError([_same_name(name)])
            arrays[name] = values
    return arrays


def write_npz(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write an .npz file, compressed; the same arrays give the same bytes.

    Raises:
        InputError: SNN003, another file is there.
        EnvironmentFault: SNN002, the file system refuses.
    """

    def write(stream: IO[bytes]) -> None:
        put_arrays(stream, arrays)

    write_file(path, write, NPZ)


def put_arrays(stream: IO[bytes], arrays: Mapping[str, Array]) -> None:
    """Write what an .npz file holds; the same arrays give the same bytes."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", ZIP_DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as content:
                np.lib.format.write_array(content, np.ascontiguousarray(values))


def check_file_place(path: Path, kind: FileKind) -> None:
    """Find out before the work whether ``write_file`` would be refused.

    Raises:
        InputError: SNN003, ``path`` exists and is no file of this kind.
        EnvironmentFault: SNN002, the file system refuses.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(EISDIR, "a directory is there")
        if (path.exists() or path.is_symlink()) and not _is_of(path, kind):
            raise InputError([_foreign_file(path, kind)])
        check_writable(path.parent)
    except OSError as error:
        raise EnvironmentFault([cannot_write(path, error)]) from error


def write_file(path: Path, write: Callable[[IO[bytes]], None], kind: FileKind) -> None:
    """Write a file under a temporary name and move it to its place when it is whole.

    A file of the same kind is replaced; anything else that is there stays.

    Raises:
        InputError: SNN003, ``path`` exists and is no file of this kind.
        EnvironmentFault: SNN002, the file system refuses.
    """
    check_file_place(path, kind)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".snnc-", dir=path.parent) as scratch:
            fresh = Path(scratch) / "new"
            with fresh.open("wb") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(path)
    except OSError as error:
        raise EnvironmentFault([cannot_write(path, error)]) from error


def _is_of(path: Path, kind: FileKind) -> bool:
    """Say whether ``path`` is a regular file that begins as its kind does."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(kind.magic)) == kind.magic


def _foreign_file(path: Path, kind: FileKind) -> Diagnostic:
    return Diagnostic(
        rule=rules.OUTPUT_FREE,
        node=str(path),
        found=f"something that is not {kind.name}",
        limit=f"a new file, or {kind.name} to replace",
        remedy="name another file with -o",
    )


@contextlib.contextmanager
def _readable(path: Path, option: str) -> Generator[None, None, None]:
    """Turn what goes wrong while reading ``path`` into SNN001."""
    try:
        yield
    except OSError as error:
        found = error.strerror or str(error)
        raise InputError([unreadable(path, option, found.lower())]) from error
    except DAMAGE as error:
        raise InputError([unreadable(path, option, str(error))]) from error


def _read_npz(stream: IO[bytes], node: str) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    with zipfile.ZipFile(stream) as archive:
        largest = max((m.file_size for m in archive.infolist()), default=0)
        check_memory(node, sum(m.file_size for m in archive.infolist()) + largest, FEWER)
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if name in arrays:
                raise ValueError(f"{name} twice")
            content = io.BytesIO(archive.read(member))
            try:
                arrays[name] = _read_npy(content, member.file_size)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
    return arrays


def _read_npy(stream: IO[bytes], size: int, path: Path | None = None) -> Array:
    """Read one array; what its header declares is compared with what is there first.

    What would take more than its share of the memory is left in the file ``path``, and read from
    there when it is used.
    """
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read_header(stream)
    except (KeyError, ValueError, SyntaxError, TypeError, tokenize.TokenError) as error:
        raise ValueError("a damaged .npy header") from error
    if dtype.hasobject:
        raise ValueError("pickled Python objects, which are never read")
    if dtype.kind not in "biuf":
        raise ValueError(f"values of type {dtype}, not numbers")
    declared = int(np.prod(shape, dtype=object)) * dtype.itemsize
    present = size - stream.tell()
    if declared != present:
        raise ValueError(f"{present} bytes of data where the header declares {declared}")
    if path is not None and not fits(size):
        return np.lib.format.open_memmap(path, mode="r")
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def unreadable(path: Path, option: str, found: str) -> Diagnostic:
    """SNN001 for what ``option`` names."""
    return Diagnostic(
        rule=rules.INPUT_READABLE,
        node=f"{option} {path}",
        found=found,
        limit="an .npy file of numbers, or an .npz file with one array for each input",
        remedy="write it with numpy.save(path, array), or numpy.savez(path, name=array)",
    )


def _same_name(name: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.OPTION_VALID,
        node="--record",
        found=f"{name} twice: an output and a recorded signal",
        limit="one array for each name in the file that is written",
        remedy="rename the output in the model, or record fewer signals",
    )
