"""Which neurons lie together on a core: as few cores as possible first, then little traffic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.blocks import blocks, tangles
from snnc.compiler.mapping.demand import Meter
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.pack import Filled, Packer
from snnc.compiler.mapping.room import Counts, Room
from snnc.compiler.mapping.traffic import Rates, flows, km1

FEW_POPULATIONS = 64
"""Up to so many populations several orders are tried."""
MOST_ROUNDS = 8
"""Times that a mapping is made anew because neurons send to more cores than was expected."""


@dataclass(frozen=True, eq=False)
class Bundle:
    """What lies together on a core, wherever that will be.

    Attributes:
        parts: At most one of each population, in the order of the network.
        encodings: For each projection into one of the parts, the name of the encoding of its
            synapses here.
    """

    parts: tuple[Part, ...]
    encodings: dict[str, str]


def partition(
    network: FixedNetwork, hardware: Hardware, *, rates: Rates | None = None, seed: int = 0
) -> tuple[Bundle, ...]:
    """Lay a network out over cores.

    Args:
        network: Whole and retimed.
        hardware: The limits.
        rates: Spikes a step of inputs and populations; those not known of are 1.
        seed: Of all that is drawn.

    Raises:
        InputError: It cannot be; all that stands against it.
    """
    meter = Meter(network, hardware)
    known = rates or {}
    found: list[tuple[int, float, list[Filled], Room]] = []
    for order in _orders(network):
        cores, room = _filled(network, hardware, meter, order, known, seed)
        ...
