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
from math import prod
from typing import Any

import h5py

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, Rule
from snnc.frontends.hdf5_heap import MAX_STRING, REFERENCE

SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""First bytes of every HDF5 file without a user block (HDF5 file format, section II.A)."""
MAX_OBJECTS = 200_000
"""Groups and data sets of one file: some 20,000 nodes, at 0.4 ms each."""
MAX_DEPTH = 32
"""Groups in groups; a flat graph with nested metadata takes half a dozen."""
MAX_BYTES = 4 * 2**30
"""Declared size of all data sets together."""
MAX_CHUNK = 64 * 2**20
"""Declared size of one chunk: what is unpacked at once."""
MAX_RATIO = 1100
"""Declared over stored size; gzip itself cannot pack by more than 1032."""
MAX_NUMBER = 8
"""Bytes of one number: float64, int64."""
MAX_NAME = 255
"""Bytes of one name."""
MAX_REPORTED = 20
"""Problems that are told of one file; a hostile one may have a million."""

FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_LZF,
}
LAYOUTS = {h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED}
CLASSES = {h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING, h5py.h5t.ENUM}


def gate_problems(file: h5py.File, path: str) -> Iterator[Diagnostic]:
    """Walk ``file`` without reading data, and tell what keeps it from being read.

    Args:
        file: Open for reading.
        path: Its path, for messages.
    """
    budget = _Budget()
    groups: list[tuple[Any, str, int]] = [(file.id, "", 0)]
    while groups:
        group, place, depth = groups.pop()
        for raw in group:
            budget.objects += 1
            if budget.objects > MAX_OBJECTS:
                yield _unsafe(path, "more objects than that", f"{MAX_OBJECTS} groups and data sets")
                return
            name = raw.decode("utf-8", "backslashreplace")
            node = f"{path}:{place}{name}"
            found = list(_link_problems(group, raw, node))
            if not found:
                child = h5py.h5o.open(group, raw)
                if isinstance(child, h5py.h5d.DatasetID):
                    found += _dataset_problems(child, node, budget)
                elif depth == MAX_DEPTH:
                    found.append(_unsafe(node, "one more group within it", f"{MAX_DEPTH} levels"))
                else:
                    groups.append((child, f"{place}{name}/", depth + 1))
            yield from found


def name_problem(name: str) -> str | None:
    """Tell what is wrong with ``name``, or None."""
    if not name or "/" in name:
        return "an empty name" if not name else "a slash in the name"
    if len(name.encode("utf-8", "surrogatepass")) > MAX_NAME:
        return f"a name of more than {MAX_NAME} bytes"
    if any(unicodedata.category(c).startswith("C") for c in name):
        return "a control or invisible character in the name"
    return None if unicodedata.is_normalized("NFC", name) else "a name that is not in NFC"


def printable(text: str) -> str:
    """Give ``text`` with everything escaped that could move a terminal's cursor, and cut."""
    shown = text if len(text) <= MAX_NAME else f"{text[:MAX_NAME]}..."
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c).startswith("C") else c
        for c in shown
    )


def bad_name(node: str, problem: str) -> Diagnostic:
    """SNN107 for ``node``."""
    return Diagnostic(
        rule=rules.NAME_VALID,
        node=printable(node),
        found=problem,
        limit=f"1 to {MAX_NAME} bytes of visible NFC text without slash",
        remedy="rename it where the model is made",
    )


class _Budget:
    """What has been declared so far."""

    objects = 0
    declared = 0


def _link_problems(group: Any, raw: bytes, node: str) -> Iterator[Diagnostic]:
    try:
        problem = name_problem(raw.decode("utf-8"))
    except UnicodeDecodeError:
        problem = "a name that is not UTF-8"
    if problem:
        yield bad_name(node, problem)
    if group.links.get_info(raw).type != h5py.h5l.TYPE_HARD:
        yield _unsafe(node, "a link to another place or another file", "hard links")
        return
    info = h5py.h5o.get_info(group, raw)
    if info.rc != 1:
        yield _unsafe(node, f"an object with {info.rc} names", "one name each")
    if info.type not in {h5py.h5o.TYPE_GROUP, h5py.h5o.TYPE_DATASET}:
        yield _unsafe(node, "a named data type", "groups and data sets")


def _dataset_problems(dataset: Any, node: str, budget: _Budget) -> Iterator[Diagnostic]:
    layout = dataset.get_create_plist()
    if layout.get_external_count() or layout.get_layout() not in LAYOUTS:
        yield _unsafe(node, "data that lies in other files", "data in the file itself")
        return
    kind = dataset.get_type()
    if kind.get_class() not in CLASSES or dataset.get_space().get_simple_extent_type() not in {
        h5py.h5s.SCALAR,
        h5py.h5s.SIMPLE,
    }:
        yield _unsafe(node, "data of another class", "numbers and strings", rules.NODE_COMPLETE)
        return
    filters = {layout.get_filter(i)[0] for i in range(layout.get_nfilters())}
    if filters - FILTERS:
        yield _unsafe(node, f"filter {min(filters - FILTERS)}", "gzip, shuffle, fletcher32, lzf")
    yield from _size_problems(dataset, kind, layout, node, budget)


def _size_problems(
    dataset: Any, kind: Any, layout: Any, node: str, budget: _Budget
) -> Iterator[Diagnostic]:
    text = kind.get_class() == h5py.h5t.STRING
    loose = text and kind.is_variable_str()
    if loose and layout.get_layout() != h5py.h5d.CONTIGUOUS:
        yield _unsafe(node, "strings in chunks", "strings one after the other")
    size = REFERENCE if loose else kind.get_size()
    limit = MAX_STRING if text else MAX_NUMBER
    if size > limit:
        yield _unsafe(node, f"elements of {size} bytes", f"{limit} bytes")
    declared, stored = prod(dataset.shape) * size, dataset.get_storage_size()
    budget.declared += declared
    if budget.declared > MAX_BYTES:
        yield _unsafe(node, f"{budget.declared} bytes up to here", f"{MAX_BYTES} bytes in all")
    if declared > MAX_RATIO * stored:
        yield _unsafe(node, f"{declared} bytes declared, {stored} stored", f"{MAX_RATIO} to 1")
    if layout.get_layout() == h5py.h5d.CHUNKED and prod(layout.get_chunk()) * size > MAX_CHUNK:
        chunk = prod(layout.get_chunk()) * size
        yield _unsafe(node, f"a chunk of {chunk} bytes", f"{MAX_CHUNK} bytes")


def _unsafe(node: str, found: str, limit: str, rule: Rule = rules.FILE_SAFE) -> Diagnostic:
    return Diagnostic(
        rule=rule,
        node=printable(node),
        found=found,
        limit=limit,
        remedy="write the file again with the tool that made it, as nir.write does",
    )
