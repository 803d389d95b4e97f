"""The report: a record that round-trips, a page that is harmless, XML that parses."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped
from pydantic import ValidationError

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.runtime.findings import FORMAT, Execution, Link, Status, Verdict
from snnc.runtime.junit import junit_text
from snnc.runtime.page.next_steps import BISECT
from snnc.runtime.render import html_text
from snnc.runtime.report import Report
from snnc.runtime.summary import summary_table, summary_text
from snnc.runtime.text import shown
from snnc.runtime.verify import verify
from tests.runtime.reports import SHOWN, explained, explanation, hostile_report
from tests.runtime.samples import data, graph, labels


@pytest.fixture(scope="module")
def report() -> Report:
    """Give a real report."""
    return verify(graph(), data(), labels=labels(), dt=1e-4, targets=("integer",))


class Page(HTMLParser):
    """Reads a page: its elements, and whether they close in order."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


# --- JSON ---------------------------------------------------------------------------------------


def test_json_round_trip(report: Report) -> None:
    text = report.json_text()
    read = Report.model_validate_json(text)
    assert read.json_text() == text
    assert (read.links, read.populations) == (report.links, report.populations)
    assert json.loads(text)["format"] == FORMAT
    assert text.isascii()
    assert text.endswith("}\n")


def test_json_of_numbers_that_json_has_not(report: Report) -> None:
    text = hostile_report(report).json_text()
    assert json.loads(text)["first_divergence"]["other"] == "NaN"
    found = Report.model_validate_json(text)
    assert found.json_text() == text


def test_json_that_is_no_report_is_refused(report: Report) -> None:
    content = json.loads(report.json_text())
    changes: list[dict[str, Any]] = [{"verdict": "fine"}, {"unknown": 1}, {"links": [{}]}]
    for change in changes:
        with pytest.raises(ValidationError):
            Report.model_validate(content | change)


def test_schema_names_every_field() -> None:
    schema = Report.model_json_schema()
    assert set(schema["required"]) == set(Report.model_fields) - {"format"}
    assert schema["additionalProperties"] is False


def test_report_cannot_be_changed(report: Report) -> None:
    with pytest.raises(ValidationError):
        report.verdict = Verdict.EQUIVALENT  # pyright: ignore[reportAttributeAccessIssue]


# --- HTML ---------------------------------------------------------------------------------------


def test_page_is_whole_and_loads_nothing(report: Report) -> None:
    for one in (report, hostile_report(report)):
        page = Page(html_text(one))
        assert page.open == []
        assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.elements)
        assert [name for name, _ in page.attributes if name.startswith("on")] == []
        assert {name for name, _ in page.attributes} & {"src", "style"} == set()
        places = {f"#{value}" for name, value in page.attributes if name == "id"}
        assert {value for name, value in page.attributes if name == "href"} <= places


def test_page_shows_hostile_names_as_what_they_are(report: Report) -> None:
    text = html_text(hostile_report(report))
    assert not set(text) & set("\x1b\u202e\x00\ufffe")
    assert str(1234 * 8765) not in text
    assert (
        text.count(
            html.escape(SHOWN, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
        )
        > 10
    )
    page = Page(text)
    assert any(SHOWN in words for words in page.texts)


def test_page_puts_the_verdict_first(report: Report) -> None:
    page = Page(html_text(report))
    words = " ".join(" ".join(page.texts[page.texts.index("snnc verify · ") :]).split())
    assert words.startswith("snnc verify · NIRGraph ✓ Equivalent 1 promise kept: float → integer.")
    headings = [e for e in page.elements if e in {"h1", "h2"}]
    assert headings[0] == "h1"


def test_page_holds_every_figure_of_the_links(report: Report) -> None:
    words = " ".join(Page(html_text(report)).texts)
    assert "not run" in words
    assert "no trained module is at hand" in words
    for array in report.data:
        assert array.sha256 in words
    for version in report.environment.values():
        assert version in words
    assert "What quantization cost" in words


def test_what_was_not_run_is_not_green(report: Report) -> None:
    text = html_text(report)
    chip = re.search(r'<span class="chip (\w+)"><span aria-hidden="true">.</span> not run', text)
    assert chip is not None
    assert chip[1] == "open"


# --- JUnit --------------------------------------------------------------------------------------


def test_junit(report: Report) -> None:
    root = ElementTree.fromstring(junit_text(report))
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("2", "0", "0")
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert set(cases) == {"framework -> float", "float -> integer"}
    skipped = cases["framework -> float"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "not run: no trained module is at hand"
    assert [child.tag for child in cases["float -> integer"]] == ["system-out"]


def test_junit_of_every_status(report: Report) -> None:
    content = junit_text(hostile_report(report))
    root = ElementTree.fromstring(content)
    kinds = [case[0].tag for case in root.iter("testcase")]
    assert kinds == ["skipped", "error", "skipped", "failure", "failure"]
    totals = [root[0].get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert totals == ["5", "2", "1", "2"]
    assert dict(root.items()) == {
        "name": "snnc verify",
        "tests": "5",
        "failures": "2",
        "errors": "1",
    }  # and no more: Jenkins refuses "skipped" here (xunit-plugin, junit-10.xsd)
    failure = list(root.iter("failure"))[1]
    assert failure.get("message") == f"broken: 1 value of 20 differ {SHOWN}"
    assert root[0].get("name") == SHOWN


def test_junit_is_read_by_others(report: Report) -> None:
    """As continuous integration reads it, with every status and every name that does harm."""
    for one, counts in ((report, (2, 0, 0, 1)), (hostile_report(report), (5, 2, 1, 2))):
        found: Any = JUnitXml.fromstring(junit_text(one))  # its own types are unknown
        (suite,) = found
        assert (suite.tests, suite.failures, suite.errors, suite.skipped) == counts
        assert [case.name for case in suite] == [shown(link.name) for link in one.links]
        kinds: list[Any] = [type(result) for case in suite for result in case.result]
        assert tuple(map(kinds.count, (Failure, Error, Skipped))) == counts[1:]


def test_junit_tells_what_broke_and_why(report: Report) -> None:
    root = ElementTree.fromstring(junit_text(explained(report, "encoder")))
    (failure,) = root.iter("failure")
    told = explanation("encoder", "input")
    assert failure.get("message") == "broken: 649 values of 279,936 differ"
    assert failure.get("type") == "broken"
    assert (failure.text or "").splitlines() == [
        "promise: the same spikes, u and v, bit for bit",
        f"first divergence: {told.divergence}",
        "layer: net.lif1",
        f"cause: bias or threshold rounding: {told.because}",
        f"next: {told.remedy}",
    ]


def test_cases_of_two_models_are_told_apart(report: Report) -> None:
    """A server knows a case by its class and its name; all before the last dot is its package."""
    root = ElementTree.fromstring(junit_text(explained(report)))
    classes = {case.get("classname") for case in root.iter("testcase")}
    assert classes == {"snnc.verify.examples/digits_py:network"}


def test_an_assertion_tells_what_broke_and_why(report: Report) -> None:
    report.assert_equivalent()
    told = explanation("encoder", "input")
    with pytest.raises(AssertionError) as caught:
        explained(report, "encoder").assert_equivalent()
    assert str(caught.value).splitlines()[-3:] == [
        f"first divergence: {told.divergence}",
        "layer: net.lif1",
        f"cause: bias or threshold rounding: {told.because}",
    ]
    with pytest.raises(AssertionError) as caught:
        hostile_report(report).assert_equivalent()
    assert str(caught.value).replace("\n", "").isprintable()


def test_what_only_the_explanation_knows_is_told(report: Report) -> None:
    """Potentials that are off beyond rounding, where every spike is the same."""
    broken = explained(report, "encoder").links[-1]
    bare = broken.model_copy(update={"first_divergence": None})
    assert bare.told == broken.told
    assert bare.told[0] == f"first divergence: {explanation('encoder', 'input').divergence}"
    without = bare.model_copy(update={"explanation": None})
    assert (without.parts_at, without.told) == (None, ())


# --- saving -------------------------------------------------------------------------------------


def test_save_and_replace(report: Report, tmp_path: Path) -> None:
    place = report.save(tmp_path / "deep" / "report")
    names = ["junit.xml", "report.html", "report.json"]
    assert sorted(p.name for p in place.iterdir()) == names
    (place / "report.html").unlink()
    report.save(place)
    assert sorted(p.name for p in place.iterdir()) == names
    assert [p.name for p in place.parent.iterdir()] == ["report"]


def test_a_report_of_another_release_is_replaced(report: Report, tmp_path: Path) -> None:
    content = json.loads(report.json_text())
    del content["outputs"]
    (tmp_path / "report.json").write_text(json.dumps(content | {"format": 0, "extra": 1}))
    report.save(tmp_path)
    assert (tmp_path / "report.json").read_text() == report.json_text()


OF_OTHERS = {
    "an artifact": ("manifest.json", None),
    "a report of others": ("report.json", "report.json"),
    "a list": ("report.json", "report.json"),
    "a file beside": ("thesis.txt", "thesis.txt"),
}
CONTENTS = {"a report of others": '{"verdict": "guilty"}', "a list": "[]"}


@pytest.mark.parametrize("case", OF_OTHERS)
def test_save_replaces_nothing_else(case: str, report: Report, tmp_path: Path) -> None:
    name, of_report = OF_OTHERS[case]
    if of_report is not None:
        report.save(tmp_path)
    (tmp_path / name).write_text(CONTENTS.get(case, "precious"))
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(InputError) as caught:
        report.save(tmp_path)
    assert str(caught.value) == (
        "error[SNN003]: the place that is named is free or holds a result of snnc\n"
        f"  --> {tmp_path}\n"
        f"   found: a directory with '{name}', which is no part of a report of snnc\n"
        "   limit: a new directory, an empty one, or a report of snnc to replace\n"
        "  remedy: name another directory with --report"
    )
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_save_below_a_file(report: Report, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match=r"found: Not a directory\n"):
        report.save(tmp_path / "file" / "report")


# --- terminal -----------------------------------------------------------------------------------


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
