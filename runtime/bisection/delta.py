"""Delta debugging: the fewest items with which something still fails.

Reference: Zeller and Hildebrandt 2002, Simplifying and Isolating Failure-Inducing Input, IEEE
Transactions on Software Engineering 28:183, algorithm ddmin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Items = npt.NDArray[np.int64]
"""Ascending, each once."""
Fails = Callable[[Sequence[Items]], npt.NDArray[np.bool_]]
"""Says of each of several choices whether it fails with these items alone.

All of them are tried at once, where that costs little. Where each costs a run, those behind the
first that fails may be said not to.
"""
AT_ONCE = 16
"""Parts to begin with, where as many choices cost about as much as one."""


def fewest(items: Items, fails: Fails, parts: int = 2) -> Items:
    """Give some of ``items`` that fail, none of which can be left out by itself.

    Args:
        items: They fail.
        fails: Says which choices of them do.
        parts: To cut them into at first; 2 in the reference.
    """
    if not items.size:
        return items
    cut, first = parts, [items[:0]]  # nothing at all is tried with the first parts
    while items.size > 1 or first:
        cut = min(cut, items.size)
        alone = np.array_split(items, cut) if cut > 1 else []
        rest = [np.setdiff1d(items, part) for part in alone] if cut > 2 else []
        found = fails([*first, *alone, *rest])
        if first and found[0]:
            return first[0]
        smaller = _smaller(items, alone, rest, found[len(first) :], fails)
        if smaller is not None:
            items, left = smaller
            cut = max(left, parts)
        elif cut == items.size:
            break
        else:
            cut *= 2
        first = []
    return items


def one_by_one(fails: Callable[[Items], bool]) -> Fails:
    """Make a ``Fails`` of what tries one choice at a time: it stops at the first that fails."""

    def tried(choices: Sequence[Items]) -> npt.NDArray[np.bool_]:
        found = np.zeros(len(choices), np.bool_)
        for k, choice in enumerate(choices):
            if fails(choice):
                found[k] = True
                break
        return found

    return tried


def _smaller(
    items: Items,
    alone: list[Items],
    rest: list[Items],
    found: npt.NDArray[np.bool_],
    fails: Fails,
) -> tuple[Items, int] | None:
    """Give fewer items that fail, and how many parts they are of; None where none do.

    Args:
        items: All that are left.
        alone: Their parts.
        rest: What is left without each of them; nothing where that is the other part.
        found: Which of ``alone`` and then of ``rest`` fail.
        fails: Says which others do.
    """
    failing, without = np.flatnonzero(found[: len(alone)]), np.flatnonzero(found[len(alone) :])
    if failing.size:
        return alone[int(failing[0])], 1
    if not without.size:
        return None
    if without.size > 1:  # each can be spared; perhaps all at once
        spared = np.setdiff1d(items, np.concatenate([alone[int(k)] for k in without]))
        if fails([spared])[0]:
            return spared, len(alone) - without.size
    return rest[int(without[0])], len(alone) - 1
