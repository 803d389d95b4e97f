"""What answers tell: exact intervals, claims, and how many samples these take."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from snnc.runtime.measures.answers import confusions, interval, sample_warning, statistics_of
from snnc.runtime.measures.noninferiority import claim_of, needed_samples
from snnc.runtime.measures.records import Claim, Confusion
from snnc.runtime.statistics import Paired, drop_bound
from snnc.runtime.verify import verify
from tests.runtime.samples import data, graph, labels

Z2 = 1.6448536269514722**2
"""Square of the 95 % quantile of the normal distribution."""
FEW = """\
warning[SNN631]: there are enough samples to show that accuracy falls by no more than is allowed
  --> float -> integer
   found: 4 samples, which show that it falls by less than 40.35 points (95 % confidence)
   limit: 268 samples for --max-drop 1
  remedy: give as many samples, or --max-drop 41"""
NEVER = """\
warning[SNN631]: there are enough samples to show that accuracy falls by no more than is allowed
  --> float -> integer
   found: 4 samples, which show that it falls by less than 40.35 points (95 % confidence)
   limit: no number of samples shows --max-drop 0
  remedy: give --max-drop 41"""


def test_confusions() -> None:
    reference = np.array([0, 1, 1, 2, 2, 0, 1, 2])
    other = np.array([0, 2, 2, 1, 0, 1, 1, 1])
    assert confusions(reference, other) == (
        Confusion(reference=1, other=2, samples=2),
        Confusion(reference=2, other=1, samples=2),
        Confusion(reference=0, other=1, samples=1),
        Confusion(reference=2, other=0, samples=1),
    )
    assert confusions(reference, reference) == ()


@pytest.mark.parametrize("n", [1, 7, 200])
def test_interval_where_all_or_none_are_right(n: int) -> None:
    """The ends are those at which ``p**n`` or ``(1 - p)**n`` is 1/40."""
    none, all_ = interval(0, n), interval(n, n)
    assert (none.share, none.low) == (0, 0)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / n))
    assert (all_.share, all_.high) == (1, 1)
    assert all_.low == pytest.approx(0.025 ** (1 / n))


@pytest.mark.parametrize(("right", "n"), [(1, 2), (5, 10), (3, 29), (270, 300)])
def test_interval_ends_where_the_tail_is_a_fortieth(right: int, n: int) -> None:
    def tail(p: float, counts: range) -> float:
        return sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in counts)

    found = interval(right, n)
    assert tail(found.low, range(right, n + 1)) == pytest.approx(0.025)
    assert tail(found.high, range(right + 1)) == pytest.approx(0.025)


def test_interval_covers_what_it_says() -> None:
    """By simulation: no share is missed more often than in 5 of 100 cases."""
    random = np.random.default_rng(3)
    for n, share in ((20, 0.5), (50, 0.9), (300, 0.97), (300, 0.6)):
        draws = random.binomial(n, share, 4000)
        ends = {k: interval(k, n) for k in set(draws.tolist())}
        covered = np.mean([ends[k].low <= share <= ends[k].high for k in draws.tolist()])
        assert 0.94 <= covered <= 0.995  # 0.95 or more, and three standard errors


def test_interval_covers_what_it_says_exactly() -> None:
    """The probability of all results whose interval holds the true share, summed up."""
    n = 30
    ends = [interval(k, n) for k in range(n + 1)]
    for share in np.linspace(0.01, 0.99, 99).tolist():
        covered = sum(
            comb(n, k) * share**k * (1 - share) ** (n - k)
            for k, end in enumerate(ends)
            if end.low <= share <= end.high
        )
        assert covered >= 0.95


@pytest.mark.parametrize(
    ("n", "b", "c", "margin", "claim"),
    [
        (268, 0, 0, 0.01, "shown"),
        (267, 0, 0, 0.01, "open"),
        (1000, 5, 40, 0.0, "shown"),
        (1000, 60, 10, 0.02, "refuted"),
        (1000, 30, 10, 0.02, "open"),
        (5, 5, 0, 1.0, "shown"),
    ],
)
def test_claim(n: int, b: int, c: int, margin: float, claim: str) -> None:
    assert claim_of(n, b, c, margin) == claim


def test_claim_is_wrong_in_5_of_100_cases_at_most() -> None:
    """By simulation, where the drop is just as large as the margin."""
    random = np.random.default_rng(4)
    for n, b, c in ((500, 0.05, 0.03), (2000, 0.03, 0.02)):
        draws = random.multinomial(n, [b, c, 1 - b - c], 2000).tolist()
        claims = [claim_of(n, drawn[0], drawn[1], b - c) for drawn in draws]
        assert 0.03 < claims.count(Claim.SHOWN) / 2000 < 0.065  # 0.05 and three standard errors
        assert 0.03 < claims.count(Claim.REFUTED) / 2000 < 0.065


def test_needed_where_nothing_differs() -> None:
    """Then the bound is ``z^2 / (n + z^2)``."""
    for margin in (0.01, 0.005, 0.2):
        n = needed_samples(100, 0, 0, margin)
        assert n is not None
        assert Z2 / (n + Z2) <= margin < Z2 / (n - 1 + Z2)
    assert needed_samples(100, 0, 0, 0) is None
    assert needed_samples(100, 0, 0, 1) == 1


@pytest.mark.parametrize(("share", "margin"), [(0.05, 0.01), (0.2, 0.02), (0.02, 0.05)])
def test_needed_samples_show_it_in_4_of_5_cases(share: float, margin: float) -> None:
    seen = 10000
    differing = round(share * seen / 2)
    n = needed_samples(seen, differing, differing, margin)
    assert n is not None
    random = np.random.default_rng(8)
    draws = random.multinomial(n, [share / 2, share / 2, 1 - share], 2000).tolist()
    shown = np.mean([drop_bound(n, b, c) <= margin for b, c, _ in draws])
    assert 0.75 < shown < 0.83  # 0.8; with few that differ less, as these are whole numbers


def test_statistics() -> None:
    found = statistics_of(Paired(400, 380, 378, 10, 8), max_drop=2)
    assert found.interval_reference == interval(380, 400)
    assert found.interval_other == interval(378, 400)
    assert (found.claim, found.enough) == ("open", False)
    normal = (1.645 + 0.842) ** 2 * (18 / 400) / 0.02**2  # of the same power, without a score
    assert found.needed == pytest.approx(normal, rel=0.1)
    assert statistics_of(Paired(4000, 3800, 3780, 100, 80), max_drop=2).enough is True
    unclaimed = statistics_of(Paired(400, 380, 378, 10, 8))
    assert (unclaimed.claim, unclaimed.enough, unclaimed.needed) == (None, None, None)
    assert unclaimed.interval_other == interval(378, 400)


def test_a_drop_that_is_near_the_limit_stays_open_with_enough_samples() -> None:
    found = statistics_of(Paired(1000, 900, 885, 20, 5), max_drop=1.6)
    assert (found.claim, found.enough) == ("open", True)
    assert found.needed is not None
    assert found.needed < 1000
    assert sample_warning("float -> integer", found, 1.6) is None


def test_what_is_refuted_needs_no_more_samples() -> None:
    found = statistics_of(Paired(10, 10, 0, 10, 0), max_drop=1)
    assert (found.claim, found.enough) == ("refuted", True)
    assert sample_warning("float -> integer", found, 1) is None


@pytest.mark.parametrize(("max_drop", "warning"), [(1, FEW), (0, NEVER)])
def test_a_user_is_told_that_samples_are_few(max_drop: float, warning: str) -> None:
    report = verify(
        graph(), data(), labels=labels(), dt=1e-4, targets=("integer",), max_drop=max_drop
    )
    assert warning in report.warnings
    assert report.passed, "what holds for these samples, holds"


def test_enough_samples_are_not_warned_of() -> None:
    report = verify(graph(), data(), labels=labels(), dt=1e-4, targets=("integer",), max_drop=50)
    assert not [w for w in report.warnings if "SNN631" in w]
