"""The process that runs Lava, seen from outside: started, watched, and ended with all it made.

Lava hangs where one of its processes fails, so it runs in a process group of its own. Whatever
happens there or here, the group is gone and its shared memory is removed when ``run_lava`` ends.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault, TimeLimitExceeded
from snnc.targets.directory import cannot_write
from snnc.targets.running import Progress

RUNNER = Path(__file__).resolve().parent / "run.py"
"""The runner of the installed package; the one in an artifact is never started."""
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
LONGEST_WAIT = 0.1
"""Seconds between two looks at the child."""
END_LIMIT = 5.0
"""Seconds that a killed group may take to be gone."""

FEWER = "run fewer samples at once if memory is short; snnc doctor shows what is installed"
FREE = "free /dev/shm, or mount it larger; a container is given more by --shm-size=1g"


@dataclass(frozen=True)
class Limit:
    """A time limit.

    Attributes:
        seconds: The limit.
        source: Where it comes from.
    """

    seconds: float
    source: str


def run_lava(directory: Path, record: tuple[str, ...], limit: Limit, progress: Progress) -> None:
    """Run the program in ``directory`` on Lava; the results are there afterwards.

    Args:
        directory: Holds program, weights, ``lava.json`` and inputs; see ``runner/main.py``.
        record: Signals to record of every population.
        limit: When to end the run.
        progress: Told the hardware steps done and in all.

    Raises:
        EnvironmentFault: SNN505, Lava failed or was ended; SNN002, no room in ``directory``, here
            or there.
        TimeLimitExceeded: SNN506.
    """
    prefix = f"/snnc-{secrets.token_hex(6)}-"
    request = {"record": record, "shared_memory": prefix}
    try:
        (directory / "request.json").write_text(json.dumps(request), encoding="utf-8")
        log = (directory / "log.txt").open("w+b")
    except OSError as error:
        raise EnvironmentFault([cannot_write(directory, error, "TMPDIR")]) from error
    with log:
        child = _start(directory, log)
        try:
            reason = _follow(child, directory, limit, progress)
        finally:
            _end_group(child, prefix)
        if reason is not None:
            raise EnvironmentFault([reason])
        if child.returncode != 0:
            raise EnvironmentFault([_not_finished(_last_words(child.returncode, log))])


def _start(directory: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    environment = {n: v for n, v in os.environ.items() if n != "PYTHONWARNINGS"}
    return subprocess.Popen(
        [sys.executable, str(RUNNER), "--serve", str(directory)],
        stdin=subprocess.PIPE,  # kept open: the child ends when it closes
        stdout=subprocess.PIPE,
        stderr=log,
        env=environment,
        start_new_session=True,
    )


def _follow(
    child: subprocess.Popen[bytes], directory: Path, limit: Limit, progress: Progress
) -> Diagnostic | None:
    """Read what the child tells until it ends; give the fault that it told of, or None.

    Raises:
        EnvironmentFault: SNN002, it could not write to ``directory``.
        TimeLimitExceeded: It took too long.
    """
    end = time.monotonic() + limit.seconds
    done, total = 0, 0
    fault: Diagnostic | None = None
    for event in _events(child):
        if time.monotonic() > end:
            raise TimeLimitExceeded([_too_long(limit, done, total)])
        if "fault" in event:
            fault = _not_finished(str(event["fault"]), FREE if event.get("full") else FEWER)
        elif "refused" in event:
            refused = OSError(None, str(event["refused"]))
            raise EnvironmentFault([cannot_write(directory, refused, "TMPDIR")])
        elif event:
            done, total = int(event["done"]), int(event["total"])
            progress(done, total)
    return fault


def _events(child: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """Yield each event that the child writes, and an empty one now and then, until it ends."""
    pipe = cast("IO[bytes]", child.stdout).fileno()
    rest = b""
    while True:
        ended = _has_ended(child)
        if select.select([pipe], [], [], 0 if ended else LONGEST_WAIT)[0]:
            read = os.read(pipe, 65536)
            *lines, rest = (rest + read).split(b"\n")
            yield from map(json.loads, lines)
            if read:
                continue
        if ended:
            return
        yield {}


def _has_ended(child: subprocess.Popen[bytes]) -> bool:
    """Look without reaping: as long as the leader is not reaped, its group keeps its number."""
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, child.pid, options) is not None


def _end_group(child: subprocess.Popen[bytes], prefix: str) -> None:
    """Kill every process of the child's group and remove the shared memory that they made."""
    with suppress(ProcessLookupError, PermissionError):  # macOS: a group of dead processes
        os.killpg(child.pid, signal.SIGKILL)
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
    child.wait()
    end = time.monotonic() + END_LIMIT
    while _group_lives(child.pid) and time.monotonic() < end:
        time.sleep(0.01)
    for segment in SHARED_MEMORY.glob(f"{prefix[1:]}*"):
        segment.unlink(missing_ok=True)


def _group_lives(group: int) -> bool:
    """Tell whether a process of ``group`` still runs; one that nobody has reaped does not."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # proc(5): pid (name) state parent group ...
            state, _, its_group, *_ = path.read_text().rpartition(")")[2].split()
            if int(its_group) == group and state != "Z":
                return True
    return False


def _last_words(code: int, log: IO[bytes]) -> str:
    if code < 0:
        return f"it was ended by signal {-code} ({signal.Signals(-code).name})"
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return f"it ended with exit code {code}: {lines[-1] if lines else 'no message'}"


def _not_finished(reason: str, remedy: str = FEWER) -> Diagnostic:
    return Diagnostic(
        rule=rules.WORKER_FINISHED,
        node="target lava",
        found=reason,
        limit="every process of Lava runs to the last step",
        remedy=remedy,
    )


def _too_long(limit: Limit, done: int, total: int) -> Diagnostic:
    return Diagnostic(
        rule=rules.TIME_LIMIT,
        node="target lava",
        found=f"{done} of {total} hardware steps done" if total else "no step done",
        limit=f"{limit.seconds:g} s ({limit.source})",
        remedy="raise --timeout, or run fewer samples at once",
    )
