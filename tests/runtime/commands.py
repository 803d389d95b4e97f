"""Commands on the network of the tests."""

from __future__ import annotations

from pathlib import Path


def made(here: Path) -> list[str]:
    """Name what the command has left in the folder."""
    return sorted(p.name for p in here.iterdir() if not p.is_symlink())
