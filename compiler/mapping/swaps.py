"""Better places by swaps of cores, many at once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from snnc.compiler.mapping.pairs import Pairs
from snnc.compiler.mapping.prices import Price
from snnc.compiler.mapping.system import System

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

SMALLEST = 1e-9
"""Gain of a swap, as a share of the cost, below which it is rounding."""
AT_ONCE = 1_000_000
"""Ends that are looked at together: some 100 MB."""
TRIES = 4
"""Places that are tried for each core in a round, where not every one is."""
PATIENCE = 8
"""Rounds without success after which there is no more."""


def swapped(
    price: Price, near: Pairs, system: System, places: Ints, *, effort: int, seed: int
) -> Ints:
    """Make swaps that help until none is found, or so much has been looked at.

    Args:
        price: What places cost.
        near: Which cores exchange spikes: where swaps are looked for.
        system: All places.
        places: Of each core, shape ``[n]``.
        effort: ``Price.ends`` to look at.
        seed: Of which swaps are tried.

    Returns:
        Places that cost no more, shape ``[n]``.
    """
    rng, idle = np.random.default_rng(seed), 0
    cost = price.stand(places)
    ends = price.ends
    every = 2 * system.places * int(ends.sum())
    while effort > 0 and idle < PATIENCE:
        whole = every < effort // 8
        at = _at(system, places)
        core, place = _all(system, places, at) if whole else _drawn(near, system, places, rng)
        other = at[place]
        looked = ends[core] + ends[other]
        changes = _changes(price, core, place, other, looked)
        better = _made(price, places, (core, place, other, changes), cost)
        effort -= int(looked.sum() + ends.sum() + core.size)
        idle = 0 if better else PATIENCE if whole else idle + 1
        places, cost = better or (places, cost)
    return places


def _changes(price: Price, core: Ints, place: Ints, other: Ints, looked: Ints) -> Reals:
    """Give what each swap changes, part by part."""
    parts = np.cumsum(looked) // AT_ONCE
    cuts = [0, *(np.flatnonzero(np.diff(parts)) + 1).tolist(), core.size]
    slices = [slice(a, b) for a, b in pairwise(cuts)]
    return np.concatenate([price.changes(core[s], place[s], other[s]) for s in slices])


def _made(
    price: Price, places: Ints, swaps: tuple[Ints, Ints, Ints, Reals], cost: float
) -> tuple[Ints, float] | None:
    """Make the best swaps, the fewer the more they are in each other's way.

    Returns:
        The places and their cost; None where nothing helps.
    """
    core, place, other, changes = swaps
    order = np.argsort(changes, kind="stable")
    order = order[changes[order] < -SMALLEST * cost]
    order = order[_apart(places[core[order]], place[order])]
    while order.size:
        moved, there = core[order], other[order]
        better = places.copy()
        better[there[there >= 0]] = places[moved[there >= 0]]
        better[moved] = place[order]
        if (now := price.stand(better)) < cost:
            return better, now
        order = order[: order.size // 2]
    price.stand(places)
    return None


def _at(system: System, places: Ints) -> Ints:
    """Give who is at each place, -1 for nobody; shape ``[places]``."""
    at = np.full(system.places, -1)
    at[places] = np.arange(places.size)
    return at


def _all(system: System, places: Ints, at: Ints) -> tuple[Ints, Ints]:
    """Give every core with every place at another router, a swap of two cores once."""
    core, place = np.divmod(np.arange(places.size * system.places), system.places)
    here, there = places[core] // system.per_router, place // system.per_router
    fits = (at[place] < core) & (here != there)
    return core[fits], place[fits]


def _drawn(
    near: Pairs, system: System, places: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Draw for each core places near to some of those that it exchanges spikes with."""
    grid, begin = system.grid, near.begin
    core = np.repeat(np.flatnonzero(np.diff(begin)), TRIES)
    end = places[near.near[rng.integers(begin[core], begin[core + 1])]]
    x = np.clip(system.x[end] + rng.integers(-1, 2, core.size), 0, grid.columns - 1)
    y = np.clip(system.y[end] + rng.integers(-1, 2, core.size), 0, grid.rows - 1)
    first = system.first[y, x]
    place = first + rng.integers(0, system.per_router, core.size)
    fits = (first >= 0) & (place // system.per_router != places[core] // system.per_router)
    return core[fits], place[fits]


def _apart(left: Ints, to: Ints) -> Ints:
    """Give those of the swaps, the first before the others, that have no place in common."""
    used: set[int] = set()
    chosen: list[int] = []
    for k, pair in enumerate(zip(left.tolist(), to.tolist(), strict=True)):
        if used.isdisjoint(pair):
            used.update(pair)
            chosen.append(k)
    return np.array(chosen, np.int64)
