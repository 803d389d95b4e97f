"""Float32 arithmetic that rounds once, as processors do in one instruction."""

from __future__ import annotations

import numpy as np

from snnc.compiler.operators import Reals


def fused_multiply_add(x: Reals, factor: Reals, shift: Reals) -> Reals:
    """Give ``x * factor + shift`` in float32, rounded once; shapes are broadcast.

    The product of two float32 is exact in float64. Its sum with a third is rounded to odd there,
    after which rounding to float32 gives what a single rounding would (Boldo and Melquiond 2008,
    "Emulation of a FMA and correctly rounded sums", IEEE Transactions on Computers 57(4)).
    """
    product = x.astype(np.float64) * factor
    total = product + shift
    shifted = total - product
    lost = (product - (total - shifted)) + (shift - shifted)  # what rounding took from the total
    even = total.view(np.int64) & 1 == 0
    odd = np.nextafter(total, np.copysign(np.inf, lost))
    return np.where((lost != 0) & even, odd, total).astype(np.float32)
