"""What the choice of a process depends on: largest inputs, own delays, spikes ahead of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from snnc.compiler.fixed import (
    ALIGN_BITS,
    MAX_WEIGHT_BITS,
    FixedAxons,
    FixedInput,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
    largest_sent,
)
from snnc.compiler.linear import Doubles, as_steps, magnitude

STOCK_LIMIT = 2**18
"""Largest synaptic input for which Lava's LIF, in int32, keeps ``u`` within 24 bits: then ``u``
before its wrap is below ``2**23 + 2**24``, and one wrap is enough."""


def senders(network: FixedNetwork) -> dict[str, tuple[str, ...]]:
    """Give the inputs and populations that each source of projections stands for."""
    names = (*(i.name for i in network.inputs), *(p.name for p in network.populations))
    return {name: (name,) for name in names} | {a.name: a.sources for a in network.axons}


def own_delays(network: FixedNetwork) -> dict[str, int]:
    """Give for each projection the steps from a spike to its effect, before retiming.

    From axons, which have no time of their own, those of the latest source.
    """
    lags = {i.name: 0 for i in network.inputs} | {p.name: p.lag for p in network.populations}
    latest = {n: max((lags[s] for s in sent), default=0) for n, sent in senders(network).items()}
    return {q.name: q.delay - (lags[q.target] - latest[q.source]) for q in network.projections}


def longest_own_delays(network: FixedNetwork) -> dict[str, int]:
    """Give for each input and population the longest own delay of what leaves it, or 0."""
    sent, own = senders(network), own_delays(network)
    longest = {name: 0 for names in sent.values() for name in names}
    for q in network.projections:
        for name in sent[q.source]:
            longest[name] = max(longest[name], own[q.name])
    return longest


def early(network: FixedNetwork) -> frozenset[str]:
    """Name the populations that may spike before their first step, where nothing silences them.

    Lava's LIF runs from the first hardware step on, at rest. In the ``lag`` steps until its own
    first one nothing drives it but a bias above 0, which brings ``v`` to ``lag * bias`` at most,
    and spikes of others that are early themselves.
    """
    found = {p.name for p in network.populations if _bias_suffices(p)}
    delayed = {p.name for p in network.populations if p.lag}
    sent = senders(network)
    while True:
        reached = {q.target for q in network.projections if found & {*sent[q.source]}} & delayed
        if reached <= found:
            return frozenset(found)
        found |= reached


def _bias_suffices(p: FixedPopulation) -> bool:
    """Tell whether the bias alone can bring ``v`` above the threshold in the steps of the lag."""
    bias = p.bias_mant.astype(np.int64) << p.bias_exp
    return bool((p.lag * bias > p.threshold.astype(np.int64) << ALIGN_BITS).any())


def largest_input(network: FixedNetwork, population: FixedPopulation) -> float:
    """Bound ``|a|`` over every input that the population can get."""
    return _largest(population, network.incoming(population.name), _levels(network))


def largest_inputs(network: FixedNetwork) -> tuple[float, ...]:
    """Give ``largest_input`` of each population."""
    arriving: dict[str, list[FixedProjection]] = {p.name: [] for p in network.populations}
    for projection in network.projections:
        arriving[projection.target].append(projection)
    levels = _levels(network)
    return tuple(_largest(p, arriving[p.name], levels) for p in network.populations)


def _levels(network: FixedNetwork) -> dict[str, Doubles]:
    """Give by source the largest magnitude of what each element sends, of its shape."""
    inputs = {i.name: i for i in network.inputs}
    nodes: tuple[FixedInput | FixedPopulation | FixedAxons, ...]
    nodes = (*network.inputs, *network.populations, *network.axons)
    return {node.name: largest_sent(node, inputs) for node in nodes}


def _largest(
    population: FixedPopulation,
    arriving: Iterable[FixedProjection],
    levels: Mapping[str, Doubles],
) -> float:
    total = np.zeros(population.size)
    for projection in arriving:
        total += _largest_sums(projection, levels[projection.source])
    return float(total.max(initial=0))


def _largest_sums(projection: FixedProjection, sent: Doubles) -> Doubles:
    """Bound ``|a|`` of a projection, shape ``[n_target]``."""
    largest: Doubles = sent[np.newaxis]
    for step in as_steps(projection.operators, sent.shape):
        largest = magnitude(step, largest)
    in_dense = MAX_WEIGHT_BITS - projection.weight_bits + projection.sign_mode.sign_bits
    return largest.reshape(-1) * 2.0 ** max(projection.weight_exp, in_dense)  # it has W << in_dense
