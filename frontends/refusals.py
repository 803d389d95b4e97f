"""What is said of a file of data that is damaged, or not what it should be."""

from __future__ import annotations

from dataclasses import replace

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.frontends.hdf5.gate import printable

REMEDY = "write or record the file again; docs/inputs.md describes what is read"
OF_NETWORKS = (
    rules.FILE_FORM,
    rules.FILE_SAFE,
    rules.NAME_VALID,
    rules.FILE_BOUNDED,
    rules.NODE_COMPLETE,
)
"""What else is said of the files that ``ReaderProcess`` reads, which hold networks."""


def beginning(start: bytes) -> str:
    """Tell by what it begins with of a file that is none of those that are read."""
    return f"a file that begins with {start!r}" if start else "an empty file"


def refused_data(node: str, found: str, limit: str) -> InputError:
    """Give SNN641 for the file, or a place in it, ``node``."""
    return InputError(
        [
            Diagnostic(
                rule=rules.DATA_FORM,
                node=printable(node),
                found=printable(found),
                limit=limit,
                remedy=REMEDY,
            )
        ]
    )


def as_data(error: InputError, limit: str) -> InputError:
    """Tell of a file of data what was said of one that might have held a network.

    Args:
        error: From ``ReaderProcess``.
        limit: What the file should be.
    """
    return InputError([_as_data(d, limit) for d in error.diagnostics])


def _as_data(diagnostic: Diagnostic, limit: str) -> Diagnostic:
    if diagnostic.rule not in OF_NETWORKS:
        return diagnostic
    limit = limit if diagnostic.rule is rules.FILE_FORM else diagnostic.limit
    return replace(diagnostic, rule=rules.DATA_FORM, limit=limit, remedy=REMEDY)
