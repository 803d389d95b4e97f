"""The page on measures names every field that there is."""

from __future__ import annotations

import re

import pytest

from snnc.runtime.findings import Disagreement, Statistics
from snnc.runtime.measures.layers import CELLS
from snnc.runtime.measures.records import Claim, Confusion, Interval, LayerMeasures
from snnc.runtime.measures.trains import NEURONS, SAMPLES
from snnc.runtime.measures.van_rossum import TAU
from snnc.runtime.measures.victor_purpura import COST
from snnc.runtime.record import Record
from tests.runtime.samples import ROOT

PAGE = (ROOT / "docs" / "measures.md").read_text()
SENTENCES = [
    f"`tau` of {TAU} steps",
    f"`q = 1/{COST}` for each step",
    f"of the first {SAMPLES} samples",
    f"at most {NEURONS} neurons",
    f"cells of `width` steps, {CELLS} at\nmost",
]


@pytest.mark.parametrize("record", [LayerMeasures, Disagreement, Confusion, Statistics, Interval])
def test_every_field_is_named(record: type[Record]) -> None:
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert set(record.model_fields) - named == {"population"} & set(record.model_fields)


def test_every_claim_is_named() -> None:
    assert set(re.findall(r"^\| (\w+) \|", PAGE, re.MULTILINE)) >= {str(c) for c in Claim}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_constants_are_those_of_the_code(sentence: str) -> None:
    assert sentence in PAGE
