"""Write nested dicts of arrays and strings as an HDF5 file, all of it or nothing."""
# h5py has no types:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import h5py

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault
from snnc.frontends.hdf5.read import Array, Tree


def write_tree(tree: Tree, path: Path) -> None:
    """Write ``tree`` as a file, all of it or nothing; the same tree gives the same bytes.

    Raises:
        EnvironmentFault: SNN002, the file system refuses.
    """
    with h5py.File("memory", "w", libver="earliest", driver="core", backing_store=False) as file:
        _write_group(file, tree)
        file.flush()
        content = file.id.get_file_image()
    try:
        _replace(path, content)
    except OSError as error:
        diagnostic = Diagnostic(
            rule=rules.OUTPUT_WRITABLE,
            node=str(path),
            found=error.strerror or str(error),
            limit="a place where this user may write, with room left",
            remedy="name another place with -o, or free this one",
        )
        raise EnvironmentFault([diagnostic]) from error


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
