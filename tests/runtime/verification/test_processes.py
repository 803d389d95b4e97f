"""Batches in processes: the same report, whatever happens to a process."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import EnvironmentFault, InputError, InternalError
from snnc.runtime.verification.outcome import Outcome
from snnc.runtime.verification.workers import local
from snnc.runtime.verification.workers.child import receive
from snnc.runtime.verify import verify
from tests.runtime.samples import artifact, data
from tests.runtime.verification.samples import many, report, small_batches


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the processes that are started, in order."""
    pids: list[int] = []
    popen = subprocess.Popen

    def watched(*given: Any, **options: Any) -> Any:
        process = popen(*given, **options)
        pids.append(process.pid)
        return process

    monkeypatch.setattr(subprocess, "Popen", watched)
    return pids


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_that_dies_is_replaced(monkeypatch: pytest.MonkeyPatch, started: list[int]) -> None:
    small_batches(monkeypatch)
    wanted = report().json_text()
    once = threading.Lock()

    def killing(stream: Any) -> bytes | None:
        if once.acquire(blocking=False):
            os.kill(started[0], signal.SIGKILL)
        return receive(stream)

    monkeypatch.setattr(local, "receive", killing)
    assert report(jobs=2).json_text() == wanted
    assert len(started) == 3
    assert not any(map(alive, started))


def test_a_batch_that_kills_every_process(
    monkeypatch: pytest.MonkeyPatch, started: list[int]
) -> None:
    small_batches(monkeypatch)
    monkeypatch.setattr(local, "CODE", "import os; os._exit(7)")
    with pytest.raises(EnvironmentFault) as caught:
        report(jobs=2)
    text = str(caught.value)
    first = text.partition("samples ")[2].partition("\n")[0]
    assert first in {"0 to 3", "4 to 7"}
    assert text == (
        "error[SNN604]: the processes of --jobs live until their batch is done\n"
        f"  --> samples {first}\n"
        "   found: 3 processes in a row that ended: exit code 7, exit code 7, exit code 7\n"
        "   limit: fewer than 3 for one batch\n"
        "  remedy: use fewer processes, if memory is short; the same command goes on from here"
    )
    assert not any(map(alive, started))


def test_a_run_that_ends_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch, started: list[int]
) -> None:
    small_batches(monkeypatch)

    def ends(self: Outcome) -> None:
        del self
        raise KeyboardInterrupt

    monkeypatch.setattr(Outcome, "raise_what_it_tells", ends)
    with pytest.raises(KeyboardInterrupt):
        report(jobs=2)
    assert started
    assert not any(map(alive, started))


def test_what_a_process_raises_is_raised_here() -> None:
    with pytest.raises(MemoryError):
        Outcome(first=0, samples=1, memory=True).raise_what_it_tells()
    with pytest.raises(InternalError, match="KeyError: 3"):
        Outcome(first=0, samples=1, fault="KeyError: 3").raise_what_it_tells()
    Outcome(first=0, samples=1).raise_what_it_tells()


@pytest.mark.parametrize(
    ("jobs", "scheduler", "text"),
    [
        (0, None, "  --> --jobs\n   found: 0\n   limit: processes, 1 to 1024\n"),
        (1025, None, "  --> --jobs\n   found: 1025\n   limit: processes, 1 to 1024\n"),
        (2, "tcp://x:1", "  --> --scheduler\n   found: --jobs 2 as well\n"),
    ],
)
def test_options(jobs: int, scheduler: str | None, text: str) -> None:
    with pytest.raises(InputError) as caught:
        verify(artifact(), data(), jobs=jobs, scheduler=scheduler)
    assert text in str(caught.value)


def test_shares_of_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    def here(pid: int) -> set[int]:
        del pid
        return {1, 3, 5}

    monkeypatch.setattr(os, "sched_getaffinity", here)
    assert local.shares(2) == [{1, 5}, {3}]
    assert local.shares(4) == [{1}, {3}, {5}, {1}]


# --- the trained module -------------------------------------------------------------------------

DRAWN = """
import os
import snntorch, torch
from torch import nn

def net():
    print("made")
    first = snntorch.Leaky(beta=0.9, threshold=0.4, init_hidden=True)
    return nn.Sequential(nn.Linear(6, 5), first)
"""


@pytest.mark.slow
@pytest.mark.torch
def test_a_module_whose_parameters_are_drawn_is_the_same_in_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process that calls the function would get other weights."""
    small_batches(monkeypatch)
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(DRAWN)
    found = verify("net.py:net", many(), targets="integer", jobs=2, command="c")
    assert {link.name: str(link.status) for link in found.links}["framework -> float"] == "held"
    assert found.links[0].differing == 0


@pytest.mark.torch
def test_a_module_that_no_process_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from snntorch import Leaky

    class Local(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = torch.nn.Linear(6, 5)
            self.lif = Leaky(beta=0.9, init_hidden=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            spikes: torch.Tensor = self.lif(self.fc(x))
            return spikes

    small_batches(monkeypatch)
    with pytest.raises(InputError) as caught:
        verify(Local(), many(), targets="integer", jobs=2)
    text = str(caught.value).splitlines()
    assert text[0] == "error[SNN605]: the trained module can be sent to other processes"
    assert text[1] == "  --> Local"
    assert text[2].startswith("   found: a module that cannot be pickled: ")
    assert text[3:] == [
        "   limit: a module that is loaded from FILE.py:FUNCTION, or whose class can be imported",
        "  remedy: give FILE.py:FUNCTION as the model, or leave out --jobs and --scheduler",
    ]


@pytest.mark.torch
def test_a_file_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from snnc.frontends.spec import load_model
    from snnc.runtime.subject import Subject
    from snnc.runtime.verification.plan import Batch, plan_of
    from snnc.runtime.verification.workers.work import packed_work

    small_batches(monkeypatch)
    path = tmp_path / "net.py"
    path.write_text(DRAWN)
    subject = Subject("m", artifact(), load_model(f"{path}:net"), f"{path}:net")
    plan = plan_of(subject, ("integer",), {"input": many()}, None)
    work = pickle.loads(packed_work(plan))
    path.unlink()
    found = work.outcome(Batch(first=4, inputs={"input": np.zeros((2, 1, 6))}, labels=None))
    with pytest.raises(InputError, match="SNN001"):
        found.raise_what_it_tells()
