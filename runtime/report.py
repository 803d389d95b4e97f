"""The report of a verification: what was found, as a record that is checked and written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from snnc.runtime.findings import Findings, Verdict
from snnc.runtime.junit import junit_text
from snnc.runtime.render import html_text
from snnc.runtime.text import shown
from snnc.targets.directory import Kind, write_directory

JSON, HTML, JUNIT = "report.json", "report.html", "junit.xml"
"""The files of a report."""


class Report(Findings):
    """What was compared, what came out, and how to repeat it."""

    def assert_equivalent(self) -> None:
        """Do nothing when the verdict is ``equivalent``.

        Raises:
            AssertionError: It is not; the text names the first divergence and its cause.
        """
        if self.passed:
            return
        lines = [f"{self.verdict}: {self.headline}"]
        lines += [f"{link.name}: {link.status}: {link.reason}" for link in self.links]
        if self.first_broken is not None:
            lines += self.first_broken.told
        raise AssertionError("\n".join(map(shown, lines)))

    def json_text(self) -> str:
        """Give ``report.json``; ``Report.model_validate_json`` reads it."""
        return json.dumps(json.loads(self.model_dump_json()), indent=1, ensure_ascii=True) + "\n"

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Write ``report.html``, ``report.json`` and ``junit.xml``, all of them or none.

        A report that is there already, with nothing beside it, is replaced; anything else that is
        there stays.

        Raises:
            InputError: SNN003, ``directory`` exists and is no report, or holds more than one.
            EnvironmentFault: SNN002, the file system refuses.
        """
        path = Path(directory)
        files = {
            JSON: self.json_text().encode(),
            HTML: html_text(self).encode(),
            JUNIT: junit_text(self),
        }
        write_directory(path, files, REPORT)
        return path


class _Marker(BaseModel):
    """What a report of any release has: enough to know one by."""

    format: int
    snnc: str
    verdict: Verdict
    headline: str
    links: list[dict[str, Any]]


def _members(marker: bytes) -> tuple[str, ...]:
    _Marker.model_validate_json(marker)
    return (JSON, HTML, JUNIT)


REPORT = Kind("a report", JSON, "--report", _members)
