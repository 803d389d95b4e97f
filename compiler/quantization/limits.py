"""What a target has less of than the integers of ``docs/arithmetic.md``."""

from __future__ import annotations

from dataclasses import dataclass

from snnc.compiler.fixed import MAX_DV


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits beyond those of the integers themselves.

    Attributes:
        largest_dv: A population that would keep less of its potential keeps so much.
        kernel_exponents: Whether a convolution can have an exponent. Where it cannot, scales are
            such that its weights hold what they are worth in 8 bits.
    """

    largest_dv: int = MAX_DV
    kernel_exponents: bool = True


NO_LIMITS = Limits()
