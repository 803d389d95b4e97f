"""What is said of files of data that cannot be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError

DESCRIBED = "write the file again; docs/inputs.md describes what is read"


def unreadable(path: Path, option: str, error: OSError) -> Diagnostic:
    """SNN001: the file system refuses."""
    return Diagnostic(
        rule=rules.INPUT_READABLE,
        node=f"{option} {path}",
        found=(error.strerror or str(error)).lower(),
        limit="a file or a directory that this user may read",
        remedy="check the path and its permissions",
    )


def wrong_form(node: str, found: str, limit: str) -> InputError:
    """SNN641."""
    return InputError(
        [Diagnostic(rule=rules.DATA_FORM, node=node, found=found, limit=limit, remedy=DESCRIBED)]
    )


def as_data(error: InputError, limit: str) -> InputError:
    """Tell of a file of data what was said of one that might hold a network."""
    return InputError([_as_data(d, limit) for d in error.diagnostics])


def _as_data(diagnostic: Diagnostic, limit: str) -> Diagnostic:
    if diagnostic.rule is rules.FILE_FORM:
        return replace(diagnostic, rule=rules.DATA_FORM, limit=limit, remedy=DESCRIBED)
    return replace(diagnostic, remedy=DESCRIBED)
