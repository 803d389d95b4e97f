"""Stage 3, ``MappedNetwork``: which neurons lie on which core, and where the cores are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.frozen import Frozen
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.regions import Region


@dataclass(frozen=True, eq=False)
class Part:
    """Neurons of one population on one core.

    Attributes:
        population: Name of the population.
        region: Its neurons.
    """

    population: str
    region: Region


@dataclass(frozen=True, eq=False, kw_only=True)
class Core:
    """What lies on one core, and where it is.

    Attributes:
        parts: At most one of each population, in the order of the network.
        chip: 0 to ``chips - 1``.
        slot: 0 to ``cores_per_chip - 1``: router ``slot // cores_per_router``, row by row.
        encodings: For each projection into one of the parts, the name of the encoding of its
            synapses here.
    """

    parts: tuple[Part, ...]
    chip: int
    slot: int
    encodings: dict[str, str]


@dataclass(frozen=True, eq=False, kw_only=True)
class Placement:
    """A ``MappedNetwork`` without its network, as an artifact keeps it."""

    hardware: Hardware
    cores: tuple[Core, ...]
    seed: int

    def of(self, fixed: FixedNetwork) -> MappedNetwork:
        """Give the mapping of ``fixed``, for which this was made."""
        return MappedNetwork(fixed=fixed, hardware=self.hardware, cores=self.cores, seed=self.seed)


@dataclass(frozen=True, eq=False, kw_only=True)
class MappedNetwork:
    """A network over cores: every neuron lies on exactly one.

    Attributes:
        fixed: The network, whole and retimed.
        hardware: What it is mapped to.
        cores: Those that are used, by chip and slot.
        seed: Of everything that was drawn on the way.
    """

    fixed: FixedNetwork
    hardware: Hardware
    cores: tuple[Core, ...]
    seed: int

    @property
    def placement(self) -> Placement:
        """All but the network."""
        return Placement(hardware=self.hardware, cores=self.cores, seed=self.seed)


@dataclass(frozen=True, eq=False)
class Flows(Frozen):
    """Spikes that go from a core (or from outside) to the same cores: one multicast tree each.

    Attributes:
        source: Index of the core that sends, -1 for an input of the network; shape ``[m]``.
        begin: Where the targets of each begin; shape ``[m + 1]``.
        target: Cores that receive, ascending within a flow, the sender among them where it keeps
            synapses of its own; shape ``[begin[-1]]``.
        rate: Spikes a step, all neurons of the flow together; shape ``[m]``.
    """

    source: npt.NDArray[np.int32]
    begin: npt.NDArray[np.int64]
    target: npt.NDArray[np.int32]
    rate: npt.NDArray[np.float64]
