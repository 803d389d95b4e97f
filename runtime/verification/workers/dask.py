"""Batches on the workers of a Dask cluster; those of a worker that dies are run by others."""

from __future__ import annotations

import logging
import queue
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeAlias, cast

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault
from snnc.runtime.environment import environment
from snnc.runtime.stages import Stages
from snnc.runtime.verification.outcome import Outcome
from snnc.runtime.verification.plan import Batch, Plan
from snnc.runtime.verification.workers.work import in_turn, packed_work, runner

Client: TypeAlias = Any
Future: TypeAlias = Any
"""Of Dask, which has types in part only."""
Ended: TypeAlias = "queue.SimpleQueue[Future]"

PATIENCE = 10.0
"""Seconds to wait for the scheduler, and then for a worker."""
LOOK = 1.0
"""Seconds between two looks at whether there are workers."""
WITHOUT = 60.0
"""Seconds without any worker after which the run ends: others may be on their way."""
AHEAD = 2
"""Batches for each thread of the cluster that are sent at once."""
LOGGERS = ("distributed", "distributed.client", "distributed.core", "distributed.comm")
PLATFORM = "platform"
"""What machines may differ in."""
ALONE = threading.Lock()
"""Held by the thread of a worker that runs a batch: trained modules have states of their own."""


class Cluster:
    """Runs batches on the workers of a scheduler."""

    def __init__(self, address: str) -> None:
        self._address = address

    def outcomes(
        self, plan: Plan, batches: Iterator[Batch], within: Callable[[Batch], Stages]
    ) -> Generator[Outcome]:
        """Run ``batches`` and give each outcome as it comes.

        Raises:
            InputError: SNN605, the trained module cannot be sent to other processes.
            EnvironmentFault: SNN501, dask is not installed; SNN606, no scheduler answers, or it has
                no workers; SNN607, a worker has other versions; SNN608, workers die, or the
                scheduler is gone.
        """
        del within  # a worker tells of its batch when it is done
        with _quiet(), self._connected() as client:
            import cloudpickle

            pickled: Callable[[Any], bytes] = cast("Any", cloudpickle).dumps
            payload = packed_work(plan, pickled)
            work = client.submit(_kept, payload, pure=False)
            ended: Ended = queue.SimpleQueue()
            sent = set[Future]()  # what nobody holds is not run

            def send(batch: Batch) -> None:
                future = client.submit(run_there, work, batch, versions_here(), pure=False)
                sent.add(future)
                future.add_done_callback(ended.put)

            def receive() -> Outcome:
                future = self._next(client, ended)
                sent.remove(future)
                return self.result_of(future)

            yield from in_turn(batches, lambda: AHEAD * max(1, _threads(client)), send, receive)

    def _next(self, client: Client, ended: Ended) -> Future:
        """Wait for a batch to end, as long as there are workers.

        Raises:
            EnvironmentFault: SNN608, there have been none for long.
        """
        seen = time.monotonic()
        while True:
            try:
                return ended.get(timeout=LOOK)
            except queue.Empty:
                if client.status == "running" and _threads(client):
                    seen = time.monotonic()
                elif time.monotonic() - seen > WITHOUT:
                    none = f"no workers for {WITHOUT:g} s"
                    raise EnvironmentFault([_gone(self._address, none)]) from None

    def result_of(self, future: Future) -> Outcome:
        """Give what a worker made of a batch."""
        from distributed import CancelledError, KilledWorker

        try:
            given: str | dict[str, str] = future.result(PATIENCE)
        except (KilledWorker, CancelledError, TimeoutError, OSError) as error:
            raise EnvironmentFault([_gone(self._address, _first_line(error))]) from error
        except Exception as error:  # a worker that could not even take the batch
            found, limit = f"a worker that raised {_first_line(error)}", "what this process has"
            raise EnvironmentFault([_unlike(self._address, found, limit)]) from error
        if isinstance(given, Mapping):
            raise EnvironmentFault([_other_versions(self._address, given)])
        return Outcome.model_validate_json(given)

    @contextmanager
    def _connected(self) -> Generator[Client]:
        """Connect to the scheduler, and wait for a worker."""
        try:
            import distributed
        except ModuleNotFoundError as error:
            raise EnvironmentFault([_no_dask()]) from error
        try:
            client: Client = distributed.Client(
                self._address, timeout=PATIENCE, set_as_default=False
            )
        except (OSError, ValueError, TimeoutError) as error:
            raise EnvironmentFault([_silent(self._address, str(error))]) from error
        try:
            try:
                client.wait_for_workers(1, timeout=PATIENCE)
            except TimeoutError as error:
                raise EnvironmentFault([_silent(self._address, "no workers")]) from error
            yield client
        finally:
            client.close(timeout=PATIENCE)


@contextmanager
def _quiet() -> Generator[None]:
    """Keep to ourselves what Dask says of workers that die and of large messages."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            warnings.filterwarnings("ignore", message="Sending large graph")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _threads(client: Client) -> int:
    """Give the threads of all workers; 0 where the scheduler does not say."""
    try:
        return sum(client.nthreads().values())
    except (OSError, TimeoutError):
        return 0


def _kept(payload: bytes) -> bytes:
    """Keep the work on the cluster: what a worker loses with its end is made again by this."""
    return payload


def run_there(work: bytes, batch: Batch, wanted: Mapping[str, str]) -> str | dict[str, str]:
    """Run a batch on a worker; give the versions there where they are others."""
    here = versions_here()
    if here != wanted:
        names = {*here, *wanted}
        return {n: here.get(n, "none") for n in names if here.get(n) != wanted.get(n)}
    with ALONE:
        return _runner(work)(batch).model_dump_json()


@lru_cache(maxsize=1)
def _runner(work: bytes) -> Callable[[Batch], Outcome]:
    """Unpack the work once for all batches of a worker."""
    return runner(work)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]:.200}"


def versions_here() -> dict[str, str]:
    """Give the versions that have to be the same everywhere."""
    return {name: version for name, version in environment().items() if name != PLATFORM}


def _no_dask() -> Diagnostic:
    return Diagnostic(
        rule=rules.PACKAGE_PRESENT,
        node="--scheduler",
        found="no dask.distributed",
        limit="dask[distributed], which connects to a scheduler",
        remedy='pip install "snnc[dist]"',
    )


def _silent(address: str, found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.SCHEDULER_ANSWERS,
        node=f"--scheduler {address}",
        found=found.partition("\n")[0],
        limit=f"an answer within {PATIENCE:g} s",
        remedy="start one with dask scheduler, and workers with dask worker ADDRESS",
    )


def _gone(address: str, found: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.CLUSTER_LIVES,
        node=f"--scheduler {address}",
        found=found,
        limit="workers that outlive their batch",
        remedy="look at the memory of the workers; the same command goes on from here",
    )


def _other_versions(address: str, found: Mapping[str, str]) -> Diagnostic:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(found.items()))
    wanted = versions_here()
    here = ", ".join(f"{name} {wanted.get(name, 'none')}" for name in sorted(found))
    limit = f"the versions of this process: {here}"
    return _unlike(address, f"a worker with {versions}", limit)


def _unlike(address: str, found: str, limit: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.WORKERS_ALIKE,
        node=f"--scheduler {address}",
        found=found,
        limit=limit,
        remedy="install the same versions where the workers run",
    )
