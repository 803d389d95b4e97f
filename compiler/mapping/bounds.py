"""How many cores a network needs at least, however it is cut.

For each resource the whole needs some amount that no way of cutting makes smaller; divided by what
a core has of it, that is a bound. Where an encoding pads or repeats kernels, the bound stays below
what can be reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork, FixedPopulation, FixedProjection
from snnc.compiler.mapping.demand import stored_width
from snnc.compiler.mapping.hardware import Encoding, Hardware, Layout, Limit
from snnc.compiler.mapping.ledger import Resource
from snnc.compiler.mapping.regions import Box
from snnc.compiler.mapping.synapses import Wiring
from snnc.compiler.operators import FixedDense, FixedSparse

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
    among = [p for p in network.populations if p.name in names]
    into = [p for p in network.projections if p.target in names]
    axons = {p.name: _axons(network, p) for p in into}
    resets = hardware.resets
    totals = {
        Resource.NEURONS: sum(p.size * (resets.get(p.reset, 1) if p.spiking else 1) for p in among),
        Resource.SYNAPSE_MEMORY: sum(_words(p, axons[p.name], hardware) for p in into),
        Resource.INPUT_AXONS: sum(int(a.count.sum()) for a in axons.values()),
        Resource.PARAMETER_SETS: len({s for p in among for s in _parameter_sets(p)}),
        Resource.THRESHOLDS: len({t for p in among if p.spiking for t in p.threshold.tolist()}),
        Resource.POPULATIONS: len(among),
    }
    limits = {
        Resource.NEURONS: hardware.neurons,
        Resource.SYNAPSE_MEMORY: hardware.synapse_memory,
        Resource.INPUT_AXONS: hardware.input_axons,
        Resource.PARAMETER_SETS: hardware.parameter_sets,
        Resource.THRESHOLDS: hardware.thresholds,
        Resource.POPULATIONS: hardware.populations,
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


def _parameter_sets(p: FixedPopulation) -> set[tuple[object, ...]]:
    """Give what the neurons of a population differ in; each has to be on some core."""
    pairs = np.unique(np.stack((p.du, p.dv), axis=1), axis=0).tolist()
    kind = (p.reset, p.refractory) if p.spiking else (None, 0)
    return {(du, dv, *kind) for du, dv in pairs}


@dataclass(frozen=True, eq=False)
class _Axons:
    """Axons of one projection into the whole of its target.

    Attributes:
        synapses: Of an axon of each kind; shape ``[kinds]``.
        count: Axons of each kind; shape ``[kinds]``.
        shared: Weights of all kernels that axons can share; 0 where there are none.
    """

    synapses: Counts
    count: Counts
    shared: int


def _axons(network: FixedNetwork, projection: FixedProjection) -> _Axons:
    """Give the axons of a projection."""
    (operator, *more) = projection.operators
    if isinstance(operator, FixedDense | FixedSparse) and not more:
        counts = _by_column(operator)
        sizes, count = np.unique(counts[counts > 0], return_counts=True)
        return _Axons(sizes, count, 0)
    whole = Box.whole(network.shapes[projection.target])
    found = Wiring(network, projection).into(whole)
    shared = sum(size * channels for size, channels in found.kernels)
    return _Axons(found.lists.lengths, found.lists.axons, shared)


def _by_column(operator: FixedDense | FixedSparse) -> Counts:
    """Give the weights other than 0 of each column."""
    if isinstance(operator, FixedDense):
        return np.asarray(np.count_nonzero(operator.weight, axis=0), np.int64)
    used = np.concatenate([[0], np.cumsum(operator.weight != 0)])
    return np.diff(used[operator.begin])


def _words(projection: FixedProjection, axons: _Axons, hardware: Hardware) -> int:
    """Give the fewest words that all synapses of a projection can take."""
    bits = stored_width(projection, hardware)
    if axons.shared and any(e.layout is Layout.SHARED for e in hardware.encodings):
        # parts may choose differently, but each weight stands at one place at least
        least = min(Fraction(bits + _beside(e), e.word_bits) for e in hardware.encodings)
        return ceil(axons.shared * least)
    each = [
        _words_of(axons.synapses, bits, encoding)
        for encoding in hardware.encodings
        if encoding.layout is not Layout.SHARED
    ]
    return int(np.min(each, axis=0) @ axons.count)


def _beside(encoding: Encoding) -> int:
    """Give the fewest bits that stand beside each weight."""
    own = encoding.layout in (Layout.SPARSE, Layout.SHARED)
    index = min(encoding.index_bits, default=0) if own else 0
    return index + min(encoding.skip_bits, default=0)


def _words_of(synapses: Counts, bits: int, encoding: Encoding) -> Counts:
    """Give the fewest words of axons of so many synapses, wherever these are.

    To cut an axon in two never takes fewer: both have headers, and fill whole words.
    """
    index = 0 if encoding.layout is Layout.SPARSE else min(encoding.index_bits, default=0)
    once, each = encoding.header_bits + index, bits + _beside(encoding)
    entries = -(-synapses // (encoding.entry_synapses or 2**62))
    total = entries * once + synapses * each + encoding.spare_bits
    return np.where(synapses > 0, -(-total // encoding.word_bits), 0)
