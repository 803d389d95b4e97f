"""Constant synaptic input in integers: the weights of a neuron that spikes in every step.

A register of the hardware adds a bias to ``v``. Where input enters a current with a memory of its
own, a bias does, too, and has no register: a spike a step carries it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snnc.compiler.fixed import MAX_DU, MAX_DV, FixedPopulation, FixedReset
from snnc.compiler.linear import Doubles, Matrix
from snnc.compiler.network import Population
from snnc.compiler.quantization.paths import Constant, Path


def bias_path(
    p: Population, constants: Sequence[Constant], factor: Doubles, taken: set[str]
) -> Path | None:
    """Give a path that brings ``p`` the sum of ``constants``; None where it is 0.

    Its source is a neuron that is not there yet: make it with ``bias_neuron``.

    Args:
        p: Its input takes them up.
        constants: What to bring.
        factor: What one unit of them adds to the potential, shape ``[n]``.
        taken: Names that are not free.
    """
    total = np.sum([c.values.ravel() for c in constants], axis=0, initial=0.0)
    if not np.any(total):
        return None
    source = f"{p.name}.bias"
    while source in taken:
        source += ".bias"
    return Path(
        name=f"{source}->{p.name}",
        origin=tuple(dict.fromkeys(o for c in constants for o in c.origin)),
        source=source,
        shape=(1,),
        steps=(Matrix((factor * total)[:, None]),),
        delay=0,
    )


def bias_neuron(path: Path) -> FixedPopulation:
    """Give the source of ``path``: ``v = 1`` in every step, which is above the threshold."""

    def one(value: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        return np.array([value], np.int32)

    return FixedPopulation(
        name=path.source,
        origin=path.origin,
        shape=(1,),
        du=one(MAX_DU),
        dv=one(MAX_DV),
        threshold=one(0),
        bias_mant=one(1),
        bias_exp=one(0),
        initial=one(0),
        reset=FixedReset.ZERO,
        refractory=0,
        spiking=True,
        lag=0,
        scale=np.ones(1),
        offset=np.zeros(1),
    )
