"""The folder of a run: gone when the run has ended, even one that could not clear up itself."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX, LOCK = "snnc-lava-", "lock"
"""How the name of such a folder begins, and the file in it that its run has locked."""
SETTLED = 60.0
"""Seconds after which the file of a run that lives is locked for certain."""


@contextmanager
def scratch_folder() -> Generator[Path]:
    """Give a folder in ``TMPDIR`` for the files of a run.

    A run that is killed leaves its folder to the runner, and where that does not live either, to
    the next run: nobody holds the lock then, which ends with its process.

    Raises:
        OSError: There can be no such folder.
    """
    import fcntl  # Windows has none, nor has it Lava

    _remove_abandoned(Path(tempfile.gettempdir()))
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name,
        (Path(name) / LOCK).open("wb") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(name)


def _remove_abandoned(place: Path) -> None:
    import fcntl

    for lock in place.glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError):  # another user's, or locked, or gone by now
            if time.time() - lock.stat().st_mtime < SETTLED:
                continue
            with lock.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent)
