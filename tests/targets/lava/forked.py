"""Lava's runner without its start: a helper that has imported Lava, and forks for each program.

To import Lava takes longer than most programs of the tests run. ``Forks.run`` takes the place of
``child.run_lava``; what it forks runs ``serve`` on the same directory, as the runner that snnc
starts does, in a process group of its own that is ended behind it.
"""

from __future__ import annotations

import gc
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast
from unittest.mock import patch

from snnc.targets.lava import target
from snnc.targets.lava.child import Limit
from snnc.targets.running import Progress

ROOT = Path(__file__).resolve().parents[3]


class RunnerFailed(Exception):
    """What was forked failed; the text says why."""


class Forks:
    """The helper, as long as the context lasts."""

    def __enter__(self) -> Self:
        """Start the helper; it is ready when the first program is."""
        environment = {n: v for n, v in os.environ.items() if n != "PYTHONWARNINGS"}
        self._helper = subprocess.Popen(
            [sys.executable, "-m", "tests.targets.lava.forked"],
            cwd=ROOT,
            env=environment | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._lines = cast("IO[bytes]", self._helper.stdout)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the helper, and with it what it has forked."""
        cast("IO[bytes]", self._helper.stdin).close()
        try:
            self._helper.wait(timeout=100)
        finally:
            self._helper.kill()
            self._lines.close()

    @contextmanager
    def installed(self) -> Generator[None]:
        """Let ``LavaTarget`` run what it runs here."""
        with patch.object(target, "run_lava", self.run):
            yield

    def run(
        self, directory: Path, record: tuple[str, ...], limit: Limit, progress: Progress
    ) -> None:
        """Run the program in ``directory``, as ``child.run_lava`` does.

        Raises:
            RunnerFailed: It raised, was killed, or took longer than ``limit``.
        """
        prefix = f"/snnc-{secrets.token_hex(6)}-"
        request = {"record": record, "shared_memory": prefix}
        (directory / "request.json").write_text(json.dumps(request), encoding="utf-8")
        order = json.dumps([str(directory), limit.seconds]).encode() + b"\n"
        os.write(cast("IO[bytes]", self._helper.stdin).fileno(), order)
        fault = ""
        for line in self._lines:
            event: dict[str, Any] = json.loads(line)
            fault = event.get("fault", fault)
            if "done" in event:
                progress(event["done"], event["total"])
            if "code" in event:
                if event["code"] != 0:
                    raise RunnerFailed(fault or (directory / "log.txt").read_text()[-2000:])
                return
        raise RunnerFailed("the helper has ended")


def _main() -> None:
    """Fork for each line of standard input: directory and time limit; end with it."""
    from multiprocessing import resource_tracker

    from snnc.targets.lava.runner import compat

    compat.install()
    from snnc.targets.lava.runner import build, guard

    del build, guard
    resource_tracker.ensure_running()  # one for all, where each would start its own
    gc.freeze()
    while True:
        read = os.read(0, 65536)
        if not read:
            return
        for line in read.splitlines():
            directory, seconds = json.loads(line)
            code = _forked(Path(directory), time.monotonic() + seconds)
            os.write(1, json.dumps({"code": code}).encode() + b"\n")


def _forked(directory: Path, end: float) -> int:
    """Fork, wait for the end, kill the group, and give the exit code."""
    number = os.fork()
    if number == 0:
        _serve(directory)
    descriptor = os.pidfd_open(number)
    try:
        select.select([descriptor], [], [], max(0.0, end - time.monotonic()))
    finally:
        os.close(descriptor)
        with suppress(ProcessLookupError):
            os.killpg(number, signal.SIGKILL)  # not reaped yet: the group keeps its number
    _, status = os.waitpid(number, 0)
    return os.waitstatus_to_exitcode(status)


def _serve(directory: Path) -> None:
    """Do as ``runner/main.py`` does; this is the forked process, which ends here."""
    from snnc.targets.lava.runner.orphans import end_in_order
    from snnc.targets.lava.runner.serve import serve

    code = 1
    try:
        os.setsid()
        log = os.open(directory / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(log, 2)
        end_in_order()
        code = serve(directory)
    except BaseException:  # noqa: BLE001  (nothing may go on as the helper)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _main()
