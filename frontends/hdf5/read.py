"""Read what ``gate`` lets pass, one entry after the other, as nested dicts of arrays."""
# h5py has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import mmap
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError, raise_all
from snnc.frontends.hdf5.gate import MAX_REPORTED, SIGNATURE, Extent, Gate, printable
from snnc.frontends.hdf5.heap import StringHeap
from snnc.frontends.refusals import beginning

Array = npt.NDArray[Any]
Tree: TypeAlias = "dict[str, Tree | Array | str]"
"""Groups as dicts; numbers as arrays, strings as ``str`` or as arrays of ``object``."""
Entry: TypeAlias = "tuple[int, str, Array | str | None]"
"""Depth and name of a group (None) or of a data set; groups stand before what they hold."""

DAMAGE = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What h5py raises on a damaged file."""


def check_readable(path: Path) -> int:
    """Look at a file from outside, and give its size in bytes.

    Raises:
        InputError: SNN001, there is no such file; SNN101, it does not begin as HDF5 does.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError([_unreadable(path, "not a regular file")])
        with path.open("rb") as file:
            start = file.read(len(SIGNATURE))
    except OSError as error:
        raise InputError([_unreadable(path, error.strerror or str(error))]) from error
    except ValueError as error:
        raise InputError([_unreadable(path, "a null byte in the path")]) from error
    if start != SIGNATURE:
        raise InputError([file_form(str(path), beginning(start))])
    return status.st_size


def read_entries(
    path: Path,
    name: str,
    announce: Callable[[int], None] = lambda _: None,
    *,
    data: bool = False,
) -> Iterator[Entry]:
    """Yield all that a file holds.

    The first thing that is wrong ends the reading of data; the headers that follow are looked at.

    Args:
        path: Of a file that ``check_readable`` has seen.
        name: Its path as messages give it.
        announce: Called with 0 when the file is open and not yet looked at, and with the bytes of
            each data set that is larger than all before, before it is read.
        data: Of a file of data: it may be packed as densely as gzip can, and the attributes of a
            group are entries of it, named with a slash before the name.

    Raises:
        InputError: SNN101, it is damaged; SNN102 or SNN107, it is not safe to read.
    """
    try:
        with (
            path.open("rb") as raw,
            mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as content,
            h5py.File(path, "r", locking=False) as file,
        ):
            announce(0)
            yield from _Reader(name, content, announce, data).entries(file.id)
    except DAMAGE as error:
        raise InputError([file_form(name, f"damaged: {_first_line(error)}")]) from error


def grow(entries: Iterable[Entry]) -> Tree:
    """Make the tree of which ``entries`` tell."""
    tree: Tree = {}
    branch = [tree]
    for depth, name, value in entries:
        del branch[depth + 1 :]
        if value is None:
            group: Tree = {}
            branch[depth][name] = group
            branch.append(group)
        else:
            branch[depth][name] = value
    return tree


def file_form(node: str, found: str) -> Diagnostic:
    """SNN101 for ``node``."""
    return Diagnostic(
        rule=rules.FILE_FORM,
        node=printable(node),
        found=printable(found),
        limit="an HDF5 file with the groups node and node/nodes and the data set node/edges",
        remedy="write the file again with the tool that made it, as nir.write does",
    )


@dataclass
class _Reader:
    name: str
    content: mmap.mmap
    announce: Callable[[int], None]
    data: bool
    largest: int = 0
    problems: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def entries(self, root: Any) -> Iterator[Entry]:
        self._gate = Gate(self.name, len(self.content), dense=self.data)
        self._heap = StringHeap(self.content)
        yield from self._group(root, "", 0)
        raise_all(self.problems[:MAX_REPORTED])

    def _group(self, group: Any, place: str, depth: int) -> Iterator[Entry]:
        found = list(self._gate.group_problems(group, place.rstrip("/"), depth))
        self.problems += found
        if self.data and not found:
            yield from self._attributes(group, place.rstrip("/"), depth)
        for raw in () if found else group:
            if len(self.problems) >= MAX_REPORTED or self._gate.is_full:
                return
            name = raw.decode("utf-8", "backslashreplace")
            here = f"{place}{name}"
            found = list(self._gate.link_problems(group, raw, here))
            self.problems += found
            if not found:
                yield from self._object(h5py.h5o.open(group, raw), name, here, depth)

    def _attributes(self, group: Any, place: str, depth: int) -> Iterator[Entry]:
        for index in range(h5py.h5a.get_num_attrs(group)):
            attribute = h5py.h5a.open(group, index=index)
            found = list(self._gate.attribute_problems(attribute, place))
            self.problems += found
            if not found:
                value = np.zeros((), attribute.dtype)
                attribute.read(value, mtype=h5py.h5t.py_create(attribute.dtype))
                text = value.item().decode("utf-8") if value.dtype.kind in "OS" else None
                yield depth, f"/{attribute.name.decode('utf-8')}", value if text is None else text

    def _object(self, item: Any, name: str, place: str, depth: int) -> Iterator[Entry]:
        if not isinstance(item, h5py.h5d.DatasetID):
            yield depth, name, None
            yield from self._group(item, f"{place}/", depth + 1)
            return
        extent = self._gate.extent(item, place)
        if isinstance(extent, list):
            self.problems += extent
        elif not self.problems:
            yield depth, name, self._data(item, extent)

    def _data(self, dataset: Any, extent: Extent) -> Array | str:
        if extent.declared > self.largest:
            self.largest = extent.declared
            self.announce(self.largest)
        if not extent.kind.is_text:
            return self._numbers(dataset, extent)
        if extent.kind.loose:
            texts = self._heap.strings(
                dataset.get_offset() or 0, extent.declared // extent.kind.size
            )
        else:
            raw = np.empty(extent.shape, f"S{extent.kind.size}")
            dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, raw)
            texts = [text.decode("utf-8") for text in raw.ravel().tolist()]
        return np.array(texts, object).reshape(extent.shape) if extent.shape else texts[0]

    def _numbers(self, dataset: Any, extent: Extent) -> Array:
        dtype = extent.kind.dtype
        if dtype is None:
            raise TypeError("numbers of unknown form")
        stored = np.dtype("u1") if dtype == np.bool_ else np.dtype(dtype.str)
        array = np.empty(extent.shape, stored)
        if extent.kind.plain and extent.layout == h5py.h5d.CONTIGUOUS and array.nbytes:
            start = dataset.get_offset()
            if start is None or start + array.nbytes > len(self.content):
                raise ValueError("data end behind the file")
            flat = np.frombuffer(self.content, stored, array.size, start)
            array[...] = flat.reshape(extent.shape)
        elif array.nbytes:
            dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, array, dataset.get_type())
        return (
            array != 0 if dtype == np.bool_ else array.astype(stored.newbyteorder("="), copy=False)
        )


def _unreadable(path: Path, found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.INPUT_READABLE,
        node=printable(str(path)),
        found=found,
        limit="a file that this user may read",
        remedy="check the path and its permissions",
    )


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
