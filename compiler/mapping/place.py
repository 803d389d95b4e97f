"""Where each core of a mapped network lies: near to those that it sends to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from snnc.compiler.mapping.assignment import Assignment, faq, tabu
from snnc.compiler.mapping.chips import chips_of
from snnc.compiler.mapping.curves import hilbert_order, spectral_order
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.mapped import Flows
from snnc.compiler.mapping.pairs import Pairs, pairs_of, shared_pairs
from snnc.compiler.mapping.prices import PairPrice, Price, TreePrice
from snnc.compiler.mapping.swaps import swapped
from snnc.compiler.mapping.system import System

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

FEW = 400
"""Places up to which quadratic assignment is worth its time, which grows with their cube."""
WIDE, NEAREST = 4, 32
"""Places for each core, and in all, that quadratic assignment chooses from: those near the host."""
MANY = 16
"""Chips up to which it is worth it for the cores of each."""
STEPS = 20
"""Steps of the tabu search for each place."""
WORK = 200_000_000
"""Most pairs of places that it looks at, all steps together: a second or two."""
SHARED = 20_000_000
"""Pairs of ends of the same flow up to which those who receive the same are told apart."""
EFFORT, EFFORT_PER_CORE = 10_000_000, 2_000
"""Ends of flows that swaps look at, for all starts together: some seconds, or for thousands of
cores some milliseconds each. Ten times as many ends of pairs take about as long."""
BEST = 2
"""Starts that swaps improve where there are more than ``FEW`` cores."""
ALIKE, ENDS = 2, 10_000
"""Ends of flows for each two cores, and in all, above which swaps are counted by pairs: where each
neuron has targets of its own, trees find hardly more and take much longer."""


def place(flows: Flows, n_cores: int, hardware: Hardware, seed: int) -> tuple[Ints, Ints]:
    """Place cores so that spikes go over few links, and over few of those between chips.

    Several starts are improved, and the best by the trees of all flows is kept: the order of the
    cores itself, row by row, column by column and along Hilbert's curve, that of the Fiedler vector
    along the curve, fast approximate quadratic assignment of up to ``FEW`` places, and where there
    are several chips those first.

    Args:
        flows: Who sends to whom, and how often.
        n_cores: Cores, indices of which ``flows`` holds.
        hardware: Its mesh and chips; no more chips are used than the cores need.
        seed: Of everything that is drawn: the same gives the same places, on however many threads.

    Returns:
        Chip and slot of each core, shape ``[n_cores]`` each.

    Raises:
        ValueError: The largest system has fewer cores.
    """
    system = System.of(hardware, n_cores)
    near, outside = pairs_of(flows, n_cores)
    tree = TreePrice(flows, system, n_cores)
    if tree.stand(np.arange(n_cores)) == 0:  # all at one router: there is nothing to gain
        return system.chip[:n_cores], system.slot[:n_cores]
    price: Price = tree
    effort = max(EFFORT, EFFORT_PER_CORE * n_cores)
    if flows.target.size > max(ALIKE * near.near.size, ENDS):
        price, effort = PairPrice(near, outside, system), 10 * effort
    with threadpool_limits(1, "blas"):  # sums of several threads are rounded in another order
        starts = list(_starts(flows, near, outside, system, seed))
    tried = starts if n_cores <= FEW else sorted(starts, key=price.stand)[:BEST]
    effort //= len(tried)
    ends = (swapped(price, near, system, s, effort=effort, seed=seed) for s in tried)
    best = min((starts[0], *ends), key=tree.stand)
    return system.chip[best], system.slot[best]


def _starts(flows: Flows, near: Pairs, outside: Reals, system: System, seed: int) -> Iterator[Ints]:
    """Give places of all cores in several ways, the order of the cores first."""
    everywhere, order = np.arange(system.places), np.arange(outside.size)
    yield order
    yield np.lexsort((system.y, system.x, system.chip))[: order.size]
    yield _along(order, everywhere, system)
    yield _along(spectral_order(near, seed), everywhere, system)
    if system.chips > 1:
        yield _chips_first(near, system, seed)
    elif system.places <= FEW:
        nearest = np.argsort(system.host_distance, kind="stable")
        places = np.sort(nearest[: max(WIDE * order.size, NEAREST)])
        linear = outside[:, None] * system.host_distance[places]
        distances = system.distances(places)
        yield places[_assigned(near, linear, distances, seed)]
        if (np.diff(flows.begin) ** 2).sum() <= SHARED:
            shared = shared_pairs(flows, outside.size)
            yield places[_assigned(shared, linear, distances, seed)]


def _along(order: Ints, places: Ints, system: System) -> Ints:
    """Put cores in some order along Hilbert's curve through ``places``."""
    curve = hilbert_order(system.x[places], system.y[places])
    along = np.empty(order.size, np.int64)
    along[order] = places[curve[: order.size]]
    return along


def _assigned(near: Pairs, linear: Reals, distance: Reals, seed: int) -> Ints:
    """Assign cores by FAQ and tabu search.

    Args:
        near: Which cores exchange spikes, and how many.
        linear: Of cores and places, shape ``[n, p]``, ``p >= n``.
        distance: Of places, shape ``[p, p]``.
        seed: Of both.
    """
    (n, p), full = linear.shape, np.zeros((2, distance.shape[0], distance.shape[0]))
    full[0, :n, :n], full[1, :n] = near.matrix, linear
    problem = Assignment(full[0], distance, full[1])
    return tabu(problem, faq(problem, seed), min(STEPS * p, WORK // p**2), seed)[:n]


def _chips_first(near: Pairs, system: System, seed: int) -> Ints:
    """Share cores out to chips, place the chips, and then the cores of each."""
    capacity = system.places // system.chips
    group = chips_of(near, system.chips, capacity, seed)
    chip = _chips_placed(near, group, system, seed)[group]
    found = np.empty(group.size, np.int64)
    for c in range(system.chips):
        cores, places = np.flatnonzero(chip == c), c * capacity + np.arange(capacity)
        inner = near.among(cores)
        if system.chips <= MANY and capacity <= FEW:
            distance = system.distances(places)
            found[cores] = places[
                _assigned(inner, np.zeros((cores.size, capacity)), distance, seed)
            ]
        else:
            found[cores] = _along(spectral_order(inner, seed), places, system)
    return found


def _chips_placed(near: Pairs, group: Ints, system: System, seed: int) -> Ints:
    """Give the chip for each group of cores."""
    between = near.joined(group, system.chips)
    first = np.arange(system.chips) * (system.places // system.chips)
    if system.chips > FEW:
        return system.chip[_along(spectral_order(between, seed), first, system)]
    nothing = np.zeros((system.chips, system.chips))
    return _assigned(between, nothing, system.distances(first), seed)
