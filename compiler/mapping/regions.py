"""Which neurons of a population lie on a core: a box of its shape, or a list."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from snnc.compiler.frozen import Frozen

Neurons = npt.NDArray[np.int64]


@dataclass(frozen=True, order=True)
class Box:
    """Neurons ``begin[i]`` to ``end[i] - 1`` on each axis of a population's shape.

    Attributes:
        begin: First on each axis, 0 at least.
        end: Behind the last on each axis: more than ``begin``.
    """

    tagged: ClassVar[bool] = True
    begin: tuple[int, ...]
    end: tuple[int, ...]

    @classmethod
    def whole(cls, shape: tuple[int, ...]) -> Box:
        """Give the box of all neurons of a population of that shape."""
        return cls((0,) * len(shape), shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Extent on each axis."""
        return tuple(e - b for b, e in zip(self.begin, self.end, strict=True))

    @property
    def size(self) -> int:
        """Number of neurons."""
        return prod(self.shape)

    def indices(self, shape: tuple[int, ...]) -> Neurons:
        """Give the neurons in C order of a population of ``shape``, ascending, shape ``[size]``."""
        axes = [np.arange(b, e) for b, e in zip(self.begin, self.end, strict=True)]
        return np.ravel_multi_index(np.ix_(*axes), shape).reshape(-1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Listed(Frozen):
    """Neurons one by one.

    Attributes:
        neurons: Ascending, in C order of the population's shape; shape ``[size]``.
    """

    tagged: ClassVar[bool] = True
    neurons: Neurons

    @property
    def shape(self) -> tuple[int, ...]:
        """A list has one axis."""
        return self.neurons.shape

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.neurons.size

    def indices(self, shape: tuple[int, ...]) -> Neurons:
        """Give the neurons."""
        del shape
        return self.neurons


Region: TypeAlias = Box | Listed
