"""What a report says to do next: of each outcome its own, the most urgent first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from snnc.runtime.findings import Link, Status
from snnc.runtime.page.next_steps import ACCURACY, BISECT, next_steps
from snnc.runtime.render import html_text
from snnc.runtime.report import Report
from tests.runtime.reports import broken_link, explanation, statistics

REMEDY = explanation("a", "input").remedy
NOT_RUN = "integer -> lava was not run: no Lava. Once that is mended, verify again."
FEW = "integer -> lava: verify on 1,340 samples or more; 270 are too few."
LABELS = "integer -> lava was measured only: give --labels, so that accuracy can be judged."


@dataclass(frozen=True)
class Case:
    """What is changed of a link that broke, and what is then said."""

    change: dict[str, Any]
    said: tuple[str, ...]


CASES = {
    "broken": Case({"statistics": None}, (REMEDY,)),
    "broken, not explained": Case({"statistics": None, "explanation": None}, (BISECT,)),
    "framework": Case(
        {"reference": "framework", "statistics": None, "explanation": None}, (ACCURACY,)
    ),
    "accuracy": Case({}, (REMEDY, FEW)),
    "accuracy, not explained": Case({"explanation": None}, (ACCURACY, FEW)),
    "not run": Case(
        {"status": Status.NOT_RUN, "reason": "no Lava", "statistics": None}, (NOT_RUN,)
    ),
    "not asked for": Case({"status": Status.NOT_RUN, "asked": False, "statistics": None}, ()),
    "measured": Case({"status": Status.MEASURED, "statistics": None}, (LABELS,)),
    "too few": Case({"status": Status.HELD}, (FEW,)),
    "enough": Case(
        {"status": Status.HELD, "statistics": statistics().model_copy(update={"enough": True})}, ()
    ),
}


def changed(**change: Any) -> Link:
    return broken_link("a", "input").model_copy(update=change)


@pytest.mark.parametrize("case", CASES)
def test_what_is_said(case: str, report: Report) -> None:
    of = CASES[case]
    one = report.model_copy(update={"links": (changed(**of.change),)})
    assert next_steps(one) == of.said
    assert ("What to do next" in html_text(one)) == bool(of.said)


def test_what_broke_comes_first_and_nothing_twice(report: Report) -> None:
    links = tuple(changed(**CASES[case].change) for case in ("too few", "not run", "accuracy"))
    assert next_steps(report.model_copy(update={"links": links})) == (
        REMEDY,
        NOT_RUN,
        FEW,
    )
