"""The command under a name that is not the package's."""

from __future__ import annotations

import pytest

from tests.runtime.conftest import Snnc


@pytest.fixture
def snnc_command(snnc: Snnc) -> Snnc:
    """Run the command in this process."""
    return snnc
