"""Packages that tests need and a machine may lack: ``conftest.py`` then skips by their markers."""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def optional(name: str) -> Any:
    """Import ``name``, or give None where its package is not installed."""
    if find_spec(name.partition(".")[0]) is None:
        return None
    with warnings.catch_warnings():
        # norse 1.1.0 compiles functions by torch.jit as it is imported
        warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
        return import_module(name)
