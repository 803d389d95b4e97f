"""What an HDF5 file may hold before snnc reads a byte of its data.

HDF5 can refer to other files and to itself, and can declare far more than it stores. Everything
here is read from the headers of the file; what passes is a tree of plain data sets of bounded
size. Keras closed the same doors one by one (CVE-2026-1669, CVE-2026-0897).
"""
# h5py has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import h5py
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, Rule
from snnc.frontends.hdf5.heap import MAX_STRING, REFERENCE

SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""First bytes of every HDF5 file without a user block (HDF5 file format, section II.A)."""
MAX_OBJECTS = 200_000
"""Groups and data sets of one file: some 20,000 nodes, at 0.1 ms an object."""
MAX_DEPTH = 80
"""Groups in groups: two for each of 32 nested graphs, and what metadata hold."""
MAX_BYTES = 4 * 2**30
"""Declared size of all data sets together."""
FREE_BYTES = 128 * 2**20
"""Declared size below which a file may be packed as densely as gzip can."""
MAX_PACKING = 32
"""Declared size of all data sets over the size of the file, above ``FREE_BYTES``."""
MAX_CHUNK = 64 * 2**20
"""Declared size of one chunk: what is unpacked at once."""
MAX_RATIO = 1100
"""Declared over stored size of a data set; gzip itself cannot pack by more than 1032."""
MAX_NUMBER = 8
"""Bytes of one number: float64, int64."""
MAX_NAME = 255
"""Bytes of one name."""
MAX_ATTRIBUTES = 64
"""Attributes of one group."""
MAX_REPORTED = 20
"""Problems that are told of one file; a hostile one may have a million."""

FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_LZF,
}
LAYOUTS = {h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED}
SPACES = {h5py.h5s.SCALAR, h5py.h5s.SIMPLE}
CLASSES = {h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING, h5py.h5t.ENUM}
REWRITE = "write the file again with the tool that made it, as nir.write does"
UNPACK = "write the file without compression, as nir.write does with compression=None"


@dataclass(frozen=True)
class Kind:
    """What a data set's type says.

    Attributes:
        known: False for what is neither number nor string.
        is_text: Strings.
        loose: Strings of any length, each a reference.
        size: Bytes of an element.
        dtype: Of the elements as they are stored; None where it cannot be told.
        plain: The bytes in the file are those of ``dtype``.
    """

    known: bool
    is_text: bool
    loose: bool
    size: int
    dtype: np.dtype[Any] | None
    plain: bool


@dataclass(frozen=True)
class Extent:
    """Where the data of a data set lie, and how many there are.

    Attributes:
        kind: Of the elements.
        shape: Of the data set.
        layout: One of ``LAYOUTS``.
        declared: Bytes of all elements.
    """

    kind: Kind
    shape: tuple[int, ...]
    layout: int
    declared: int


@dataclass
class Gate:
    """Looks at one link and one header after the other, and keeps count.

    Attributes:
        path: Of the file, for messages.
        size: Of the file in bytes.
        dense: It may be packed as densely as gzip can.
        objects: Groups and data sets so far.
        declared: Bytes of data so far.
    """

    path: str
    size: int
    dense: bool = False
    objects: int = 0
    declared: int = 0
    _kinds: dict[bytes, Kind] = field(default_factory=dict[bytes, Kind])

    @property
    def is_full(self) -> bool:
        """Say whether there are too many objects to look at one more."""
        return self.objects > MAX_OBJECTS

    def group_problems(self, group: Any, place: str, depth: int) -> Iterator[Diagnostic]:
        """Tell why what ``group`` holds is not to be looked at."""
        self.objects += group.get_num_objs()
        attributes = h5py.h5a.get_num_attrs(group) if self.dense else 0
        if self.is_full:
            limit = f"{MAX_OBJECTS} groups and data sets"
            yield _unsafe(self._node(place), f"{self.objects} objects up to here", limit)
        elif depth > MAX_DEPTH:
            yield _unsafe(self._node(place), "one more group within it", f"{MAX_DEPTH} levels")
        elif attributes > MAX_ATTRIBUTES:
            yield _unsafe(self._node(place), f"{attributes} attributes", f"{MAX_ATTRIBUTES}")

    def link_problems(self, group: Any, raw: bytes, place: str) -> Iterator[Diagnostic]:
        """Tell what is wrong with the link ``raw`` of ``group`` to ``place``."""
        try:
            problem = name_problem(raw.decode("utf-8"))
        except UnicodeDecodeError:
            problem = "a name that is not UTF-8"
        if problem:
            yield bad_name(self._node(place), problem)
        if group.links.get_info(raw).type != h5py.h5l.TYPE_HARD:
            yield _unsafe(
                self._node(place), "a link to another place or another file", "hard links"
            )
            return
        info = h5py.h5o.get_info(group, raw)
        if info.rc != 1:
            yield _unsafe(self._node(place), f"an object with {info.rc} names", "one name each")
        if info.type not in {h5py.h5o.TYPE_GROUP, h5py.h5o.TYPE_DATASET}:
            yield _unsafe(self._node(place), "a named data type", "groups and data sets")

    def attribute_problems(self, attribute: Any, place: str) -> Iterator[Diagnostic]:
        """Tell why an attribute of the group at ``place`` is not to be read."""
        self.objects += 1
        kind, space = self._kind(attribute.get_type()), attribute.get_space()
        if not kind.known or (not kind.is_text and kind.dtype is None):
            found = "an attribute of another class"
            yield _unsafe(self._node(place), found, "numbers and strings", rules.NODE_COMPLETE)
        elif space.get_simple_extent_type() != h5py.h5s.SCALAR or kind.size > MAX_STRING:
            yield _unsafe(self._node(place), "an attribute of many values", "a number or a string")

    def extent(self, dataset: Any, place: str) -> Extent | list[Diagnostic]:
        """Give what may be read of ``dataset``, or tell why it may not."""
        plan, node = dataset.get_create_plist(), self._node(place)
        layout = plan.get_layout()
        if layout not in LAYOUTS or plan.get_external_count():
            return [_unsafe(node, "data that lies in other files", "data in the file itself")]
        kind, space = self._kind(dataset.get_type()), dataset.get_space()
        if not kind.known or space.get_simple_extent_type() not in SPACES:
            found, limit = "data of another class", "numbers and strings"
            return [_unsafe(node, found, limit, rules.NODE_COMPLETE)]
        shape = tuple(space.get_simple_extent_dims())
        extent = Extent(kind, shape, layout, prod(shape) * kind.size)
        stored = dataset.get_storage_size()
        problems = [*_kind_problems(kind, layout, node), *self.size_problems(extent, stored, node)]
        if layout == h5py.h5d.CHUNKED:
            problems += _chunk_problems(plan, kind, node)
        return problems or extent

    def _node(self, place: str) -> str:
        return f"{self.path}:{place}" if place else self.path

    def _kind(self, stored: Any) -> Kind:
        """Look at a type once: most files have three of them."""
        key = stored.encode()
        if key not in self._kinds:
            self._kinds[key] = _kind_of(stored)
        return self._kinds[key]

    def size_problems(self, extent: Extent, stored: int, node: str) -> Iterator[Diagnostic]:
        """Tell of a data set that declares too much for what is stored, or with all before it."""
        if extent.declared > MAX_RATIO * stored:
            found = f"{extent.declared} bytes declared, {stored} stored"
            yield _unsafe(node, found, f"{MAX_RATIO} to 1")
            return
        packing = MAX_RATIO if self.dense else MAX_PACKING
        limit = min(MAX_BYTES, max(FREE_BYTES, packing * self.size))
        was_within = self.declared <= limit
        self.declared += extent.declared
        if was_within and self.declared > limit:
            found = f"{self.declared} bytes up to here, in a file of {self.size}"
            yield replace(_unsafe(node, found, f"{limit} bytes in all"), remedy=UNPACK)


def name_problem(name: str) -> str | None:
    """Tell what is wrong with ``name``, or None."""
    if not name or "/" in name:
        return "an empty name" if not name else "a slash in the name"
    if name.isascii() and name.isprintable():
        return None if len(name) <= MAX_NAME else f"a name of more than {MAX_NAME} bytes"
    if len(name.encode("utf-8", "surrogatepass")) > MAX_NAME:
        return f"a name of more than {MAX_NAME} bytes"
    if any(unicodedata.category(c).startswith("C") for c in name):
        return "a control or invisible character in the name"
    return None if unicodedata.is_normalized("NFC", name) else "a name that is not in NFC"


def printable(text: str) -> str:
    """Give ``text`` with everything escaped that could move a terminal's cursor, and cut."""
    shown = text if len(text) <= MAX_NAME else f"{text[:MAX_NAME]}..."
    return "".join(repr(c)[1:-1] if unicodedata.category(c).startswith("C") else c for c in shown)


def bad_name(node: str, problem: str) -> Diagnostic:
    """SNN107 for ``node``."""
    return Diagnostic(
        rule=rules.NAME_VALID,
        node=printable(node),
        found=problem,
        limit=f"1 to {MAX_NAME} bytes of visible NFC text without slash",
        remedy="rename it where the model is made",
    )


def _kind_of(stored: Any) -> Kind:
    number, is_text = stored.get_class(), stored.get_class() == h5py.h5t.STRING
    loose = is_text and bool(stored.is_variable_str())
    dtype: np.dtype[Any] | None = None
    plain = False
    if number in CLASSES and not is_text and stored.get_size() <= MAX_NUMBER:
        try:
            dtype = np.dtype(stored.dtype)
            plain = bool(h5py.h5t.py_create(dtype).equal(stored))
        except (TypeError, ValueError):
            number = None  # such as a float of 3 bytes
    size = REFERENCE if loose else int(stored.get_size())
    return Kind(number in CLASSES, is_text, loose, size, dtype, plain)


def _kind_problems(kind: Kind, layout: int, node: str) -> Iterator[Diagnostic]:
    if kind.loose and layout != h5py.h5d.CONTIGUOUS:
        yield _unsafe(node, "strings in chunks", "strings one after the other")
    limit = MAX_STRING if kind.is_text else MAX_NUMBER
    if kind.size > limit:
        yield _unsafe(node, f"elements of {kind.size} bytes", f"{limit} bytes")


def _chunk_problems(plan: Any, kind: Kind, node: str) -> Iterator[Diagnostic]:
    filters = {plan.get_filter(i)[0] for i in range(plan.get_nfilters())}
    if filters - FILTERS:
        yield _unsafe(node, f"filter {min(filters - FILTERS)}", "gzip, shuffle, fletcher32, lzf")
    chunk = prod(plan.get_chunk()) * kind.size
    if chunk > MAX_CHUNK:
        yield _unsafe(node, f"a chunk of {chunk} bytes", f"{MAX_CHUNK} bytes")


def _unsafe(node: str, found: str, limit: str, rule: Rule = rules.FILE_SAFE) -> Diagnostic:
    return Diagnostic(rule=rule, node=printable(node), found=found, limit=limit, remedy=REWRITE)
