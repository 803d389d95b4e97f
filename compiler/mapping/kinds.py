"""What the neurons of a population differ in, where a core holds only so many kinds of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import MAX_DV, FixedPopulation
from snnc.compiler.mapping.hardware import Limit
from snnc.compiler.mapping.regions import Box, Neurons, Region
from snnc.compiler.operators import Shape

Kind = TypeVar("Kind")
Parameters = tuple[int, int, str, int, bool]
"""``du``, ``dv``, reset, refractory steps and whether there are spikes."""


class Kinds:
    """The parameter sets and thresholds of a population's neurons."""

    def __init__(self, population: FixedPopulation) -> None:
        self.population = p = population
        reset = p.reset.value if p.spiking else ""
        decays = p.du.astype(np.int64) * (MAX_DV + 1) + p.dv
        self._sets = _Kept(
            p.shape,
            decays,
            lambda d: (d // (MAX_DV + 1), d % (MAX_DV + 1), reset, p.refractory, p.spiking),
        )
        self._thresholds = _Kept(p.shape, p.threshold, int)

    def of(self, region: Region) -> tuple[frozenset[Parameters], frozenset[int]]:
        """Give those of the neurons of a part."""
        thresholds = self._thresholds.of(region) if self.population.spiking else frozenset[int]()
        return self._sets.of(region), thresholds

    def together(self, sets: Limit | None, thresholds: Limit | None) -> Neurons | None:
        """Give the neurons so that those alike follow each other, else in their own order.

        Args:
            sets: Parameter sets of a core; None where there is no limit.
            thresholds: Thresholds of a core, the same.

        Returns:
            Shape ``[n]``; None where a core has room for all kinds, or they are together already.
        """
        limited = ((self._sets, sets), (self._thresholds, thresholds))
        scarce = [
            (kept.number / limit.value, kept)
            for kept, limit in limited[: 1 + self.population.spiking]
            if limit is not None and kept.number > limit.value
        ]
        scarce.sort(key=lambda pair: pair[0])
        if not scarce:
            return None
        order = np.lexsort([kept.ranks for _, kept in scarce])  # sorted by the scarcest first
        return None if (np.diff(order) == 1).all() else order


class _Kept(Generic[Kind]):
    """A number of each neuron of a population, and what it stands for."""

    def __init__(
        self, shape: Shape, numbers: npt.NDArray[np.integer], kind: Callable[[int], Kind]
    ) -> None:
        distinct, which = _distinct(numbers)
        self._kinds = tuple(kind(n) for n in distinct.tolist())
        self._one = frozenset(self._kinds[:1])
        self._which = None if which is None else which.reshape(shape)

    @property
    def number(self) -> int:
        """How many kinds there are."""
        return len(self._kinds)

    @property
    def ranks(self) -> Neurons:
        """The kind of each neuron, by number in the order in which they occur; shape ``[n]``."""
        if self._which is None:
            return np.zeros(1, np.int64)
        which = self._which.reshape(-1)
        first = np.unique(which, return_index=True)[1]
        return np.argsort(np.argsort(first))[which]

    def of(self, region: Region) -> frozenset[Kind]:
        """Give what the numbers of the neurons of a part stand for."""
        if self._which is None:
            return self._one
        if isinstance(region, Box):
            box = tuple(slice(b, e) for b, e in zip(region.begin, region.end, strict=True))
            there: npt.NDArray[np.intp] = self._which[box]
        else:
            there = self._which.reshape(-1)[region.neurons]
        distinct: list[int] = np.unique(there).tolist()
        return frozenset(self._kinds[i] for i in distinct)


def _distinct(
    numbers: npt.NDArray[np.integer],
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.intp] | None]:
    """Give the distinct numbers, and for each number which one it is; None where there is one."""
    if (numbers == numbers[:1]).all():
        return numbers[:1], None
    distinct, which = np.unique(numbers, return_inverse=True)
    return distinct, which.reshape(-1)
