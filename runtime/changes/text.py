"""What differs, for people to read."""

from __future__ import annotations

from itertools import groupby

from snnc.runtime.changes.leaves import THERE
from snnc.runtime.changes.records import Change, Changes, Value
from snnc.runtime.text import count, shown

SHOWN = 20
"""Changes of a part that are shown; ``--json`` has all."""
WIDTH = 100
"""Characters of a value that are shown."""


def changes_text(found: Changes) -> str:
    """Give the changes part by part, and in the last line how many there are."""
    lines: list[str] = []
    for part, group in groupby(found.changes, lambda change: change.part):
        changes = list(group)
        lines += [shown(part) or f"the {found.kind}"]
        lines += [f"  {_line(change)}" for change in changes[:SHOWN]]
        if len(changes) > SHOWN:
            lines += [f"  and {len(changes) - SHOWN:,} more: snnc diff --json has all"]
        lines += [""]
    if found.same:
        return f"the same: two {found.kind}s without a difference"
    return "\n".join([*lines, f"different: {count(len(found.changes), 'change')}"])


def _line(change: Change) -> str:
    a, b = _written(change.first, change.second)
    what = shown(change.what)
    if change.first is None and change.second is not None:
        return f"+ {what}: {b}" if b != THERE else f"+ {what}"
    if change.second is None and change.first is not None:
        return f"- {what}: {a}" if a != THERE else f"- {what}"
    if change.differing is None:
        return f"{what}: {a} -> {b}"
    share = f"{change.differing:,} of {count(change.values or 0, 'value')}"
    first = f"first at {list(change.place or ())}: {a} -> {b}"
    apart = "" if change.largest is None else f"at most {change.largest:.6g} apart, "
    return f"{what}: {share}, {apart}{first}"


def _written(a: Value, b: Value) -> tuple[str, str]:
    """Give two values so short that they can be told apart."""
    short = _short(a), _short(b)
    return short if short[0] != short[1] else (_long(a), _long(b))


def _short(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = _long(value)
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}..."


def _long(value: Value) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return shown(value) if isinstance(value, str) else repr(value)
