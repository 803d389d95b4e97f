"""Programs that cut graphs, by name: METIS, which is always there, and those that are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec


class Partitioner(StrEnum):
    """Who proposes blocks of neurons, and cores of parts; limits are kept by others."""

    METIS = "metis"
    """Of a graph of pairs; comes with snnc."""
    MTKAHYPAR = "mtkahypar"
    """Of the nets themselves; an extra, and much slower."""

    @property
    def installed(self) -> bool:
        """Whether its package can be imported."""
        return self is Partitioner.METIS or find_spec(self.value) is not None


@dataclass(frozen=True)
class Way:
    """How a network is cut, beside its limits.

    Attributes:
        seed: Of all that is drawn.
        partitioner: Who proposes.
    """

    seed: int = 0
    partitioner: Partitioner = Partitioner.METIS
