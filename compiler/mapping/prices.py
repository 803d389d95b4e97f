"""What swaps of cores change, many at once: of multicast trees, or of pairs of cores."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from snnc.compiler.mapping.mapped import Flows
from snnc.compiler.mapping.pairs import Pairs, distinct, members_of, rows_of
from snnc.compiler.mapping.routes import HOST, trees
from snnc.compiler.mapping.system import System

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


class Price(Protocol):
    """What it costs to send the spikes of a step; it stands at places that swaps start from."""

    @property
    def ends(self) -> Ints:
        """What there is to look at for each core, and 0 for no core at the end: ``[n + 1]``."""
        ...

    def stand(self, places: Ints) -> float:
        """Take places of all cores, shape ``[n]``, and give the cost."""
        ...

    def changes(self, core: Ints, place: Ints, other: Ints) -> Reals:
        """Give what each swap alone changes, shape ``[b]``.

        Args:
            core: Which moves, shape ``[b]``.
            place: Where to, not where it is; shape ``[b]``.
            other: Who is there and goes where ``core`` was, -1 for nobody; shape ``[b]``.
        """
        ...


class TreePrice:
    """Each flow over its tree (``System.price``)."""

    def __init__(self, flows: Flows, system: System, n: int) -> None:
        self._flows, self._system = flows, system
        flow, core = members_of(flows)
        self._incident = flow[np.argsort(core, kind="stable")]
        self._begin = np.append(0, np.cumsum(np.bincount(core, minlength=n)))
        sizes = np.append(0, np.cumsum(np.diff(flows.begin)[self._incident]))
        self._ends = np.append(np.diff(sizes[self._begin]), 0)

    @property
    def ends(self) -> Ints:
        """Ends of the flows of each core."""
        return self._ends

    def stand(self, places: Ints) -> float:
        """Route every flow."""
        f = self._flows
        self._places = places
        comes = np.where(f.source < 0, -1, np.append(places, -1)[f.source])
        self._costs = f.rate * self._prices(comes, f.begin, places[f.target])
        return float(self._costs.sum())

    def changes(self, core: Ints, place: Ints, other: Ints) -> Reals:
        """Route the flows of ``core`` and ``other`` anew."""
        f, m = self._flows, max(self._flows.source.size, 1)
        moved = np.concatenate((core, other))
        swap = np.concatenate((np.arange(core.size),) * 2)[moved >= 0]
        row, at = rows_of(self._begin, moved[moved >= 0])
        swap, flow = np.divmod(distinct(swap[row] * m + self._incident[at]), m)
        row, at = rows_of(f.begin, flow)
        begin = np.append(0, np.cumsum(f.begin[flow + 1] - f.begin[flow]))
        inner = swap[row]
        goes = self._after(f.target[at], core[inner], place[inner], other[inner])
        comes = self._after(f.source[flow], core[swap], place[swap], other[swap])
        costs = f.rate[flow] * self._prices(comes, begin, goes)
        return np.bincount(swap, costs - self._costs[flow], core.size).astype(np.float64)

    def _after(self, of: npt.NDArray[np.int32], core: Ints, place: Ints, other: Ints) -> Ints:
        """Give the places of cores ``of`` after each swap; of inputs -1."""
        stays = np.where(of == other, self._places[core], self._places[of])
        return np.where(of < 0, -1, np.where(of == core, place, stays))

    def _prices(self, comes: Ints, begin: Ints, goes: Ints) -> Reals:
        s = self._system
        x = np.where(comes < 0, HOST[0], s.x[comes])
        y = np.where(comes < 0, HOST[1], s.y[comes])
        return s.price(trees(x, y, begin, s.x[goes], s.y[goes]))


class PairPrice:
    """A spike for each target, however many it has: an upper bound of the trees, and quicker."""

    def __init__(self, pairs: Pairs, outside: Reals, system: System) -> None:
        self._pairs, self._outside, self._system = pairs, outside, system
        self._host = system.host_distance

    @property
    def ends(self) -> Ints:
        """Cores that each core exchanges spikes with."""
        return np.append(np.diff(self._pairs.begin), 0)

    def stand(self, places: Ints) -> float:
        """Sum over all pairs."""
        self._places = places
        p = self._pairs
        between = p.weight * self._system.distance(places[p.core], places[p.near])
        return float(between.sum() / 2 + (self._outside * self._host[places]).sum())

    def changes(self, core: Ints, place: Ints, other: Ints) -> Reals:
        """Move ``core``, then ``other``; what is between the two stays as it is."""
        back = np.flatnonzero(other >= 0)
        changes = self._moved(core, place, other)
        changes[back] += self._moved(other[back], self._places[core[back]], core[back])
        return changes

    def _moved(self, core: Ints, place: Ints, other: Ints) -> Reals:
        row, at = rows_of(self._pairs.begin, core)
        end, now = self._pairs.near[at], self._places[core]
        near, distance = self._places[end], self._system.distance
        longer = distance(place[row], near) - distance(now[row], near)
        longer *= self._pairs.weight[at] * (end != other[row])
        outside = self._outside[core] * (self._host[place] - self._host[now])
        return np.bincount(row, longer, core.size) + outside
