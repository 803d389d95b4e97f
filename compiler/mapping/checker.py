"""Every limit, counted anew from a mapped network: synapse by synapse, and trusting nobody.

What cuts, packs and places asks ``ledger.py``. This does not: it unrolls the synapses of every part
and adds up what they take (``unrolled.py``), so that a fault of the one shows in the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.fixed import FixedPopulation, FixedProjection
from snnc.compiler.mapping.arranged import arrangement_problems, faulty, on_core
from snnc.compiler.mapping.hardware import Encoding, Layout, Limit
from snnc.compiler.mapping.mapped import Core, MappedNetwork, Part
from snnc.compiler.mapping.regions import Box
from snnc.compiler.mapping.unrolled import (
    Pairs,
    Places,
    axon_words,
    delay_bits,
    kernel_words,
    numbers,
    unrolled,
)
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    Shape,
    SumPooling,
    result_shape,
)

Format = tuple[int, int, str, int, str]
"""Bits of a weight, exponent, signs, bits of a delay, and the encoding."""
RESET: Format = (8, 0, "inhibitory", 0, "reset")
"""Of the synapses by which neurons of several compartments reset themselves."""


@dataclass
class _Count:
    """What one core holds.

    Attributes:
        compartments: Of all neurons.
        resets: Compartments beyond the first of each neuron: an axon and a synapse each.
        sets: Distinct parameters of neurons.
        thresholds: Distinct ones.
        formats: Distinct formats of synapses.
        axons: That come in.
        words: Of synapse memory.
        longest: Words of the longest axon.
        fan_in: Synapses of a neuron, most.
        unstored: Projections whose encoding cannot hold them, and its name.
    """

    compartments: int = 0
    resets: int = 0
    sets: set[tuple[object, ...]] = field(default_factory=set[tuple[object, ...]])
    thresholds: set[int] = field(default_factory=set[int])
    formats: set[Format] = field(default_factory=set[Format])
    axons: int = 0
    words: int = 0
    longest: int = 0
    fan_in: int = 0
    unstored: list[tuple[FixedProjection, str | None]] = field(
        default_factory=list[tuple[FixedProjection, str | None]]
    )


def check_mapped(mapped: MappedNetwork) -> Iterator[Diagnostic]:
    """Yield every way in which ``mapped`` is none, or needs more than its hardware has."""
    arranged = tuple(arrangement_problems(mapped))
    yield from arranged
    if not arranged:
        yield from _Anew(mapped).problems()


def recounted(mapped: MappedNetwork) -> tuple[dict[str, int], ...]:
    """Give for each core how much of each resource it uses, counted anew.

    Args:
        mapped: Arranged as it should be.
    """
    anew = _Anew(mapped)
    counts = [anew.count(core) for core in mapped.cores]
    return tuple(
        {what: used for what, used, _ in anew.uses(core, count)}
        for core, count in zip(mapped.cores, counts, strict=True)
    )


class _Anew:
    """Counts the cores of one network."""

    def __init__(self, mapped: MappedNetwork) -> None:
        self.mapped = mapped
        self.hardware = mapped.hardware
        fixed = mapped.fixed
        self.shapes = fixed.shapes
        self.populations = {p.name: p for p in fixed.populations}
        self.inputs = {i.name for i in fixed.inputs}
        self.arriving: dict[str, list[FixedProjection]] = {p.name: [] for p in fixed.populations}
        for q in fixed.projections:
            self.arriving[q.target].append(q)
        sizes = {i.name: i.size for i in fixed.inputs} | {p.name: p.size for p in fixed.populations}
        self.hearing = {name: np.zeros(n, np.int64) for name, n in sizes.items()}
        """Cores that hear each neuron, its own included."""
        self.synapses = {name: np.zeros(n, np.int64) for name, n in sizes.items()}
        """Of each neuron."""

    def problems(self) -> Iterator[Diagnostic]:
        """Yield what does not fit, core by core."""
        for p in self.populations.values():
            if p.spiking and p.reset not in self.hardware.resets:
                yield self._incapable(p.origin, f"the reset {p.reset}")
            for q in self.arriving[p.name]:
                yield from self._incapacities(q)
        counts = [self.count(core) for core in self.mapped.cores]
        for k, (core, count) in enumerate(zip(self.mapped.cores, counts, strict=True)):
            yield from self._encoding_problems(k, count)
            for what, used, limit in self.uses(core, count):
                if limit is not None and used > limit.value:
                    yield faulty(
                        on_core(self.mapped, k),
                        f"{used} {what}",
                        f"{limit.value} on {self.hardware.name} ({limit.source})",
                    )

    def uses(self, core: Core, count: _Count) -> Iterator[tuple[str, int, Limit | None]]:
        """Yield each resource, what a core uses of it and what there is, once all are counted."""
        has = self.hardware
        sent = [
            (part, part.region.indices(self.populations[part.population].shape))
            for part in core.parts
        ]
        hearing = [self.hearing[part.population][neurons] for part, neurons in sent]
        synapses = [self.synapses[part.population][neurons] for part, neurons in sent]
        axons = sum(int(cores.sum()) for cores in hearing) + count.resets
        yield "neurons", count.compartments, has.neurons
        yield "words of synapse memory", count.words, has.synapse_memory
        yield "words of an input axon", count.longest, has.words_per_axon
        yield "input axons", count.axons, has.input_axons
        yield "output axons", axons, has.output_axons
        yield "parameter sets", len(count.sets), has.parameter_sets
        yield "thresholds", len(count.thresholds), has.thresholds
        yield "synapse formats", len(count.formats), has.synapse_formats
        yield "populations", len(core.parts), has.populations
        yield "synapses into a neuron", count.fan_in, has.fan_in
        yield "synapses of a neuron", max(int(n.max()) for n in synapses), has.fan_out
        yield "cores that a neuron sends to", max(int(n.max()) for n in hearing), has.destinations

    def count(self, core: Core) -> _Count:
        """Count what a core holds, and what its neurons hear."""
        count = _Count()
        heard: dict[str, list[Places]] = {}
        for part in core.parts:
            p = self.populations[part.population]
            neurons = part.region.indices(p.shape)
            self._count_neurons(p, neurons, count)
            fan_in = np.zeros(neurons.size, np.int64)
            for q in self.arriving[p.name]:
                pairs = unrolled(q.operators, self.shapes[q.source], neurons)
                if not pairs.target.size:
                    continue
                np.add.at(fan_in, pairs.target, 1)
                np.add.at(self.synapses[q.source], pairs.element, 1)
                heard.setdefault(q.source, []).append(pairs.element)
                self._count_synapses(core, part, q, pairs, count)
            count.fan_in = max(count.fan_in, int(fan_in.max()))
        for source, elements in heard.items():
            self.hearing[source][np.unique(np.concatenate(elements))] += 1
        self._count_resets(count)
        return count

    def _count_neurons(self, p: FixedPopulation, neurons: Places, count: _Count) -> None:
        each = self.hardware.resets.get(p.reset, 1) if p.spiking else 1
        count.compartments += each * neurons.size
        count.resets += (each - 1) * neurons.size
        if p.spiking:
            count.thresholds |= set(p.threshold[neurons].tolist())
        more = (p.reset if p.spiking else "", p.refractory, p.spiking)
        for du, dv in zip(p.du[neurons].tolist(), p.dv[neurons].tolist(), strict=True):
            count.sets.add((du, dv, *more))

    def _count_resets(self, count: _Count) -> None:
        """Add the synapses of resets, one an axon, in the encoding that takes the fewest words."""
        if not count.resets:
            return
        zero, bits = np.zeros(1, np.int64), self.hardware.weight_bits[-1]
        words = [
            found[0]
            for e in self.hardware.encodings
            if e.layout is not Layout.SHARED
            and (found := axon_words(e, Pairs(zero, zero), zero, bits, self.hardware.neurons.value))
        ]
        count.axons += count.resets
        count.words += count.resets * min(words, default=0)
        count.formats.add(RESET)

    def _count_synapses(
        self, core: Core, part: Part, q: FixedProjection, pairs: Pairs, count: _Count
    ) -> None:
        """Count what the synapses of a projection into a part take."""
        count.axons += np.unique(pairs.element).size
        name = core.encodings.get(q.name)
        encoding = next((e for e in self.hardware.encodings if e.name == name), None)
        width = next((w for w in self.hardware.weight_bits if w >= q.weight_bits), None)
        delay = 1 if q.source in self.inputs else q.delay
        late = None if encoding is None else delay_bits(encoding, delay)
        words = None
        if encoding is not None and width is not None and late is not None:
            words = self._words(encoding, part, q, pairs, width + late)
            count.formats.add((width, q.weight_exp, q.sign_mode, late, encoding.name))
        if words is None:
            count.unstored.append((q, name))
        else:
            count.words += sum(words)
            count.longest = max(count.longest, *words)

    def _words(
        self, encoding: Encoding, part: Part, q: FixedProjection, pairs: Pairs, bits: int
    ) -> list[int] | None:
        if encoding.layout is not Layout.SHARED:
            number = numbers(part.region)
            return axon_words(encoding, pairs, number, bits, self.hardware.neurons.value)
        shape, target = self.shapes[q.source], self.shapes[q.target]
        box, alike = part.region, not isinstance(q.operators[-1], FixedDense | FixedSparse)
        moves = alike and len(target) > 1 and result_shape(q.operators, shape) == target
        if not moves or not isinstance(box, Box) or _differ(q, shape[0]):
            return None
        return kernel_words(encoding, pairs, (shape, box), _strides(q, shape), bits)

    def _encoding_problems(self, k: int, count: _Count) -> Iterator[Diagnostic]:
        """Yield the synapses that cannot lie in memory as the core says."""
        known = ", ".join(e.name for e in self.hardware.encodings)
        for q, name in count.unstored:
            found = f"synapses of {q.name} in the encoding {name}"
            yield faulty(on_core(self.mapped, k), found, f"one that can hold them, of {known}")

    def _incapacities(self, q: FixedProjection) -> Iterator[Diagnostic]:
        if any(isinstance(o, MaxPooling) for o in q.operators):
            yield self._incapable(q.origin, "max pooling")
        if q.weight_bits > self.hardware.weight_bits[-1]:
            yield self._incapable(q.origin, f"weights of {q.weight_bits} bits")
        if q.source not in self.inputs and q.delay > self.hardware.max_delay.value:
            yield self._incapable(q.origin, f"a delay of {q.delay} steps")
        for i in self.mapped.fixed.inputs:
            bits = i.max_abs.bit_length() + 1
            if i.name == q.source and i.max_abs > 1 and bits > self.hardware.spike_bits.value:
                yield self._incapable((i.name,), f"spikes of {bits} bits")

    def _incapable(self, origin: tuple[str, ...], found: str) -> Diagnostic:
        return faulty(" + ".join(origin), found, f"what {self.hardware.name} can do")


def _differ(q: FixedProjection, channels: int) -> bool:
    """Tell whether elements of a channel have factors of their own, which no kernel holds."""
    scaled = [o.weight.reshape(channels, -1) for o in q.operators if isinstance(o, FixedScaling)]
    return any((w.min(axis=1) != w.max(axis=1)).any() for w in scaled)


def _strides(q: FixedProjection, shape: Shape) -> list[int]:
    """Give how far it is from the elements of a neuron to those of the next, on each axis."""
    strides = [1] * (len(shape) - 1)
    for o in q.operators:
        if isinstance(o, FixedConvolution | SumPooling | MaxPooling):
            strides = [n * s for n, s in zip(strides, o.window.stride, strict=True)]
    return strides
