"""The van Rossum distance of spike trains."""

from __future__ import annotations

from math import exp

import numpy as np
import numpy.typing as npt

from snnc.runtime.measures.trains import Trains

TAU = 10
"""Time constant, in steps."""


def van_rossum(reference: Trains, other: Trains, tau: float = TAU) -> npt.NDArray[np.float64]:
    """Give the distance of each pair of trains.

    Both are filtered by ``exp(-t / tau)``; with ``f`` and ``g`` what comes of it,

        D^2 = (2 / tau) integral_0^infinity (f - g)^2 dt

    so that one spike against none is 1, as in elephant; the paper has half of ``D^2``. The
    difference is ``x_t = x_(t-1) exp(-1 / tau) + n_t - m_t`` after step ``t``, and between two
    steps it falls: ``D^2 = sum_(t < T) x_t^2 (1 - exp(-2 / tau)) + x_T^2``.

    Args:
        reference: Spikes ``n``, ``[steps, trains]``.
        other: Spikes ``m``, of the same shape.
        tau: Time constant in steps.

    Returns:
        0 or more, ``[trains]``.

    Reference: van Rossum 2001, Neural Computation 13:751.
    """
    decay, share = exp(-1 / tau), 1 - exp(-2 / tau)
    x = np.zeros(reference.shape[1])
    total = np.zeros(reference.shape[1])
    for n, m in zip(reference, other, strict=True):
        total += share * np.square(x)
        x = x * decay + (n.astype(np.float64) - m)
    return np.asarray(np.sqrt(total + np.square(x)))
