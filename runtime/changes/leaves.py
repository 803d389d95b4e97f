"""A record as leaves by their paths: parts are told apart by their names, not by their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
ARROW = " -> "


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
    seen: dict[str, int] = {}
    for index, item in enumerate(items):
        name = _name(item)
        if name is None:
            name = str(item) if isinstance(item, str) else str(index)
        seen[name] = seen.get(name, 0) + 1
        own = name if seen[name] == 1 else f"{name} ({seen[name]})"
        if isinstance(item, str):
            yield (*path, own), ""  # a sentence, such as a warning: there, or not
        else:
            yield from leaves(item, tensors, (*path, own))


def _numbers(items: list[object]) -> npt.NDArray[Any] | None:
    """Give a list of numbers, or of equally long lists of numbers, as an array."""
    try:
        values = np.array(items)
    except (ValueError, OverflowError):
        return None
    return values if values.size and values.dtype.kind in "biuf" else None


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
    for path in (*first, *(p for p in second if p not in first)):
        if path not in first or path not in second:
            there = first if path in first else second
            value = _value(there[path]) or THERE
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
    return a == b and isinstance(a, bool) is isinstance(b, bool)


def _arrays(path: Path, a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Iterator[Change]:
    if a.shape != b.shape:
        yield Change(part=_part(path), what=path[-1], first=_value(a), second=_value(b))
        return
    unequal = np.asarray(a != b) & ~((a != a) & (b != b))  # NaN is NaN
    if not unequal.any():
        return
    place = tuple(int(i) for i in np.argwhere(unequal)[0])
    apart = np.abs(a[unequal].astype(np.float64) - b[unequal].astype(np.float64))
    yield Change(
        part=_part(path),
        what=path[-1],
        first=a[place].item(),
        second=b[place].item(),
        differing=int(unequal.sum()),
        values=a.size,
        largest=float(apart.max()),
        place=place,
    )


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
