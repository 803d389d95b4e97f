"""How wide the weights into each population are: what a user asks for, by names that they know.

A width belongs to a population, and is that of all weights into it. Users know it by its own name
or by that of a layer of weights on the way to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.fixed import MAX_WEIGHT_BITS
from snnc.compiler.names import nearest
from snnc.compiler.network import Network, Projection

WeightBits: TypeAlias = int | Mapping[str, int]
"""One width for all populations, or widths by name; ``*`` stands for all that are not named."""
ALL_OTHERS = "*"
OPTION = "--weight-bits"


def width_problems(weight_bits: WeightBits) -> Iterator[Diagnostic]:
    """Yield every width that no weight can have."""
    widths = weight_bits if isinstance(weight_bits, Mapping) else {ALL_OTHERS: weight_bits}
    for name, width in widths.items():
        if not _is_width(width):
            of = "" if name == ALL_OTHERS else f"{name}="
            yield Diagnostic(
                rule=rules.OPTION_VALID,
                node=OPTION,
                found=f"{of}{width!r:.40}",
                limit=f"1 to {MAX_WEIGHT_BITS} bits, the sign included (Loihi: 8)",
                remedy=f"{OPTION} {of}8",
            )


def widths_of(
    network: Network, weight_bits: WeightBits, unsaid: int = MAX_WEIGHT_BITS
) -> dict[str, int]:
    """Give the width of the weights into each population of ``network``, by its name.

    Args:
        network: Whose populations they are.
        weight_bits: What the user asks for: names are those of populations, of their modules, and
            of the modules of weights on the way to them.
        unsaid: The width of populations that nothing is said of.

    Raises:
        InputError: SNN004, a name that is none of these, or two widths for one population.
    """
    if not isinstance(weight_bits, Mapping):
        return {p.name: int(weight_bits) for p in network.populations}
    modules = modules_into(network)
    asked: dict[str, dict[str, int]] = {p.name: {} for p in network.populations}
    problems: list[Diagnostic] = []
    for given, width in weight_bits.items():
        name = str(given)
        meant = [p for p in modules if name in (p, *modules[p])]
        for population in [name] if name in modules else meant:
            asked[population][name] = int(width)
        if not meant and name != ALL_OTHERS:
            problems.append(_unknown(name, modules))
    problems.extend(_contradictions(asked))
    raise_all(problems)
    others = int(weight_bits.get(ALL_OTHERS, unsaid))
    return {name: next(iter(widths.values()), others) for name, widths in asked.items()}


def modules_into(network: Network) -> dict[str, tuple[str, ...]]:
    """Give the modules of each population and of the weights on the way to it, by its name."""
    into: dict[str, list[Projection]] = defaultdict(list)
    for q in network.projections:
        into[q.target].append(q)
    junctions = {j.name for j in network.junctions}
    found: dict[str, tuple[str, ...]] = {}
    for p in network.populations:
        names, ahead, seen = list(p.origin), [p.name], {p.name}
        while ahead:
            for q in into[ahead.pop()]:
                names += [*q.origin, q.name]
                if q.source in junctions - seen:
                    seen.add(q.source)
                    ahead.append(q.source)
        found[p.name] = tuple(dict.fromkeys(n for n in names if n != p.name))
    return found


def as_json(weight_bits: WeightBits) -> int | dict[str, int]:
    """Give what a user asked for as JSON values."""
    if isinstance(weight_bits, Mapping):
        return {str(name): int(width) for name, width in weight_bits.items()}
    return int(weight_bits)


def _is_width(width: object) -> bool:
    if isinstance(width, bool) or not isinstance(width, int | np.integer):
        return False
    return bool(1 <= width <= MAX_WEIGHT_BITS)


def _unknown(name: str, modules: Mapping[str, tuple[str, ...]]) -> Diagnostic:
    like = nearest(name, [*modules, *(m for names in modules.values() for m in names)])
    known = (f"{p} ({', '.join(names)})" if names else p for p, names in modules.items())
    return Diagnostic(
        rule=rules.OPTION_VALID,
        node=OPTION,
        found=f"{name!r:.80}, which is no population and no layer of weights into one",
        limit=", ".join(known),
        remedy=f"did you mean {like}?" if like else "name one of these",
    )


def _contradictions(asked: Mapping[str, Mapping[str, int]]) -> Iterator[Diagnostic]:
    for population, widths in asked.items():
        if len(set(widths.values())) > 1:
            yield Diagnostic(
                rule=rules.OPTION_VALID,
                node=OPTION,
                found=", ".join(f"{name}={width}" for name, width in widths.items()),
                limit=f"one width for all weights into {population}",
                remedy=f"{OPTION} {population}={max(widths.values())}",
            )
