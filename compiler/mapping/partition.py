"""Which neurons lie together on a core: as few cores as possible first, then little traffic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from snnc.compiler.diagnostics import raise_all
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.mapping.blocks import blocks, tangles
from snnc.compiler.mapping.bounds import lower_bounds
from snnc.compiler.mapping.demand import Meter
from snnc.compiler.mapping.hardware import Hardware
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.misfit import misfits
from snnc.compiler.mapping.pack import MANY_CORES, Filled, Packer
from snnc.compiler.mapping.partitioners import Way
from snnc.compiler.mapping.regroup import regrouped
from snnc.compiler.mapping.room import Counts, Room
from snnc.compiler.mapping.traffic import Rates, flows, km1
from snnc.compiler.mapping.violations import incapable, too_many_cores

WAY = Way()
"""METIS, and 0 for a seed."""
FEW_POPULATIONS = 64
"""Up to so many populations several orders are tried."""
MOST_ROUNDS = 8
"""Times that a mapping is made anew because neurons send to more cores than was expected."""


@dataclass(frozen=True, eq=False)
class Bundle:
    """What lies together on a core, wherever that will be.

    Attributes:
        parts: At most one of each population, in the order of the network.
        encodings: For each projection into one of the parts, the name of the encoding of its
            synapses here.
    """

    parts: tuple[Part, ...]
    encodings: dict[str, str]


def partition(
    network: FixedNetwork, hardware: Hardware, *, rates: Rates | None = None, way: Way = WAY
) -> tuple[Bundle, ...]:
    """Lay a network out over cores.

    Args:
        network: Whole and retimed.
        hardware: The limits.
        rates: Spikes a step of inputs and populations; those not known of are 1.
        way: Who cuts graphs, and the seed of all that is drawn.

    Raises:
        InputError: It cannot be; all that stands against it.
    """
    meter = Meter(network, hardware)
    known = rates or {}
    best = _best(network, meter, known, way)
    cores = _regrouped(best, known, way)
    problems = [*incapable(network, hardware), *misfits(best.room, best.hopeless, best.over)]
    if not problems and len(cores) > hardware.cores:
        least = lower_bounds(network, hardware)[0]
        problems.append(too_many_cores(len(cores), hardware, least))
    raise_all(problems)
    place = {p.name: i for i, p in enumerate(network.populations)}
    return tuple(_bundle(meter, core, place) for core in cores)


@dataclass(frozen=True, eq=False)
class _Mapped:
    """One attempt.

    Attributes:
        cores: What lies on each.
        hopeless: Single neurons that fit no core.
        over: Cores that are over a limit.
        traffic: Spikes a step between cores.
        room: The limits, as far as they depend on what lies where.
    """

    cores: tuple[Filled, ...]
    hopeless: tuple[Part, ...]
    over: tuple[Filled, ...]
    traffic: float
    room: Room

    @property
    def rank(self) -> tuple[int, int, float]:
        """Less is better: what does not fit, then cores, then traffic."""
        return len(self.hopeless) + len(self.over), len(self.cores), self.traffic


def _best(network: FixedNetwork, meter: Meter, rates: Rates, way: Way) -> _Mapped:
    """Lay populations out in several orders, in one where there are many cores."""
    first, *others = _orders(network)
    best = _mapped(meter, first, rates, way)
    for order in others if len(best.cores) < MANY_CORES else ():
        best = min(best, _mapped(meter, order, rates, way), key=lambda mapped: mapped.rank)
    return best


def _mapped(meter: Meter, order: tuple[str, ...], rates: Rates, way: Way) -> _Mapped:
    """Lay out populations in an order, until no core sends to more cores than it may."""
    expected: dict[str, Counts] = {}
    found = _laid_out(Room(meter, expected), order, rates, way)
    for _ in range(MOST_ROUNDS - 1):
        if found.hopeless or not found.over:
            break
        expected = {
            name: np.maximum(sent, expected.get(name, sent))
            for name, sent in found.room.receivers.items()
        }
        found = _laid_out(Room(meter, expected), order, rates, way)
    return found


def _laid_out(room: Room, order: tuple[str, ...], rates: Rates, way: Way) -> _Mapped:
    packer = _packed(room, order, rates, way)
    cores = tuple(packer.cores)
    over = tuple(core for core in cores if not room.fits(core.parts))
    bad = bool(packer.hopeless or over)
    traffic = 0.0 if bad else km1(flows(room.network, cores, rates))
    return _Mapped(cores, tuple(packer.hopeless), over, traffic, room)


def _packed(room: Room, order: tuple[str, ...], rates: Rates, way: Way) -> Packer:
    packer = Packer(room, [])
    done = set[str]()
    for tangle in tangles(room, rates):
        found = blocks(room, tangle, way)
        if found is not None:
            packer.put_all(found)
            done.update(tangle.populations)
    for name in order:
        if name not in done:
            packer.place(name)
    return packer


def _regrouped(mapped: _Mapped, rates: Rates, way: Way) -> list[list[Part]]:
    """Change which parts lie together, if that saves spikes and keeps every limit."""
    cores = [core.parts for core in mapped.cores]
    if mapped.hopeless or mapped.over:
        return cores
    room = mapped.room
    found = regrouped(room, cores, rates, way)
    after = Room(room.meter, {})
    for parts in found:
        for i, part in enumerate(parts):
            after.receive(parts[:i], part)
    return found if all(after.fits(parts) for parts in found) else cores


def _orders(network: FixedNetwork) -> Iterator[tuple[str, ...]]:
    """Give orders in which populations are laid out.

    Backward first: whoever receives is then placed before those that send to it.
    """
    names = tuple(p.name for p in network.populations)
    yield names[::-1]
    if 1 < len(names) <= FEW_POPULATIONS:
        yield names
        sizes = {p.name: p.size for p in network.populations}
        yield tuple(sorted(names, key=lambda name: -sizes[name]))


def _bundle(meter: Meter, core: list[Part], place: dict[str, int]) -> Bundle:
    parts = sorted(core, key=lambda part: place[part.population])
    needed = (meter.demand(part) for part in parts)
    encodings = {p.projection: p.encoding for d in needed for p in d.projections}
    return Bundle(tuple(parts), encodings)
