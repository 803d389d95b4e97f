"""Node types of our own, for what NIR has no word for.

They are written into ``.nir`` files under their own names, which other tools do not know; who
writes one is told so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

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

NeuronNode: TypeAlias = nir.LIF | nir.CubaLIF | nir.IF | nir.LI | nir.CubaLI | nir.I | nir.Threshold
NEURONS = (nir.LIF, nir.CubaLIF, nir.IF, nir.LI, nir.CubaLI, nir.I, nir.Threshold)
"""The node types that become populations."""
READ_OUTS = (nir.LI, nir.CubaLI, nir.I)
"""Those that have no threshold."""
CONVOLUTIONS = (nir.Conv1d, nir.Conv2d)
POOLS = (nir.SumPool2d, nir.AvgPool2d, MaxPool2d)
WEIGHTS = (nir.Linear, nir.Affine, *CONVOLUTIONS)
OPERATORS = (*WEIGHTS, *POOLS, nir.Scale, nir.Flatten, nir.Delay)
"""The node types that are computed within a step, and have no state; and ``Delay``."""
COMPILED = (nir.Input, nir.Output, *OPERATORS, *NEURONS)
"""Every node type that is compiled; a nested graph is flattened before."""
