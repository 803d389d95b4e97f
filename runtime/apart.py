"""Parts of a network: some populations, with what the others send them as inputs.

What is left computes to the last bit what it does in the whole: hardware delays and lags stay as
they are, and every sum keeps its terms.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count
from math import prod

import numpy as np

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedProjection
from snnc.compiler.mapping.regions import Neurons
from snnc.compiler.network import Output


@dataclass(frozen=True, eq=False)
class Lines:
    """What the elements of an input of a part are in the whole.

    Attributes:
        source: Name of the input or the population.
        elements: Their indices there, in C order; shape ``[n]``.
    """

    source: str
    elements: Neurons


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a network.

    Attributes:
        network: With the hardware delays and lags of the whole.
        lines: What each input stands for, by its name.
        neurons: Of each population the indices of its neurons in the whole.
    """

    network: FixedNetwork
    lines: Mapping[str, Lines]
    neurons: Mapping[str, Neurons]


def apart(whole: FixedNetwork, live: Collection[str], *, forced: bool) -> Part:
    """Give some populations, and what they get as inputs: one for each projection.

    Given, for ``live = {b}``::

        x -1-> a (lag 1) -2-> b (lag 3)

    Result::

        a -3-> b (lag 3)        where a is an input, which presents step t at hardware step t

    Args:
        whole: Retimed; its inputs take integers in units of their step.
        live: Populations that stay.
        forced: Also what they send each other comes as inputs.
    """
    lags = {i.name: 0 for i in whole.inputs} | {p.name: p.lag for p in whole.populations}
    largest = {i.name: i.max_abs for i in whole.inputs}
    shapes = whole.shapes
    stay = tuple(p for p in whole.populations if p.name in live)
    taken = {p.name for p in stay}
    inputs: list[FixedInput] = []
    lines: dict[str, Lines] = {}
    projections: list[FixedProjection] = []
    for q in whole.projections:
        if q.target not in live:
            continue
        if q.source in live and not forced:
            projections.append(q)
            continue
        name = _free(q.source, taken)
        shape = shapes[q.source]
        inputs.append(FixedInput(name, shape, 1.0, largest.get(q.source, 1)))
        lines[name] = Lines(q.source, np.arange(prod(shape)))
        projections.append(replace(q, source=name, delay=q.delay + lags[q.source]))
    for i in whole.inputs[: 0 if inputs else 1]:  # what nothing feeds takes its time from one
        name = _free(i.name, taken)
        inputs.append(FixedInput(name, i.shape, 1.0, i.max_abs))
        lines[name] = Lines(i.name, np.arange(i.size))
    network = FixedNetwork(
        inputs=tuple(inputs),
        populations=stay,
        projections=tuple(projections),
        outputs=tuple(Output(p.name, p.name) for p in stay),
        dt=whole.dt,
    )
    return Part(network, lines, {p.name: np.arange(p.size) for p in stay})


def _free(name: str, taken: set[str]) -> str:
    """Give ``name``, or one like it that is not taken, and take it."""
    names = chain([name], (f"{name}.{k}" for k in count(1)))
    free = next(n for n in names if n not in taken)
    taken.add(free)
    return free
