"""Which integers the weights of a path may become, and each the nearest of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import (
    FixedInput,
    SignMode,
    exponent_limits,
    largest_weight,
)
from snnc.compiler.linear import Doubles
from snnc.compiler.operators import Weights
from snnc.compiler.quantization.paths import Path
from snnc.compiler.quantization.scale import (
    Extent,
    chunks_of,
    extent_of,
    shape_of,
    step_of,
    weights_at,
)

ACTIVE = 1 / 8
"""Share of the steps in which a weight acts, where it is set against what acts in every step."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Grid:
    """Integers for the weights of one path.

    Attributes:
        path: The path.
        scale: Integers for a weight of 1, a number for each row, shape ``[rows]``.
        exponent: Of the path: an integer is worth ``2**exponent`` counts.
        bits: Width of an integer.
        mode: Signs of the weights.
    """

    path: Path
    scale: Doubles
    exponent: int
    bits: int
    mode: SignMode

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest integer; as far below 0 as above it where signs are mixed."""
        largest = largest_weight(self.bits, self.mode)
        low = 0 if self.mode is SignMode.EXCITATORY else -largest
        return low, 0 if self.mode is SignMode.INHIBITORY else largest

    def part(self, rows: npt.NDArray[np.intp], columns: slice) -> Doubles:
        """Give some of the weights in units of the integers, shape ``[rows, columns]``."""
        weights = weights_at(self.path, rows, columns)
        weights *= self.scale[rows, None]
        return weights

    @property
    def nearest(self) -> Weights:
        """Each weight rounded by itself; read-only, shape ``[rows, m]``."""
        integers = np.empty(shape_of(self.path), self.kind)
        for at, rows in chunks_of(self.path):
            integers[at] = np.rint(rows * self.scale[at, None])
        integers.flags.writeable = False  # a record takes it as it is
        return integers

    @property
    def kind(self) -> type[np.int8] | type[np.int16]:
        """Type that holds the integers."""
        return np.int8 if max(map(abs, self.limits)) <= np.iinfo(np.int8).max else np.int16


Rounding = Callable[[Sequence[Grid]], Sequence[Weights]]
"""Makes integers of the weights of all paths into a population, ``[rows, m]`` of each."""


def nearest(grids: Sequence[Grid]) -> Sequence[Weights]:
    """Round every weight by itself."""
    return [grid.nearest for grid in grids]


def grid_of(path: Path, inputs: Mapping[str, FixedInput], scale: Doubles, bits: int) -> Grid:
    """Give the grid that errs least of those in which the largest weight fits.

    Args:
        path: Into the population.
        inputs: By name.
        scale: Of each neuron, shape ``[n]``.
        bits: Width of a weight with its sign.
    """
    each = (step_of(path, inputs) * scale)[:: scale.size // shape_of(path)[0]]
    extent = extent_of(path)
    most = inputs[path.source].max_abs if path.source in inputs else 1
    exponent = _exponent(extent, each, bits, most)
    return Grid(
        path=path, scale=each / 2.0**exponent, exponent=exponent, bits=bits, mode=extent.mode
    )


def _exponent(extent: Extent, scale: Doubles, bits: int, most: int) -> int:
    """Give the exponent that errs least of those at which the largest weight fits.

    Rounding of ``m`` weights costs ``m 4**exponent / 12``, in square counts. A negative exponent
    rounds their sum down, by ``(1 - 2**exponent) / 2`` counts on average and in every step, while a
    weight acts in few, and there as often as its source sends.

    Args:
        extent: Of the weights.
        scale: Counts of the threshold's mantissa for a weight of 1, shape ``[rows]``.
        bits: Width of an integer.
        most: Largest integer that the source sends.
    """
    largest = float((scale * extent.largest).max(initial=0))
    top = largest_weight(bits, extent.mode)
    smallest, last = exponent_limits(bits)
    while smallest < last and np.rint(largest / 2.0**smallest) > top:
        smallest += 1
    fan_in = float(extent.acting.mean())

    def cost(exponent: int) -> float:
        floor = max(1 - 2.0**exponent, 0) / 2 / (ACTIVE * most)
        return fan_in * 4.0**exponent / 12 + floor**2

    return min(range(smallest, max(smallest, 0) + 1), key=lambda e: (cost(e), -e))
