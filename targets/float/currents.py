"""What arrives at populations and sums of a float network, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from snnc.compiler.network import Network, Projection
from snnc.compiler.operators import Reals
from snnc.targets.float.operators import Signal, apply


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
        self._into = {name: tuple(network.incoming(name)) for name in self._shapes}
        self._sums: dict[str, tuple[int, Signal]] = {}
        self._held: dict[str, tuple[Signal, Signal]] = {}

    def into(self, name: str, t: int) -> list[Signal]:
        """Give one current a projection into ``name``, in the order of summation.

        Args:
            name: A population or a junction.
            t: The step; all that is sent without delay is there.

        Returns:
            float32, each of shape ``[batch, n]``.
        """
        return [self._through(q, self._value(q.source, t - q.delay)) for q in self._into[name]]

    def _value(self, name: str, t: int) -> Signal:
        """Give what ``name`` sends at step ``t``; zeros before the first."""
        if t < 0:
            return np.zeros((self._batch, prod(self._shapes[name])), np.float32)
        if name in self.sent:
            return self.sent[name][t]
        if self._sums.get(name, (-1, None))[0] != t:
            first, *others = self.into(name, t)
            for current in others:
                first = first + current
            self._sums[name] = t, first
        return self._sums[name][1]

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
