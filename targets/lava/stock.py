"""Which of Lava's own processes every part of a network runs on, and what none of them can do."""

from __future__ import annotations

from collections.abc import Iterator

from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import FixedNetwork


def stock_problems(network: FixedNetwork) -> Iterator[Diagnostic]:
    """Yield what Lava's own processes cannot do."""
    del network
    yield from ()
