"""A constant synaptic current in integers: the weights of a neuron that spikes in every step.

A register of the hardware adds a bias to ``v``. Where input enters a current with a memory of its
own, the bias of a projection does, too, and has no register: a spike a step carries it.
"""

from __future__ import annotations

import numpy as np

from snnc.compiler.fixed import MAX_DU, MAX_DV, FixedPopulation, FixedReset
from snnc.compiler.network import Network, Population, Projection


def bias_projection(network: Network, p: Population) -> Projection | None:
    """Give a projection that brings ``p`` the biases of all others; None where they are 0.

    Its source is a neuron that is not there yet: make it with ``bias_neuron``.
    """
    incoming = tuple(network.incoming(p.name))
    bias = np.sum([q.bias for q in incoming], axis=0, initial=np.float32(0), dtype=np.float64)
    bias = np.broadcast_to(bias, p.size)
    if not (p.integration.has_current and bias.any()):
        return None
    source = f"{p.name}.bias"
    taken = {i.name for i in network.inputs} | {q.name for q in network.populations}
    while source in taken:
        source += ".bias"
    return Projection(
        name=f"{source}->{p.name}",
        origin=tuple(o for q in incoming if q.bias.any() for o in q.origin),
        source=source,
        target=p.name,
        weight=bias[:, None].astype(np.float32),
        bias=np.zeros(p.size, np.float32),
        delay=0,
    )


def bias_neuron(projection: Projection) -> FixedPopulation:
    """Give the source of ``projection``: ``v = 1`` in every step, which is above the threshold."""

    def one(value: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        return np.array([value], np.int32)

    return FixedPopulation(
        name=projection.source,
        origin=projection.origin,
        shape=(1,),
        du=one(MAX_DU),
        dv=one(MAX_DV),
        threshold=one(0),
        bias_mant=one(1),
        bias_exp=one(0),
        reset=FixedReset.ZERO,
        lag=0,
        scale=np.ones(1),
    )
