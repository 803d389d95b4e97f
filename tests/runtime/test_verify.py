"""Verification: what holds is said to hold, what does not is found, the missing is never green."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler import rules
from snnc.compiler.diagnostics import (
    Diagnostic,
    EnvironmentFault,
    TimeLimitExceeded,
)
from snnc.compiler.trace import Trace
from snnc.runtime.conclude import headline, verdict_of
from snnc.runtime.deploy import compile
from snnc.runtime.findings import Link, Status, Verdict
from snnc.runtime.render import html_text
from snnc.runtime.report import Report
from snnc.runtime.summary import summary_text
from snnc.runtime.verify import verify
from tests.runtime.conftest import Snnc
from tests.runtime.samples import (
    BATCH,
    data,
    graph,
    inverted,
    labels,
    spoil,
    statuses,
)

# --- the chain ----------------------------------------------------------------------------------


def test_all_links_with_labels(lava: list[Any]) -> None:
    assert lava == []
    report = verify(graph(), data(), labels=labels(), dt=1e-4)
    assert statuses(report) == {
        "framework -> float": "not run",
        "float -> integer": "held",
        "integer -> lava": "held",
    }
    assert (report.verdict, report.passed, report.exit_code) == ("equivalent", True, 0)
    assert report.headline == (
        "2 promises kept: float -> integer, integer -> lava. "
        "Not run: framework -> float (no trained module is at hand)."
    )
    assert [e.name for e in report.executions] == ["float", "integer", "lava"]
    assert [e.accuracy for e in report.executions] == [1, 1, 1]
    assert [e.latency_steps for e in report.executions] == [0, 2, 2]
    exact = report.links[2]
    assert exact.values == 3 * data().shape[0] * BATCH * 11
    assert (exact.signals, exact.differing, exact.uncompared) == (("spikes", "u", "v"), 0, ())
    assert report.first_divergence is None
    report.assert_equivalent()


@pytest.mark.parametrize("signal", ["spikes", "u", "v"])
def test_one_bit_on_lava_breaks_the_promise(signal: str, lava: list[Any]) -> None:
    lava.append(spoil(signal, "output_layer", (7, 2, 1)))
    report = verify(graph(), data(), labels=labels(), dt=1e-4)
    assert statuses(report)["integer -> lava"] == "broken"
    assert (report.verdict, report.passed, report.exit_code) == ("not equivalent", False, 1)
    first = report.first_divergence
    assert first is not None
    assert (first.step, first.sample, first.population, first.neuron, first.signal) == (
        *(7, 2, "output_layer", (1,)),
        signal,
    )
    assert first.other == first.reference + 1
    assert report.headline.startswith("integer -> lava: 1 of 1,584 values differ. 1 promise kept: ")
    with pytest.raises(AssertionError) as caught:
        report.assert_equivalent()
    assert f"first divergence: {first}" in str(caught.value).splitlines()


def test_accuracy_lost_breaks_the_budget(lava: list[Any]) -> None:
    assert lava == []
    report = verify(inverted(), data(), labels=labels())
    assert statuses(report)["float -> integer"] == "broken"
    assert report.exit_code == 1
    link = report.links[1]
    assert link.statistics is not None
    assert (link.statistics.only_reference, link.statistics.only_other) == (BATCH, 0)
    assert link.reason.startswith("accuracy falls by 100.00 points; with 95 % confidence ")
    assert (link.agreement, link.status) == (0, "broken")
    assert report.first_divergence == link.first_divergence


def test_budget_is_the_users(lava: list[Any]) -> None:
    assert lava == []
    assert verify(inverted(), data(), labels=labels(), max_drop=100).passed


def test_few_samples_are_said_to_be_few() -> None:
    report = verify(graph(), data(), labels=labels(), dt=1e-4, targets=("integer",))
    assert report.links[1].reason == (
        "accuracy is the same; with 95 % confidence it falls by less than 40.35 points, "
        "and 4 samples are too few to promise less: 268 should do"
    )


def test_without_labels_it_is_measured_and_not_judged(lava: list[Any]) -> None:
    assert lava == []
    report = verify(graph(), data(), dt=1e-4, weight_bits=3)
    link = report.links[1]
    assert (link.status, link.statistics) == ("measured", None)
    assert link.differing > 0
    assert link.reason.endswith("values differ; not judged, since no labels were given")
    assert 0 < (link.count_error or 0) < 0.5
    assert report.verdict == "equivalent"
    assert "Measured, not judged: float -> integer." in report.headline


def test_nothing_judged_is_incomplete() -> None:
    report = verify(graph(), data(), dt=1e-4, weight_bits=3, targets=("integer",))
    assert (report.verdict, report.exit_code) == ("incomplete", 3)
    assert report.headline.startswith("No promise could be judged. Measured, not judged: ")


def test_equal_spikes_need_no_labels() -> None:
    report = verify(graph(), data(), dt=1e-4, targets="integer")
    assert report.links[1].reason == "all 528 values are equal"
    assert (report.verdict, report.links[1].status) == ("equivalent", "held")


def test_float_alone_is_incomplete() -> None:
    report = verify(graph(), data(), dt=1e-4, targets=("float",))
    assert statuses(report) == {"framework -> float": "not run"}
    assert (report.verdict, report.exit_code) == ("incomplete", 3)


def two_outputs() -> nir.NIRGraph:
    """Give the small network with its hidden population as an output that comes first."""
    two = graph()
    two.nodes["all"] = nir.Output(output_type={"output": np.array([8])})
    return nir.NIRGraph(nodes=two.nodes, edges=[*two.edges, ("hidden", "all")])


def test_classes_are_those_of_the_first_output() -> None:
    truth = verify(two_outputs(), data(), dt=1e-4, targets="integer")
    assert truth.outputs == ("all", "output")
    hidden = compile(two_outputs(), "float", dt=1e-4).run(data()).outputs["all"]
    wanted = hidden.sum(axis=0).argmax(axis=1)
    report = verify(two_outputs(), data(), labels=wanted, dt=1e-4, targets="integer")
    assert [e.accuracy for e in report.executions] == [1, 1]
    assert "accuracy of all" in summary_text(report)
    assert html_text(report).count("accuracy of all<") == 3  # executions, over time, link


# --- an input that shows nothing -----------------------------------------------------------------

SILENT = "No output spiked in any execution: this input shows little of the network."


def test_silence_is_told(here: Path, snnc: Snnc) -> None:
    np.save("zero.npy", np.zeros_like(data()))
    ended = snnc(
        *("verify", "model.integer", "--input", "zero.npy", "--report", "r"),
        *("--targets", "integer"),
    )
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-2] == (
        "equivalent: 1 promise kept: float -> integer. "
        f"Not run: framework -> float (no trained module is at hand). {SILENT}"
    )
    report = Report.model_validate_json((here / "r" / "report.json").read_text())
    assert report.silent
    assert report.headline.endswith(SILENT)
    assert SILENT in (here / "r" / "report.html").read_text()
    assert SILENT in (here / "r" / "junit.xml").read_text()


def test_one_spike_is_not_silence() -> None:
    report = verify(graph(), data(), dt=1e-4, targets="integer")
    assert not report.silent
    assert SILENT not in report.headline


# --- what cannot be run -------------------------------------------------------------------------

MISSING = Diagnostic(
    rules.PACKAGE_PRESENT, "target lava", "no lava", "lava-nc 0.10.0", "pip install it"
)
LATE = Diagnostic(rules.TIME_LIMIT, "target lava", "step 3", "1 s", "a longer --timeout")


@pytest.mark.parametrize(
    ("error", "code"), [(EnvironmentFault([MISSING]), 3), (TimeLimitExceeded([LATE]), 124)]
)
def test_link_that_cannot_be_run_is_never_green(error: Any, code: int, lava: list[Any]) -> None:
    lava.append(error)
    report = verify(graph(), data(), labels=labels(), dt=1e-4)
    assert statuses(report)["integer -> lava"] == "not run"
    assert (report.verdict, report.passed, report.exit_code) == ("incomplete", False, code)
    assert report.problems == (str(error.diagnostics[0]),)
    assert report.links[2].reason == f"lava: {error.diagnostics[0].found}"
    with pytest.raises(AssertionError):
        report.assert_equivalent()


def test_failure_and_broken_promise_is_not_equivalent(lava: list[Any]) -> None:
    lava.append(EnvironmentFault([MISSING]))
    report = verify(inverted(), data(), labels=labels())
    assert (report.verdict, report.exit_code) == ("not equivalent", 1)


def test_population_that_one_did_not_record_is_no_proof(lava: list[Any]) -> None:

    def without_u(trace: Trace) -> Trace:
        return replace(trace, u={})

    lava.append(without_u)
    report = verify(graph(), data(), labels=labels(), dt=1e-4)
    link = report.links[2]
    assert link.status == "not run"
    assert link.reason == "only one of the two recorded hidden.u, output_layer.u"
    assert report.verdict == "incomplete"


def test_lava_absent_on_the_command_line(
    here: Path, snnc: Snnc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lava", None)
    ended = snnc(
        "verify", "model.integer", "--input", "x.npy", "--labels", "y.npy", "--report", "r"
    )
    assert ended.code == 3
    assert ended.err.startswith(
        "error[SNN501]: the packages that a run needs are installed\n  --> target lava\n"
    )
    assert ended.out.splitlines()[-2].startswith("incomplete: 1 promise kept: float -> integer. ")
    assert sorted(p.name for p in (here / "r").iterdir()) == [
        *("junit.xml", "report.html", "report.json")
    ]


def test_json_is_the_report(here: Path, snnc: Snnc) -> None:
    Path("s.yaml").write_text("targets: [integer]\nlabels: y.npy\nreport: r\ninput: x.npy\n")
    ended = snnc("verify", "model.integer", "--config", "s.yaml", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (here / "r" / "report.json").read_text()


def test_report_names_the_command(here: Path, snnc: Snnc, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["verify", "model.integer", "--input", "x.npy", "--report", "my report"]
    monkeypatch.setattr(sys, "argv", ["/usr/bin/snnc", *arguments, "--targets", "integer"])
    snnc(*sys.argv[1:])
    report = Report.model_validate_json((here / "my report" / "report.json").read_text())
    assert report.command == (
        "snnc verify model.integer --input x.npy --report 'my report' --targets integer"
    )


# --- verdicts -----------------------------------------------------------------------------------


def link(status: Status, *, asked: bool = True) -> Link:
    return Link(reference="a", other="b", promise="p", status=status, reason="why", asked=asked)


VERDICTS: list[tuple[list[Link], Verdict]] = [
    ([link(Status.HELD)], Verdict.EQUIVALENT),
    ([link(Status.HELD), link(Status.MEASURED)], Verdict.EQUIVALENT),
    ([link(Status.HELD), link(Status.NOT_RUN, asked=False)], Verdict.EQUIVALENT),
    ([link(Status.HELD), link(Status.NOT_RUN)], Verdict.INCOMPLETE),
    ([link(Status.MEASURED)], Verdict.INCOMPLETE),
    ([link(Status.NOT_RUN, asked=False)], Verdict.INCOMPLETE),
    ([], Verdict.INCOMPLETE),
    ([link(Status.HELD), link(Status.BROKEN)], Verdict.NOT_EQUIVALENT),
    ([link(Status.BROKEN), link(Status.NOT_RUN)], Verdict.NOT_EQUIVALENT),
]


@pytest.mark.parametrize(("links", "verdict"), VERDICTS)
def test_verdict(links: list[Link], verdict: Verdict) -> None:
    assert verdict_of(tuple(links)) is verdict


@pytest.mark.parametrize(("links", "verdict"), VERDICTS)
def test_headline_leaves_nothing_out(links: list[Link], verdict: Verdict) -> None:
    text = headline(verdict, tuple(links), silent=False)
    assert ("Not run: a -> b (why)." in text) == any(x.status is Status.NOT_RUN for x in links)
    assert ("Measured, not judged: a -> b." in text) == any(
        x.status is Status.MEASURED for x in links
    )
