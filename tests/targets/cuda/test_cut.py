"""Networks that are cut over cores are refused: no kernel gathers what parts send."""

from __future__ import annotations

import pytest

from snnc.compiler.diagnostics import InputError
from snnc.targets.cuda.target import program_for
from tests.compiler.test_check_axons import gathered

REFUSED = """\
error[SNN413]: target cuda runs networks that are not cut over cores
  --> both
   found: 2 axons, from x, a
   limit: inputs and populations
  remedy: run the network whole, or its parts with --target cpu"""


def test_axons_are_refused() -> None:
    with pytest.raises(InputError) as raised:
        program_for(gathered())
    assert str(raised.value) == REFUSED
