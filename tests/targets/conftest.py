"""What tests of artifacts share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.targets.artifacts import integer


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Save an artifact with a member in a folder of its own."""
    return integer(members={"sub/runner.py": b"print()\n"}).save(tmp_path / "artifact")
