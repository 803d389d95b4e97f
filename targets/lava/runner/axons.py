"""Values of several sources side by side: input axons of a core, or the parts of a population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Axons:
    """Where each of several values comes from.

    Attributes:
        shape: As those who receive see it.
        sources: Names of inputs and populations.
        member: For each value the index of its source, shape ``[n]``.
        element: For each value the element of that source, shape ``[n]``.
    """

    name: str
    shape: tuple[int, ...]
    sources: tuple[str, ...]
    member: Array
    element: Array

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)


class Gather:
    """Takes the values from where ``Axons`` says, along the last axis.

    Attributes:
        size: Number of values that it gives.
    """

    def __init__(self, axons: Axons) -> None:
        """Sort the values by source."""
        self.size = axons.size
        places = [np.flatnonzero(axons.member == index) for index in range(len(axons.sources))]
        self.moves = [(_run(place), _run(axons.element[place])) for place in places]

    def of(self, values: Sequence[Array | None]) -> Any:
        """Give the values side by side.

        Args:
            values: Of each source, ``[..., n]``, all of the same leading axes; None is zeros.

        Returns:
            Shape ``[..., size]``, of a type that holds all values; None where all are None.
        """
        known = [x for x in values if x is not None]
        if not known:
            return None
        made = np.zeros((*known[0].shape[:-1], self.size), np.result_type(*known))
        for x, (places, elements) in zip(values, self.moves, strict=True):
            if x is not None:
                made[..., places] = x[..., elements]
        return made


def _run(indices: Array) -> Any:
    """Give ascending indices without gaps as a slice, which is faster."""
    if indices.size and (np.diff(indices) == 1).all():
        return slice(int(indices[0]), int(indices[-1]) + 1)
    return indices
