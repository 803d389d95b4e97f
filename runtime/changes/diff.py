"""Two reports or two artifacts, read and compared."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.compiler.store import Tensors, to_json
from snnc.runtime.changes.leaves import Leaves, changes_of, leaves, without
from snnc.runtime.changes.records import Changes
from snnc.runtime.report import JSON, REPORT
from snnc.targets.artifact import MANIFEST, Artifact, load

REPORT_KIND, ARTIFACT_KIND = "report", "artifact"
SAYS_HOW = ("command", "model")
"""Of a report how it was called, and by what name: not what came out."""
SAID_TWICE = ("headline", "exit_code", "first_divergence")
"""Of a report what follows from its links."""


def diff(first: str | os.PathLike[str], second: str | os.PathLike[str]) -> Changes:
    """Tell what differs between two reports, or two artifacts.

    Args:
        first: The directory of a report or an artifact, or a ``report.json``.
        second: Another of the same kind.

    Returns:
        Every value that is not the same in both.

    Raises:
        InputError: SNN651, one is neither; SNN652, they are not of one kind; SNN653, a report
            cannot be read; SNN504, an artifact is not whole.
    """
    a, b = Path(first), Path(second)
    kinds = {path: _kind(path) for path in (a, b)}
    if kinds[a] != kinds[b]:
        raise InputError([_unlike(b, kinds[b], kinds[a])])
    read = _report_leaves if kinds[a] == REPORT_KIND else _artifact_leaves
    found = tuple(changes_of(read(a), read(b)))
    return Changes(
        kind=kinds[a], first=str(first), second=str(second), same=not found, changes=found
    )


def _kind(path: Path) -> str:
    try:
        if (path / MANIFEST).is_file():
            return ARTIFACT_KIND
        if (path / JSON).is_file() or (path.is_file() and path.suffix.lower() == ".json"):
            return REPORT_KIND
        found = "a directory without either" if path.is_dir() else "no such file or directory"
        found = "another file" if path.is_file() else found
    except (OSError, ValueError) as error:
        found = str(error)
    raise InputError([_unknown(path, found)])


def _report_leaves(path: Path) -> Leaves:
    file = path / JSON if path.is_dir() else path
    try:
        text = file.read_bytes()
        REPORT.members(text)
        data = json.loads(text)
        told = without(data, (*SAYS_HOW, *SAID_TWICE))
        return dict(leaves(told, {}))
    except OSError as error:
        raise InputError([_damaged(file, error.strerror or str(error))]) from error
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"])) or "the file"
        raise InputError([_damaged(file, f"{place}: {problem['msg'].lower()}")]) from error
    except ValueError as error:
        raise InputError([_damaged(file, str(error))]) from error


def _artifact_leaves(path: Path) -> Leaves:
    artifact = load(path)
    manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    tensors: Tensors = {}
    data: dict[str, Any] = {
        "format": manifest["format"],
        "snnc": manifest["snnc"],
        "target": artifact.target,
        "options": dict(artifact.options),
        "network": to_json(artifact.network, "network", tensors),
        "integers": None if artifact.fixed is None else to_json(artifact.fixed, "int", tensors),
        "cores": _cores(artifact, tensors),
        "account": dict(artifact.account),
        "files": {
            name: member["sha256"]
            for name, member in manifest["members"].items()
            if name in artifact.members
        },
    }
    return dict(leaves(data, tensors))


def _cores(artifact: Artifact, tensors: Tensors) -> Any:
    if artifact.mapped is None:
        return None
    return to_json(artifact.mapped.placement, "cores", tensors)


def _unknown(path: Path, found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.DIFF_KNOWN,
        node=str(path),
        found=found,
        limit="the directory of a report or an artifact, or a report.json",
        remedy="snnc compile writes artifacts, snnc verify reports",
    )


def _unlike(path: Path, kind: str, other: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.DIFF_ALIKE,
        node=str(path),
        found=f"{_a(kind)}",
        limit=f"{_a(other)}, as the first is",
        remedy=f"name {_a(other)}",
    )


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _damaged(path: Path, found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.DIFF_READABLE,
        node=str(path),
        found=found,
        limit="a report.json of snnc verify, of whatever release",
        remedy="verify again, and compare with what that writes",
    )
