"""Directories of results: written whole or not at all, and never over what is not ours."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault, InputError


@dataclass(frozen=True)
class Kind:
    """A kind of result.

    Attributes:
        name: What it is called, such as ``an artifact``.
        marker: The file that every result of this kind has.
        option: Where the user names its place, for the remedy.
        members: Names every file of a result from the content of its marker; raises a
            ``ValueError`` where that is none of snnc's.
    """

    name: str
    marker: str
    option: str
    members: Callable[[bytes], Collection[str]]


def write_directory(path: Path, files: Mapping[str, bytes], kind: Kind) -> None:
    """Write ``files`` as the directory ``path``, all of them or none.

    A directory that holds a result of the same kind, and nothing beside it, is replaced. Anything
    else that is there stays, and nothing is written.

    Args:
        path: The directory.
        files: Name to content; a name may have folders, joined by ``/``.
        kind: What the files are together.

    Raises:
        InputError: SNN003, ``path`` exists and is no result of this kind.
        EnvironmentFault: SNN002, the file system refuses.
    """
    check_place(path, kind)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".snnc-", dir=path.parent) as scratch:
            fresh = Path(scratch) / "new"
            _write_files(fresh, files)
            _replace(path, fresh, Path(scratch) / "old")
    except OSError as error:
        raise EnvironmentFault([cannot_write(path, error, kind.option)]) from error


def check_place(path: Path, kind: Kind) -> None:
    """Find out before the work whether ``write_directory`` would be refused.

    Raises:
        InputError: SNN003, ``path`` exists and is no result of this kind.
        EnvironmentFault: SNN002, the file system refuses.
    """
    try:
        _refuse_foreign(path, kind)
        check_writable(path.parent)
    except OSError as error:
        raise EnvironmentFault([cannot_write(path, error, kind.option)]) from error


def check_writable(directory: Path) -> None:
    """Try whether files can be made in ``directory``, or in the nearest folder above that exists.

    Raises:
        OSError: They cannot.
    """
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    with tempfile.TemporaryDirectory(prefix=".snnc-", dir=directory):
        pass


def cannot_write(path: Path, error: OSError, option: str = "-o") -> Diagnostic:
    """SNN002 for ``path``."""
    return Diagnostic(
        rule=rules.OUTPUT_WRITABLE,
        node=str(path),
        found=error.strerror or str(error),
        limit="a place where this user may write, with room left",
        remedy=f"name another place with {option}, or free this one",
    )


def _refuse_foreign(path: Path, kind: Kind) -> None:
    """Raise SNN003 unless ``path`` is free, an empty directory or a result of this kind."""
    if not path.exists() and not path.is_symlink():
        return
    found = "a file"
    if path.is_dir():
        foreign = _foreign_entry(path, kind)
        here = path.samefile(Path.cwd())  # which no system lets be replaced
        if foreign is None and not here:
            return
        found = f"a directory with {foreign!r:.80}, which is no part of {kind.name} of snnc"
        found = "the directory in which snnc runs" if here else found
    raise InputError(
        [
            Diagnostic(
                rule=rules.OUTPUT_FREE,
                node=str(path),
                found=found,
                limit=f"a new directory, an empty one, or {kind.name} of snnc to replace",
                remedy=f"name another directory with {kind.option}",
            )
        ]
    )


def _foreign_entry(directory: Path, kind: Kind) -> str | None:
    """Name something in ``directory`` that would be lost: what no result of this kind has."""
    marker = directory / kind.marker
    if marker.is_symlink() or not marker.is_file():
        return min((p.name for p in directory.iterdir()), default=None)
    try:
        members = {PurePosixPath(name) for name in kind.members(marker.read_bytes())}
    except ValueError:
        return kind.marker
    folders = {folder for name in members for folder in name.parents}
    caches = {name.parent / "__pycache__" for name in members if name.suffix == ".py"}

    def is_known(entry: Path, name: PurePosixPath) -> bool:
        if entry.is_symlink():
            return False
        if entry.is_dir():
            return name in folders | caches
        return name in members or (name.parent in caches and name.suffix == ".pyc")

    entries = sorted(directory.rglob("*"), key=lambda path: (path.is_dir(), path))
    names = ((p, PurePosixPath(p.relative_to(directory).as_posix())) for p in entries)
    return next((str(name) for entry, name in names if not is_known(entry, name)), None)


def _replace(path: Path, fresh: Path, old: Path) -> None:
    """Put ``fresh`` in the place of ``path``; what was there comes back where that fails."""
    if not path.exists():
        fresh.rename(path)
        return
    path.rename(old)
    try:
        fresh.rename(path)
    except OSError:
        old.rename(path)
        raise


def _write_files(directory: Path, files: Mapping[str, bytes]) -> None:
    directory.mkdir()
    for name, content in files.items():
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
