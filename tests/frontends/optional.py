"""Packages that tests need and a machine may lack: ``conftest.py`` then skips by their markers."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def optional(name: str) -> Any:
    """Import ``name``, or give None where its package is not installed."""
    return import_module(name) if find_spec(name.partition(".")[0]) else None
