"""A product and a sum that are rounded once, against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from snnc.compiler.fused import fused_multiply_add


def test_one_rounding() -> None:
    """Random numbers, and ones that float64 rounds onto a tie of float32, which then goes wrong."""
    random = np.random.default_rng(11)
    x, factor, shift = random.normal(0, 1, (3, 20_000)).astype(np.float32)
    x[:2], factor[:2], shift[:2] = 1 + 2.0**-12, 1 + 2.0**-12, (2.0**-60, -(2.0**-60))
    given = fused_multiply_add(x, factor, shift)
    twice = (x.astype(np.float64) * factor + shift).astype(np.float32)
    wanted = [
        nearest(Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)))
        for a, b, c in zip(x, factor, shift, strict=True)
    ]
    assert given.tolist() == wanted
    assert (twice[:2] != wanted[:2]).any()


def nearest(exact: Fraction) -> float:
    """Give the float32 next to ``exact``, of two the even one."""
    start = np.float32(float(exact))
    around = [
        start,
        np.nextafter(start, np.float32(-np.inf)),
        np.nextafter(start, np.float32(np.inf)),
    ]
    return float(min(around, key=lambda f: (abs(Fraction(float(f)) - exact), f.view(np.int32) & 1)))
