"""What a projection brings one neuron, with real weights or with the integers they became."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import ALIGN_BITS, FixedProjection, weight_limits
from snnc.compiler.linear import Doubles, apply, as_steps, is_linear
from snnc.compiler.operators import MaxPooling, SumPooling
from snnc.compiler.quantization.paths import Path
from snnc.compiler.trace import Array
from snnc.runtime.divergence.operands import acting_weights

UNIT = 2**ALIGN_BITS
MOST_ROUNDED = 1.5
"""Integers by which rounding may move a weight: a half to the nearest, and one more to make up for
others (see ``compiler/quantization/feedback.py``), which rarely takes more."""
DUST = 1e-9
"""What a sum of real weights may be below an integer by rounding of float64 alone."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Carrier:
    """What one projection brings the neuron, in real numbers and in integers.

    Attributes:
        path: In real numbers.
        q: In integers; its delay is that of the network.
        factor: Integers for a real weight of 1, in the neuron's own scale.
        step: Real value of the integer 1 of the source.
        neuron: Index in the population, in C order.
        sent: What the source sent, real, ``[steps, *shape]``.
    """

    path: Path
    q: FixedProjection
    factor: float
    step: float
    neuron: int
    sent: Array

    @property
    def floors(self) -> bool:
        """Whether the exponent rounds the sum down."""
        return self.q.weight_exp < 0

    @cached_property
    def linear(self) -> bool:
        """Whether no element wins over others on the way."""
        return all(map(is_linear, self.path.steps))

    @cached_property
    def real(self) -> Doubles:
        """The weights in units of the integers, in the shape of the source."""
        zero = np.zeros(self.path.shape)
        return acting_weights(self.path.steps, zero, self.neuron) * self.factor

    @cached_property
    def rounded(self) -> Doubles:
        """The integers."""
        zero = np.zeros(self.path.shape)
        return acting_weights(as_steps(self.q.operators, self.path.shape), zero, self.neuron)

    @cached_property
    def clipped(self) -> npt.NDArray[np.bool_]:
        """Which of the integers are as large as any is, and would be larger.

        Nothing tells a weight that was clipped from one that was rounded the wrong way but how far
        it is off: it counts as clipped at the limit of its width, or if it is off by more than
        rounding explains.
        """
        pooled = any(isinstance(s, SumPooling | MaxPooling) for s in self.path.steps)
        if pooled or not self.linear:
            return np.zeros(self.path.shape, np.bool_)
        low, high = weight_limits(self.q.weight_bits, self.q.sign_mode)
        size, lacks = np.abs(self.rounded), np.abs(self.real) - np.abs(self.rounded)
        limited = (self.rounded == high) | (self.rounded == low)
        same_sign = self.real * self.rounded > 0
        largest = size == size.max(initial=0)
        return np.asarray(
            same_sign & ((limited & (lacks > 0.5)) | (largest & (lacks > MOST_ROUNDED)))
        )

    def weights(self, *, real: bool, unclipped: bool) -> Doubles:
        """Give the integers, with the real weights in place of those that were clipped or not."""
        back = np.where(self.clipped, unclipped, real)
        return np.where(back, self.real, self.rounded)

    def arriving(
        self,
        *,
        real: bool = False,
        unclipped: bool = False,
        exact_input: bool = False,
        exact_sum: bool = False,
        own_delay: bool = False,
    ) -> Doubles:
        """Give the aligned synaptic input of each step, shape ``[steps]``.

        Args:
            real: With the real weights in place of those that were rounded.
            unclipped: With the real weights in place of those that were clipped.
            exact_input: With the real values of the input.
            exact_sum: Without rounding down what the exponent shifts.
            own_delay: With the delay of the network of real numbers.
        """
        x = self.sent.astype(np.float64) / self.step
        x = x if exact_input or self.step == 1 else np.rint(x)
        x = _delayed(x, self.path.delay if own_delay else self.q.delay)
        if self.linear:
            y = x.reshape(len(x), -1) @ self.weights(real=real, unclipped=unclipped).ravel()
        else:
            y = self._pooled(x, real=real)
        total = y * 2.0**self.q.weight_exp
        if self.floors and not exact_sum:
            total = np.floor(total + DUST * (real or unclipped))
        return np.asarray(total * UNIT)

    def _pooled(self, x: Doubles, *, real: bool) -> Doubles:
        steps = self.path.steps if real else as_steps(self.q.operators, self.path.shape)
        for step in steps:
            x = apply(step, x)
        y = x.reshape(len(x), -1)[:, self.neuron]
        return y * self.factor if real else y


def _delayed(x: Doubles, delay: int) -> Doubles:
    came = np.zeros_like(x)
    came[delay:] = x[: max(len(x) - delay, 0)]
    return came
