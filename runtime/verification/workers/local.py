"""Batches in processes of this machine; one that dies is replaced, and its batch repeated."""

from __future__ import annotations

import json
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import IO, TypeAlias, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault
from snnc.runtime.stages import Stages
from snnc.runtime.verification.outcome import Outcome
from snnc.runtime.verification.plan import Batch, Plan
from snnc.runtime.verification.workers.child import receive, send
from snnc.runtime.verification.workers.work import packed_work

Todo: TypeAlias = "queue.SimpleQueue[Batch | None]"
Done: TypeAlias = "queue.SimpleQueue[Outcome | EnvironmentFault | OSError]"

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
            waiting = 0
            for batch in islice(batches, AHEAD * self._jobs):
                todo.put(batch)
                waiting += 1
            while waiting:
                found = done.get()
                waiting -= 1
                if not isinstance(found, Outcome):
                    raise found
                for batch in islice(batches, 1):
                    todo.put(batch)
                    waiting += 1
                yield found


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
            child.end()
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
            except (EnvironmentFault, OSError) as error:
                done.put(error)


class _Child:
    """A process that runs batches."""

    def __init__(self, work: bytes, share: set[int]) -> None:
        self._work = work
        self._share = share
        self._process: subprocess.Popen[bytes] | None = None
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
                send(cast("IO[bytes]", process.stdin), message)
                if (reply := receive(cast("IO[bytes]", process.stdout))) is not None:
                    return Outcome.model_validate_json(reply)
            ends.append(_end_of(process))
            self._forget()
        raise EnvironmentFault([_dying(batch, ends)])

    def end(self) -> None:
        """End the process, in the middle of a batch if need be; there will be no other.

        For another thread than the one that runs batches.
        """
        with self._lock:
            self._ended = True
            if self._process is not None:
                _end_of(self._process)

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._forget()

    def _forget(self) -> None:
        """Forget a process that has ended."""
        with self._lock:
            if self._process is not None:
                _end_of(self._process)
                cast("IO[bytes]", self._process.stdout).close()
            self._process = None

    def _running(self) -> subprocess.Popen[bytes] | None:
        """Give the process, and start one where there is none; None at the end."""
        with self._lock:
            if self._ended:
                return None
            if self._process is None:
                self._process = self._started()
            return self._process

    def _started(self) -> subprocess.Popen[bytes]:
        """Start a process and send it what there is to do."""
        threads = str(max(1, len(self._share)))
        process = subprocess.Popen(
            [sys.executable, "-c", CODE, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"OMP_NUM_THREADS": threads, **os.environ},
            start_new_session=True,  # Ctrl-C is for the process that started it
        )
        with suppress(BrokenPipeError):
            send(cast("IO[bytes]", process.stdin), pickle.dumps(self._share))
            send(cast("IO[bytes]", process.stdin), self._work)
        return process


def _end_of(process: subprocess.Popen[bytes]) -> str:
    """End a process, or clear up after one that is gone, and say how it ended."""
    with suppress(OSError):
        cast("IO[bytes]", process.stdin).close()  # which it takes as the end
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
