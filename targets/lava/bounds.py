"""What the choice of a process depends on: largest inputs, own delays, spikes ahead of time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import (
    ALIGN_BITS,
    MAX_WEIGHT_BITS,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
)
from snnc.compiler.linear import as_steps, magnitude

STOCK_LIMIT = 2**18
"""Largest synaptic input for which Lava's LIF, in int32, keeps ``u`` within 24 bits: then ``u``
before its wrap is below ``2**23 + 2**24``, and one wrap is enough."""


def own_delay(network: FixedNetwork, projection: FixedProjection) -> int:
    """Give the steps from a spike to its effect, in the time of the network before retiming."""
    lags = {i.name: 0 for i in network.inputs} | {p.name: p.lag for p in network.populations}
    return projection.delay - (lags[projection.target] - lags[projection.source])


def longest_own_delay(network: FixedNetwork, population: FixedPopulation) -> int:
    """Give the longest own delay of what leaves ``population``, 0 where nothing does."""
    leaving = (p for p in network.projections if p.source == population.name)
    return max((own_delay(network, p) for p in leaving), default=0)


def early(network: FixedNetwork) -> frozenset[str]:
    """Name the populations that may spike before their first step, where nothing silences them.

    Lava's LIF runs from the first hardware step on, at rest. In the ``lag`` steps until its own
    first one nothing drives it but a bias above 0, which brings ``v`` to ``lag * bias`` at most,
    and spikes of others that are early themselves.
    """
    found = {p.name for p in network.populations if _bias_suffices(p)}
    delayed = {p.name for p in network.populations if p.lag}
    while True:
        reached = {q.target for q in network.projections if q.source in found} & delayed
        if reached <= found:
            return frozenset(found)
        found |= reached


def _bias_suffices(p: FixedPopulation) -> bool:
    """Tell whether the bias alone can bring ``v`` above the threshold in the steps of the lag."""
    bias = p.bias_mant.astype(np.int64) << p.bias_exp
    return bool((p.lag * bias > p.threshold.astype(np.int64) << ALIGN_BITS).any())


def largest_input(network: FixedNetwork, population: FixedPopulation) -> float:
    """Bound ``|a|`` over every input that the population can get."""
    total = np.zeros(population.size)
    for projection in network.incoming(population.name):
        total += _largest_sums(network, projection)
    return float(total.max(initial=0))


def _largest_sums(network: FixedNetwork, projection: FixedProjection) -> npt.NDArray[np.float64]:
    """Bound ``|a|`` of a projection, shape ``[n_target]``."""
    shape = network.shapes[projection.source]
    sent = {i.name: i.max_abs for i in network.inputs}.get(projection.source, 1)
    largest = np.full((1, *shape), float(sent))
    for step in as_steps(projection.operators, shape):
        largest = magnitude(step, largest)
    in_dense = MAX_WEIGHT_BITS - projection.weight_bits + projection.sign_mode.sign_bits
    return largest.reshape(-1) * 2.0 ** max(projection.weight_exp, in_dense)  # it has W << in_dense
