"""Data that are large: in memory where they fit, else in a file that is gone when they are."""

from __future__ import annotations

import shutil
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.frontends.memory import available_memory

Array = npt.NDArray[Any]

SHARE = 2
"""Part of the memory that is left which data may take: the rest is for what is done with them."""


def fits(needed: int) -> bool:
    """Say whether so many bytes of data should be held in memory."""
    left = available_memory()
    return left is None or needed <= left // SHARE


def check_memory(node: str, needed: int, remedy: str) -> None:
    """Refuse what does not fit into the memory that is left.

    Args:
        node: What takes it.
        needed: Bytes.
        remedy: How to need less.

    Raises:
        InputError: SNN642.
    """
    left = available_memory()
    if left is not None and needed > left:
        limit = f"{left // 2**20:,} MiB, the memory that is left"
        raise_all([_too_large(node, needed, limit, remedy)])


def zeros(shape: tuple[int, ...], dtype: np.dtype[Any], node: str, remedy: str) -> Array:
    """Give an array of zeros: in memory, or in a file of the system's folder for such.

    Args:
        shape: Of the array.
        dtype: Of the array.
        node: What takes it, for messages.
        remedy: How to need less.

    Raises:
        InputError: SNN642, there is room neither in memory nor on the disk.
    """
    needed = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if not needed or fits(needed):
        return np.zeros(shape, dtype)
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if needed > free:
        memory = (available_memory() or 0) // SHARE
        limit = f"{memory // 2**20:,} MiB of memory, or {free // 2**20:,} MiB of disk in {folder}"
        raise_all([_too_large(node, needed, limit, remedy)])
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.memmap(file, dtype, "w+", shape=shape)


def _too_large(node: str, needed: int, limit: str, remedy: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.DATA_BOUNDED,
        node=node,
        found=f"{-(-needed // 2**20):,} MiB",
        limit=limit,
        remedy=remedy,
    )
