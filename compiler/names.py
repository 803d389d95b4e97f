"""Names that users misspell."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: object, names: Iterable[str]) -> str | None:
    """Give the one of ``names`` that ``name`` is most like, in whatever case, if any is like it."""
    spelled = {str(known).lower(): str(known) for known in names}
    matches = difflib.get_close_matches(str(name).lower(), spelled, n=1)
    return spelled[matches[0]] if matches else None


def written(value: object) -> str:
    """Give what a user put where a name belongs: text as it is, else as Python shows it."""
    return value if isinstance(value, str) and value else f"{value!r:.60}"
