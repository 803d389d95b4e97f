"""What parts need of a core: counted once, added up where parts share a core."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil

import numpy as np

from snnc.compiler.fixed import FixedNetwork, FixedPopulation, FixedProjection
from snnc.compiler.mapping.encodings import SynapseLists, width_for, words
from snnc.compiler.mapping.hardware import Encoding, Hardware, Layout
from snnc.compiler.mapping.kinds import Kinds, Parameters
from snnc.compiler.mapping.mapped import Part
from snnc.compiler.mapping.regions import Box, Listed, Neurons
from snnc.compiler.mapping.synapses import Synapses, Wiring

Format = tuple[int, int, str, int, str]
"""Bits of a weight, exponent, signs, bits of a delay, and the encoding."""


@dataclass(frozen=True)
class ProjectionDemand:
    """What the synapses of one projection into a part need.

    Attributes:
        projection: Its name.
        axons: Input axons.
        synapses: Those that are there, zeros that are stored left out.
        encoding: Name of the cheapest that is possible.
        words: Of synapse memory; all axons together.
        words_per_axon: Of the longest.
        format: Of the synapses.
    """

    projection: str
    axons: int
    synapses: int
    encoding: str
    words: int
    words_per_axon: int
    format: Format


@dataclass(frozen=True)
class Demand:
    """What parts need of a core.

    Attributes:
        parts: How many there are.
        neurons: In all of them.
        compartments: Of these neurons.
        parameter_sets: Distinct ones.
        thresholds: Distinct ones.
        fan_in: Synapses of a neuron, at most: the largest of each projection, added up.
        projections: Into them.
        resets: Neurons that take a synapse of their own to reset: they have several compartments.
        reset_words: Words of these synapses, each an axon of its own.
    """

    parts: int
    neurons: int
    compartments: int
    parameter_sets: frozenset[Parameters]
    thresholds: frozenset[int]
    fan_in: int
    projections: tuple[ProjectionDemand, ...]
    resets: int = 0
    reset_words: int = 0

    @cached_property
    def formats(self) -> frozenset[Format]:
        """Distinct formats of synapses."""
        formats = frozenset(p.format for p in self.projections)
        return formats | {RESET} if self.resets else formats

    @cached_property
    def input_axons(self) -> int:
        """Axons of all projections, which share none, and of resets."""
        return sum(p.axons for p in self.projections) + self.resets

    @cached_property
    def words(self) -> int:
        """Words of synapse memory."""
        return sum(p.words for p in self.projections) + self.reset_words

    @cached_property
    def words_per_axon(self) -> int:
        """Words of the longest axon."""
        return max((p.words_per_axon for p in self.projections), default=0)


MOST_REMEMBERED = 4096
"""Synapses of lists that are remembered, to be found again."""
RESET: Format = (8, 0, "inhibitory", 0, "reset")
"""Of the synapses that reset neurons of several compartments."""
_NO_SETS, _NO_THRESHOLDS = frozenset[Parameters](), frozenset[int]()
NOTHING = Demand(0, 0, 0, frozenset(), frozenset(), 0, ())


def combine(demands: Iterable[Demand]) -> Demand:
    """Give what parts need together on one core."""
    several = tuple(demands)
    if len(several) == 1:
        return several[0]
    return Demand(
        parts=sum(d.parts for d in several),
        neurons=sum(d.neurons for d in several),
        compartments=sum(d.compartments for d in several),
        parameter_sets=_NO_SETS.union(*[d.parameter_sets for d in several]),
        thresholds=_NO_THRESHOLDS.union(*[d.thresholds for d in several]),
        fan_in=max([d.fan_in for d in several], default=0),
        projections=tuple([p for d in several for p in d.projections]),
        resets=sum(d.resets for d in several),
        reset_words=sum(d.reset_words for d in several),
    )


class NotStorable(ValueError):
    """No encoding can keep the synapses of a part; the text says of which projection."""


class Meter:
    """Measures parts of one network on one kind of hardware; remembers what repeats."""

    def __init__(self, network: FixedNetwork, hardware: Hardware) -> None:
        self.network = network
        self.hardware = hardware
        self._kinds = {p.name: Kinds(p) for p in network.populations}
        self._wirings = {
            p.name: tuple(Wiring(network, q) for q in network.incoming(p.name))
            for p in network.populations
        }
        self._inputs = frozenset(i.name for i in network.inputs)
        self._word = _cheapest_word(hardware)
        self._boxes: dict[tuple[str, Box], Demand] = {}
        self._lists: dict[tuple[object, ...], ProjectionDemand] = {}
        self._windows: dict[tuple[str, int], ProjectionDemand] = {}
        self._fan_outs: dict[str, int] = {}
        self._alike: dict[str, Neurons | None] = {}

    def fan_out(self, population: str) -> int:
        """Give a number of synapses that no neuron of a population has more of.

        It adds up the longest list of each projection.
        """
        if population not in self._fan_outs:
            self._fan_outs[population] = sum(
                int(w.into(Box.whole(w.target)).lists.lengths.max(initial=0))
                for wirings in self._wirings.values()
                for w in wirings
                if w.projection.source == population
            )
        return self._fan_outs[population]

    def alike(self, population: str) -> Neurons | None:
        """Give the neurons of a population, those with equal parameters together.

        None where that saves no cores: they are so already, or one core has room for all kinds.
        """
        if population not in self._alike:
            limits = self.hardware.parameter_sets, self.hardware.thresholds
            self._alike[population] = self._kinds[population].together(*limits)
        return self._alike[population]

    def demand(self, part: Part) -> Demand:
        """Give what ``part`` needs.

        Raises:
            KeyError: There is no such population.
            NotStorable: No encoding can keep its synapses.
        """
        if isinstance(part.region, Listed):
            return self._measured(part)
        key = part.population, part.region
        if key not in self._boxes:
            self._boxes[key] = self._measured(part)
        return self._boxes[key]

    def knows(self, part: Part) -> bool:
        """Say whether a part has been measured, so that asking again takes no time."""
        return isinstance(part.region, Box) and (part.population, part.region) in self._boxes

    def without_synapses(self, part: Part) -> Demand:
        """Give what the neurons of ``part`` alone need: little work, and often enough to say no."""
        kinds = self._kinds[part.population]
        sets, thresholds = kinds.of(part.region)
        n = part.region.size
        each = self._compartments(kinds.population)
        resets = n * (each - 1)
        return Demand(
            parts=1,
            neurons=n,
            compartments=n * each,
            parameter_sets=sets,
            thresholds=thresholds,
            fan_in=0,
            projections=(),
            resets=resets,
            reset_words=resets * self._word if resets else 0,
        )

    def _measured(self, part: Part) -> Demand:
        wirings = self._wirings[part.population]
        synapses = [(w.projection, w.into(part.region)) for w in wirings]
        return replace(
            self.without_synapses(part),
            fan_in=sum(s.fan_in for _, s in synapses),
            projections=tuple(self._stored(q, s) for q, s in synapses),
        )

    def _compartments(self, population: FixedPopulation) -> int:
        return self.hardware.resets.get(population.reset, 1) if population.spiking else 1

    def _stored(self, projection: FixedProjection, synapses: Synapses) -> ProjectionDemand:
        if not synapses.kernels:
            return self._listed(projection, synapses)
        key = projection.name, id(synapses)  # the wirings keep these
        if key not in self._windows:
            self._windows[key] = self._chosen(projection, synapses)
        return self._windows[key]

    def _listed(self, projection: FixedProjection, synapses: Synapses) -> ProjectionDemand:
        """Choose once for all lists that are the same, as those of full matrices are."""
        lists = synapses.lists
        if lists.index.size > MOST_REMEMBERED:
            return self._chosen(projection, synapses)
        arrays = (lists.begin, lists.index, lists.axons)
        delay = 1 if projection.source in self._inputs else projection.delay
        key = (
            *(a.tobytes() for a in arrays),
            *(projection.weight_bits, projection.weight_exp, projection.sign_mode, delay),
        )
        if key not in self._lists:
            self._lists[key] = self._chosen(projection, synapses)
        return replace(self._lists[key], projection=projection.name)

    def _chosen(self, projection: FixedProjection, synapses: Synapses) -> ProjectionDemand:
        delay = 1 if projection.source in self._inputs else projection.delay
        return stored(projection, synapses, delay, self.hardware)


def demand(network: FixedNetwork, part: Part, hardware: Hardware) -> Demand:
    """Give what ``part`` needs; whoever asks often keeps a ``Meter``."""
    return Meter(network, hardware).demand(part)


def stored(
    projection: FixedProjection, synapses: Synapses, delay: int, hardware: Hardware
) -> ProjectionDemand:
    """Choose the encoding with the fewest words, of those whose axons are not too long.

    Args:
        projection: What the synapses belong to.
        synapses: Into a part.
        delay: Steps that they take, 1 or more; 1 for those of an input, whose sender waits.
        hardware: The encodings, the first of which wins where several take as few words.

    Raises:
        NotStorable: None can be chosen.
    """
    weight_bits = stored_width(projection, hardware)
    late = [e for e in hardware.encodings if width_for(e.delay_bits, delay - 1) is not None]
    options = [
        (encoding, delay_bits, measured)
        for encoding in late or hardware.encodings
        for delay_bits in [delay_width(delay, encoding)]
        for measured in [_words(encoding, synapses, weight_bits + delay_bits, hardware)]
        if measured is not None
    ]
    if not options:
        raise NotStorable(projection.name)
    most = hardware.words_per_axon
    encoding, delay_bits, (total, longest) = min(
        options, key=lambda o: (most is not None and o[2][1] > most.value, o[2][0])
    )
    signs = projection.sign_mode.value
    return ProjectionDemand(
        projection=projection.name,
        axons=int(synapses.lists.axons.sum()),
        synapses=synapses.lists.synapses,
        encoding=encoding.name,
        words=total,
        words_per_axon=longest,
        format=(weight_bits, projection.weight_exp, signs, delay_bits, encoding.name),
    )


def stored_width(projection: FixedProjection, hardware: Hardware) -> int:
    """Give the bits that a weight takes: the next width that there is, the largest if none is."""
    widths = hardware.weight_bits
    return next((w for w in widths if w >= projection.weight_bits), widths[-1])


def delay_width(delay: int, encoding: Encoding) -> int:
    """Give the bits that a delay takes, which every synapse does for a step without any."""
    width = width_for(encoding.delay_bits, delay - 1)
    return encoding.delay_bits[-1] if width is None else width


def _words(
    encoding: Encoding, synapses: Synapses, bits: int, hardware: Hardware
) -> tuple[int, int] | None:
    """Give the words of all axons and of the longest, or None where the encoding cannot do it."""
    if encoding.layout is Layout.SHARED:
        return _shared_words(encoding, synapses, bits)
    each = words(encoding, synapses.lists, bits, hardware.neurons.value)
    if each is None:
        return None
    return int(each @ synapses.lists.axons), int(each.max(initial=0))


def _cheapest_word(hardware: Hardware) -> int:
    """Give the words of an axon of one synapse."""
    one = SynapseLists(np.array([0, 1]), np.array([0]), np.array([1]))
    bits = hardware.weight_bits[-1]
    found = [_words(e, Synapses(one, (), 1), bits, hardware) for e in hardware.encodings]
    return min((f[0] for f in found if f is not None), default=0)


def _shared_words(encoding: Encoding, synapses: Synapses, bits: int) -> tuple[int, int] | None:
    if not synapses.kernels:
        return None
    total = longest = 0
    for size, channels in synapses.kernels:
        entries = ceil(size / encoding.entry_synapses) if encoding.entry_synapses else 1
        of_one = entries * encoding.header_bits + size * (bits + sum(encoding.index_bits[:1]))
        one = -(-(of_one + encoding.spare_bits) // encoding.word_bits)
        total, longest = total + one * channels, max(longest, one)
    return total, longest
