"""What servers that run tests are told."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from junitparser import Error, Failure, JUnitXml, Skipped

from snnc.runtime.junit import junit_text
from snnc.runtime.report import Report
from snnc.runtime.text import shown
from tests.runtime.reports import SHOWN, explained, explanation, hostile_report


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
