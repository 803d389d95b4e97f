"""Weights that would give what the other has."""

from __future__ import annotations

from collections.abc import Iterator

from snnc.runtime.divergence.dynamics import Made
from snnc.runtime.divergence.evidence import Evidence, Mask
from snnc.runtime.divergence.hypotheses import Trial


def weights(evidence: Evidence, base: Made, wrong: Mask) -> Iterator[Trial]:
    """Suppose other weights."""
    yield from ()
