"""Populations with sparse synapses, cut by METIS (Karypis and Kumar 1998) and then refined.

What METIS sees is a graph: two neurons are joined where one sends to the other, with the rate of
the sender as weight. That is close to the spikes between cores, and fast; ``refine`` then works on
the true count. Mt-KaHyPar, where it is asked for, sees that count itself. Both know one limit, the
load of a core; the ledger has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any, cast

import numpy as np

from snnc.compiler.fixed import FixedProjection
from snnc.compiler.mapping.bounds import lower_bounds
from snnc.compiler.mapping.kahypar import cut_nets
from snnc.compiler.mapping.ledger import Resource
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.metis import Sparse, cut_graph
from snnc.compiler.mapping.partitioners import Partitioner, Way
from snnc.compiler.mapping.refine import Ints, Nets, Reals, refine
from snnc.compiler.mapping.regions import Box, Listed
from snnc.compiler.mapping.room import Room
from snnc.compiler.mapping.traffic import Rates, rate_of
from snnc.compiler.operators import FixedScaling, FixedSparse

Cut = Callable[[int], Ints]
"""Gives the block of each neuron, of as many as are asked for; their loads may be somewhat high."""
MOST_PINS = 2**26
"""Pins, or counts of pins by block, beyond which there is no refinement."""
MOST_REPAIRS = 6
"""Times that blocks over a limit give neurons away, before there are more blocks."""
REPAIR = 0.995
"""Share of a limit that a block is brought down to which was over it."""
TOLERANCE = 1e-9
"""Of loads, which are sums of shares."""


SMALL = 1e-3
"""Of a synapse: a neuron without any."""


@dataclass(frozen=True, eq=False)
class Tangle:
    """Populations that sparse synapses join.

    Attributes:
        populations: Their names.
        begin: Where the neurons of each begin; shape ``[populations + 1]``.
        reached: The synapses, a 1 where source ``j`` (column) reaches neuron ``i`` (row). Sources
            are these neurons, then those of outside.
        rate: Of each source; shape ``[sources]``.
    """

    populations: tuple[str, ...]
    begin: Ints
    reached: Sparse
    rate: Reals

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.begin[-1])

    def parts(self, neurons: Ints) -> tuple[Part, ...]:
        """Give ``neurons``, ascending, as parts of populations."""
        found: list[Part] = []
        for name, low, high in zip(self.populations, self.begin, self.begin[1:], strict=False):
            inside = neurons[(neurons >= low) & (neurons < high)] - low
            if inside.size:
                found.append(Part(name, Listed(inside)))
        return tuple(found)


def tangles(room: Room, rates: Rates) -> Iterator[Tangle]:
    """Give the populations that sparse synapses join, where one core has no room for them all.

    Not those that are laid out by their parameters: METIS would put all kinds on every core.
    """
    for names in _joined(room):
        if any(map(room.ordered, names)):
            continue
        if not room.fits([Part(name, Box.whole(room.shapes[name])) for name in names]):
            yield _tangle(room, names, rates)


def blocks(room: Room, tangle: Tangle, way: Way) -> list[tuple[Part, ...]] | None:
    """Cut populations into as few parts as fit cores, None where this does not succeed.

    The number of cores grows until it succeeds, and is then halved back to the last that did not.

    Args:
        room: The limits.
        tangle: What is cut.
        way: Who cuts, and the seed of that and of the refinement.
    """
    if not _divisible(room, tangle):
        return None
    load = _load(room, tangle)
    cut = _cutter(tangle, load, way)
    low = max(ceil(round(float(load.sum()), 9)), 2) - 1
    high, step = low + 1, 1
    best = _cut(room, tangle, cut(high), load, high, way.seed)
    while best is None and high < tangle.size:
        low, high, step = high, min(high + step, tangle.size), 2 * step
        best = _cut(room, tangle, cut(high), load, high, way.seed)
    while best is not None and high - low > 1:
        middle = (low + high) // 2
        found = _cut(room, tangle, cut(middle), load, middle, way.seed)
        best, low, high = (best, middle, high) if found is None else (found, low, middle)
    return best


def _divisible(room: Room, tangle: Tangle) -> bool:
    """Say whether a core has room for the neuron of each population with most synapses."""
    synapses = np.diff(tangle.reached.indptr)
    for low, high in zip(tangle.begin, tangle.begin[1:], strict=False):
        largest = low + int(synapses[low:high].argmax())
        if not room.fits(tangle.parts(np.array([largest]))):
            return False
    return True


def _cut(
    room: Room, tangle: Tangle, block: Ints, load: Reals, k: int, seed: int
) -> list[tuple[Part, ...]] | None:
    """Repair ``k`` blocks: those that break a limit give neurons away, a few times."""
    most = np.ones(k)
    for _ in range(MOST_REPAIRS):
        even = evened(block, load, most)
        if even is None:
            return None
        block = _refined(tangle, even, load, most, seed)
        parts = [tangle.parts(neurons) for neurons in _members(block, k)]
        shares = np.array([room.share(part) for part in parts])
        if (shares <= 1).all():
            return [part for part in parts if part]
        loads = np.bincount(block, load, k)
        most = np.where(shares > 1, loads / np.maximum(shares, 1) * REPAIR, most)
    return None


def _members(block: Ints, k: int) -> list[Ints]:
    """Give the neurons of each block, ascending."""
    order = np.argsort(block, kind="stable")
    return np.split(order, np.cumsum(np.bincount(block, minlength=k))[:-1])


# --- what is cut -------------------------------------------------------------------------------


def _joined(room: Room) -> list[tuple[str, ...]]:
    """Give groups of populations that sparse synapses join, in the order of the network."""
    names = [p.name for p in room.network.populations if room.may_be_listed(p.name)]
    group = {name: name for name in names}

    def root(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    sparse = set[str]()
    for projection in _sparse(room):
        sparse.add(projection.target)
        if projection.source in group:
            sparse.add(projection.source)
            group[root(projection.source)] = root(projection.target)
    members: dict[str, list[str]] = {}
    for name in names:
        if name in sparse:
            members.setdefault(root(name), []).append(name)
    return [tuple(found) for found in members.values()]


def _sparse(room: Room) -> Iterator[FixedProjection]:
    """Give projections of sparse synapses into populations that may be cut anywhere."""
    for projection in room.network.projections:
        (operator, *more) = projection.operators
        alone = isinstance(operator, FixedSparse) and not more
        if alone and room.may_be_listed(projection.target):
            yield projection


def _tangle(room: Room, names: tuple[str, ...], rates: Rates) -> Tangle:
    from scipy import sparse

    sizes = {p.name: p.size for p in room.network.populations}
    sizes |= {i.name: i.size for i in room.network.inputs}
    projections = [p for p in room.network.projections if p.target in names and _is_listed(p)]
    outside = sorted({p.source for p in projections} - set(names))
    order = (*names, *outside)
    begin = np.concatenate([[0], np.cumsum([sizes[name] for name in order])]).astype(np.int64)
    start = dict(zip(order, begin.tolist(), strict=False))
    rows, columns = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for projection in projections:
        row, column = _pairs(projection, sizes[projection.target])
        rows.append(row + start[projection.target])
        columns.append(column + start[projection.source])
    row, column = np.concatenate(rows), np.concatenate(columns)
    n, m = int(begin[len(names)]), int(begin[-1])
    matrix = cast("Any", sparse).csr_array((np.ones(row.size, np.int32), (row, column)), (n, m))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    rate = np.concatenate([rate_of(rates, name, sizes[name]) for name in order])
    return Tangle(names, begin[: len(names) + 1], matrix, rate)


def _is_listed(projection: FixedProjection) -> bool:
    (operator, *more) = projection.operators
    return not more and isinstance(operator, FixedSparse | FixedScaling)


def _pairs(projection: FixedProjection, n: int) -> tuple[Ints, Ints]:
    """Give the neuron, of ``n``, and the source of each synapse."""
    (operator,) = projection.operators
    if isinstance(operator, FixedSparse):
        return operator.target.astype(np.int64), operator.source
    neurons = np.arange(n)
    return neurons, neurons


# --- how it is cut -----------------------------------------------------------------------------


def _load(room: Room, tangle: Tangle) -> Reals:
    """Give the share of a core that each neuron takes of what there is least of."""
    bounds = lower_bounds(room.network, room.hardware, tangle.populations)
    scarce = max(bounds, key=lambda bound: bound.total / bound.limit.value)
    each = np.ones(tangle.size)
    if scarce.resource is not Resource.NEURONS:
        each = np.diff(tangle.reached.indptr) + SMALL
    return np.asarray(each * (scarce.total / scarce.limit.value / each.sum()))


def _cutter(tangle: Tangle, load: Reals, way: Way) -> Cut:
    if way.partitioner is Partitioner.MTKAHYPAR:
        nets = _nets(tangle)
        return lambda k: cut_nets(nets, tangle.rate, k, load, way.seed)
    graph = _graph(tangle)
    return lambda k: cut_graph(graph, k, load, way.seed)


def _nets(tangle: Tangle) -> Sparse:
    """Give for each source the neurons that it reaches, and itself where it is one of them."""
    from scipy import sparse

    n, m = tangle.size, tangle.rate.size
    own = cast("Any", sparse).eye_array(m, n, dtype=np.int32, format="csr")
    return (tangle.reached.T.tocsr() + own).tocsr()


def _graph(tangle: Tangle) -> Sparse:
    """Give the graph that METIS sees, symmetric, without loops."""
    from scipy import sparse

    n = tangle.size
    inner = tangle.reached[:, :n].tocoo()
    keep = inner.row != inner.col
    row, column = inner.row[keep], inner.col[keep]
    one = cast("Any", sparse).csr_array((tangle.rate[column], (row, column)), (n, n))
    return (one + one.T).tocsr()


def evened(block: Ints, load: Reals, most: Reals) -> Ints | None:
    """Move neurons out of blocks that are too full, to those with most room.

    Args:
        block: Of each neuron; shape ``[n]``.
        load: Of each neuron; shape ``[n]``.
        most: Largest load of each block; shape ``[k]``.

    Returns:
        The block of each neuron, None where the room ends.
    """
    block = block.copy()
    room = most + TOLERANCE - np.bincount(block, load, most.size)
    for full in np.flatnonzero(room < 0):
        for vertex in np.flatnonzero(block == full)[::-1]:
            if room[full] >= 0:
                break
            target = int(room.argmax())
            if room[target] < load[vertex]:
                return None
            block[vertex] = target
            room[full] += load[vertex]
            room[target] -= load[vertex]
    return block


def _refined(tangle: Tangle, block: Ints, load: Reals, most: Reals, seed: int) -> Ints:
    n, sources = tangle.size, tangle.rate.size
    indptr = np.asarray(tangle.reached.indptr, np.int64)
    indices = np.asarray(tangle.reached.indices, np.int64)
    degree = int(np.diff(indptr).max(initial=0)) + 1
    if max(n * degree, sources * most.size) > MOST_PINS:
        return block
    of = np.full((n, degree), sources, np.int64)
    of[:, 0] = np.arange(n)
    rows = np.repeat(np.arange(n), np.diff(indptr))
    own = indices == rows
    place = np.arange(indices.size) - np.repeat(indptr[:-1], np.diff(indptr)) + 1
    of[rows[~own], place[~own]] = indices[~own]
    nets = Nets(of, np.append(tangle.rate, 0.0), load)
    return refine(nets, block, most + TOLERANCE, seed)
