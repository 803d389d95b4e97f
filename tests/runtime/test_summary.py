"""The outcome on the terminal."""

from __future__ import annotations

from snnc.runtime.findings import Execution, Link, Status
from snnc.runtime.page.next_steps import BISECT
from snnc.runtime.render import html_text
from snnc.runtime.report import Report
from snnc.runtime.summary import summary_table, summary_text
from tests.runtime.reports import SHOWN, explained, explanation, hostile_report
from tests.runtime.samples import data


def test_several_outputs_say_whose_accuracy_it_is(report: Report) -> None:
    several = report.model_copy(update={"outputs": ("a\x1b", "b")})
    assert summary_table(report).splitlines()[0].split()[:2] == ["execution", "accuracy"]
    assert r"accuracy of a\x1b" in summary_table(several).splitlines()[0]
    assert r'<th scope="col" class="n">accuracy of a\x1b</th>' in html_text(several)
    assert '<th scope="col" class="n">accuracy</th>' in html_text(report)


def test_accuracy_over_time(report: Report) -> None:
    steps = [0.1, 0.25, 0.5, 0.5, 0.75]
    executions = [
        e.model_copy(update={"accuracy_by_step": tuple(s * part for s in steps)})
        for e, part in zip(report.executions, (1, 0.5), strict=True)
    ]
    found = report.model_copy(update={"executions": tuple(executions)})
    assert summary_text(found).split("\n\n")[1].splitlines() == [
        "accuracy after   1 step  2 steps  4 steps  5 steps",
        "--------------  -------  -------  -------  -------",
        "float           10.00 %  25.00 %  50.00 %  75.00 %",
        "integer          5.00 %  12.50 %  25.00 %  37.50 %",
    ]
    page = html_text(found)
    assert "<figcaption>Over time: accuracy</figcaption>" in page
    cells = ('<td class="n">12.50\xa0%</td>', '<td class="n">25.00\xa0%</td>')
    assert "".join(cells) in page


def test_accuracy_over_time_ends_in_the_accuracy(report: Report) -> None:
    steps = len(data())
    for e in report.executions:
        assert len(e.accuracy_by_step) == steps
        assert e.accuracy_by_step[-1] == e.accuracy


def test_no_accuracy_without_labels(report: Report) -> None:
    executions = tuple(e.model_copy(update={"accuracy_by_step": ()}) for e in report.executions)
    found = report.model_copy(update={"executions": executions})
    assert found.shown_steps == ()
    assert "after" not in summary_text(found)
    assert "Over time" not in html_text(found)


def test_summary(report: Report) -> None:
    executions = (
        execution("framework", "snntorch", None, 0, 1.26),
        execution("float", "float", 0.975, 0, 0.0154),
        execution("integer", "integer", 0.97222, 2, 0.4),
    )
    broken = hostile_report(report).model_copy(
        update={
            "executions": executions,
            "links": (
                link("framework", "float", ("spikes",), 0, 98_765),
                link("float", "integer", ("spikes",), 1234, 98_765),
                hostile_report(report).links[-1],
            ),
        }
    )
    assert summary_table(broken).splitlines() == [
        "execution             accuracy  compared with               differ  latency    time",
        "--------------------  --------  -----------------  ---------------  -------  ------",
        "framework (snntorch)         -  -                                -  0 steps   1.3 s",
        "float                  97.50 %  framework: spikes      0 of 98,765  0 steps   15 ms",
        "integer                97.22 %  float: spikes      1,234 of 98,765  2 steps  400 ms",
    ]
    lines = summary_text(broken).splitlines()
    assert lines[-3:] == [
        f"first divergence: step 3, sample 1, population {SHOWN}, neuron 0, 2: v 64 against nan",
        f"next: {BISECT}",
        f"not equivalent: {SHOWN}",
    ]


def test_summary_ends_with_the_divergence_and_its_cause(report: Report) -> None:
    told = explanation("encoder", "input")
    lines = summary_text(explained(report, "encoder")).splitlines()
    assert lines[-5:] == [
        "first divergence: step 20, sample 12, population encoder, neuron 2, 7: spikes 0 against 1",
        "layer: net.lif1",
        f"cause: bias or threshold rounding: {told.because}",
        f"next: {told.remedy}",
        "not equivalent: integer -> lava: 649 values of 279,936 differ. 1 promise kept: float -> "
        "integer. Not run: framework -> float (no trained module is at hand).",
    ]
    hostile = summary_text(hostile_report(report))
    assert hostile.replace("\n", "").isprintable()
    assert SHOWN in hostile


def execution(
    name: str, executor: str, accuracy: float | None, latency: int, seconds: float
) -> Execution:
    return Execution(
        name=name,
        executor=executor,
        accuracy=accuracy,
        correct=None,
        output_spikes=9,
        latency_steps=latency,
        seconds=seconds,
    )


def link(reference: str, other: str, signals: tuple[str, ...], differing: int, values: int) -> Link:
    return Link(
        reference=reference,
        other=other,
        promise="",
        status=Status.HELD,
        reason="",
        signals=signals,
        differing=differing,
        values=values,
    )
