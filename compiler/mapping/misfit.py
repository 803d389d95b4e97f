"""Why parts of a network fit no core, as diagnostics."""

from __future__ import annotations

from collections.abc import Sequence

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.mapping.ledger import Resource, Use
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.room import Room

_REMEDIES = {
    Resource.OUTPUT_AXONS: "use hardware with larger cores, so that fewer receive, or fewer neurons",
    Resource.DESTINATIONS: "use hardware with larger cores, so that fewer receive, or fewer neurons",
}
REMEDY = "prune the weights of its inputs, give them fewer bits, or use other hardware"


def alone_problem(room: Room, part: Part) -> Diagnostic:
    """Say why a neuron that has a core to itself does not fit."""
    return _problem(room, [part], "one neuron alone")


def core_problem(room: Room, parts: Sequence[Part]) -> Diagnostic:
    """Say what a core has too much of, when nothing helps any more."""
    n = sum(part.region.size for part in parts)
    return _problem(room, parts, f"{n} neurons on a core")


def _problem(room: Room, parts: Sequence[Part], whose: str) -> Diagnostic:
    found = room.uses(parts) or ()
    over = [use for use in found if not use.fits]
    worst = max(over, key=lambda use: use.share)
    return Diagnostic(
        rule=rules.PARTS_FIT,
        node=_node(room, parts),
        found=f"{worst.used} {worst.resource} for {whose}",
        limit=_limit(worst),
        remedy=_REMEDIES.get(worst.resource, REMEDY),
    )


def _node(room: Room, parts: Sequence[Part]) -> str:
    names = {part.population for part in parts}
    origins = (p.origin or (p.name,) for p in room.network.populations if p.name in names)
    return " + ".join(dict.fromkeys(path for origin in origins for path in origin))


def _limit(use: Use) -> str:
    return f"{use.limit.value} ({use.limit.source})"
