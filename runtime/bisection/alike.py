"""Whether two networks are of one topology, so that one can be held against the other.

Numbers may differ, and delays and lags: that is what is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedPopulation, FixedProjection
from snnc.compiler.operators import FixedOperator
from snnc.runtime.text import count

SHOWN = 3
"""Differences that are named; the others are counted."""


def unlike(
    names: tuple[str, str], reference: FixedNetwork, other: FixedNetwork
) -> Iterator[Diagnostic]:
    """Yield in what the topologies of two networks differ, as one diagnostic."""
    found = list(_differences(reference, other))
    if not found:
        return
    more = f", and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
    yield Diagnostic(
        rule=rules.SAME_TOPOLOGY,
        node=" and ".join(names),
        found="; ".join(found[:SHOWN]) + more,
        limit="the same inputs, populations and projections, with other numbers",
        remedy="compile both from one model, and with the same --hardware, --lava and relays",
    )


def _differences(reference: FixedNetwork, other: FixedNetwork) -> Iterator[str]:
    for kind, a, b in (
        ("input", map(_input, reference.inputs), map(_input, other.inputs)),
        (
            "population",
            map(_population, reference.populations),
            map(_population, other.populations),
        ),
        (
            "projection",
            map(_projection, reference.projections),
            map(_projection, other.projections),
        ),
    ):
        yield from _unequal(kind, a, b)


def _unequal(kind: str, a: Iterable[str], b: Iterable[str]) -> Iterator[str]:
    for one, two in zip_longest(a, b, fillvalue="none"):
        if one != two:
            yield f"{kind} {one} against {two}"


def _input(i: FixedInput) -> str:
    return f"{i.name} {list(i.shape)} of up to {count(i.max_abs, 'unit')} of {i.step:g}"


def _population(p: FixedPopulation) -> str:
    return f"{p.name} {list(p.shape)}{'' if p.spiking else ', a read-out'}"


def _projection(q: FixedProjection) -> str:
    return f"{q.name} from {q.source} to {q.target} by {', '.join(map(_operator, q.operators))}"


def _operator(o: FixedOperator) -> str:
    """Give kind and shape of an operator; lists of weights may be of other weights."""
    shape = getattr(o, "shape", None) or getattr(getattr(o, "weight", None), "shape", "")
    windows = getattr(o, "window", "")
    return f"{type(o).__name__}{list(shape) if shape else ''}{windows}"
