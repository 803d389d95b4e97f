"""HDF5 files as nested dicts of arrays and strings: the only place that reads and writes them."""
# h5py has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import io
import mmap
import os
import stat
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, cast

import h5py
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault, InputError, raise_all
from snnc.frontends.hdf5_gate import MAX_REPORTED, SIGNATURE, gate_problems, printable
from snnc.frontends.hdf5_heap import StringHeap

Array = npt.NDArray[Any]
Tree: TypeAlias = "dict[str, Tree | Array | str]"
"""Groups as dicts; numbers as arrays, strings as ``str`` or as arrays of ``object``."""

DAMAGE = (ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)
"""What h5py raises on a damaged file."""


def read_tree(path: Path) -> Tree:
    """Read a whole file that keeps the rules of ``hdf5_gate``.

    Raises:
        InputError: SNN001, there is no such file; SNN101, it is not HDF5 or damaged; SNN102 or
            SNN107, it is not safe to read.
    """
    _check_readable(path)
    try:
        with _mapped(path) as content, h5py.File(path, "r", locking=False) as file:
            raise_all(islice(gate_problems(file, str(path)), MAX_REPORTED))
            return _read_group(file, StringHeap(content))
    except DAMAGE as error:
        raise InputError([file_form(str(path), f"damaged: {_first_line(error)}")]) from error


def write_tree(tree: Tree, path: Path) -> None:
    """Write ``tree`` as a file, all of it or nothing; the same tree gives the same bytes.

    Raises:
        EnvironmentFault: SNN002, the file system refuses.
    """
    memory = io.BytesIO()
    with h5py.File(memory, "w", libver="earliest") as file:
        _write_group(file, tree)
    try:
        _replace(path, memory.getvalue())
    except OSError as error:
        diagnostic = Diagnostic(
            rule=rules.OUTPUT_WRITABLE,
            node=str(path),
            found=error.strerror or str(error),
            limit="a place where this user may write, with room left",
            remedy="name another place with -o, or free this one",
        )
        raise EnvironmentFault([diagnostic]) from error


def file_form(node: str, found: str) -> Diagnostic:
    """SNN101 for ``node``."""
    return Diagnostic(
        rule=rules.FILE_FORM,
        node=printable(node),
        found=printable(found),
        limit="an HDF5 file with the groups node and node/nodes and the data set node/edges",
        remedy="write the file again with the tool that made it, as nir.write does",
    )


def _check_readable(path: Path) -> None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError([_unreadable(path, "not a regular file")])
        with path.open("rb") as file:
            start = file.read(len(SIGNATURE))
    except OSError as error:
        raise InputError([_unreadable(path, error.strerror or str(error))]) from error
    except ValueError as error:
        raise InputError([_unreadable(path, "a null byte in the path")]) from error
    if start != SIGNATURE:
        raise InputError([file_form(str(path), f"a file that begins with {start!r}")])


def _unreadable(path: Path, found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.INPUT_READABLE,
        node=printable(str(path)),
        found=found,
        limit="a file that this user may read",
        remedy="check the path and its permissions",
    )


@contextmanager
def _mapped(path: Path) -> Generator[mmap.mmap]:
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        yield content


def _read_group(group: h5py.Group, heap: StringHeap) -> Tree:
    return {
        name: _read_group(item, heap) if isinstance(item, h5py.Group) else _read_dataset(item, heap)
        for name, item in group.items()
    }


def _read_dataset(dataset: h5py.Dataset, heap: StringHeap) -> Array | str:
    kind = h5py.check_string_dtype(dataset.dtype)
    if kind is None:
        return np.asarray(dataset[()], dataset.dtype.newbyteorder("="))
    if kind.length is None:
        texts = heap.strings(dataset.id.get_offset() or 0, int(np.prod(dataset.shape)))
    else:
        texts = [raw.decode("utf-8") for raw in np.asarray(dataset[()]).ravel().tolist()]
    return np.array(texts, object).reshape(dataset.shape) if dataset.ndim else texts[0]


def _write_group(group: h5py.Group, tree: Mapping[str, Tree | Array | str]) -> None:
    for name, value in sorted(tree.items()):
        if isinstance(value, dict):
            _write_group(group.create_group(name), value)
            continue
        is_text = isinstance(value, str) or value.dtype == object
        kind = h5py.string_dtype() if is_text else cast("Array", value).dtype
        group.create_dataset(name, data=value, dtype=kind, track_times=False)


def _replace(path: Path, content: bytes) -> None:
    """Write beside ``path``, make sure that it is on the disk, and move it there.

    Raises:
        OSError: The file system refuses; nothing is left behind.
    """
    if path.exists() and not path.is_file():
        raise OSError(0, "not a regular file")
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with scratch.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
