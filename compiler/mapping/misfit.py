"""What stands against a partition, as diagnostics."""

from __future__ import annotations

from collections.abc import Sequence

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.mapping.demand import NotStorable
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.room import Room
from snnc.compiler.mapping.violations import too_large


def alone_problems(room: Room, part: Part) -> tuple[Diagnostic, ...]:
    """Say why a neuron that has a core to itself does not fit."""
    try:
        return too_large(room.network, part, room.hardware, room.sent([part]))
    except NotStorable as fault:
        problem = Diagnostic(
            rule=rules.PARTITION_FOUND,
            node=_node(room, [part]),
            found=f"synapses of {fault} that no encoding can keep",
            limit=f"the encodings of {room.hardware.name}",
            remedy="add an encoding with a wider index to the description (docs/hardware.md)",
        )
        return (problem,)


def core_problem(room: Room, parts: Sequence[Part]) -> Diagnostic:
    """Say what a core has most too much of, when laying out anew has not helped."""
    over = [use for use in room.uses(parts) or () if not use.fits]
    worst = max(over, key=lambda use: use.share)
    neurons = sum(part.region.size for part in parts)
    return Diagnostic(
        rule=rules.PARTITION_FOUND,
        node=_node(room, parts),
        found=f"{worst.used} {worst.resource} for {neurons} neurons",
        limit=f"{worst.limit.value} on {room.hardware.name} ({worst.limit.source})",
        remedy="prune or narrow the weights of what receives, so that it takes fewer cores",
    )


def _node(room: Room, parts: Sequence[Part]) -> str:
    names = {part.population for part in parts}
    origins = (p.origin or (p.name,) for p in room.network.populations if p.name in names)
    return " + ".join(dict.fromkeys(path for origin in origins for path in origin))
