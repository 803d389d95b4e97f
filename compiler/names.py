"""Names that users misspell."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Give the one of ``names`` that ``name`` is most like, in whatever case, if any is like it."""
    spelled = {str(known).lower(): str(known) for known in names}
    matches = difflib.get_close_matches(name.lower(), spelled, n=1)
    return spelled[matches[0]] if matches else None
