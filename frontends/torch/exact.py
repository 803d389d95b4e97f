"""What integers made of data, for a module that is to be trained on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.operators import Reals

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Rounded:
    """Weights of one projection before and after rounding, in the same unit.

    Attributes:
        origin: The modules of the user's model that the weights came from.
        real: A row for those that share a scale, shape ``[rows, m]``.
        rounded: The same, rounded to the integers' grid.
    """

    origin: tuple[str, ...]
    real: Doubles
    rounded: Doubles


@dataclass(frozen=True, eq=False, kw_only=True)
class Exact:
    """One run of the integers, in the units of the user's model.

    Attributes:
        inputs: What entered, ``[steps, batch, *shape]``: the user's data, rounded to integers.
        spikes: Of each population that spikes its spikes, 0 or 1, ``[steps, batch, *shape]``.
        sizes: Of the same populations what a spike sends on, ``[n]``.
        v: Of each population the potential that it goes on from, ``[steps, batch, *shape]``.
        outputs: Of each output what ``Artifact.run`` gives, as float32.
        weights: What rounding made of them.
    """

    inputs: Reals
    spikes: Mapping[str, npt.NDArray[np.uint8]]
    sizes: Mapping[str, Reals]
    v: Mapping[str, Reals]
    outputs: Mapping[str, Reals]
    weights: tuple[Rounded, ...]


Execute = Callable[[nir.NIRGraph, npt.NDArray[Any]], Exact]
"""Makes integers of a graph, and runs them on data ``[steps, batch, *shape]``."""
