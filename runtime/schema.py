"""The JSON schema of ``report.json``, made of the records and of what their docstrings say."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from snnc.runtime.findings import FORMAT
from snnc.runtime.report import Report

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NOT_FINITE = ("NaN", "Infinity", "-Infinity")
"""How numbers that JSON has not are written: as these strings."""

_FIELD = re.compile(r"^(\w+): (.+)")


def report_schema() -> dict[str, Any]:
    """Give the schema; ``$id`` and the constant ``format`` tell its version."""
    schema = Report.model_json_schema(mode="serialization", schema_generator=_Documented)
    schema["properties"]["format"]["const"] = FORMAT
    return {"$schema": DIALECT, "$id": f"urn:snnc:report:{FORMAT}", **schema}


def schema_text() -> str:
    """Give it as it is published."""
    return json.dumps(report_schema(), indent=1, ensure_ascii=True) + "\n"


class _Documented(GenerateJsonSchema):
    """Tells of each field what the docstring of its class tells."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        return _told(super().model_schema(schema), schema["cls"])

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        return _told(super().dataclass_schema(schema), schema["cls"])

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {"anyOf": [super().float_schema(schema), {"enum": list(NOT_FINITE)}]}


def _told(schema: JsonSchemaValue, of: type[Any]) -> JsonSchemaValue:
    """Put the docstring's words where they belong: to the class and to its fields."""
    head, _ = _parts(inspect.getdoc(of) or "")
    fields = {
        name: words
        for base in reversed(of.__mro__)
        for name, words in _parts(inspect.cleandoc(base.__doc__ or ""))[1].items()
    }
    properties = {
        name: {**{k: v for k, v in of_field.items() if k != "title"}, "description": fields[name]}
        if name in fields
        else of_field
        for name, of_field in schema.get("properties", {}).items()
    }
    return {**schema, "description": head, "properties": properties}


def _parts(text: str) -> tuple[str, dict[str, str]]:
    """Split a docstring of Google's form into its words and those of each attribute."""
    head, _, section = text.partition("\n\nAttributes:\n")
    fields: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        found = _FIELD.match(line[4:]) if line[4:5].strip() else None
        if found is not None:
            name, fields[found[1]] = found[1], found[2]
        elif name and line.strip():
            fields[name] += f" {line.strip()}"
    return " ".join(head.split()), fields
