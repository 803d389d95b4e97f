"""The report: a record that round-trips, a page that is harmless, a directory that is whole."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from snnc.compiler.diagnostics import EnvironmentFault, InputError
from snnc.runtime.findings import FORMAT, Verdict
from snnc.runtime.render import html_text
from snnc.runtime.report import Report
from tests.runtime.reports import SHOWN, explained, explanation, hostile_report


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


# --- asserted -----------------------------------------------------------------------------------


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
