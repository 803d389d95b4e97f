"""What is said of descriptions of hardware that are wrong."""

from __future__ import annotations

import pytest

from snnc.compiler.diagnostics import InputError
from snnc.targets.hardware.load import OWN, parse_hardware

LOIHI1 = (OWN / "loihi1.yaml").read_text(encoding="utf-8")
REMEDY = "correct the description; docs/hardware.md has its form, and loihi1.yaml is an example"


def said(text: str) -> list[tuple[str, str, str]]:
    """Give the place, what was found and the limit of all that is wrong with a description."""
    with pytest.raises(InputError) as caught:
        parse_hardware(text, "mine.yaml")
    diagnostics = caught.value.diagnostics
    assert {(d.rule.code, d.remedy) for d in diagnostics} == {("SNN406", REMEDY)}
    return [(d.node, d.found, d.limit) for d in diagnostics]


def line(of: str, text: str = LOIHI1) -> int:
    """Give the line, from 1, on which ``of`` stands first."""
    return text[: text.index(of)].count("\n") + 1
