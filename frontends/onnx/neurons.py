"""The equations of neurons, to hold against what an ONNX model computes.

They are those of ``compiler.network``, written so that they take polynomials as well as float32:
the same lines say what a model should compute, and compute it bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from snnc.compiler.network import Integration, Reset
from snnc.frontends.onnx.algebra import Atom, Polynomial, variable
from snnc.frontends.onnx.model import Array

Number = Any
"""A polynomial, or an array of float32."""


class Heaviside(Protocol):
    """1 where its argument is above 0, else 0."""

    def __call__(self, x: Any, /) -> Any:
        """Compare with 0."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Equations:
    """Neurons of one kind.

    Attributes:
        integration: How input is taken up.
        reset: What a spike does; None of a read-out, which has none.
        decay: See ``compiler.network.Population``, and the others.
        current_decay: The same.
        gain: The same.
        leak: The same.
        threshold: The same.
        reset_value: The same.
    """

    integration: Integration
    reset: Reset | None = None
    decay: Array
    gain: Array
    current_decay: Array
    leak: Array
    threshold: Array
    reset_value: Array

    def as_float32(self) -> Equations:
        """Give the same with every number rounded to float32."""
        return replace(
            self,
            decay=np.asarray(self.decay, np.float32),
            gain=np.asarray(self.gain, np.float32),
            current_decay=np.asarray(self.current_decay, np.float32),
            leak=np.asarray(self.leak, np.float32),
            threshold=np.asarray(self.threshold, np.float32),
            reset_value=np.asarray(self.reset_value, np.float32),
        )

    def step(
        self, v: Number, i: Number, currents: Sequence[Number], spike: Heaviside
    ) -> tuple[Number, Number, Number]:
        """Compute one step.

        Args:
            v: Membrane potential.
            i: Synaptic current, where there is one.
            currents: In the order of their sum.
            spike: Gives 1 above 0, else 0.

        Returns:
            Spikes (None of a read-out), ``v`` and ``i`` after the step.
        """
        r: Number = None
        if self.reset in DELAYED:
            r = spike(v - self.threshold)
        if self.reset is Reset.ZERO_DELAYED:
            v = (1 - r) * v
        u, i = self._integrated(v, i, currents)
        if self.reset in {Reset.SUBTRACT_DELAYED, Reset.SUBTRACT_RETEST}:
            u = u - r * self.threshold
        elif self.reset is Reset.ZERO_NEXT:
            u = u - r * u
        if self.reset is None:
            return None, u, i
        s = spike(u - self.threshold)
        return s, self._reset(u, s, r), i

    def _integrated(
        self, v: Number, i: Number, currents: Sequence[Number]
    ) -> tuple[Number, Number]:
        inputs = [c if (self.gain == 1).all() else self.gain * c for c in currents]
        if self.integration is Integration.DECAY:
            v = self.decay * v
            for x in inputs:
                v = v + x
        elif self.integration is Integration.EULER:
            v = v + self.decay * ((_total(inputs) + self.leak) - v)
        elif self.integration is Integration.CURRENT_DECAY:
            i = self.current_decay * i
            for x in inputs:
                i = i + x
            v = self.decay * v + i
        else:
            for x in inputs:
                i = i + x
            v = v + self.decay * ((self.leak - v) + i)
            i = i - self.current_decay * i
        return v, i

    def _reset(self, u: Number, s: Number, r: Number) -> Number:
        if self.reset is Reset.ZERO:
            return (1 - s) * u
        if self.reset is Reset.VALUE:
            return (1 - s) * u + s * self.reset_value
        if self.reset is Reset.SUBTRACT:
            return u - s * self.threshold
        if self.reset is Reset.SUBTRACT_RETEST:
            return u - (s - r) * self.threshold
        return u


DELAYED = frozenset(
    {Reset.ZERO_DELAYED, Reset.ZERO_NEXT, Reset.SUBTRACT_DELAYED, Reset.SUBTRACT_RETEST}
)
"""Resets that look at the potential as the step begins."""
AT_ONCE = (Reset.ZERO, Reset.VALUE)
"""Resets after which no potential is above the threshold."""


def _total(values: Sequence[Number]) -> Number:
    total: Number = values[0] if values else 0.0
    for value in values[1:]:
        total = total + value
    return total


@dataclass(frozen=True, eq=False, kw_only=True)
class Update:
    """What a model computes of one population.

    Attributes:
        v: The potential before the step.
        i: The synaptic current before the step, where there is one.
        currents: What enters.
        spike: What is tested for the spike; None of a read-out.
        next_v: The potential after the step.
        next_i: The synaptic current after the step, where there is one.
    """

    v: Atom
    i: Atom | None
    currents: tuple[Atom, ...]
    spike: Atom | None
    next_v: Polynomial
    next_i: Polynomial | None


def candidates(update: Update, pending: Sequence[Atom]) -> Iterator[Equations]:
    """Yield equations with the numbers that ``update`` would have in each.

    Args:
        update: What a model computes.
        pending: Spikes that test a state as the step begins.
    """
    rest = [a for a in (update.spike, *pending) if a is not None]
    u = update.next_v.without(rest)
    zero = np.array(0.0)
    threshold = reset_value = zero
    if update.spike is not None and update.spike.above is not None:
        threshold = (u - update.spike.above.without(rest)).of()
        reset_value = update.next_v.of(update.spike) + u.of()
    for own in _integrations(update, u):
        known = replace(own, threshold=threshold, reset_value=reset_value)
        if update.spike is None:
            yield known
            continue
        for reset in Reset:
            if reset is not Reset.VALUE or reset_value.any():
                yield replace(known, reset=reset)


def _integrations(update: Update, u: Polynomial) -> Iterator[Equations]:
    v, one, zero = update.v, np.array(1.0), np.array(0.0)
    inputs = [u.of(c) for c in update.currents]
    first = inputs[0] if inputs else 1 - u.of(v)
    base = Equations(
        integration=Integration.DECAY,
        decay=u.of(v),
        gain=one,
        current_decay=zero,
        leak=zero,
        threshold=zero,
        reset_value=zero,
    )
    leak = _ratio(u.of(), first)
    if update.i is None or update.next_i is None:
        yield replace(base, gain=inputs[0] if inputs else one)
        yield replace(base, integration=Integration.EULER, decay=first, leak=leak)
        return
    kept = update.next_i.of(update.i)
    entering = [update.next_i.of(c) for c in update.currents]
    yield replace(
        base,
        integration=Integration.CURRENT_DECAY,
        gain=entering[0] if entering else one,
        current_decay=kept,
    )
    yield replace(
        base,
        integration=Integration.CURRENT_EULER,
        decay=first,
        current_decay=1 - kept,
        leak=leak,
    )


def _ratio(a: Array, b: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(np.where(np.asarray(b) == 0, 0.0, a / np.asarray(b)))


def matches(
    equations: Equations,
    update: Update,
    pending: Sequence[Atom],
    known: Callable[[Polynomial], Polynomial],
) -> bool:
    """Tell whether ``update`` is what ``equations`` compute, but for rounding.

    After a reset to zero or a value that is not above the threshold no step begins above it, so
    what a model does then never happens.

    Args:
        equations: With their numbers.
        update: What a model computes.
        pending: Spikes that test a state as the step begins.
        known: Gives the spike that tests a polynomial.
    """
    i = None if update.i is None else variable(update.i)
    currents = [variable(c) for c in update.currents]
    s, v, next_i = equations.step(variable(update.v), i, currents, known)
    never: Sequence[Atom] = ()
    if equations.reset in AT_ONCE and (equations.reset_value <= equations.threshold).all():
        never = pending
    if update.next_i is not None and not update.next_i.without(never).like(next_i):
        return False
    if update.spike is not None and not _same_test(s, update.spike, never):
        return False
    return bool(_renamed(update.next_v, update.spike, s).without(never).like(v))


def _same_test(s: Polynomial, spike: Atom, never: Sequence[Atom]) -> bool:
    (monomial,) = s.terms
    (atom,) = monomial
    if atom.above is None or spike.above is None:
        return False
    return spike.above.without(never).like(atom.above)


def _renamed(polynomial: Polynomial, spike: Atom | None, s: Polynomial | None) -> Polynomial:
    """Give ``polynomial`` with ``s`` for ``spike``, which is known to be the same."""
    if spike is None or s is None:
        return polynomial
    (monomial,) = s.terms
    (atom,) = monomial
    terms = {
        frozenset(atom if a is spike else a for a in atoms): f
        for atoms, f in polynomial.terms.items()
    }
    return Polynomial(terms)
