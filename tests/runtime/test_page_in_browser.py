"""The page as its readers see it: in Chromium, in light and dark, on a phone and on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from snnc.runtime.render import html_text
from snnc.runtime.report import Report
from tests.browser import Browser, Page
from tests.runtime.reports import HOSTILE, LONG, SHOWN, explained, hostile_report

pytestmark = pytest.mark.chromium

HEBREW = "\u05d0\u05d1\u05d2"
"""A name that is written from the right."""
SCREENS = {"light": (1280, False), "dark": (1280, True), "phone": (360, False)}

CONTRASTS = """(() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = rgb => rgb.slice(0, 3).map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const rgb = parts(getComputedStyle(e).backgroundColor);
      if (rgb.length < 4 || rgb[3] > 0) return rgb;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const drawn = element.closest("svg");
    if (!walker.currentNode.data.trim() || element.closest("style, title, desc")) continue;
    const style = getComputedStyle(element);
    const ink = light(parts(drawn ? style.fill : style.color));
    const paper = light(behind(drawn ? drawn.parentElement : element));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    found.push([Math.round(100 * ratio) / 100, walker.currentNode.data.trim().slice(0, 40)]);
  }
  return found;
})()"""
"""Contrast of each text with what is behind it (WCAG 2.2, 1.4.3), and the text."""

TOO_WIDE = """[...document.querySelectorAll("body *")].filter(e =>
  !e.closest(".scroll") && e.getBoundingClientRect().right > innerWidth + 0.5
).map(e => e.outerHTML.slice(0, 80))"""
"""Elements that reach beyond the window, but for those that are scrolled by themselves."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as one:
        yield one


@pytest.fixture(scope="module")
def page(browser: Browser, report: Report, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Give a report that has something for every section that needs a link."""
    return opened(browser, explained(report), tmp_path_factory.mktemp("page"))


def opened(browser: Browser, report: Report, folder: Path) -> Page:
    path = folder / "report.html"
    path.write_text(html_text(report), "utf-8")
    return browser.open(path)


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_is_asked_for_and_nothing_goes_wrong(page: Page, screen: str) -> None:
    width, dark = SCREENS[screen]
    page.show(width, 800, dark=dark)
    assert page.value("document.title") == "Not equivalent · examples/digits.py:network · snnc"
    assert page.errors == []
    assert page.requests == []
    assert page.value("performance.getEntriesByType('resource').length") == 0


def test_what_the_policy_forbids_is_forbidden(
    browser: Browser, report: Report, tmp_path: Path
) -> None:
    """What the tests above rest on: errors are heard, and the policy holds."""
    path = tmp_path / "report.html"
    bad = '<img src="https://example.invalid/x.png"><p id="p" style="color: red">x</p>'
    run = "<script>document.title = 'run'</script><style>body { margin: 9px }</style>"
    path.write_text(html_text(report).replace("</main>", f"{bad}{run}</main>"), "utf-8")
    page = browser.open(path)
    directives = ("style-src-attr", "style-src-elem", "script-src-elem", "img-src")
    while not all(directive in "\n".join(page.errors) for directive in directives):
        page.value("new Promise(done => setTimeout(done, 50))")
    assert page.value("document.title") != "run"
    assert page.value("getComputedStyle(document.getElementById('p')).color") != "rgb(255, 0, 0)"
    assert page.value("getComputedStyle(document.body).margin") == "0px"


@pytest.mark.parametrize("name", ["", HOSTILE, LONG], ids=["usual", "hostile", "long"])
def test_it_fits_the_window(browser: Browser, report: Report, tmp_path: Path, name: str) -> None:
    page = opened(browser, hostile_report(report, name) if name else explained(report), tmp_path)
    page.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    for width in (1280, 390, 360):
        page.show(width, 800)
        assert 300 < page.value("document.documentElement.scrollWidth") <= width
        assert page.value(TOO_WIDE) == []


def test_rows_keep_their_names_where_a_table_is_scrolled(page: Page) -> None:
    page.show(390, 800)
    left = """(() => { const scroll = [...document.querySelectorAll(".scroll")]
        .find(e => e.querySelector("tbody th") && e.scrollWidth > e.clientWidth + 50);
      const name = scroll.querySelector("tbody th");
      const before = name.getBoundingClientRect().left;
      scroll.scrollLeft = 50;
      return [before, name.getBoundingClientRect().left, scroll.scrollLeft]; })()"""
    before, after, scrolled = page.value(left)
    assert (before, scrolled) == (after, 50)


def test_words_in_tables_are_not_broken_and_rows_are_not_high(page: Page) -> None:
    page.show(390, 800)
    page.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    rows = "[...document.querySelectorAll('tbody tr')].map(r => r.getBoundingClientRect().height)"
    assert max(page.value(rows)) < 200


@pytest.mark.parametrize("screen", SCREENS)
def test_every_text_can_be_read(page: Page, screen: str) -> None:
    width, dark = SCREENS[screen]
    page.show(width, 800, dark=dark)
    found: list[tuple[float, str]] = page.value(CONTRASTS)
    assert len(found) > 300
    assert [pair for pair in found if pair[0] < 4.5] == []


def test_colors_follow_the_reader(page: Page) -> None:
    papers: list[str] = []
    for dark, paper in ((False, False), (True, False), (True, True)):
        page.show(1280, 800, dark=dark, paper=paper)
        papers.append(page.value("getComputedStyle(document.body).backgroundColor"))
    assert papers == ["rgb(251, 251, 249)", "rgb(22, 24, 27)", "rgb(255, 255, 255)"]


def test_on_paper_nothing_is_hidden(page: Page, tmp_path: Path) -> None:
    page.show(1280, 800, paper=True)
    page.value("document.querySelectorAll('details').forEach(d => d.open = false)")
    tables = "[...document.querySelectorAll('details table')]"
    seen = f"{tables}.map(t => t.checkVisibility())"
    assert page.value("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert set(page.value(seen)) == {True}
    page.paper(tmp_path / "page.pdf")
    pages = len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "page.pdf").read_bytes()))
    assert 5 <= pages <= 12


def test_verdict_is_above_everything_and_on_the_first_screen(page: Page) -> None:
    page.show(360, 640)
    top = "document.querySelector('h1').getBoundingClientRect().top + scrollY"
    assert 0 < page.value(top) < 150
    headline = "document.querySelector('h1 + p').getBoundingClientRect().bottom + scrollY"
    assert page.value(headline) < 640


def test_who_hears_the_page_is_told_the_same(page: Page) -> None:
    """Of the accessibility tree: headings in order, names of all that is drawn or scrolled."""
    page.show(1280, 800)
    page.call("Accessibility.enable")
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    told = [node for node in nodes if not node["ignored"]]
    levels = [prop(node, "level") for node in told if role(node) == "heading"]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    expected = {"image": 3, "table": 10, "region": 20, "navigation": 1, "link": 10}
    for kind, least in expected.items():
        names = [node["name"]["value"] for node in told if role(node) == kind]
        assert len(names) >= least, kind
        assert all(names), kind
    kinds = {role(node) for node in told}
    assert {"main", "rowheader", "columnheader", "listitem"} <= kinds


def role(node: dict[str, Any]) -> str:
    found: str = node["role"]["value"]
    return found


def prop(node: dict[str, Any], name: str) -> int:
    (value,) = (p["value"]["value"] for p in node["properties"] if p["name"] == name)
    return int(value)


def test_every_place_that_is_linked_to_is_there(page: Page) -> None:
    broken = """[...document.querySelectorAll("a")].filter(a =>
      !document.getElementById(a.getAttribute("href").slice(1))).length"""
    assert page.value("document.querySelectorAll('a').length") >= 10
    assert page.value(broken) == 0
    repeated = """(() => { const all = [...document.querySelectorAll("[id]")].map(e => e.id);
      return all.length - new Set(all).size; })()"""
    assert page.value(repeated) == 0


def test_hostile_names_are_shown_and_do_nothing(
    browser: Browser, report: Report, tmp_path: Path
) -> None:
    page = opened(browser, hostile_report(report), tmp_path)
    assert page.errors == []
    assert page.requests == []
    assert page.value("document.scripts.length") == 0
    text: str = page.value("document.body.innerText")
    assert text.count(SHOWN) > 10
    assert not set(text) & set("\x1b\u202e\x00\ufffe")
    drawn: list[str] = page.value(
        "[...document.querySelectorAll('svg desc')].map(e => e.textContent)"
    )
    assert any(SHOWN in words for words in drawn)


def test_words_from_the_right_turn_nothing_around(
    browser: Browser, report: Report, tmp_path: Path
) -> None:
    """A name in Hebrew between two numbers: what stands behind it stays to its right."""
    choice = f"before 1 {HEBREW} {HEBREW} 2 after"
    path = tmp_path / "report.html"
    text = html_text(report.model_copy(update={"choices": (choice,)}))
    path.write_text(text, "utf-8")
    assert text.count(f"<bdi>{HEBREW} {HEBREW}</bdi>") == 1
    page = browser.open(path)
    places = """(() => { const li = document.querySelector("#warnings li");
      const left = (node, at) => { const r = document.createRange();
        r.setStart(node, at); r.setEnd(node, at + 1); return r.getBoundingClientRect().left; };
      return [left(li.firstChild, 7), li.querySelector("bdi").getBoundingClientRect().left,
        left(li.lastChild, 1)]; })()"""
    before, name, after = page.value(places)
    assert before < name < after
