"""What every core of a mapping uses of every resource."""

from __future__ import annotations

from collections.abc import Sequence

from snnc.compiler.diagnostics import InternalError
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.demand import Demand, Meter
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.ledger import Use, uses
from snnc.compiler.mapping.room import Room
from snnc.compiler.mapping.traffic import HasParts


def usage(
    network: FixedNetwork, hardware: Hardware, cores: Sequence[HasParts]
) -> tuple[tuple[Demand, tuple[Use, ...]], ...]:
    """Give of each core what its parts need together, and what they use of each limit.

    Args:
        network: Whole and retimed.
        hardware: The limits.
        cores: Every neuron lies on one of them, and every part can be cut out.
    """
    room = Room(Meter(network, hardware), {})
    for core in cores:
        for k, part in enumerate(core.parts):
            room.receive(core.parts[:k], part)
    found: list[tuple[Demand, tuple[Use, ...]]] = []
    for core in cores:
        needed = room.demand(core.parts)
        if needed is None:
            raise InternalError("a part that cannot be cut out")
        found.append((needed, uses(needed, room.sent(core.parts), hardware)))
    return tuple(found)
