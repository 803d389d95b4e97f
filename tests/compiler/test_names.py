"""Which known name a misspelled one is taken for."""

from __future__ import annotations

import pytest

from snnc.compiler.names import nearest

KNOWN = ("nir", "snnTorch", "lava-dl", "SNN110")


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("NIR", "nir"),
        ("snntorch", "snnTorch"),
        ("lavadl", "lava-dl"),
        ("snn11", "SNN110"),
        ("brian", None),
        ("", None),
    ],
)
def test_nearest(name: str, known: str | None) -> None:
    assert nearest(name, KNOWN) == known


def test_nothing_known() -> None:
    assert nearest("nir", []) is None
