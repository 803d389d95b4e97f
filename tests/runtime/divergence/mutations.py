"""Faults of executors, several of each class of causes, and networks to put them in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from snnc.compiler.operators import SumPooling
from snnc.runtime.divergence.explanation import Cause
from tests.builders import (
    fixed_convolution,
    fixed_network,
    fixed_population,
    fixed_projection,
    integers_for,
    window,
)
from tests.runtime.divergence.machine import Fault, Part

STEPS, BATCH = 30, 2
Inputs = dict[str, npt.NDArray[np.int32]]


@dataclass(frozen=True)
class Mutation:
    """A fault in a network, and the class that it is of.

    Attributes:
        cause: Its class.
        name: What is done wrong.
        network: Name of one of ``NETWORKS``.
        where: Population or projection.
        part: Of the machine.
        does: What is in its place.
    """

    cause: Cause
    name: str
    network: str
    where: str
    part: str
    does: Part = field(compare=False)

    def __str__(self) -> str:
        return f"{self.network}: {self.name} ({self.where})"

    @property
    def fault(self) -> Fault:
        """What the machine takes."""
        return Fault(self.where, self.part, self.does)

    @property
    def population(self) -> str:
        """The population in which it shows first."""
        targets = {q.name: q.target for q in network(self.network).projections}
        return targets.get(self.where, self.where)


# --- networks ------------------------------------------------------------------------------------


def _weights(seed: int, *shape: int, largest: int = 127) -> npt.NDArray[np.int64]:
    values = np.random.default_rng(seed).normal(0, largest / 2.5, shape).round()
    return np.clip(values, -largest - 1, largest).astype(np.int64)


def _layers(reset: FixedReset, *, refractory: int = 0) -> FixedNetwork:
    """Give two layers, the first recurrent, of neurons with currents and biases."""
    common = {"reset": reset, "refractory": refractory}
    bias = np.random.default_rng(7).integers(20, 300, 12)
    h = fixed_population(
        "h", 12, du=3000, dv=600, threshold=300, bias_mant=bias, bias_exp=2, **common
    )
    o = fixed_population("o", 6, du=2500, dv=300, threshold=250, bias_mant=90, bias_exp=1, **common)
    return fixed_network(
        [h, o],
        [
            fixed_projection("x", "h", _weights(1, 12, 10), weight_exp=1, delay=0),
            fixed_projection("h", "h", _weights(2, 12, 12, largest=40), delay=2),
            fixed_projection("h", "o", _weights(3, 6, 12), weight_exp=1, delay=0),
            fixed_projection("x", "o", _weights(4, 6, 10, largest=60), delay=3),
        ],
    )


def _image() -> FixedNetwork:
    """Give a convolution, summed over windows, in front of a layer; sums are shifted down."""
    c = fixed_population("c", 32, shape=(8, 2, 2), dv=900, threshold=120, reset=FixedReset.SUBTRACT)
    o = fixed_population("o", 5, du=2000, dv=500, threshold=200, bias_mant=50)
    pooling = SumPooling(window=window(2, 2, stride=2))
    kernels = fixed_convolution(_weights(5, 8, 2, 3, 3), stride=1)
    return fixed_network(
        [c, o],
        [
            fixed_projection("x", "c", None, kernels, pooling, weight_exp=-2, delay=0),
            fixed_projection("c", "o", _weights(6, 5, 32), weight_exp=1, delay=1),
        ],
        inputs=[FixedInput("x", (2, 6, 6), 1.0, 3)],
    )


def _loud() -> FixedNetwork:
    """Give a layer whose currents and potentials reach the ends of their ranges, and a read-out."""
    h = fixed_population("h", 10, du=200, dv=40, threshold=100_000, reset=FixedReset.SUBTRACT)
    o = fixed_population("o", 4, du=100, dv=20, spiking=False)
    return fixed_network(
        [h, o],
        [
            fixed_projection("x", "h", _weights(8, 10, 8), weight_exp=4, delay=0),
            fixed_projection("h", "o", _weights(9, 4, 10), weight_exp=7, delay=0),
            fixed_projection("x", "o", _weights(10, 4, 8), weight_exp=3, delay=1),
        ],
        inputs=[FixedInput("x", (8,), 1.0, 20)],
    )


def _counters(reset: FixedReset) -> FixedNetwork:
    """Give layers that count: nothing decays, so that potentials come to lie at the threshold."""
    common = {"dv": 0, "reset": reset}
    h = fixed_population("h", 12, threshold=15, bias_mant=64, **common)
    o = fixed_population("o", 6, threshold=12, **common)
    return fixed_network(
        [h, o],
        [
            fixed_projection("x", "h", _weights(12, 12, 10, largest=7), delay=0),
            fixed_projection("h", "o", _weights(13, 6, 12, largest=7), delay=1),
        ],
    )


NETWORKS: dict[str, Callable[[], FixedNetwork]] = {
    "zero": lambda: _layers(FixedReset.ZERO),
    "subtract": lambda: _layers(FixedReset.SUBTRACT),
    "delayed": lambda: _layers(FixedReset.SUBTRACT_DELAYED),
    "refractory": lambda: _layers(FixedReset.ZERO, refractory=3),
    "counters": lambda: _counters(FixedReset.ZERO),
    "counters, subtract": lambda: _counters(FixedReset.SUBTRACT),
    "counters, delayed": lambda: _counters(FixedReset.SUBTRACT_DELAYED),
    "image": _image,
    "loud": _loud,
}


@cache
def network(name: str) -> FixedNetwork:
    """Give one of the networks, not retimed."""
    return NETWORKS[name]()


@cache
def inputs(name: str) -> Inputs:
    """Give its inputs, ``[steps, batch, n]``."""
    return integers_for(network(name), steps=STEPS, batch=BATCH, seed=11)
