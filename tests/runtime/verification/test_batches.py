"""A report says the same whatever the batches, and whoever ran them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault
from snnc.compiler.rules import WORKER_FINISHED
from snnc.compiler.trace import Trace
from snnc.runtime.subject import Subject
from snnc.runtime.verification import batch as batches
from snnc.runtime.verification import plan
from snnc.runtime.verify import verify
from snnc.targets.cpu.target import CpuTarget
from snnc.targets.running import Inputs, RunOptions
from tests.runtime.samples import artifact, inverted, statuses
from tests.runtime.verification.samples import (
    SAMPLES,
    SIZE,
    TARGETS,
    many,
    report,
    small_batches,
    truth,
)

NO_ENGINE = CpuTarget().missing() is not None
needs_engine = pytest.mark.skipif(NO_ENGINE, reason="no compiled engine")


@needs_engine
@pytest.mark.parametrize("size", [SIZE, 2 * SIZE])
def test_batches_do_not_show(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch, size=24)
    whole = report()
    small_batches(monkeypatch, size)
    assert report().json_text() == whole.json_text()
    assert [e.accuracy for e in whole.executions] == [(SAMPLES - 3) / SAMPLES] * 3


@needs_engine
def test_a_divergence_in_a_later_batch_is_that_of_its_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small_batches(monkeypatch)
    run = CpuTarget.run
    flaw = many()[:, 13]

    def wrong(self: CpuTarget, artifact: Any, inputs: Inputs, options: RunOptions) -> Trace:
        trace = run(self, artifact, inputs, options)
        if [*inputs] != ["input"] or "hidden" not in trace.v:
            return trace  # one population by itself
        (x,) = inputs.values()
        (places,) = np.nonzero((x == flaw[:, None]).all(axis=(0, 2)))
        v = {n: a.copy() for n, a in trace.v.items()}
        for sample in places:
            v["hidden"][6, sample, 5] -= 1
        return replace(trace, v=v)

    monkeypatch.setattr(CpuTarget, "run", wrong)
    found = report()
    assert statuses(found)["integer -> cpu"] == "broken"
    first = found.first_divergence
    assert first is not None
    assert (first.step, first.sample, first.population, first.neuron) == (6, 13, "hidden", (5,))
    assert first.other == first.reference - 1


def test_the_reference_repeats_the_first_samples_of_several_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if NO_ENGINE:
        pytest.skip("no compiled engine")
    small_batches(monkeypatch)
    monkeypatch.setattr(batches, "CHECKED", 6)
    told = next(e.executor for e in report(targets="integer").executions if e.name == "integer")
    values = 6 * 12 * 11 * 3
    assert (
        told == f"cpu, 6 of 22 samples repeated by the reference: all {values:,} values are equal"
    )


def test_what_fails_of_one_batch_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch)
    calls: list[int] = []
    dead = Diagnostic(WORKER_FINISHED, "target lava", "killed", "l", "r")

    def run(self: CpuTarget, *given: Any) -> Trace:
        del self, given
        calls.append(1)
        raise EnvironmentFault([dead])

    def there(self: CpuTarget) -> None:
        del self

    monkeypatch.setattr(CpuTarget, "run", run)
    monkeypatch.setattr(CpuTarget, "missing", there)
    found = report()
    assert statuses(found)["integer -> cpu"] == "not run"
    assert (len(calls), found.verdict, found.exit_code) == (1, "incomplete", 3)
    assert [e.name for e in found.executions] == ["float", "integer"]


def test_a_budget_is_judged_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = artifact("float").run(many()).predictions
    small_batches(monkeypatch, size=24)
    whole = verify(inverted(), many(), labels=answers, targets=TARGETS, command="c")
    small_batches(monkeypatch)
    parts = verify(inverted(), many(), labels=answers, targets=TARGETS, command="c")
    assert parts.json_text() == whole.json_text()
    statistics = parts.links[1].statistics
    assert statistics is not None
    assert (statistics.n, parts.links[1].status) == (SAMPLES, "broken")


def test_size_of_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    def sizes(bytes_: int) -> tuple[int, int]:
        monkeypatch.setattr(plan, "BYTES", bytes_)
        subject = Subject("m", artifact(), None)
        planned = plan.plan_of(subject, TARGETS, {"input": many()}, None)
        return planned.group, plan.batch_size(planned, {"input": many()})

    sample = 12 * 11 * 9 * 4  # steps, neurons, bytes, traces
    assert sizes(2**40) == (64, 256)
    assert sizes(100 * sample) == (64, 64)
    assert sizes(10 * sample) == (10, 10)
    assert sizes(1) == (1, 1)


def test_wrong_data_of_a_late_sample_are_told_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch)
    x = many()
    x[3, 7, 0] = x[4, 20, 1] = np.nan
    with pytest.raises(Exception, match="2 values that are NaN or infinite"):
        verify(artifact(), x, labels=truth())


MODULE = """
import snntorch, torch
from torch import nn

def net():
    first = snntorch.Leaky(beta=0.9, threshold=0.4, init_hidden=True)
    return nn.Sequential(nn.Linear(6, 5), first)
"""


@pytest.mark.torch
def test_a_framework_is_run_by_the_same_groups_whatever_a_batch_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snnc.frontends.importer import run_module
    from snnc.frontends.spec import load_model

    (tmp_path / "net.py").write_text(MODULE)
    module = load_model(f"{tmp_path / 'net.py'}:net")
    seen: list[int] = []

    def watched(module: Any, x: Any, **given: Any) -> Trace:
        seen.append(x.shape[1])
        return run_module(module, x, **given)

    monkeypatch.setattr("snnc.frontends.importer.run_module", watched)
    reports: list[str] = []
    for size in (SIZE, 3 * SIZE):
        small_batches(monkeypatch, size)
        seen.clear()
        reports.append(verify(module, many(), targets="integer", command="c").json_text())
        assert seen[:6] == [SIZE] * 5 + [2]
        assert set(seen[6:]) <= {SIZE}  # what is measured of each population by itself
    assert reports[0] == reports[1]
