"""Who executes the integers of a verification: the engine, watched by the reference."""

from __future__ import annotations

from typing import Any

import pytest

from snnc.compiler.trace import Trace
from snnc.runtime.render import html_text
from snnc.runtime.report import Report
from snnc.runtime.summary import summary_text
from snnc.runtime.verify import verify
from snnc.targets.cpu import library
from snnc.targets.cpu.target import CpuTarget
from tests.runtime.samples import data, graph, labels, spoil, statuses

ENGINE = library.path() is not None


def executor(report: Report, name: str) -> str:
    (found,) = [e.executor for e in report.executions if e.name == name]
    return found


@pytest.mark.skipif(not ENGINE, reason="no compiled engine")
def test_engine_executes_the_integers() -> None:
    report = verify(graph(), data(), labels=labels(), dt=1e-4, targets="integer")
    told = "cpu, 4 of 4 samples repeated by the reference: all 1,584 values are equal"
    assert executor(report, "integer") == told
    assert f"\ninteger by {told}\n" in summary_text(report)
    assert told in html_text(report)
    assert report.passed


@pytest.mark.skipif(not ENGINE, reason="no compiled engine")
@pytest.mark.parametrize("signal", ["spikes", "u", "v"])
def test_engine_that_is_wrong_is_found(signal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = CpuTarget.run
    spoiled = spoil(signal, "output_layer", (7, 2, 1))

    def wrong(*given: Any) -> Trace:
        trace: Trace = spoiled(run(*given))
        return trace

    monkeypatch.setattr(CpuTarget, "run", wrong)
    report = verify(graph(), data(), labels=labels(), dt=1e-4, targets="integer")
    assert statuses(report)["reference -> integer"] == "broken"
    assert (report.verdict, report.exit_code) == ("not equivalent", 1)
    assert report.headline.startswith(
        "reference -> integer: 4 of 4 samples repeated by the reference: 1 of 1,584 values differ."
    )
    first = report.first_divergence
    assert first is not None
    assert (first.step, first.sample, first.population, first.signal) == (
        *(7, 2, "output_layer"),
        signal,
    )


def not_compiled(target: CpuTarget) -> str:
    del target
    return "no engine"


@pytest.mark.parametrize("targets", ["integer", "cpu"])
def test_reference_executes_where_the_engine_cannot(
    targets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if targets == "integer":
        monkeypatch.setattr(CpuTarget, "missing", not_compiled)
    elif not ENGINE:
        pytest.skip("no compiled engine")
    report = verify(graph(), data(), labels=labels(), dt=1e-4, targets=targets)
    assert executor(report, "integer") == "integer"
    assert report.passed
