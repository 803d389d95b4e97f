"""A network in the metrics of NeuroBench, under its names.

Source: Yik et al. 2025, doi:10.1038/s41467-025-56739-4; definitions as in neurobench 2.1,
``neurobench/metrics``. NeuroBench counts synaptic operations of a whole sample; here they are those
of one step.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from snnc.compiler.fixed import (
    DECAY_BITS,
    FixedNetwork,
    FixedPopulation,
    FixedProjection,
)
from snnc.compiler.mapping.operations import Counted, operations
from snnc.compiler.mapping.traffic import Rates, rate_of
from snnc.compiler.operators import FixedSparse, FixedWeighted

PARAMETER_BITS = 2 * DECAY_BITS + 17 + 13 + 3
"""Of a neuron: du, dv, the mantissa of the threshold, mantissa and exponent of the bias."""


@dataclass(frozen=True)
class SynapticOperations:
    """In a step, on average.

    Attributes:
        effective_macs: Multiplications and additions of what is not 0 with weights that are not 0,
            where inputs are integers.
        effective_acs: Additions of weights that are not 0, where inputs are spikes.
        dense: What there would be if nothing were 0.
    """

    effective_macs: float
    effective_acs: float
    dense: float


@dataclass(frozen=True)
class Metrics:
    """What NeuroBench says of a model.

    Attributes:
        footprint: Bytes of weights, at their widths, and of the parameters of neurons. A kernel
            counts once, and of lists of weights only what they hold.
        connection_sparsity: Share of weights that are 0.
        activation_sparsity: Share of neurons and steps without a spike; None where no neuron
            spikes at all.
        synaptic_operations: Of a step.
    """

    footprint: float
    connection_sparsity: float
    activation_sparsity: float | None
    synaptic_operations: SynapticOperations

    def as_json(self) -> dict[str, object]:
        """Give the values under NeuroBench's names."""
        done = self.synaptic_operations
        return {
            "footprint": self.footprint,
            "connection_sparsity": self.connection_sparsity,
            "activation_sparsity": self.activation_sparsity,
            "synaptic_operations": {
                "Effective_MACs": done.effective_macs,
                "Effective_ACs": done.effective_acs,
                "Dense": done.dense,
            },
        }


def metrics_of(network: FixedNetwork, rates: Rates) -> Metrics:
    """Measure a network.

    Args:
        network: Whole.
        rates: Spikes a step of inputs and populations; those not known of are 1.
    """
    weighted = [_weighted(q) for q in network.projections]
    n, there = sum(map(_size, weighted)), sum(np.count_nonzero(w.weight) for w in weighted)
    bits = PARAMETER_BITS * sum(p.size for p in network.populations)
    for q, w in zip(network.projections, weighted, strict=True):
        bits += q.weight_bits * w.weight.size
    return Metrics(
        footprint=bits / 8,
        connection_sparsity=1 - there / n if n else 0.0,
        activation_sparsity=_activation_sparsity(network.populations, rates),
        synaptic_operations=_operations(network, rates),
    )


def _weighted(q: FixedProjection) -> FixedWeighted:
    (weighted,) = (o for o in q.operators if isinstance(o, FixedWeighted))
    return weighted


def _size(weighted: FixedWeighted) -> int:
    """Give the number of weights; lists count as the matrix that they are of."""
    return prod(weighted.shape) if isinstance(weighted, FixedSparse) else weighted.weight.size


def _activation_sparsity(populations: tuple[FixedPopulation, ...], rates: Rates) -> float | None:
    spiking = [p for p in populations if p.spiking]
    neurons = sum(p.size for p in spiking)
    spikes = sum(float(rate_of(rates, p.name, p.size).sum()) for p in spiking)
    return 1 - spikes / neurons if neurons else None


def _operations(network: FixedNetwork, rates: Rates) -> SynapticOperations:
    graded = {i.name for i in network.inputs if i.max_abs > 1}
    macs = acs = dense = 0.0
    for q in network.projections:
        done = float(operations(network, q, rates, Counted.EFFECTIVE).sum())
        macs, acs = (macs + done, acs) if q.source in graded else (macs, acs + done)
        dense += float(operations(network, q, {}, Counted.ALL).sum())
    return SynapticOperations(macs, acs, dense)
