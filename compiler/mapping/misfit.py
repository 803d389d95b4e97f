"""What stands against a partition, as diagnostics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.mapping.demand import NotStorable
from snnc.compiler.mapping.ledger import Sent
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.room import Room
from snnc.compiler.mapping.traffic import HasParts
from snnc.compiler.mapping.violations import too_large


def misfits(
    room: Room, hopeless: Iterable[Part], over: Iterable[HasParts]
) -> tuple[Diagnostic, ...]:
    """Give all that stands against a partition.

    Args:
        room: The limits, when all is laid out.
        hopeless: Single neurons that fit no core; of each population the largest is told of.
        over: Cores over a limit, which are told of where there are no such neurons.
    """
    largest: dict[str, Part] = {}
    for part in hopeless:
        known = largest.get(part.population)
        if known is None or room.share([part]) > room.share([known]):
            largest[part.population] = part
    found = [problem for part in largest.values() for problem in _alone(room, part)]
    return tuple(dict.fromkeys(found or (_of_core(room, core.parts) for core in over)))


def _alone(room: Room, part: Part) -> tuple[Diagnostic, ...]:
    """Say why a neuron that has a core to itself does not fit."""
    try:
        fan_out = room.sent([part]).fan_out
        found = too_large(room.network, part, room.hardware, Sent(fan_out=fan_out))
    except NotStorable as fault:
        problem = Diagnostic(
            rule=rules.PARTITION_FOUND,
            node=_node(room, [part]),
            found=f"synapses of {fault} that no encoding can keep",
            limit=f"the encodings of {room.hardware.name}",
            remedy="add an encoding for them to the description (docs/hardware.md)",
        )
        return (problem,)
    return found or (_of_core(room, [part]),)  # it is what it sends


def _of_core(room: Room, parts: Sequence[Part]) -> Diagnostic:
    """Say what a core has most too much of, when laying out anew has not helped."""
    over = [use for use in room.uses(parts) or () if not use.fits]
    worst = max(over, key=lambda use: use.share)
    n = sum(part.region.size for part in parts)
    return Diagnostic(
        rule=rules.PARTITION_FOUND,
        node=_node(room, parts),
        found=f"{worst.used} {worst.resource} for {n} neuron{'s' * (n > 1)}",
        limit=f"{worst.limit.value} on {room.hardware.name} ({worst.limit.source})",
        remedy="prune or narrow the weights of what receives, so that it takes fewer cores",
    )


def _node(room: Room, parts: Sequence[Part]) -> str:
    names = {part.population for part in parts}
    origins = (p.origin or (p.name,) for p in room.network.populations if p.name in names)
    return " + ".join(dict.fromkeys(path for origin in origins for path in origin))
