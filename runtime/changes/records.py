"""What ``snnc diff --json`` prints: a record that is its own JSON schema."""

from __future__ import annotations

from snnc.runtime.record import Record

FORMAT = 1
"""Version of the record; raised when an older reader could not read it."""

Value = bool | int | float | str | None


class Change(Record):
    """One thing that is not the same in both.

    Attributes:
        part: Where it stands, such as ``links / float -> integer``.
        what: The field, such as ``differing``.
        first: Its value in A, or the first value that differs of many; None where A has none.
        second: The same of B.
        differing: Of many values, how many differ; None where it is one value.
        values: Of how many.
        largest: Largest difference of two numbers; None where each pair has a NaN.
        place: Indices of the first that differs.
    """

    part: str
    what: str
    first: Value
    second: Value
    differing: int | None = None
    values: int | None = None
    largest: float | None = None
    place: tuple[int, ...] | None = None


class Changes(Record):
    """All that differs.

    Attributes:
        format: Version of this record.
        kind: ``report`` or ``artifact``.
        first: A, as it was named.
        second: B.
        same: Whether nothing differs.
        changes: In the order of A; what only B has stands behind.
    """

    format: int = FORMAT
    kind: str
    first: str
    second: str
    same: bool
    changes: tuple[Change, ...]
