"""Which cores exchange spikes, and how many: the graph that placement works on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snnc.compiler.frozen import Frozen
from snnc.compiler.mapping.mapped import Flows

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pairs(Frozen):
    """Pairs of cores with a weight each, every one from both sides, none with itself.

    Attributes:
        begin: Where the pairs of each core begin; shape ``[n + 1]``.
        near: The other core, ascending within a core; shape ``[begin[-1]]``.
        weight: Above 0, of the same shape.
    """

    begin: Ints
    near: Ints
    weight: Reals

    @classmethod
    def of(cls, n: int, a: Ints, b: Ints, weight: Reals) -> Pairs:
        """Sum up pairs of ``n`` cores, in any order; shape ``[m]`` each."""
        kept = (a != b) & (weight > 0)
        a, b, weight = a[kept], b[kept], weight[kept]
        key = np.minimum(a, b) * n + np.maximum(a, b)
        order = np.argsort(key, kind="stable")
        first = np.flatnonzero(np.diff(key[order], prepend=-1))
        low, high = np.divmod(key[order][first], max(n, 1))
        total = np.add.reduceat(weight[order], first) if first.size else weight
        core, near = np.concatenate((low, high)), np.concatenate((high, low))
        order = np.lexsort((near, core))
        begin = np.append(0, np.cumsum(np.bincount(core, minlength=n)))
        return cls(begin, near[order], np.tile(total, 2)[order])

    @property
    def size(self) -> int:
        """Number of cores."""
        return self.begin.size - 1

    @property
    def core(self) -> Ints:
        """Of each pair the core that it stands with, shape ``[begin[-1]]``."""
        return np.repeat(np.arange(self.size), np.diff(self.begin))

    @property
    def matrix(self) -> Reals:
        """All weights, shape ``[n, n]``: of use only where there is room for it."""
        matrix = np.zeros((self.size, self.size))
        matrix[self.core, self.near] = self.weight
        return matrix

    def summed(self, values: Reals) -> Reals:
        """Give for each core the sum of weight times value of the other; shape ``[n]``."""
        sums = np.bincount(self.core, self.weight * values[self.near], self.size)
        return np.asarray(sums, np.float64)

    def among(self, cores: Ints) -> Pairs:
        """Give the pairs among some cores, which are numbered in the order given."""
        number = np.full(self.size, -1)
        number[cores] = np.arange(cores.size)
        a, b = number[self.core], number[self.near]
        kept = (a >= 0) & (a < b)
        return Pairs.of(cores.size, a[kept], b[kept], self.weight[kept])

    def joined(self, group: Ints, n: int) -> Pairs:
        """Give the pairs of ``n`` groups, where ``group`` is that of each core."""
        once = self.core < self.near
        return Pairs.of(n, group[self.core][once], group[self.near][once], self.weight[once])


def pairs_of(flows: Flows, n: int) -> tuple[Pairs, Reals]:
    """Give spikes a step between each two of ``n`` cores, and from outside to each, ``[n]``."""
    sizes = np.diff(flows.begin)
    source = np.repeat(flows.source, sizes).astype(np.int64)
    target, rate = flows.target.astype(np.int64), np.repeat(flows.rate, sizes)
    inside = source >= 0
    near = Pairs.of(n, source[inside], target[inside], rate[inside])
    return near, np.bincount(target[~inside], rate[~inside], n).astype(np.float64)


def shared_pairs(flows: Flows, n: int) -> Pairs:
    """Give each two cores of a flow its rate by their number: who receives the same is near too."""
    flow, core = members_of(flows)
    sizes = np.bincount(flow, minlength=flows.source.size)
    begin = np.append(0, np.cumsum(sizes))
    row, at = rows_of(begin, flow)
    once = core[row] < core[at]
    row, at = row[once], at[once]
    return Pairs.of(n, core[row], core[at], (flows.rate / np.maximum(sizes, 1))[flow[row]])


def members_of(flows: Flows) -> tuple[Ints, Ints]:
    """Give each core of each flow once, source or target: flow, ascending, and core."""
    m = flows.source.size
    inside = np.flatnonzero(flows.source >= 0)
    flow = np.concatenate((np.repeat(np.arange(m), np.diff(flows.begin)), inside))
    core = np.concatenate((flows.target, flows.source[inside])).astype(np.int64)
    n = int(core.max(initial=0)) + 1
    return np.divmod(distinct(flow * n + core), n)


def rows_of(begin: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Give every position of some rows, and which of ``rows`` it belongs to.

    Args:
        begin: Where rows begin, shape ``[n + 1]``.
        rows: Some of them, shape ``[m]``.

    Returns:
        Index into ``rows``, and position; of the same shape.
    """
    sizes = begin[rows + 1] - begin[rows]
    row = np.repeat(np.arange(rows.size), sizes)
    return row, np.arange(row.size) + (begin[rows] - np.cumsum(sizes) + sizes)[row]


def distinct(keys: Ints) -> Ints:
    """Give each number once, ascending; sorting takes a fraction of what hashing does."""
    keys = np.sort(keys)
    return keys[np.flatnonzero(np.diff(keys, prepend=-1))]
