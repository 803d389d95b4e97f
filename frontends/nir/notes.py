"""Metadata of NIR nodes and graphs, as a file holds them and as Python values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.frontends.hdf5.read import Array, Tree


def read_notes(value: Tree | Array | str) -> Any:
    """Give metadata as Python values: what was written as a number or a flag is one again."""
    if isinstance(value, dict):
        return {name: read_notes(item) for name, item in value.items()}
    if isinstance(value, str) or value.ndim:
        return value.tolist() if not isinstance(value, str) and value.dtype == object else value
    return value.item() if value.dtype.name in {"bool", "int64", "float64"} else value[()]


def notes_tree(notes: Mapping[str, Any] | None, place: str) -> Tree:
    """Give the group ``metadata`` that a file holds for ``notes``, or nothing.

    Raises:
        InputError: SNN104, they hold something that no file can.
    """
    return {"metadata": _tree(notes, f"{place}.metadata")} if notes else {}


def note_keys(notes: Mapping[str, Any] | None) -> Iterable[str]:
    """Give every name in ``notes``."""
    for key, value in (notes or {}).items():
        yield str(key)
        if isinstance(value, Mapping):
            yield from note_keys(cast("Mapping[str, Any]", value))


def _tree(value: Any, place: str) -> Tree | Array | str:
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {name: _tree(item, f"{place}.{name}") for name, item in items}
    if isinstance(value, str):
        return str(value)
    array = np.asarray(value)
    if array.dtype.kind == "U":
        return array.astype(object)
    if array.dtype.kind in "biuf":
        return array
    diagnostic = Diagnostic(
        rule=rules.NODE_COMPLETE,
        node=place,
        found=f"a {type(value).__name__}",
        limit="numbers, text, arrays of them, and dicts of these",
        remedy="remove it from the metadata",
    )
    raise InputError([diagnostic])
