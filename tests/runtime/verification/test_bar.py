"""Progress: samples that are done, and the time that is left for the others."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from snnc.runtime.console import Lines
from snnc.runtime.stages import Stages
from snnc.runtime.subject import Subject
from snnc.runtime.verification.bar import Bar
from snnc.runtime.verification.plan import Batch, plan_of
from snnc.targets.running import Progress
from tests.runtime.samples import artifact
from tests.runtime.verification.samples import many, report, small_batches
from tests.runtime.verification.test_journal import run_until


def recording(told: list[tuple[str, int, int]]) -> Stages:
    def stage(name: str) -> Progress:
        return lambda done, total: told.append((name, done, total))

    return stage


def test_samples_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch)
    told: list[tuple[str, int, int]] = []
    report(progress=recording(told), targets="integer")
    mine = [(done, total) for name, done, total in told if name == "verifying 22 samples"]
    assert {total for _, total in mine} == {22_000}
    done = [d for d, _ in mine]
    assert done == sorted(done)
    assert {0, 4000, 8000, 12000, 16000, 20000, 22000} < {*done}  # and stages in between
    assert 1000 in done or 2000 in done


def test_a_run_that_goes_on_begins_with_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_batches(monkeypatch)
    assert run_until(2, monkeypatch, tmp_path / "j") is None
    told: list[tuple[str, int, int]] = []
    report(progress=recording(told), journal=tmp_path / "j")
    assert next(t for t in told if t[0] == "verifying 22 samples")[1:] == (8000, 22_000)


def test_stages_of_a_batch_count_for_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch, size=8)
    told: list[tuple[int, int]] = []
    data = {"input": many()[:, :8]}
    plan = plan_of(Subject("m", artifact(), None), ("integer", "cpu"), data, None)
    bar = Bar(plan, lambda done, total: told.append((done, total)), 8)
    bar.begin(0)
    stage = bar.within(Batch(first=0, inputs=data, labels=None))
    for name in ("running on integer", "running on cpu", "running on float", "running on float"):
        stage(name)(5, 10)
    stage("one more than expected")(1, 1)
    assert [done for done, _ in told] == [0, 1000, 3000, 5000, 7000, 8000]


def test_lines_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    lines = Lines("verifying 1,000 samples")
    for at, done in ((101, 400), (120, 410), (131, 430), (140, 500), (161, 460), (400, 1000)):
        now[0] = at
        lines(done, 1000)
    assert capsys.readouterr().err == (
        "verifying 1,000 samples: 43 %, 10 min left ...\n"
        "verifying 1,000 samples: 46 %, 9 min left ...\n"
    )
