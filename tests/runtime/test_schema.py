"""The published schema of ``report.json``: what is published, what it says, what it accepts."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

from snnc.runtime.findings import FORMAT
from snnc.runtime.report import Report
from snnc.runtime.schema import report_schema, schema_text
from tests.runtime.conftest import Snnc
from tests.runtime.reports import explained, hostile_report
from tests.runtime.samples import ROOT

PUBLISHED = ROOT / "docs" / "report.schema.json"
Validator: Any = jsonschema.Draft202012Validator


def errors(content: Any) -> list[str]:
    return [error.message for error in Validator(report_schema()).iter_errors(content)]


def test_what_is_published_is_what_is_written() -> None:
    """If it is not: ``snnc schema > docs/report.schema.json``, and maybe a new FORMAT."""
    assert PUBLISHED.read_text() == schema_text()


def test_command(snnc: Snnc) -> None:
    ended = snnc("schema")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == schema_text()


def test_it_is_a_schema_and_tells_its_version() -> None:
    schema = report_schema()
    Validator.check_schema(schema)
    assert schema["$id"] == f"urn:snnc:report:{FORMAT}"
    assert schema["properties"]["format"]["const"] == FORMAT


def test_its_fields_are_those_of_the_model() -> None:
    """But for words, numbers that are not finite and the version it is pydantic's own."""
    ours, theirs = report_schema(), Report.model_json_schema(mode="serialization")
    assert ours["$defs"].keys() == theirs["$defs"].keys()
    for ours_of, theirs_of in (
        (ours, theirs),
        *((ours["$defs"][n], theirs["$defs"][n]) for n in theirs["$defs"]),
    ):
        assert ours_of.get("required") == theirs_of.get("required")
        assert ours_of.get("properties", {}).keys() == theirs_of.get("properties", {}).keys()


def test_every_field_is_explained() -> None:
    schema = report_schema()
    bare = [
        f"{name}.{field}"
        for name, of in {"Report": schema, **schema["$defs"]}.items()
        for field, told in of.get("properties", {}).items()
        if not told.get("description")
    ]
    assert bare == []
    assert schema["$defs"]["Operand"]["properties"]["sent_other"]["description"] == (
        "What it sent in the other execution; None where it is the same."
    )
    assert schema["$defs"]["Operand"]["description"] == "A synapse that took part in a sum."


def test_reports_validate(report: Report) -> None:
    for one in (report, explained(report), hostile_report(report)):
        assert errors(json.loads(one.json_text())) == []


def test_what_is_no_report_does_not(report: Report) -> None:
    content = json.loads(report.json_text())
    assert errors({**content, "format": FORMAT - 1}) == [f"{FORMAT} was expected"]
    assert errors({**content, "verdict": "fine"}) == [
        "'fine' is not one of ['equivalent', 'not equivalent', 'incomplete']"
    ]
    assert errors({**content, "more": 1}) == [
        "Additional properties are not allowed ('more' was unexpected)"
    ]
    del content["links"]
    assert errors(content) == ["'links' is a required property"]


def test_a_number_that_is_not_finite_is_a_string(report: Report) -> None:
    content = json.loads(hostile_report(report).json_text())
    assert content["first_divergence"]["other"] == "NaN"
    content["first_divergence"]["other"] = "nan"
    assert len(errors(content)) == 1
