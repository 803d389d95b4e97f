"""Quadratic assignment of few cores: which place for which core, when each pair has its cost.

With symmetric weights ``w`` and distances ``d`` the cost of places ``p`` is::

    sum_{i < j} w_ij d(p_i, p_j) + sum_i l_i(p_i)

Fast approximate quadratic assignment (FAQ, as scipy has it: Vogelstein et al. 2015,
doi:10.1371/journal.pone.0121002) finds a good start, a robust tabu search (Taillard 1991,
doi:10.1016/S0167-8191(05)80147-4) goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy import optimize

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

SMALLEST = 1e-9
"""Change of the cost, as a share of it, below which it is rounding."""


@dataclass(frozen=True, eq=False)
class Assignment:
    """As many cores as places; cores without weights are places that stay free.

    Attributes:
        weight: Of each pair, symmetric, 0 on the diagonal; shape ``[n, n]``.
        distance: Of places, the same.
        linear: What a core at a place costs by itself, the same at places that have a distance of
            0; shape ``[n, n]``.
    """

    weight: Reals
    distance: Reals
    linear: Reals

    def cost(self, places: Ints) -> float:
        """Give the cost of cores at ``places``, shape ``[n]``."""
        moved = self.distance[np.ix_(places, places)]
        alone = self.linear[np.arange(places.size), places]
        return float((self.weight * moved).sum() / 2 + alone.sum())


def faq(a: Assignment, seed: int) -> Ints:
    """Give places by FAQ, of one of the cores each; ``linear`` is not seen.

    Args:
        a: The weights and distances.
        seed: Of ties.
    """
    options: dict[str, Any] = {"rng": np.random.default_rng(seed)}
    result = cast("Any", optimize).quadratic_assignment(a.weight, a.distance, options=options)
    return np.asarray(result.col_ind, np.int64)


def tabu(a: Assignment, places: Ints, steps: int, seed: int) -> Ints:
    """Swap cores for ``steps`` steps, also for the worse, and give the best on the way.

    A swap that brings both cores back to where they were not long ago is made only if that is
    better than anything before.

    Args:
        a: The weights and distances.
        places: Where each core is, shape ``[n]``.
        steps: Most swaps.
        seed: Of how long swaps are forbidden.

    Returns:
        Places that cost no more than those given, shape ``[n]``.
    """
    n, rng = places.size, np.random.default_rng(seed)
    search = _Search(a, places.copy())
    best, cost = places.copy(), a.cost(places)
    now, least = cost, cost
    until = np.zeros((n, n), np.int64)  # of a core and a place
    tenure = rng.integers(max(1, 9 * n // 10), 11 * n // 10 + 3, (steps, 2))
    for step in range(steps):
        changes = search.changes
        back = until[:, search.places] > step
        allowed = np.where(back & back.T & (changes >= least - now), np.inf, changes)
        i, j = divmod(int(allowed.argmin()), n)
        if np.isinf(allowed[i, j]):
            if np.isinf(changes).all():
                break
            continue  # all are forbidden, but not for long
        now += float(changes[i, j])
        until[i, search.places[i]] = step + tenure[step, 0]
        until[j, search.places[j]] = step + tenure[step, 1]
        search.swap(i, j)
        if now < least - SMALLEST * cost:
            best, least = search.places.copy(), now
    return best


class _Search:
    """Places, and what every swap of them changes."""

    def __init__(self, a: Assignment, places: Ints) -> None:
        self._a = a
        self.places = places
        self._twice = 2 * a.weight
        self._moved = a.distance[np.ix_(places, places)]
        self._product = a.weight @ self._moved
        self._alone = a.linear[:, places].copy()
        idle = ~(a.weight.any(axis=1) | a.linear.any(axis=1))
        self._idle = np.outer(idle, idle)

    @property
    def changes(self) -> Reals:
        """What each swap changes, shape ``[n, n]``; infinite where it is none."""
        total = self._product + self._alone
        stay = total.diagonal()
        changes = total + total.T
        changes -= stay[:, None]
        changes -= stay
        changes += self._twice * self._moved
        changes[self._idle | (self._moved == 0)] = np.inf
        return np.asarray(changes, np.float64)

    def swap(self, i: int, j: int) -> None:
        """Swap two cores."""
        weight, moved = self._a.weight, self._moved
        step = moved[j] - moved[i]
        step[[i, j]] = 0  # rows i and j of ``moved`` change as a whole, see below
        self._product += np.outer(weight[:, i] - weight[:, j], step)
        self.places[[i, j]] = self.places[[j, i]]
        self._moved[[i, j]] = moved[[j, i]]
        self._moved[:, [i, j]] = self._moved[:, [j, i]]
        self._product[:, [i, j]] = weight @ self._moved[:, [i, j]]
        self._alone[:, [i, j]] = self._alone[:, [j, i]]
