"""Batches on the workers of a Dask cluster; those of a worker that dies are run by others."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault
from snnc.runtime.environment import environment
from snnc.runtime.verification.outcome import Outcome
from snnc.runtime.verification.plan import Batch, Plan
from snnc.runtime.verification.workers.work import packed_work

if TYPE_CHECKING:
    from distributed import Client, Future

PATIENCE = 10.0
"""Seconds to wait for the scheduler, and then for a worker."""
AHEAD = 2
"""Batches for each thread of the cluster that are sent at once."""
PLATFORM = "platform"
"""What machines may differ in."""


class Cluster:
    """Runs batches on the workers of a scheduler."""

    def __init__(self, address: str) -> None:
        self._address = address

    def outcomes(self, plan: Plan, batches: Iterator[Batch]) -> Generator[Outcome]:
        """Run ``batches`` and give each outcome as it comes.

        Raises:
            InputError: SNN605, the trained module cannot be sent to other processes.
            EnvironmentFault: SNN501, dask is not installed; SNN606, no scheduler answers, or it has
                no workers; SNN607, a worker has other versions; SNN608, workers die, or the
                scheduler is gone.
        """
        try:
            import cloudpickle
            import distributed
        except ModuleNotFoundError as error:
            raise EnvironmentFault([_no_dask()]) from error
        payload = packed_work(plan, cloudpickle.dumps)
        with _quiet(), self._connected() as client:
            work = client.submit(_received, payload, pure=False)
            ahead = AHEAD * max(1, sum(client.nthreads().values()))
            futures = distributed.as_completed(
                [_sent(client, work, b) for b in islice(batches, ahead)]
            )
            for future in futures:
                yield self._result(future)
                for batch in islice(batches, 1):
                    futures.add(_sent(client, work, batch))

    def _result(self, future: Future[Any]) -> Outcome:
        """Give what a worker made of a batch."""
        from distributed import CancelledError, KilledWorker

        try:
            found: str | dict[str, str] = future.result(PATIENCE)
        except (KilledWorker, CancelledError, TimeoutError, OSError) as error:
            raise EnvironmentFault([_gone(self._address, error)]) from error
        if isinstance(found, Mapping):
            raise EnvironmentFault([_unlike(self._address, found)])
        return Outcome.model_validate_json(found)

    @contextmanager
    def _connected(self) -> Generator[Client]:
        """Connect to the scheduler, and wait for a worker."""
        from distributed import Client

        try:
            client = Client(self._address, timeout=PATIENCE, set_as_default=False)
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
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            warnings.filterwarnings("ignore", message="Sending large graph")
            yield
    finally:
        logger.setLevel(level)


def _sent(client: Client, work: Future[Any], batch: Batch) -> Future[Any]:
    return client.submit(_run, work, batch, _versions(), pure=False)


def _received(payload: bytes) -> Any:
    """Unpack the work, once for each worker that asks for it."""
    import pickle

    return pickle.loads(payload)  # noqa: S301 of the client, whose code workers run anyway


def _run(work: Any, batch: Batch, wanted: Mapping[str, str]) -> str | dict[str, str]:
    """Run a batch on a worker; give the versions there where they are others."""
    here = _versions()
    if here != wanted:
        names = {*here, *wanted}
        return {n: here.get(n, "none") for n in names if here.get(n) != wanted.get(n)}
    return str(work.outcome(batch).model_dump_json())


def _versions() -> dict[str, str]:
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


def _gone(address: str, error: BaseException) -> Diagnostic:
    return Diagnostic(
        rule=rules.CLUSTER_LIVES,
        node=f"--scheduler {address}",
        found=f"{type(error).__name__}: {str(error).partition(chr(10))[0]:.200}",
        limit="workers that outlive their batch",
        remedy="look at the memory of the workers; the same command goes on from here",
    )


def _unlike(address: str, found: Mapping[str, str]) -> Diagnostic:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(found.items()))
    wanted = _versions()
    here = ", ".join(f"{name} {wanted.get(name, 'none')}" for name in sorted(found))
    return Diagnostic(
        rule=rules.WORKERS_ALIKE,
        node=f"--scheduler {address}",
        found=f"a worker with {versions}",
        limit=f"the versions of this process: {here}",
        remedy="install the same versions where the workers run",
    )
