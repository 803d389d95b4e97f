"""Node types of our own, for what NIR has no word for.

They are written into ``.nir`` files under their own names, which other tools do not know; who
writes one is told so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nir
import numpy as np


@dataclass(eq=False)
class MaxPool2d(nir.NIRNode):
    """Largest value under a window that moves over the last two axes.

    Attributes:
        kernel_size: ``[2]``.
        stride: ``[2]``.
        padding: ``[2, 2]``: before and after, of each axis; smaller than any value.
        dilation: ``[2]``.
    """

    kernel_size: np.ndarray[Any, np.dtype[np.int64]]
    stride: np.ndarray[Any, np.dtype[np.int64]]
    padding: np.ndarray[Any, np.dtype[np.int64]]
    dilation: np.ndarray[Any, np.dtype[np.int64]]

    def __post_init__(self) -> None:
        self.input_type = {"input": None}
        self.output_type = {"output": None}


@dataclass(eq=False)
class MaxPool1d(MaxPool2d):
    """The same over the last axis: ``[1]``, ``[1]``, ``[1, 2]``, ``[1]``."""


OWN_NODES = (MaxPool2d, MaxPool1d)
"""Every node type of ours."""
