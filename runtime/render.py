"""The page of a report: one file, for people."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from snnc.runtime.budgeted import notes
from snnc.runtime.findings import Findings
from snnc.runtime.page import (
    alike,
    deployed,
    executed,
    explained,
    paired,
    pictured,
    quantized,
    table,
)
from snnc.runtime.page.next_steps import next_steps
from snnc.runtime.page.sections import SECTIONS
from snnc.runtime.picture import style_text
from snnc.runtime.text import count, points, shown

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).resolve().parent / "templates"
STYLE = "report.css"

TELLING: tuple[Callable[..., object], ...] = (
    alike.differences_table,
    alike.measure_tables,
    count,
    deployed.budget_tables,
    deployed.divided_table,
    deployed.mapping_sentences,
    deployed.relays_table,
    deployed.resources_table,
    executed.executions_table,
    executed.over_time_table,
    explained.candidates_table,
    explained.local_table,
    explained.nearness,
    explained.operands_table,
    explained.states_table,
    explained.told,
    next_steps,
    notes,
    points,
    paired.accuracy_notes,
    paired.accuracy_table,
    paired.confusion_table,
    pictured.heat,
    pictured.scope,
    quantized.quantization_tables,
    table.indices,
    table.real,
    table.share,
    table.whole,
)
"""What templates call, by these names."""

_FROM_THE_RIGHT = (
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_RUN = re.compile(f"{_FROM_THE_RIGHT}(?:(?:{_FROM_THE_RIGHT}|\\s)*{_FROM_THE_RIGHT})?")
"""Words of scripts that are written from the right (Unicode, blocks of classes R and AL)."""


def html_text(report: Findings) -> str:
    """Give the page: one file, no script, nothing loaded; whatever users named is harmless."""
    from markupsafe import Markup

    style = (TEMPLATES / STYLE).read_text("utf-8")
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            sections=[section for section in SECTIONS if section.needed(report)],
            style=style,
            policy=policy((style, style_text())),
            markup=Markup,
            **{tell.__name__: tell for tell in TELLING},
        )
    )


def policy(styles: Iterable[str]) -> str:
    """Give the content security policy of a page that has these styles and nothing else.

    Nothing is loaded, no script runs, no form is sent, and no style is used but these, which are
    known by their SHA-256 (W3C, Content Security Policy Level 3).
    """
    digests = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in styles)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; style-src {allowed}; base-uri 'none'; form-action 'none'"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"listed": listed, "plain": plain}
    return environment


def plain(value: object) -> Markup:
    """Give text as it may stand in an attribute or a title."""
    from markupsafe import Markup, escape

    return value if isinstance(value, Markup) else escape(shown(str(value)))


def harmless(value: object) -> Markup:
    """Give text as it may stand in the page: escaped, and each word in the place of its own.

    Words that are written from the right turn what stands beside them around, digits first; kept
    apart in ``bdi`` they do not.
    """
    from markupsafe import Markup

    if isinstance(value, Markup):
        return value
    return Markup(_RUN.sub(lambda run: f"<bdi>{run[0]}</bdi>", str(plain(value))))  # noqa: S704


def listed(values: Iterable[object]) -> str:
    """Join with commas; jinja2's own ``join`` gives markup, which is not made harmless."""
    return ", ".join(map(str, values))
