"""Why a run ends early."""

from __future__ import annotations


class BadInput(Exception):
    """The options or the input data cannot be used; the text says why."""


class ProcessFault(Exception):
    """A Lava process raised, or was ended from outside; the text says which and why."""


class NoRoom(ProcessFault):
    """Shared memory has too little room; the text says how much."""


class Overtime(Exception):
    """The run took longer than it may; the text says how long that is."""


class Abandoned(Exception):
    """The process that wanted the results is no longer there."""
