"""Where two traces part first, sample by sample, and of what kind the difference is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.trace import SIGNALS, Trace
from snnc.runtime.compare import Divergence

ROOTS = ("u", "spikes", "v")
"""Signals of a neuron in the order of causes: ``v`` is what its spike left of it."""


@dataclass(frozen=True)
class Kind:
    """What two differences have in common where they are of one kind.

    Attributes:
        signal: The first of ``u``, ``spikes`` and ``v`` that differs in this step.
        sign: 1 where the other's value is larger, -1 where it is smaller.
    """

    signal: str
    sign: int


@dataclass(frozen=True)
class Seen:
    """The first difference of one sample.

    Attributes:
        divergence: As ``compare`` gives it.
        neuron: Index of the neuron in C order.
        kind: Of the difference.
    """

    divergence: Divergence
    neuron: int
    kind: Kind


@dataclass(frozen=True, eq=False)
class _Pair:
    """One signal of one population in both traces, each ``[steps, batch, n]``."""

    population: str
    shape: tuple[int, ...]
    signal: str
    reference: npt.NDArray[Any]
    other: npt.NDArray[Any]


def first_of_each(reference: Trace, other: Trace) -> list[Seen | None]:
    """Give the first difference of each sample, or None where there is none.

    Within the step the first is that of the first population in the order of the network, then
    of ``spikes``, ``u`` and ``v``, then of the first neuron: as ``compare`` has it.
    """
    pairs = list(_pairs(reference, other))
    steps = pairs[0].reference.shape[0]
    when = np.stack([_first_step(p, steps) for p in pairs])  # [pairs, batch]
    ranks = when.argmin(axis=0)
    found: list[Seen | None] = []
    for sample, rank in enumerate(ranks):
        step = int(when[rank, sample])
        found.append(None if step == steps else _seen(pairs, pairs[int(rank)], step, sample))
    return found


def earliest(found: list[Seen | None]) -> Seen | None:
    """Give the difference of the smallest step, then of the smallest sample."""
    there = [seen for seen in found if seen is not None]
    return min(there, key=lambda seen: seen.divergence.step, default=None)


def _pairs(reference: Trace, other: Trace) -> Iterator[_Pair]:
    for name, v in reference.v.items():
        flat = (*v.shape[:2], -1)
        for signal in SIGNALS:
            if name in reference.signal(signal):
                a, b = (t.signal(signal)[name].reshape(flat) for t in (reference, other))
                yield _Pair(name, v.shape[2:], signal, a, b)


def _first_step(pair: _Pair, steps: int) -> npt.NDArray[np.int64]:
    """Give the first step of each sample in which the two differ, or ``steps``."""
    unequal = (pair.reference != pair.other).any(axis=2)
    return np.where(unequal.any(axis=0), unequal.argmax(axis=0), steps)


def _seen(pairs: list[_Pair], pair: _Pair, step: int, sample: int) -> Seen:
    place = step, sample
    neuron = int((pair.reference[place] != pair.other[place]).argmax())
    of_neuron = {p.signal: p for p in pairs if p.population == pair.population}
    divergence = Divergence(
        step,
        sample,
        pair.population,
        tuple(map(int, np.unravel_index(neuron, pair.shape))),
        pair.signal,
        pair.reference[place][neuron].item(),
        pair.other[place][neuron].item(),
    )
    for signal in ROOTS:
        if signal in of_neuron:
            root = of_neuron[signal]
            by = int(root.other[place][neuron]) - int(root.reference[place][neuron])
            if by:
                return Seen(divergence, neuron, Kind(signal, 1 if by > 0 else -1))
    return Seen(divergence, neuron, Kind(pair.signal, 1))
