"""Batches in processes of this machine; one that dies is replaced, and its batch repeated."""

from __future__ import annotations

import json
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TypeAlias, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault
from snnc.runtime.stages import Stages
from snnc.runtime.verification.outcome import Outcome
from snnc.runtime.verification.plan import Batch, Plan
from snnc.runtime.verification.workers.child import receive, send
from snnc.runtime.verification.workers.work import in_turn, packed_work

Todo: TypeAlias = "queue.SimpleQueue[Batch | None]"
Done: TypeAlias = "queue.SimpleQueue[Outcome | Exception]"

DEATHS = 3
"""Processes that a batch may cost before the run gives up."""
AHEAD = 2
"""Batches for each process that are taken at once, so that none waits for its next."""
END_LIMIT = 5.0
"""Seconds that a process may take to end by itself."""
CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from snnc.runtime.verification.workers.child import main; main()"
)


class Processes:
    """Runs batches in processes, each with a share of the processors."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def outcomes(
        self, plan: Plan, batches: Iterator[Batch], within: Callable[[Batch], Stages]
    ) -> Generator[Outcome]:
        """Run ``batches`` and give each outcome as it comes.

        Raises:
            InputError: SNN605, the trained module cannot be sent to other processes.
            EnvironmentFault: SNN604, process after process dies on a batch.
        """
        del within  # another process tells of its batch when it is done
        with _team(packed_work(plan), self._jobs) as (todo, done):
            yield from in_turn(batches, lambda: AHEAD * self._jobs, todo.put, lambda: _next(done))


def _next(done: Done) -> Outcome:
    """Wait for a batch to end, and raise what ended it."""
    found = done.get()
    if isinstance(found, Exception):
        raise found
    return found


@contextmanager
def _team(work: bytes, jobs: int) -> Generator[tuple[Todo, Done]]:
    """Start threads, each with a process of its own; at the end all are gone.

    Yields:
        Where batches are put, and where outcomes come out.
    """
    todo: Todo = queue.SimpleQueue()
    done: Done = queue.SimpleQueue()
    children = [_Child(work, share) for share in shares(jobs)]
    threads = [threading.Thread(target=_work, args=(c, todo, done)) for c in children]
    for thread in threads:
        thread.start()
    try:
        yield todo, done
    finally:
        for child in children:
            todo.put(None)
            child.terminate()
        latest = time.monotonic() + END_LIMIT  # of all: they end at the same time
        for child in children:
            child.end(latest)
        for thread in threads:
            thread.join()


def shares(jobs: int) -> list[set[int]]:
    """Give each of ``jobs`` processes its processors."""
    if not hasattr(os, "sched_getaffinity"):
        return [set() for _ in range(jobs)]
    here = sorted(os.sched_getaffinity(0))
    return [set(here[i::jobs]) or {here[i % len(here)]} for i in range(jobs)]


def _work(child: _Child, todo: Todo, done: Done) -> None:
    """Let ``child`` run one batch after the other."""
    with child:
        while (batch := todo.get()) is not None:
            try:
                done.put(child.run(batch))
            except Exception as error:  # noqa: BLE001 raised where outcomes are awaited
                done.put(error)


class _Child:
    """A process that runs batches."""

    def __init__(self, work: bytes, share: set[int]) -> None:
        self._work = work
        self._share = share
        self._process: subprocess.Popen[bytes] | None = None
        self._first: tuple[bytes, ...] = ()  # messages before that of a batch
        self._ended = False
        self._lock = threading.Lock()

    def run(self, batch: Batch) -> Outcome:
        """Run a batch, by another process where one dies.

        Raises:
            EnvironmentFault: SNN604, one dies after the other.
            OSError: None can be started.
        """
        message = pickle.dumps(batch)
        ends: list[str] = []
        while len(ends) < DEATHS and (process := self._running()) is not None:
            with suppress(BrokenPipeError):
                for part in (*self._first, message):
                    send(cast("IO[bytes]", process.stdin), part)
                self._first = ()
                if (reply := receive(cast("IO[bytes]", process.stdout))) is not None:
                    return Outcome.model_validate_json(reply)
            ends.append(self._forget(process))
        raise EnvironmentFault([_dying(batch, ends)])

    def terminate(self) -> None:
        """Tell the process to end, in the middle of a batch if need be; there will be no other.

        For another thread than the one that runs batches, and so is ``end``.
        """
        with self._lock:
            self._ended = True
            if self._process is not None:
                self._process.terminate()

    def end(self, latest: float) -> None:
        """Wait for the process to end, and make it end at ``latest``, of ``time.monotonic``."""
        with self._lock:
            if self._process is not None:
                _end_of(self._process, max(0.0, latest - time.monotonic()))

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._forget(self._process)

    def _forget(self, process: subprocess.Popen[bytes]) -> str:
        """Forget a process that has ended, or end it, and say how it ended."""
        with suppress(OSError):
            cast("IO[bytes]", process.stdin).close()  # which it takes as the end
        end = _end_of(process, END_LIMIT)
        with self._lock:
            cast("IO[bytes]", process.stdout).close()
            self._process = None
        return end

    def _running(self) -> subprocess.Popen[bytes] | None:
        """Give the process, and start one where there is none; None at the end."""
        with self._lock:
            if self._ended:
                return None
            if self._process is None:
                self._process = self._started()
                self._first = pickle.dumps(self._share), self._work
            return self._process

    def _started(self) -> subprocess.Popen[bytes]:
        threads = str(max(1, len(self._share)))
        return subprocess.Popen(
            [sys.executable, "-c", CODE, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"OMP_NUM_THREADS": threads, **os.environ},
            start_new_session=True,  # Ctrl-C is for the process that started it
        )


def _end_of(process: subprocess.Popen[bytes], limit: float) -> str:
    """Wait so many seconds for a process to end, and make it end then; say how it did."""
    try:
        code = process.wait(limit)
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
