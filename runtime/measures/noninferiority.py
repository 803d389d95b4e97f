"""Whether samples show that accuracy falls by no more than is allowed, and how many would."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from snnc.runtime.measures.records import Claim
from snnc.runtime.statistics import drop_bound

POWER = 0.8
"""How often as many samples as are needed show the claim, where accuracy does not really fall."""
MOST = 10**9
"""Samples beyond which nobody looks."""


def claim_of(n: int, b: int, c: int, margin: float) -> Claim:
    """Say what ``n`` samples say of the claim that accuracy falls by at most ``margin``.

    The claim is shown where the one-sided 95 % upper bound of the drop is at most the margin, and
    refuted where its lower bound is larger. This is the test of non-inferiority by an interval.

    Args:
        n: Samples.
        b: Samples that only the reference gets right.
        c: Samples that only the other gets right.
        margin: Share of the samples, 0 to 1.

    References: Tango 1998, Statistics in Medicine 17:891, for the bound; ICH E9 (1998), section
    3.3.2, for the test.
    """
    if drop_bound(n, b, c) <= margin:
        return Claim.SHOWN
    return Claim.REFUTED if -drop_bound(n, c, b) > margin else Claim.OPEN


def needed_samples(n: int, b: int, c: int, margin: float) -> int | None:
    """Give the samples that show the claim in 4 of 5 cases, if accuracy does not really fall.

    It is the smallest ``N`` for which the upper bound is within the margin although the luck of
    the draw is against it: ``d = N (b + c) / n`` samples are answered right by one alone, as many
    by chance by either, so that ``b - c`` has the standard deviation ``sqrt(d)``, and exceeds
    ``z sqrt(d)``, with ``z`` the normal quantile of ``POWER``, in 1 of 5 cases.

    Args:
        n: Samples that were seen.
        b: Those that only the reference gets right.
        c: Those that only the other gets right.
        margin: Share of the samples, 0 to 1.

    Returns:
        None where no number up to ``MOST`` is enough.
    """
    share = (b + c) / n
    if _unlucky(MOST, share) > margin:
        return None
    low, high = 0, MOST  # not enough, enough
    while high - low > 1:
        middle = (low + high) // 2
        if _unlucky(middle, share) > margin:
            low = middle
        else:
            high = middle
    return high


def _unlucky(n: int, share: float) -> float:
    """Give the bound of the drop with ``n`` samples, a share of which is answered right by one."""
    d = n * share
    excess = min(NormalDist().inv_cdf(POWER) * sqrt(d), d)
    return drop_bound(n, (d + excess) / 2, (d - excess) / 2)
