"""Batches on a Dask cluster: the same report, though a worker dies; and what is said otherwise."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from snnc.compiler.diagnostics import EnvironmentFault
from snnc.runtime.verification.outcome import Outcome
from snnc.runtime.verification.plan import Batch
from snnc.runtime.verification.workers import dask
from snnc.runtime.verification.workers.dask import Cluster
from tests.runtime.samples import ROOT
from tests.runtime.verification.samples import many, report, small_batches

pytestmark = pytest.mark.dist
ADDRESS = "tcp://127.0.0.1:1"


def message(caught: pytest.ExceptionInfo[EnvironmentFault]) -> str:
    return str(caught.value)


# --- a cluster ----------------------------------------------------------------------------------


def started(directory: Path, part: str, *options: str) -> subprocess.Popen[bytes]:
    """Start a scheduler or a worker in a process of its own."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", f"distributed.cli.dask_{part}", *options),
            *("--scheduler-file", "scheduler.json", "--no-dashboard"),
        ],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Give the address of a scheduler, and its two workers."""
    parts = [started(tmp_path, "scheduler", "--port", "0", "--host", "127.0.0.1")]
    file = tmp_path / "scheduler.json"
    alone = ("--no-nanny", "--nthreads", "1", "--local-directory", str(tmp_path))
    try:
        while not file.exists() or not file.read_text().endswith("}"):
            assert parts[0].poll() is None
            time.sleep(0.1)
        parts += [started(tmp_path, "worker", *alone) for _ in range(2)]
        yield json.loads(file.read_text())["address"], parts[1:]
    finally:
        for part in reversed(parts):
            part.kill()
            part.wait()


@pytest.mark.slow
def test_one_of_two_workers_is_killed(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import Client

    address, (one, other) = cluster
    small_batches(monkeypatch)
    monkeypatch.setattr(dask, "PATIENCE", 200)
    wanted = report().json_text()
    with Client(address, timeout=200, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=200)
    result, killed = Cluster.result_of, list[int]()

    def killing(self: Cluster, future: Any) -> Outcome:
        found = result(self, future)
        if not killed:
            one.kill()  # while it holds the work, and runs another batch
            killed.append(one.wait())
        return found

    monkeypatch.setattr(Cluster, "result_of", killing)
    assert report(scheduler=address).json_text() == wanted
    assert killed == [-9]
    assert other.poll() is None


# --- what is said -------------------------------------------------------------------------------


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch)
    monkeypatch.setattr(dask, "PATIENCE", 0.2)
    with pytest.raises(EnvironmentFault) as caught:
        report(scheduler=ADDRESS)
    lines = message(caught).splitlines()
    assert lines[:2] == [
        "error[SNN606]: the Dask scheduler answers, and has workers",
        f"  --> --scheduler {ADDRESS}",
    ]
    assert lines[2].startswith("   found: ")
    assert lines[3:] == [
        "   limit: an answer within 0.2 s",
        "  remedy: start one with dask scheduler, and workers with dask worker ADDRESS",
    ]


def test_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch)
    monkeypatch.setattr(dask, "PATIENCE", 0.2)
    with pytest.raises(EnvironmentFault, match=r"error\[SNN606\]"):
        report(scheduler="no-such-protocol://x")


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EnvironmentFault) as caught:
        report(scheduler=ADDRESS)
    assert message(caught) == (
        "error[SNN501]: the packages that a run needs are installed\n"
        "  --> --scheduler\n"
        "   found: no dask.distributed\n"
        "   limit: dask[distributed], which connects to a scheduler\n"
        '  remedy: pip install "snnc[dist]"'
    )


class Ended:
    """A task that has ended in some way."""

    def __init__(self, end: Any) -> None:
        self._end = end

    def result(self, timeout: float) -> Any:
        del timeout
        if isinstance(self._end, BaseException):
            raise self._end
        return self._end


def test_a_batch_that_costs_worker_after_worker() -> None:
    from distributed import KilledWorker

    worker: Any = SimpleNamespace(address="tcp://127.0.0.1:2")
    cause = KilledWorker("run-1", worker, 3)
    with pytest.raises(EnvironmentFault) as caught:
        Cluster(ADDRESS).result_of(Ended(cause))
    found = str(cause).partition("\n")[0][:200]
    assert message(caught) == (
        "error[SNN608]: the workers of a cluster live until their batch is done\n"
        f"  --> --scheduler {ADDRESS}\n"
        f"   found: KilledWorker: {found}\n"
        "   limit: workers that outlive their batch\n"
        "  remedy: look at the memory of the workers; the same command goes on from here"
    )


def test_a_worker_with_other_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"python": "CPython 3.11", "numpy": "2.4.0", "torch": "2.13"}
    there = {"python": "CPython 3.11", "numpy": "2.3.1"}
    monkeypatch.setattr(dask, "versions_here", lambda: there)
    told = dask.run_there(None, Batch(first=0, inputs={"x": many()}, labels=None), here)
    monkeypatch.setattr(dask, "versions_here", lambda: here)
    with pytest.raises(EnvironmentFault) as caught:
        Cluster(ADDRESS).result_of(Ended(told))
    assert message(caught) == (
        "error[SNN607]: the workers of a cluster have the same packages as the process that asks "
        "them\n"
        f"  --> --scheduler {ADDRESS}\n"
        "   found: a worker with numpy 2.3.1, torch none\n"
        "   limit: the versions of this process: numpy 2.4.0, torch 2.13\n"
        "  remedy: install the same versions where the workers run"
    )


def test_what_is_told_of_a_machine_is_no_version() -> None:
    assert "platform" not in dask.versions_here()
    assert pickle.loads(pickle.dumps(dask.versions_here())) == dask.versions_here()
