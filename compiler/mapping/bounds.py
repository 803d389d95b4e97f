"""How many cores a network needs at least, however it is cut.

For each resource the whole needs some amount that no way of cutting makes smaller; divided by what
a core has of it, that is a bound. Where an encoding pads, counts headers or repeats kernels, the
bound stays below what can be reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork, FixedProjection
from snnc.compiler.mapping.hardware import Hardware, Layout, Limit
from snnc.compiler.mapping.ledger import Resource
from snnc.compiler.operators import FixedConvolution, FixedDense, FixedScaling, FixedSparse

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bound:
    """Cores that are needed because of one resource.

    Attributes:
        resource: Of a core.
        total: What the whole network needs of it at least.
        limit: What a core has.
        cores: At least so many.
    """

    resource: Resource
    total: int
    limit: Limit
    cores: int


def lower_bounds(
    network: FixedNetwork, hardware: Hardware, populations: Iterable[str] | None = None
) -> tuple[Bound, ...]:
    """Give a bound for each resource that adds up, the highest first.

    Args:
        network: Whole and retimed.
        hardware: The limits.
        populations: Only these; all if not given.
    """
    names = {p.name for p in network.populations} if populations is None else set(populations)
    into = [p for p in network.projections if p.target in names]
    resets = hardware.resets
    totals = {
        Resource.NEURONS: sum(
            p.size * (resets.get(p.reset, 1) if p.spiking else 1)
            for p in network.populations
            if p.name in names
        ),
        Resource.SYNAPSE_MEMORY: sum(_words(p, hardware) for p in into),
        Resource.INPUT_AXONS: sum(int((fan_out(p) > 0).sum()) for p in into),
    }
    limits = {
        Resource.NEURONS: hardware.neurons,
        Resource.SYNAPSE_MEMORY: hardware.synapse_memory,
        Resource.INPUT_AXONS: hardware.input_axons,
    }
    bounds = [
        Bound(resource, total, limit, ceil(total / max(limit.value, 1)))
        for resource, total in totals.items()
        for limit in [limits[resource]]
        if limit is not None
    ]
    return tuple(sorted(bounds, key=lambda bound: -bound.cores))


def lower_bound(network: FixedNetwork, hardware: Hardware) -> int:
    """Give a number of cores below which no mapping of ``network`` can be."""
    return max(1, *(bound.cores for bound in lower_bounds(network, hardware)))


def fan_out(projection: FixedProjection) -> Counts:
    """Give a lower bound of the synapses of each axon of a projection; shape ``[axons]``.

    Of convolutions, and behind pooling, it is one axon with all weights that are not zero: a
    kernel that is kept once serves them all.
    """
    (operator, *more) = projection.operators
    match operator:
        case FixedDense() if not more:
            return np.asarray(np.count_nonzero(operator.weight, axis=0), np.int64)
        case FixedSparse() if not more:
            return np.diff(operator.begin)
        case FixedScaling() if not more:
            return np.ones(np.count_nonzero(operator.weight), np.int64)
        case _:
            return np.array([_weights(projection)], np.int64)


def _weights(projection: FixedProjection) -> int:
    weighted = FixedDense | FixedSparse | FixedScaling | FixedConvolution
    (operator,) = (o for o in projection.operators if isinstance(o, weighted))
    return int(np.count_nonzero(operator.weight))


def _words(projection: FixedProjection, hardware: Hardware) -> int:
    """Give the fewest words of synapse memory that weights alone can take."""
    counts = fan_out(projection)
    shared = any(e.layout is Layout.SHARED for e in hardware.encodings)
    several = any(isinstance(o, FixedConvolution) for o in projection.operators)
    word = max(e.word_bits for e in hardware.encodings)
    if several and shared:
        return int(-(-counts.sum() * projection.weight_bits // word))
    return int((-(-counts * projection.weight_bits // word)).sum())
