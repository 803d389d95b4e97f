"""What a core that is being filled still has room for: the ledger, asked about candidates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, prod

import numpy as np
import numpy.typing as npt

from snnc.compiler.mapping.demand import Demand, Meter, NotStorable, combine
from snnc.compiler.mapping.ledger import ADDS_UP, Sent, Use, uses
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.pieces import NotABox, box_shape
from snnc.compiler.mapping.regions import Box, Listed, Neurons, Region
from snnc.compiler.mapping.traffic import add, reads, united, view
from snnc.compiler.operators import Shape

NOTHING_SENT = Sent()
Counts = npt.NDArray[np.int64]


class Room:
    """Asks the ledger whether parts fit a core, while others are placed.

    Output axons depend on where the neurons are that receive. Those that are not placed yet are
    taken from ``expected``, what an earlier attempt came to.

    Attributes:
        network: Whole and retimed.
        hardware: Whose limits hold.
        meter: Measures the parts of this network on this hardware.
        receivers: Cores to which each neuron sends, as far as placed; by population, shape ``[n]``.
        expected: The same of a whole mapping, less where not known.
    """

    def __init__(self, meter: Meter, expected: dict[str, Counts]) -> None:
        self.network = network = meter.network
        self.hardware = meter.hardware
        self.meter = meter
        self.shapes = network.shapes
        self._forms = {p.name: set[Shape]() for p in network.populations}
        self._fed = {q.target for q in network.projections}
        for q in network.projections:
            shape = box_shape(q.operators, self.shapes[q.source])
            if shape is not None:
                self._forms[q.target].add(shape)
        self.receivers = {p.name: np.zeros(p.size, np.int64) for p in network.populations}
        self.expected = expected
        self._orders: dict[str, Neurons | None] = {}

    def sent(self, parts: Iterable[Part]) -> Sent:
        """Give what the neurons of ``parts`` send to cores."""
        axons = destinations = fan_out = 0
        for part in parts:
            receivers = self._receivers(part)
            axons += int(receivers.sum())
            destinations = max(destinations, int(receivers.max(initial=0)))
            if self.hardware.fan_out is not None:
                fan_out = max(fan_out, self.meter.fan_out(part.population))
        return Sent(axons=axons, fan_out=fan_out, destinations=destinations)

    def _receivers(self, part: Part) -> Counts:
        shape = self.shapes[part.population]
        known = view(self.receivers[part.population], part.region, shape)
        expected = self.expected.get(part.population)
        return known if expected is None else np.maximum(known, view(expected, part.region, shape))

    def demand(self, parts: Sequence[Part]) -> Demand | None:
        """Give what parts need of a core, None where one of them has a form that cannot be."""
        if not all(map(self._may_be_cut, parts)):
            return None
        try:
            return combine([self.meter.demand(part) for part in parts])
        except NotStorable:
            return None

    def may_be_listed(self, population: str) -> bool:
        """Say whether any neurons of a population may be a part."""
        return not self._forms[population]

    def needs_neurons_only(self, population: str) -> bool:
        """Say whether nothing enters a population, so that it takes no memory of synapses."""
        return population not in self._fed

    def form(self, population: str) -> Shape:
        """Give the shape of which the parts of a population are boxes, a row if it is ordered."""
        whole, forms = self.shapes[population], self._forms[population]
        if self._order(population) is not None:
            return (prod(whole),)
        return whole if len(forms) != 1 else next(iter(forms))

    def part(self, population: str, box: Box) -> Part:
        """Give the part that is ``box`` in the form of a population."""
        form, shape, order = self.form(population), self.shapes[population], self._order(population)
        if box.size == prod(shape):
            return Part(population, Box.whole(shape))
        if order is not None:
            return Part(population, Listed(np.sort(order[box.begin[0] : box.end[0]])))
        if form == shape:
            return Part(population, box)
        return Part(population, Listed(np.sort(box.indices(form))))

    def ordered(self, population: str) -> bool:
        """Say whether the neurons of a population are laid out by their parameters."""
        return self.may_be_listed(population) and self.meter.alike(population) is not None

    def _order(self, population: str) -> Neurons | None:
        """Give the order in which neurons are laid out one by one, None where boxes are cut.

        Those that may be cut anywhere go by their parameters, if a core holds few of these. Those
        that nothing enters go pixel by pixel, as what they send is read by boxes of pixels.
        """
        if population not in self._orders:
            shape, order = self.shapes[population], None
            if self.ordered(population):
                order = self.meter.alike(population)
            elif self.needs_neurons_only(population) and len(shape) > 1:
                pixels = np.moveaxis(np.arange(prod(shape)).reshape(shape), 0, -1)
                order = pixels.reshape(-1)
            self._orders[population] = order
        return self._orders[population]

    def _may_be_cut(self, part: Part) -> bool:
        shape = self.shapes[part.population]
        if isinstance(part.region, Box) and self._forms[part.population] <= {shape}:
            return True
        try:
            return all(region.size for _, region in reads(self.network, part))
        except NotABox:
            return False

    def uses(self, parts: Sequence[Part]) -> tuple[Use, ...] | None:
        """Give what a core with these parts uses, None where one has a form that cannot be."""
        needed = self.demand(parts)
        return None if needed is None else uses(needed, self.sent(parts), self.hardware)

    def fits(self, parts: Sequence[Part]) -> bool:
        """Say whether a core can hold these parts."""
        return self.share(parts) <= 1

    def share(self, parts: Sequence[Part]) -> float:
        """Give how full a core with these parts is; infinite where they cannot be.

        Of limits that are broken it is the largest share. If none is, only that counts which parts
        take from each other. Where the neurons alone are too much, their share is given.
        """
        if not all(map(self.meter.knows, parts)):
            bare = combine([self.meter.without_synapses(part) for part in parts])
            neurons = _largest(uses(bare, NOTHING_SENT, self.hardware))
            if neurons > 1:
                return neurons
        found = self.uses(parts)
        if found is None:
            return inf
        share = _largest(found)
        return share if share > 1 else _largest(u for u in found if u.resource in ADDS_UP)

    def neurons(self, parts: Sequence[Part]) -> float:
        """Give the share of a core's neurons that parts take."""
        bare = combine([self.meter.without_synapses(part) for part in parts])
        return bare.compartments / self.hardware.neurons.value

    def incoming_axons(self, part: Part) -> float:
        """Give the elements of all sources that a part reads."""
        return float(sum(region.size for _, region in reads(self.network, part)))

    def receive(self, parts: Sequence[Part], more: Part) -> None:
        """Count a core that has ``parts`` and now gets ``more`` as one that others send to."""
        before: dict[str, list[Region]] = {}
        for part in parts:
            for source, region in reads(self.network, part):
                before.setdefault(source, []).append(region)
        fresh: dict[str, list[Region]] = {}
        for source, region in reads(self.network, more):
            fresh.setdefault(source, []).append(region)
        for source, regions in fresh.items():
            if source in self.receivers:
                self._count(source, before.get(source, []), regions)

    def _count(self, source: str, before: list[Region], regions: list[Region]) -> None:
        shape, counts = self.shapes[source], self.receivers[source]
        region = united(regions, shape)
        add(counts, region, shape, 1)
        if before:
            known = united(before, shape)
            if isinstance(known, Box) and known == region:
                add(counts, region, shape, -1)
            else:
                both = np.intersect1d(region.indices(shape), known.indices(shape))
                counts[both] -= 1


def _largest(found: Iterable[Use]) -> float:
    return max((use.share for use in found), default=0.0)
