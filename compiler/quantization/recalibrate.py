"""Thresholds moved until neurons spike as often as in the float network.

Rounding changes what drives a neuron, and so its rate; the threshold has 17 bits to make up for it.
A population is looked at by itself: it receives what the float network sends. Half of the samples
choose the thresholds, and the other half says whether they are any better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import MAX_THRESHOLD, FixedNetwork, FixedPopulation
from snnc.compiler.network import Network
from snnc.compiler.quantization.lower import Labels, lower
from snnc.compiler.quantization.overflow import bound_population

Ints = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Counting = Callable[[FixedPopulation], Counts]
"""Runs a population on what the float network sends: its spikes, shape ``[samples, n]``."""

FEW_SPIKES = 32
"""Spikes of those that share a threshold below which it stays as it is: one more or less of them
would move it by 3 % and more."""
LARGEST_MOVE = 2
"""Factor by which a threshold moves at most; what is further off than that has another cause."""


def recalibrated(
    network: Network,
    fixed: FixedNetwork,
    wanted: Mapping[str, Counts],
    counting: Mapping[str, Counting],
) -> FixedNetwork:
    """Give ``fixed`` with the thresholds at which populations spike as often as they should.

    Args:
        network: The float network.
        fixed: Its integers.
        wanted: Spikes of each spiking population in ``network``, shape ``[samples, n]``; those of
            the samples with an even number choose, the others judge.
        counting: The same of the integers.
    """
    groups = {n.population.name: n.groups for n in lower(network)}
    largest = {i.name: i.max_abs for i in fixed.inputs}

    def changed(p: FixedPopulation) -> FixedPopulation:
        if p.name not in wanted:
            return p
        label, arriving = groups[p.name], tuple(fixed.incoming(p.name))
        moved = _matched(p, label, wanted[p.name], counting[p.name])
        before, after = (
            bound_population(q, arriving, fixed.shapes, largest).proven for q in (p, moved)
        )
        lost = np.isin(label, label[before & ~after])
        moved = replace(p, threshold=np.where(lost, p.threshold, moved.threshold))
        better = _error(moved, wanted[p.name], counting[p.name]) < _error(
            p, wanted[p.name], counting[p.name]
        )
        return moved if better else p

    return replace(fixed, populations=tuple(changed(p) for p in fixed.populations))


def _error(p: FixedPopulation, wanted: Counts, counting: Counting) -> int:
    """Give by how many spikes neurons and samples that judge are off."""
    return int(np.abs(counting(p) - wanted)[1::2].sum())


def _matched(
    p: FixedPopulation, groups: Labels, wanted: Counts, counting: Counting
) -> FixedPopulation:
    """Bisect the threshold of each group, all of them at once.

    The fewest counts away at which too many spikes are too many no more, and too few no fewer;
    or one less, where that is nearer.
    """
    first, label = np.unique(groups, return_inverse=True)
    base = p.threshold[first].astype(np.int64)

    def at(mantissa: Counts) -> FixedPopulation:
        of_each = np.rint(p.threshold * (mantissa / base)[label])
        return replace(p, threshold=np.clip(of_each, 1, MAX_THRESHOLD).astype(np.int32))

    def surplus(mantissa: Counts) -> Counts:
        per_neuron = (counting(at(mantissa)) - wanted)[::2].sum(axis=0)
        return np.bincount(label, per_neuron, len(first)).astype(np.int64)

    start = surplus(base)
    way = np.sign(start)
    enough = np.bincount(label, wanted[::2].sum(axis=0), len(first)) >= FEW_SPIKES
    way[~enough] = 0
    near = base.copy()
    far = np.where(way > 0, np.minimum(base * LARGEST_MOVE, MAX_THRESHOLD), base)
    far = np.where(way < 0, np.maximum(base // LARGEST_MOVE, 1), far)
    while (open_ := np.abs(far - near) > 1).any():
        middle = np.where(open_, (near + far) // 2, far)
        over = surplus(middle) * way > 0  # still off in the direction of the start
        near, far = np.where(open_ & over, middle, near), np.where(open_ & ~over, middle, far)
    of_near, of_far = np.abs(surplus(near)), np.abs(surplus(far))
    best = np.where(of_far < of_near, far, near)
    best = np.where(np.minimum(of_far, of_near) < np.abs(start), best, base)
    return at(best)
