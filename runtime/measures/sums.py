"""Records that add up."""

from __future__ import annotations

from typing import Self

from snnc.runtime.record import Record


class Sums(Record):
    """What was counted of some samples: every field is a number, an array or such a record.

    Fields are whole numbers, so a sum does not depend on how samples are grouped.
    """

    def __add__(self, more: Self) -> Self:
        """Add what was counted of other samples."""
        names = type(self).model_fields
        return type(self)(**{n: getattr(self, n) + getattr(more, n) for n in names})
