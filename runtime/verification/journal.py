"""What is done of a long run, kept in a file, so that a run that was killed goes on.

    snnc journal SHA-256 {"identity": {...}, "size": 64}
    SHA-256 {"first": 0, "samples": 64, "tally": ...}
    ...

A line is on the disk before its batch counts as done. Where the process is killed in the middle of
one, or a line has another SHA-256 than it says, it is dropped, and its batch is run again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import IO

from pydantic import ValidationError

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault, InputError
from snnc.runtime.record import Record
from snnc.runtime.verification.outcome import Outcome
from snnc.targets.directory import cannot_write

MAGIC = b"snnc journal "


class Header(Record):
    """What a journal belongs to.

    Attributes:
        identity: What its batches depend on: names to hashes or versions.
        size: Samples of a batch.
    """

    identity: dict[str, str]
    size: int


class Journal:
    """The batches that are done, in a file or, without a path, in one that nobody sees.

    Attributes:
        size: Samples of a batch.
        done: First sample of each batch that is done.
    """

    def __init__(self, path: Path | None, header: Header) -> None:
        """Open the journal at ``path``, or begin it.

        Raises:
            InputError: SNN601, it is that of another run; SNN603, it is something else.
            EnvironmentFault: SNN602, a process writes it; SNN002, the file system refuses.
        """
        self._path = path
        self.size = header.size
        self._places: dict[int, tuple[int, int]] = {}
        with ExitStack() as refused:
            try:
                self._file = _opened(path)
                refused.callback(_close, self._file)
                self._take_up(header)
            except OSError as error:
                raise EnvironmentFault([cannot_write(path or Path(), error, "--report")]) from error
            refused.pop_all()

    @property
    def done(self) -> frozenset[int]:
        """First sample of each batch that is done."""
        return frozenset(self._places)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _close(self._file)

    def add(self, outcome: Outcome) -> None:
        """Keep a batch; when this returns, it is kept for good.

        Raises:
            EnvironmentFault: SNN002, the file system refuses.
        """
        content = outcome.model_dump_json().encode()
        try:
            begin = self._file.seek(0, os.SEEK_END)
            self._file.write(_line(content))
            _sync(self._file)
        except OSError as error:
            path = self._path or Path(tempfile.gettempdir())
            raise EnvironmentFault([cannot_write(path, error, "--report")]) from error
        self._places[outcome.first] = begin, len(_line(content))

    def outcomes(self) -> Iterator[Outcome]:
        """Give what was kept, in the order of samples, one after the other from the file."""
        for _, (begin, length) in sorted(self._places.items()):
            self._file.seek(begin)
            content = _content(self._file.read(length))
            if content is None:
                raise OSError(None, "the journal changed while it was in use", str(self._path))
            yield Outcome.model_validate_json(content)

    def _take_up(self, header: Header) -> None:
        """Find what is done, or begin with a header."""
        begin = self._file.read(len(MAGIC))
        if not MAGIC.startswith(begin):
            raise InputError([_foreign(self._path, "a file that is no journal")])
        line = self._file.readline() if begin == MAGIC else b""
        if not line.endswith(b"\n"):  # nothing there yet, or killed while it was begun
            self._file.seek(0)
            self._file.truncate()
            self._file.write(MAGIC + _line(header.model_dump_json().encode()))
            _sync(self._file)
            return
        try:
            found = Header.model_validate_json(_content(line) or b"")
        except ValidationError as error:
            damaged = "a journal whose first line is damaged, or of another version of snnc"
            raise InputError([_foreign(self._path, damaged)]) from error
        if found.identity != header.identity:
            raise InputError([_of_another(self._path, found.identity, header.identity)])
        self.size = found.size
        self._read_places()

    def _read_places(self) -> None:
        """Find the lines that are whole; one that is damaged costs its own batch alone."""
        end = self._file.tell()
        for line in self._file:
            if not line.endswith(b"\n"):
                break  # killed while it was written
            content = _content(line)
            if content is not None:
                self._places[Outcome.model_validate_json(content).first] = end, len(line)
            end += len(line)
        self._file.seek(end)
        self._file.truncate()


def _opened(path: Path | None) -> BufferedRandom:
    """Open a file for this process alone.

    Raises:
        EnvironmentFault: SNN602, another process has it.
        OSError: It cannot be opened.
    """
    if path is None:
        return tempfile.TemporaryFile()
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        _lock(file, path)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # the run that had it removed it in this moment


def _lock(file: BufferedRandom, path: Path) -> None:
    """Keep other processes out, where the system can."""
    with suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise EnvironmentFault([_in_use(path)]) from None


def _close(file: BufferedRandom) -> None:
    """Close a file; what could not be written to it has been told."""
    with suppress(OSError):
        file.close()


def _line(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode() + b" " + content + b"\n"


def _content(line: bytes) -> bytes | None:
    """Give what a line holds; None where it is not whole."""
    digest, _, content = line.removesuffix(b"\n").partition(b" ")
    whole = line.endswith(b"\n") and hashlib.sha256(content).hexdigest().encode() == digest
    return content if whole else None


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _foreign(path: Path | None, found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.JOURNAL_READABLE,
        node=str(path),
        found=found,
        limit="no file of that name, or the journal of this run",
        remedy="move the file away, or name another directory with --report",
    )


def _of_another(
    path: Path | None, found: Mapping[str, str], wanted: Mapping[str, str]
) -> Diagnostic:
    other = [n for n in {**wanted, **found} if found.get(n) != wanted.get(n)]
    return Diagnostic(
        rule=rules.JOURNAL_FITS,
        node=str(path),
        found=f"the journal of a run with another {' and another '.join(other)}",
        limit="the journal of a run of the same network on the same data",
        remedy=f"repeat the command that began it, or remove {path} to begin anew",
    )


def _in_use(path: Path) -> Diagnostic:
    return Diagnostic(
        rule=rules.JOURNAL_FREE,
        node=str(path),
        found="a process that is writing it",
        limit="one run for each report at a time",
        remedy="wait for the other run to end, or name another directory with --report",
    )
