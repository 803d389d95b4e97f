"""From a network to one over cores: partitioned, then placed."""

from __future__ import annotations

import numpy as np

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.mapped import Core, MappedNetwork
from snnc.compiler.mapping.partition import WAY, partition
from snnc.compiler.mapping.partitioners import Way
from snnc.compiler.mapping.place import place
from snnc.compiler.mapping.traffic import Rates, flows


def lay_out(
    network: FixedNetwork, hardware: Hardware, *, rates: Rates | None = None, way: Way = WAY
) -> MappedNetwork:
    """Lay ``network`` out over the cores of ``hardware``.

    Args:
        network: Whole and retimed.
        hardware: The limits.
        rates: Spikes a step of inputs and populations, shape ``[n]`` or ``[]``; 1 where nothing is
            said.
        way: Who cuts graphs, and the seed of everything that is drawn: the same gives the same
            mapping.

    Raises:
        InputError: It does not fit; everything that stands against it.
    """
    bundles = partition(network, hardware, rates=rates, way=way)
    chip, slot = place(flows(network, bundles, rates or {}), len(bundles), hardware, way.seed)
    order: list[int] = np.lexsort((slot, chip)).tolist()
    cores = tuple(
        Core(
            parts=bundles[k].parts,
            chip=int(chip[k]),
            slot=int(slot[k]),
            encodings=bundles[k].encodings,
        )
        for k in order
    )
    return MappedNetwork(fixed=network, hardware=hardware, cores=cores, seed=way.seed)
