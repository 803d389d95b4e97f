"""What was found as JUnit XML, for servers that run tests."""

from __future__ import annotations

import io
from collections.abc import Iterator
from xml.etree import ElementTree

from snnc.runtime.findings import Findings, Link, Status
from snnc.runtime.text import shown


def junit_text(report: Findings) -> bytes:
    """Give JUnit XML: a case for each link; what was not judged is skipped, never passed."""
    statuses = [_outcome(link) for link in report.links]
    totals = {
        "tests": str(len(statuses)),
        "failures": str(statuses.count("failure")),
        "errors": str(statuses.count("error")),
    }
    root = ElementTree.Element("testsuites", {"name": "snnc verify", **totals})
    # Jenkins refuses a file whose root counts what was skipped (xunit-plugin, junit-10.xsd).
    counts = {"name": shown(report.model), **totals, "skipped": str(statuses.count("skipped"))}
    suite = ElementTree.SubElement(root, "testsuite", counts)
    properties = ElementTree.SubElement(suite, "properties")
    facts = {"verdict": report.verdict, "headline": report.headline, **report.environment}
    for name, value in facts.items():
        ElementTree.SubElement(properties, "property", {"name": shown(name), "value": shown(value)})
    for link in report.links:
        _add_case(suite, link, report.model)
    ElementTree.indent(root)
    stream = io.BytesIO()
    ElementTree.ElementTree(root).write(stream, encoding="utf-8", xml_declaration=True)
    return stream.getvalue() + b"\n"


def _add_case(suite: ElementTree.Element, link: Link, model: str) -> None:
    # Servers tell cases apart by class and name, of all files of a build; a dot begins a package.
    of = f"snnc.verify.{shown(model).replace('.', '_')}"
    case = ElementTree.SubElement(suite, "testcase", {"classname": of, "name": shown(link.name)})
    outcome = _outcome(link)
    if outcome != "passed":
        message = {"type": link.status, "message": shown(f"{link.status}: {link.reason}")}
        detail = ElementTree.SubElement(case, outcome, message)
        detail.text = "\n".join(map(shown, _details(link)))
    ElementTree.SubElement(case, "system-out").text = shown(link.reason)


def _details(link: Link) -> Iterator[str]:
    """Yield what was promised, where the two part, why, and what helps."""
    yield f"promise: {link.promise}"
    yield from link.told
    if link.explanation is not None and link.explanation.remedy:
        yield f"next: {link.explanation.remedy}"


def _outcome(link: Link) -> str:
    if link.status is Status.HELD:
        return "passed"
    if link.status is Status.BROKEN:
        return "failure"
    return "error" if link.asked and link.status is Status.NOT_RUN else "skipped"
