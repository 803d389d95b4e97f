"""A record as leaves by their paths: parts are told apart by their names, not by their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from snnc.runtime.changes.records import Change

Path: TypeAlias = tuple[str, ...]
Leaf: TypeAlias = "npt.NDArray[Any] | bool | int | float | str | None"
Leaves: TypeAlias = Mapping[Path, Leaf]

NAMES = (
    ("reference", "other"),
    ("name", "signal"),
    ("name",),
    ("population", "signal"),
    ("population",),
    ("source", "target"),
)
"""Fields that name a part of a list, the first that it has."""
THERE = "there"
"""What is said of something without a value that only one has."""
EXACT = 2**53
"""Integers up to here are themselves as float64."""
ARROW = " -> "


class Empty(str):
    """A list or an object that holds nothing, as JSON writes it."""

    __slots__ = ()


def leaves(
    data: Any, tensors: Mapping[str, npt.NDArray[Any]], path: Path = ()
) -> Iterator[tuple[Path, Leaf]]:
    """Yield path and leaf of all that ``data`` holds.

    Args:
        data: As JSON gives it.
        tensors: Arrays, for which ``{"tensor": name}`` stands.
        path: Of ``data``.

    Yields:
        Pairs of a path and a leaf: one value, or an array of values of one kind.
    """
    if isinstance(data, dict):
        fields = cast("dict[str, Any]", data)
        if fields.keys() == {"tensor"} and fields["tensor"] in tensors:
            yield path, tensors[fields["tensor"]]
            return
        for name, value in fields.items():
            yield from leaves(value, tensors, (*path, name))
        if not fields:
            yield path, Empty("{}")
    elif isinstance(data, list):
        yield from _items(cast("list[object]", data), tensors, path)
    else:
        yield path, data


def _items(
    items: list[object], tensors: Mapping[str, npt.NDArray[Any]], path: Path
) -> Iterator[tuple[Path, Leaf]]:
    values = _numbers(items)
    if values is not None:
        yield path, values
        return
    taken: set[str] = set()
    for index, item in enumerate(items):
        name = item if isinstance(item, str) else _name(item) or str(index)
        names = chain([name], (f"{name} ({k})" for k in count(2)))
        own = next(n for n in names if n not in taken)
        taken.add(own)
        if isinstance(item, str):
            yield (*path, own), ""  # a sentence, such as a warning: there, or not
        else:
            yield from leaves(item, tensors, (*path, own))
    if not items:
        yield path, Empty("[]")


def _numbers(items: list[object]) -> npt.NDArray[Any] | None:
    """Give a list of numbers, or of equally long lists of numbers, as an array."""
    try:
        values = np.array(items)
    except (ValueError, OverflowError):
        return None
    if not values.size or values.dtype.kind not in "biuf":
        return None
    single = [*np.array(items, object).flat]
    kinds = set(map(type, single))
    if bool in kinds and len(kinds) > 1:
        return None
    rounded = float in kinds and any(isinstance(x, int) and abs(x) > EXACT for x in single)
    return None if rounded else values


def _name(item: object) -> str | None:
    if not isinstance(item, dict):
        return None
    fields = cast("dict[str, Any]", item)
    for names in NAMES:
        if all(isinstance(fields.get(n), str) for n in names):
            return ARROW.join(fields[n] for n in names)
    return None


def changes_of(first: Leaves, second: Leaves) -> Iterator[Change]:
    """Yield what differs, in the order of ``first``; what only ``second`` has stands behind."""
    holding = {path[:k] for some in (first, second) for path in some for k in range(len(path))}
    for path in (*first, *(p for p in second if p not in first)):
        if path not in first or path not in second:
            there = first if path in first else second
            if isinstance(there[path], Empty) and path in holding:
                continue  # what the other holds there is told
            value = _value(there[path])
            value = THERE if value in (None, "") else value
            a, b = (value, None) if there is first else (None, value)
            yield Change(part=_part(path), what=path[-1], first=a, second=b)
        else:
            yield from _values(path, first[path], second[path])


def _values(path: Path, a: Leaf, b: Leaf) -> Iterator[Change]:
    """Yield the change of what both have, if it is one."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        yield from _arrays(path, a, b)
    elif isinstance(a, np.ndarray) or isinstance(b, np.ndarray) or not _equal(a, b):
        yield Change(part=_part(path), what=path[-1], first=_value(a), second=_value(b))


def _equal(a: object, b: object) -> bool:
    alike = all(isinstance(a, kind) is isinstance(b, kind) for kind in (bool, Empty))
    return alike and (a == b or (a != a and b != b))  # NaN is NaN


def _arrays(path: Path, a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Iterator[Change]:
    if a.shape != b.shape:
        yield Change(part=_part(path), what=path[-1], first=_value(a), second=_value(b))
        return
    unequal = np.asarray(a != b) & ~((a != a) & (b != b))  # NaN is NaN
    if not unequal.any():
        return
    place = tuple(int(i) for i in np.argwhere(unequal)[0])
    apart = _apart(a[unequal], b[unequal])
    yield Change(
        part=_part(path),
        what=path[-1],
        first=a[place].item(),
        second=b[place].item(),
        differing=int(unequal.sum()),
        values=a.size,
        largest=None if np.isnan(apart).all() else float(np.nanmax(apart)),
        place=place,
    )


def _apart(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Give how far numbers are apart: of integers exactly, before it is a float64."""
    if all(x.dtype.kind in "iu" and x.dtype.itemsize == 8 for x in (a, b)):
        pairs = zip(a.tolist(), b.tolist(), strict=True)
        return np.array([float(abs(one - two)) for one, two in pairs])
    return np.abs(a.astype(np.float64) - b.astype(np.float64))


def _value(leaf: Leaf) -> bool | int | float | str | None:
    """Give one value; of an array its shape."""
    if not isinstance(leaf, np.ndarray):
        return leaf
    return leaf.item() if leaf.ndim == 0 else f"{list(leaf.shape)} values"


def _part(path: Sequence[str]) -> str:
    return " / ".join(path[:-1])


def without(data: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Give ``data`` without some fields."""
    left_out = set(names)
    return {name: value for name, value in data.items() if name not in left_out}
