"""Node types of our own, for what NIR has no word for.

They are written into ``.nir`` files under their own names, which other tools do not know; who
writes one is told so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import nir
import numpy as np
import numpy.typing as npt


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
        unknown: Any = None
        self.input_type = {"input": unknown}
        self.output_type = {"output": unknown}


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
Convolved: TypeAlias = nir.Conv1d | nir.Conv2d
CONVOLUTIONS = (nir.Conv1d, nir.Conv2d)
Pooled: TypeAlias = nir.SumPool2d | nir.AvgPool2d | MaxPool2d
POOLS = (nir.SumPool2d, nir.AvgPool2d, MaxPool2d, MaxPool1d)
WEIGHTS = (nir.Linear, nir.Affine, *CONVOLUTIONS)
OPERATORS = (*WEIGHTS, *POOLS, nir.Scale, nir.Flatten, nir.Delay)
"""The node types that are computed within a step, and have no state; and ``Delay``."""

PARAMETERS: Mapping[type[nir.NIRNode], tuple[str, ...]] = MappingProxyType(
    {
        nir.Scale: ("scale",),
        nir.Threshold: ("threshold",),
        nir.Delay: ("delay",),
        nir.I: ("r",),
        nir.IF: ("r", "v_threshold", "v_reset"),
        nir.LI: ("tau", "r", "v_leak"),
        nir.LIF: ("tau", "r", "v_leak", "v_threshold", "v_reset"),
        nir.CubaLI: ("tau_syn", "tau_mem", "r", "v_leak", "w_in"),
        nir.CubaLIF: ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset", "w_in"),
    }
)
"""The fields of the nodes that compute each value by itself."""


def parameters_of(node: nir.NIRNode) -> dict[str, npt.NDArray[Any]]:
    """Give the parameters, by name, of a node that computes each value by itself."""
    given = {name: getattr(node, name, None) for name in PARAMETERS.get(type(node), ())}
    return {name: np.asarray(value) for name, value in given.items() if value is not None}
