"""Which synapses delivered something to a neuron in a step, and with what weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from snnc.compiler.diagnostics import InputError
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.linear import Doubles, Step, adjoint, apply, as_steps
from snnc.compiler.network import Network
from snnc.compiler.operators import MaxPooling, Shape
from snnc.compiler.quantization.paths import arrivals
from snnc.compiler.retime import unretimed
from snnc.compiler.sliding import elements, padded
from snnc.compiler.trace import Array
from snnc.runtime.divergence.explanation import Operand

LISTED = 32
"""Operands that are listed one by one; all are counted."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Way:
    """What leads from a source to a population.

    Attributes:
        name: Of the projection, or of those that follow one another.
        source: Name of an input or a population.
        shape: Of what it sends.
        steps: What becomes of it.
        factor: By which the result is multiplied.
        delay: Steps of the input from a spike to its effect.
    """

    name: str
    source: str
    shape: Shape
    steps: tuple[Step, ...]
    factor: float
    delay: int


def fixed_ways(fixed: FixedNetwork, population: str) -> tuple[Way, ...]:
    """Give the ways into a population of integers; exponents are their factors.

    Args:
        fixed: Retimed or not; not cut over cores.
        population: Its name.
    """
    plain, shapes = unretimed(fixed), fixed.shapes
    return tuple(
        Way(
            name=q.name,
            source=q.source,
            shape=shapes[q.source],
            steps=as_steps(q.operators, shapes[q.source]),
            factor=2.0**q.weight_exp,
            delay=q.delay,
        )
        for q in plain.incoming(population)
    )


def real_ways(network: Network, population: str) -> tuple[Way, ...]:
    """Give the ways into a population of real numbers, through junctions; biases are none of them.

    There are none where a network cannot be followed so, such as one with loops of sums.
    """
    try:
        found = arrivals(network)[population].paths
    except InputError:
        return ()
    return tuple(
        Way(name=p.name, source=p.source, shape=p.shape, steps=p.steps, factor=1.0, delay=p.delay)
        for p in found
    )


def acting_weights(steps: tuple[Step, ...], x: Doubles, neuron: int) -> Doubles:
    """Give ``w`` with ``y[neuron] = sum w x`` for what ``steps`` make of ``x``, in its shape.

    Of a max pooling those of the element that won.

    Args:
        steps: One after the other.
        x: What was sent, shape ``[*shape]``.
        neuron: Index of the result, in C order.
    """
    values = [x[np.newaxis]]
    for step in steps:
        values.append(apply(step, values[-1]))
    weights = np.zeros_like(values[-1], np.float64)
    weights.reshape(-1)[neuron] = 1
    for step, (before, after) in reversed(list(zip(steps, pairwise(values), strict=True))):
        weights = weights.reshape(after.shape)
        if isinstance(step, MaxPooling):
            weights = _of_winners(step, before, weights)
        else:
            weights = adjoint(step, weights, before.shape[1:])
    return np.asarray(weights.reshape(x.shape), np.float64)


def operands(
    ways: Iterable[Way],
    step: int,
    neuron: int,
    sent: Mapping[str, Array],
    sent_other: Mapping[str, Array],
) -> tuple[Operand, ...]:
    """Give all synapses over which something arrived in either execution, the strongest first.

    Args:
        ways: Into the population.
        step: Step of the input.
        neuron: Index in the population, in C order.
        sent: By name what inputs and populations sent, of one sample: ``[steps, *shape]``.
        sent_other: The same of the other execution.
    """
    return strongest_first(
        o for way in ways for o in _delivered(way, step, neuron, sent, sent_other)
    )


def strongest_first(found: Iterable[Operand]) -> tuple[Operand, ...]:
    """Sort synapses by what they delivered."""
    return tuple(sorted(found, key=lambda o: (-abs(o.weight * o.sent), -abs(o.weight))))


def _delivered(
    way: Way,
    step: int,
    neuron: int,
    sent: Mapping[str, Array],
    sent_other: Mapping[str, Array],
) -> Iterator[Operand]:
    when = step - way.delay
    if way.source not in sent or not 0 <= when < len(sent[way.source]):
        return
    x = sent[way.source][when].reshape(way.shape).astype(np.float64)
    y = sent_other.get(way.source, sent[way.source])[when].reshape(way.shape).astype(np.float64)
    weights = acting_weights(way.steps, x, neuron) * way.factor
    for place in np.argwhere(((x != 0) | (y != 0)) & (weights != 0)):
        index = tuple(map(int, place))
        yield Operand(
            source=way.source,
            neuron=index,
            sent=float(x[index]),
            sent_other=None if x[index] == y[index] else float(y[index]),
            weight=float(weights[index]),
            step=when,
        )


def came(way: Way, sent: Array) -> Doubles:
    """Give what a source sent, in the steps in which it arrives: ``[steps, *shape]``."""
    x = sent.reshape(len(sent), *way.shape).astype(np.float64)
    late = np.zeros_like(x)
    late[way.delay :] = x[: max(len(x) - way.delay, 0)]
    return late


def _of_winners(step: MaxPooling, x: Doubles, weights: Doubles) -> Doubles:
    """Give each weight to the element of ``x`` that is the largest under its position."""
    under = np.stack(list(elements(padded(x, step.window, -np.inf), step.window)))
    places = padded(np.arange(x.size, dtype=np.float64).reshape(x.shape), step.window, -1.0)
    winner = under.argmax(axis=0)[np.newaxis]
    index = np.take_along_axis(np.stack(list(elements(places, step.window))), winner, axis=0)
    given = np.zeros(x.size)
    np.add.at(given, index[0].astype(np.intp).ravel(), weights.ravel())
    return given.reshape(x.shape)
