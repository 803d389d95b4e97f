"""A report as a page for people and as JUnit XML for machines."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from snnc.runtime.budgeted import COSTS, budget_rows, cost_rows, notes
from snnc.runtime.costs import metrics_text, sentence
from snnc.runtime.mapped import RESOURCES, mapping_headline, resource_rows, traffic_text
from snnc.runtime.relayed import COLUMNS, relay_rows
from snnc.runtime.report import Link, Report, Status
from snnc.runtime.text import percent, shown

TEMPLATES = Path(__file__).resolve().parent / "templates"


def html_text(report: Report) -> str:
    """Give the page: one file, no script, nothing loaded; whatever users named is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def harmless(value: object) -> object:
        return value if isinstance(value, Markup) else shown(str(value))

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "figure": figure,
        "listed": listed,
    }
    return environment.get_template("report.html").render(
        report=report,
        budget_rows=budget_rows,
        budget_notes=notes,
        cost_names=COSTS,
        cost_rows=cost_rows,
        relay_columns=COLUMNS,
        relay_rows=relay_rows,
        mapping_headline=mapping_headline,
        mapping_traffic=traffic_text,
        mapping_estimate=sentence,
        mapping_metrics=metrics_text,
        markup=Markup,
        resource_columns=RESOURCES,
        resource_rows=resource_rows,
    )


def figure(value: float | None, digits: int = 3) -> str:
    """Give a number with a few digits, or a dash for none."""
    return "-" if value is None else f"{value:.{digits}g}"


def listed(values: Iterable[object]) -> str:
    """Join with commas; jinja2's own ``join`` gives markup, which is not made harmless."""
    return ", ".join(map(str, values))


def junit_text(report: Report) -> bytes:
    """Give JUnit XML: a case for each link; what was not judged is skipped, never passed."""
    statuses = [_outcome(link) for link in report.links]
    totals = {
        "tests": str(len(statuses)),
        "failures": str(statuses.count("failure")),
        "errors": str(statuses.count("error")),
        "skipped": str(statuses.count("skipped")),
    }
    root = ElementTree.Element("testsuites", {"name": "snnc verify", **totals})
    suite = ElementTree.SubElement(root, "testsuite", {"name": shown(report.model), **totals})
    properties = ElementTree.SubElement(suite, "properties")
    facts = {"verdict": report.verdict, "headline": report.headline, **report.environment}
    for name, value in facts.items():
        ElementTree.SubElement(properties, "property", {"name": shown(name), "value": shown(value)})
    for link in report.links:
        _add_case(suite, link)
    ElementTree.indent(root)
    stream = io.BytesIO()
    ElementTree.ElementTree(root).write(stream, encoding="utf-8", xml_declaration=True)
    return stream.getvalue() + b"\n"


def _add_case(suite: ElementTree.Element, link: Link) -> None:
    name = {"classname": "snnc.verify", "name": shown(link.name)}
    case = ElementTree.SubElement(suite, "testcase", name)
    outcome = _outcome(link)
    if outcome != "passed":
        message = {"message": shown(f"{link.status}: {link.reason}")}
        detail = ElementTree.SubElement(case, outcome, message)
        detail.text = shown(f"{link.promise}; first divergence: {link.first_divergence}")
    ElementTree.SubElement(case, "system-out").text = shown(link.reason)


def _outcome(link: Link) -> str:
    if link.status is Status.HELD:
        return "passed"
    if link.status is Status.BROKEN:
        return "failure"
    return "error" if link.asked and link.status is Status.NOT_RUN else "skipped"
