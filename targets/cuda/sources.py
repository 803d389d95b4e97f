"""The source of the kernels and of the runner, as they lie in the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from snnc.targets.cuda.runner.compilation import source_hash

HERE = Path(__file__).resolve().parent
ARITHMETIC = HERE.parent / "native" / "arithmetic.h"
"""What the kernels share with the native engine."""


@cache
def kernel_sources() -> dict[str, bytes]:
    """Give the source of the kernels, by the names under which they include each other."""
    files = (*sorted((HERE / "kernels").glob("*.h")), ARITHMETIC)
    return {path.name: path.read_bytes() for path in files}


def kernel_hash() -> str:
    """Give the SHA-256 of all that the kernels are made of, hexadecimal."""
    return source_hash(kernel_sources())


def runner_sources() -> dict[str, bytes]:
    """Give the source of the runner, by its place in an artifact."""
    files = (HERE / "run.py", *sorted((HERE / "runner").glob("*.py")))
    return {path.relative_to(HERE).as_posix(): path.read_bytes() for path in files}
