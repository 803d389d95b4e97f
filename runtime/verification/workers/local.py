"""Batches in processes of this machine; one that dies is replaced, and its batch repeated."""

from __future__ import annotations

import json
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import IO, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault
from snnc.runtime.verification.outcome import Outcome
from snnc.runtime.verification.plan import Batch, Plan
from snnc.runtime.verification.workers.child import receive, send
from snnc.runtime.verification.workers.work import packed_work

DEATHS = 3
"""Processes that a batch may cost before the run gives up."""
AHEAD = 2
"""Batches for each process that are taken at once, so that none waits for its next."""
END_LIMIT = 5.0
"""Seconds that a process may take to end by itself."""
CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from snnc.runtime.verification.workers.child import main; sys.exit(main())"
)


class Processes:
    """Runs batches in processes, each with a share of the processors."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def outcomes(self, plan: Plan, batches: Iterator[Batch]) -> Iterator[Outcome]:
        """Run ``batches`` and give each outcome as it comes.

        Raises:
            InputError: SNN605, the trained module cannot be sent to other processes.
            EnvironmentFault: SNN604, process after process dies on a batch.
        """
        work = packed_work(plan)
        todo: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        done: queue.SimpleQueue[Outcome | EnvironmentFault | OSError] = queue.SimpleQueue()
        children = [_Child(work, share) for share in _shares(self._jobs)]
        threads = [
            threading.Thread(target=_work, args=(child, todo, done), daemon=True)
            for child in children
        ]
        waiting = 0
        try:
            for batch in islice(batches, AHEAD * self._jobs):
                todo.put(batch)
                waiting += 1
            for thread in threads[:waiting]:
                thread.start()
            while waiting:
                found = done.get()
                waiting -= 1
                if not isinstance(found, Outcome):
                    raise found
                for batch in islice(batches, 1):
                    todo.put(batch)
                    waiting += 1
                yield found
        finally:
            for _ in threads:
                todo.put(None)
            for child in children:
                child.end()


def _shares(jobs: int) -> list[set[int]]:
    """Give each of ``jobs`` processes its processors."""
    if not hasattr(os, "sched_getaffinity"):
        return [set() for _ in range(jobs)]
    here = sorted(os.sched_getaffinity(0))
    return [set(here[i::jobs]) or {here[i % len(here)]} for i in range(jobs)]


def _work(
    child: _Child,
    todo: queue.SimpleQueue[Batch | None],
    done: queue.SimpleQueue[Outcome | EnvironmentFault | OSError],
) -> None:
    """Let ``child`` run one batch after the other."""
    while (batch := todo.get()) is not None:
        try:
            done.put(child.run(batch))
        except (EnvironmentFault, OSError) as error:
            done.put(error)


class _Child:
    """A process that runs batches."""

    def __init__(self, work: bytes, share: set[int]) -> None:
        self._work = work
        self._share = share
        self._process: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()

    def run(self, batch: Batch) -> Outcome:
        """Run a batch, by another process where one dies.

        Raises:
            EnvironmentFault: SNN604, one dies after the other.
            OSError: None can be started.
        """
        message = pickle.dumps(batch)
        ends: list[str] = []
        while len(ends) < DEATHS and not self._ending.is_set():
            process = self._process or self._start()
            with suppress(BrokenPipeError):
                send(cast("IO[bytes]", process.stdin), message)
                if (reply := receive(cast("IO[bytes]", process.stdout))) is not None:
                    return Outcome.model_validate_json(reply)
            ends.append(_end_of(process))
            self._process = None
        raise EnvironmentFault([_dying(batch, ends)])

    def end(self) -> None:
        """End the process, in the middle of a batch if need be."""
        self._ending.set()
        process = self._process
        if process is None:
            return
        with suppress(OSError):
            cast("IO[bytes]", process.stdin).close()
        try:
            process.wait(END_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        """Start a process and send it what there is to do."""
        threads = str(max(1, len(self._share)))
        process = subprocess.Popen(
            [sys.executable, "-c", CODE, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"OMP_NUM_THREADS": threads, **os.environ},
            start_new_session=True,  # Ctrl-C is for the process that started it
        )
        self._process = process
        with suppress(BrokenPipeError):
            send(cast("IO[bytes]", process.stdin), pickle.dumps(self._share))
            send(cast("IO[bytes]", process.stdin), self._work)
        return process


def _end_of(process: subprocess.Popen[bytes]) -> str:
    """Clear up after a process that is gone, and say how it ended."""
    with suppress(OSError):
        cast("IO[bytes]", process.stdin).close()
    cast("IO[bytes]", process.stdout).close()
    try:
        code = process.wait(END_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _dying(batch: Batch, ends: list[str]) -> Diagnostic:
    last = batch.first + batch.samples - 1
    return Diagnostic(
        rule=rules.PROCESSES_LIVE,
        node=f"samples {batch.first} to {last}",
        found=f"{len(ends)} processes in a row that ended: {', '.join(ends)}",
        limit=f"fewer than {DEATHS} for one batch",
        remedy="use fewer processes, if memory is short; the same command goes on from here",
    )
