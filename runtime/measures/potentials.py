"""How far the membrane potentials of two executions are from one another."""

from __future__ import annotations

from math import log10

import numpy as np

from snnc.compiler.trace import Array
from snnc.runtime.measures.exact import exact_squares
from snnc.runtime.measures.sums import Sums


class Potentials(Sums):
    """Sums over all steps, samples and neurons.

    Attributes:
        power: Sum of the squares of the reference's potential, exact.
        noise: Sum of the squares of the difference, exact.
        infinite: Potentials that are no finite number.
    """

    power: int = 0
    noise: int = 0
    infinite: int = 0

    @property
    def sqnr_db(self) -> float | None:
        """``10 log10(power / noise)``; None where there is no power, no noise, or no number."""
        if self.infinite or not self.power or not self.noise:
            return None
        return 10 * log10(self.power / self.noise)


def potentials(reference: Array, other: Array) -> Potentials:
    """Compare potentials in the same units.

    Args:
        reference: Integers below ``2**31`` or floats, ``[steps, batch, *shape]``.
        other: The same; integers where the reference is.
    """
    real = reference.dtype.kind == "f"
    if real and not (finite := np.isfinite(reference) & np.isfinite(other)).all():
        return Potentials(infinite=int(finite.size - finite.sum()))
    power = exact_squares(reference)
    if np.array_equal(reference, other):
        return Potentials(power=power)
    difference = np.subtract(other, reference, dtype=np.float64 if real else np.int64)
    return Potentials(power=power, noise=exact_squares(difference))
