"""What arrives at populations and sums of a float network, step by step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from math import prod

import numpy as np

from snnc.compiler.network import Network, Projection
from snnc.compiler.operators import Reals
from snnc.targets.float.operators import Signal, apply

BEFORE = -1
"""Stands for every step before the first, when nothing but biases has been sent."""


class Currents:
    """Sends what populations and inputs have sent through the projections.

    Attributes:
        sent: What inputs and populations have sent, ``[steps, batch, n]``; the executor fills in
            the populations' as it goes.
    """

    def __init__(self, network: Network, inputs: Mapping[str, Reals]) -> None:
        self.sent: dict[str, Signal] = dict(inputs)
        self._batch = next(iter(inputs.values())).shape[1]
        self._inputs = set(inputs)
        self._shapes = network.shapes
        self._longest = max((q.delay for q in network.projections), default=0)
        self._into: dict[str, list[Projection]] = defaultdict(list)
        for q in network.projections:
            self._into[q.target].append(q)
        self._sums: dict[tuple[str, int], Signal] = {}
        self._cleared = 0
        self._held: dict[str, tuple[Signal, Signal]] = {}
        self._now = BEFORE

    def into(self, name: str, t: int) -> list[Signal]:
        """Give one current a projection into ``name``, in the order of summation.

        Args:
            name: A population or a junction.
            t: The step, none before the last one asked for; all sent without delay is there.

        Returns:
            float32, each of shape ``[batch, n]``.
        """
        if t > self._now:
            self._now = t
            self._forget(t - self._longest)
        return [self._through(q, self._value(q.source, t - q.delay)) for q in self._into[name]]

    def _forget(self, oldest: int) -> None:
        """Drop the sums of steps before ``oldest``, in one go now and then."""
        if oldest - self._cleared > self._longest:
            self._cleared = oldest
            self._sums = {k: v for k, v in self._sums.items() if k[1] >= oldest or k[1] == BEFORE}

    def _value(self, name: str, t: int) -> Signal:
        """Give what ``name`` sends at step ``t``; before the first, zeros are sent into sums."""
        if name not in self.sent:
            return self._sum(name, max(t, BEFORE))
        if t < 0:
            return np.zeros((self._batch, prod(self._shapes[name])), np.float32)
        sent: Signal = self.sent[name][t]
        return sent

    def _sum(self, name: str, t: int) -> Signal:
        """Give a sum, and add up all sums that it waits for, however many stand in a row."""
        waiting = [(name, t)]
        while waiting:
            if waiting[-1] in self._sums:
                waiting.pop()
                continue
            junction, when = waiting[-1]
            before = [(q.source, max(when - q.delay, BEFORE)) for q in self._into[junction]]
            missing = [k for k in before if k[0] not in self.sent and k not in self._sums]
            if missing:
                waiting += missing
                continue
            first, *others = [
                self._through(q, self._value(q.source, when - q.delay))
                for q in self._into[junction]
            ]
            for current in others:
                first = first + current
            self._sums[waiting.pop()] = first
        return self._sums[name, t]

    def _through(self, q: Projection, x: Signal) -> Signal:
        """Apply the operators of ``q``; those on an input that is held still, once."""
        before, result = self._held.get(q.name, (None, None))
        if before is not None and result is not None and np.array_equal(before, x):
            return result
        value = x.reshape(self._batch, *self._shapes[q.source])
        for operator in q.operators:
            value = apply(operator, value)
        result = value.reshape(self._batch, -1)
        if q.source in self._inputs and q.operators:
            self._held[q.name] = x, result
        return result
