"""docs/hardware.md says what the descriptions say."""

from __future__ import annotations

import re
from typing import Any

import pytest

from snnc.targets.hardware.load import hardware_names, load_hardware
from snnc.targets.hardware.schema import EVENTS, Description, EncodingForm
from tests.hardware_tables import PAGE, written

TEXT = PAGE.read_text(encoding="utf-8")


def test_tables() -> None:
    assert written(TEXT) == TEXT


@pytest.mark.parametrize("name", hardware_names())
def test_first_table(name: str) -> None:
    h = load_hardware(name)
    (row,) = re.findall(rf"^\| `{name}` \| (.*) \|$", TEXT, re.MULTILINE)
    memory = f"{h.synapse_memory.value:,} of {h.encodings[0].word_bits} bits"
    assert row.split(" | ")[:2] == [str(h.cores_per_chip), f"{h.neurons.value:,}, {memory}"]


@pytest.mark.parametrize("form", [Description, EncodingForm])
def test_every_key_is_told(form: Any) -> None:
    told = set(re.findall(r"`([a-z_]+)`", TEXT))
    known = {"header_bits", "word_bits", "name", "layout", "align", "source", "certainty"}
    assert set(form.model_fields) <= told | known


def test_every_event_is_told() -> None:
    assert set(EVENTS) <= set(re.findall(r"`([a-z.]+)`", TEXT))
