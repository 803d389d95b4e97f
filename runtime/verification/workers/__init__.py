"""Who runs the batches of a verification: this process, several, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.runtime.verification.carry import Here, Workers

MOST_JOBS = 1024
"""Processes that nobody wants more of."""


def workers_of(jobs: int, scheduler: str | None) -> Workers:
    """Give who runs batches.

    Args:
        jobs: Processes, 1 for this one.
        scheduler: Address of a Dask scheduler, or None.
    """
    if scheduler is not None:
        from snnc.runtime.verification.workers.dask import Cluster

        return Cluster(scheduler)
    if jobs > 1:
        from snnc.runtime.verification.workers.local import Processes

        return Processes(jobs)
    return Here()


def worker_problems(jobs: int, scheduler: str | None) -> Iterator[Diagnostic]:
    """Tell what is wrong with the two options."""
    if not 1 <= jobs <= MOST_JOBS:
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--jobs",
            found=f"{jobs}",
            limit=f"processes, 1 to {MOST_JOBS}",
            remedy="--jobs 1 runs all in one process",
        )
    if scheduler is not None and jobs != 1:
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--scheduler",
            found=f"--jobs {jobs} as well",
            limit="one of the two: processes here, or the workers of a cluster",
            remedy="leave --jobs out",
        )
