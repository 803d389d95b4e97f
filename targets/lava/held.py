"""Inputs that wait longer than Lava's own processes can hold them."""

from __future__ import annotations

from collections.abc import Iterator

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import MAX_DELAY, FixedNetwork


def held_problems(network: FixedNetwork) -> Iterator[Diagnostic]:
    """Yield every projection with a delay that none of Lava's processes has.

    Behind neurons there are relays; what is left are inputs.
    """
    for q in network.projections:
        if q.delay > MAX_DELAY:
            yield Diagnostic(
                rule=rules.INPUT_HELD,
                node=" + ".join(q.origin) or q.name,
                found=f"{q.delay} steps of delay from {q.source} to {q.target}",
                limit=f"{MAX_DELAY} steps (lava 0.10.0, DelayDense: 62 and the synapse's own)",
                remedy="--lava mixed holds inputs back; or send the data so much later",
            )
