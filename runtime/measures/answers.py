"""How alike two executions are in what they answer: the class of each sample."""

from __future__ import annotations

from collections import Counter
from math import ceil

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.runtime.findings import Statistics
from snnc.runtime.measures.noninferiority import claim_of, needed_samples
from snnc.runtime.measures.records import Claim, Confusion, Interval
from snnc.runtime.statistics import Paired
from snnc.runtime.text import count

Classes = npt.NDArray[np.integer]


def confusions(reference: Classes, other: Classes) -> tuple[Confusion, ...]:
    """Count the samples that get another class, by both classes; the most frequent first.

    Args:
        reference: The class that the reference gives, shape ``[n]``.
        other: The class that the other gives, shape ``[n]``.
    """
    differ = reference != other
    pairs = zip(reference[differ].tolist(), other[differ].tolist(), strict=True)
    found = sorted(Counter(pairs).items(), key=lambda item: (-item[1], item[0]))
    return tuple(Confusion(reference=a, other=b, samples=n) for (a, b), n in found)


def interval(right: int, n: int, confidence: float = 0.95) -> Interval:
    """Give a share and its exact two-sided interval.

    The ends are the probabilities for which as many right answers or more, or as many or fewer,
    have half of ``1 - confidence``; they are quantiles of beta distributions.

    Args:
        right: Right answers, 0 to ``n``.
        n: Samples, 1 or more.
        confidence: Two-sided, 0 to 1.

    Reference: Clopper and Pearson 1934, Biometrika 26:404.
    """
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = float(betaincinv(right, n - right + 1, tail)) if right else 0.0
    high = float(betaincinv(right + 1, n - right, 1 - tail)) if right < n else 1.0
    return Interval(share=right / n, low=low, high=high)


def statistics_of(pair: Paired, max_drop: float | None = None) -> Statistics:
    """Give what a report tells of two classifiers.

    Args:
        pair: Their answers.
        max_drop: Points of percent that may be lost; None where nothing is claimed.
    """
    told = Statistics(
        n=pair.n,
        accuracy_reference=pair.correct_reference / pair.n,
        accuracy_other=pair.correct_other / pair.n,
        only_reference=pair.only_reference,
        only_other=pair.only_other,
        drop_points=pair.drop,
        drop_bound_points=pair.drop_bound,
        mcnemar_p=pair.mcnemar_p,
        interval_reference=interval(pair.correct_reference, pair.n),
        interval_other=interval(pair.correct_other, pair.n),
    )
    if max_drop is None:
        return told
    of = pair.n, pair.only_reference, pair.only_other, max_drop / 100
    claim, needed = claim_of(*of), needed_samples(*of)
    enough = claim is not Claim.OPEN or (needed is not None and pair.n >= needed)
    return told.model_copy(update={"claim": claim, "enough": enough, "needed": needed})


def sample_warning(link: str, found: Statistics, max_drop: float) -> Diagnostic | None:
    """Warn that there are too few samples for what is claimed; None where there is no need.

    Args:
        link: Its name.
        found: What its samples say.
        max_drop: Points of percent that may be lost.
    """
    if found.enough is not False or found.drop_points > max_drop:
        return None
    allow = f"--max-drop {min(ceil(found.drop_bound_points), 100)}"
    limit, remedy = f"no number of samples shows --max-drop {max_drop:g}", f"give {allow}"
    if found.needed is not None:
        limit = f"{count(found.needed, 'sample')} for --max-drop {max_drop:g}"
        remedy = f"give as many samples, or {allow}"
    return Diagnostic(
        rule=rules.ENOUGH_SAMPLES,
        node=link,
        found=f"{count(found.n, 'sample')}, which show that it falls by less than "
        f"{found.drop_bound_points:.2f} points (95 % confidence)",
        limit=limit,
        remedy=remedy,
    )
