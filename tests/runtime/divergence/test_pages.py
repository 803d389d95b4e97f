"""The pages on first divergences name all that there is, and options that exist."""

from __future__ import annotations

import re

import pytest

from snnc.runtime.cli import cli
from snnc.runtime.divergence.ablation import STRANGE
from snnc.runtime.divergence.carriers import MOST_ROUNDED
from snnc.runtime.divergence.explanation import Cause, Explanation
from snnc.runtime.divergence.operands import LISTED
from snnc.runtime.divergence.remedies import PAGE
from snnc.runtime.divergence.windows import AFTER, BEFORE
from snnc.runtime.verification.explained import LOCAL
from snnc.targets.float.replay import TIE_ULP
from tests.runtime.samples import ROOT

DIVERGENCE = (ROOT / "docs" / "divergence.md").read_text()
DROPPED = (ROOT / PAGE).read_text()


def test_every_cause_has_a_row() -> None:
    rows = set(re.findall(r"^\| ([a-z ]+) \|", DIVERGENCE, re.MULTILINE))
    assert {str(cause) for cause in Cause} - rows == set()


@pytest.mark.parametrize("section", ["## 3.", "## 4."])
def test_every_cause_has_something_to_do(section: str) -> None:
    """Of rounding all; of the import those that a framework's module can show."""
    text = DROPPED.partition(section)[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)
    named = {name.strip() for cell in first_cells for name in cell.split(",")}
    only_integers = {Cause.WEIGHT_CLIP, Cause.WRAP, Cause.SATURATION, Cause.INPUT_ROUNDING}
    only_reals = {Cause.FLOAT_ORDER}
    others = only_integers if section == "## 3." else only_reals
    assert {str(cause) for cause in set(Cause) - others} - named == set()


def test_every_field_is_named() -> None:
    named = set(re.findall(r"`(\w+)`", DIVERGENCE))
    assert set(Explanation.model_fields) - {"reference", "other"} - named == set()


def test_options_exist() -> None:
    options = {o for c in cli.commands.values() for p in c.params for o in p.opts}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", DROPPED))
    assert named - options == set()
    assert len(named) > 8


def test_numbers_are_those_of_the_code() -> None:
    assert f"from {BEFORE} steps before to {AFTER} after" in DIVERGENCE
    assert f"the strongest {LISTED}" in DIVERGENCE
    assert DIVERGENCE.count(f"| the first {LOCAL} |") == 2
    assert f"by more than {MOST_ROUNDED} integers" in DIVERGENCE
    assert f"by more than {STRANGE} is no rounding" in DIVERGENCE
    assert f"within {TIE_ULP} units in the last place" in DIVERGENCE


def test_the_readme_links_both() -> None:
    readme = (ROOT / "README.md").read_text()
    assert f"({PAGE})" in readme
    assert "(docs/divergence.md)" in readme
