"""A whole program, step by step in hardware time, the samples of a batch side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import reduce
from itertools import pairwise

import numpy as np

from .axons import Gather
from .neuron import Neurons
from .program import Input, Population, Program, Projection
from .synapse import Synapses
from .window import Array, Recorder

MEMORY = 2**24
"""Bytes that samples side by side may take together; a single one may take more."""
NUMBER_BYTES = 8
NEURON_NUMBERS = 8
"""For each neuron: ``u``, ``v``, room for the next of both, held steps, and what is on its way."""

Sent = deque[Array | None]
"""What a node sent in its latest steps, ``[batch, n]``, the last one last; None for nothing."""


class Layer:
    """A population with all that arrives there, and all that is recorded of it.

    Attributes:
        record: What it is.
        neurons: Its state.
        numbers: How many it keeps for each sample.
    """

    def __init__(
        self, program: Program, record: Population, recorders: Mapping[str, Recorder]
    ) -> None:
        """Take the population ``record`` of ``program``, and recorders by process."""
        self.record = record
        self.arriving = [
            (p.source, p.delay, _synapses(program, p))
            for p in program.projections.values()
            if p.target == record.name
        ]
        every = [synapses for _, _, synapses in self.arriving]
        largest = sum(synapses.largest for synapses in every)
        self.neurons = Neurons(
            record.reset, record.parameters, record.refractory, record.spiking, largest
        )
        self.numbers = NEURON_NUMBERS * record.size + sum(s.numbers for s in every)
        self.kept = [
            item
            for process in program.processes
            if program.recorded(process) is record
            for item in recorders[process.id].arrays.items()
        ]

    def step(self, sent: Mapping[str, Sent], k: int, samples: slice) -> Array:
        """Advance one step, keep what is recorded, and give the spikes; a read-out has none.

        Args:
            sent: By node, until the step before.
            k: The hardware step, from 0.
            samples: Which of all samples these are.
        """
        arrived = [
            synapses.step(x)
            for source, delay, synapses in self.arriving
            if (x := sent[source][-delay]) is not None
        ]
        spikes = self.neurons.step(reduce(np.add, arrived) if arrived else 0)
        signals = {"spikes": spikes, "u": self.neurons.u, "v": self.neurons.v}
        for signal, array in self.kept:
            array[k, samples] = signals[signal]
        return spikes


class Whole:
    """All nodes of a program.

    Attributes:
        cuts: The samples that run side by side, one slice after the other.
        steps: Hardware steps in all, those of every cut.
    """

    def __init__(
        self, program: Program, inputs: Mapping[str, Array], recorders: Mapping[str, Recorder]
    ) -> None:
        """Take a program, the integers ``[steps, batch, n]`` of each input, and recorders."""
        self.program, self.inputs = program, inputs
        self.layers = [Layer(program, p, recorders) for p in program.populations.values()]
        self.gathers = {name: Gather(axons) for name, axons in program.axons.items()}
        self.longest = dict.fromkeys(program.shapes, 1)
        for p in program.projections.values():
            self.longest[p.source] = max(self.longest[p.source], p.delay)
        self.input_steps, batch = next(iter(inputs.values())).shape[:2]
        self.cuts = equal_parts(batch, MEMORY // self.sample_bytes)
        self.steps = len(self.cuts) * (self.input_steps + program.latency)

    @property
    def sample_bytes(self) -> int:
        """Bytes that a sample takes: numbers of every layer, and values on their way.

        Those of an input are where they are, but for what axons take of them.
        """
        program = self.program
        numbers = sum(layer.numbers for layer in self.layers)
        spikes = sum(p.size * self.longest[p.name] for p in program.populations.values())
        gathered = sum(
            axons.size * self.longest[name] * (4 if program.graded(name) else 1)
            for name, axons in program.axons.items()
        )
        return NUMBER_BYTES * numbers + spikes + gathered

    def run(self) -> Iterator[None]:
        """Run all samples, and pause behind each hardware step."""
        for samples in self.cuts:
            sent: dict[str, Sent] = {n: deque([None] * d, d) for n, d in self.longest.items()}
            for layer in self.layers:
                layer.neurons.rest(samples.stop - samples.start)
            for k in range(self.input_steps + self.program.latency):
                self._step(sent, k, samples)
                yield

    def _step(self, sent: Mapping[str, Sent], k: int, samples: slice) -> None:
        """Advance every population that is in its time; all of them see the steps before only."""
        now: dict[str, Array | None] = dict.fromkeys(sent)
        if k < self.input_steps:
            for name, x in self.inputs.items():
                now[name] = _as_spikes(self.program.inputs[name], x[k, samples])
        for layer in self.layers:
            if layer.record.lag <= k < layer.record.lag + self.input_steps:
                now[layer.record.name] = layer.step(sent, k, samples)
        for name, gather in self.gathers.items():
            now[name] = gather.of([now[source] for source in self.program.axons[name].sources])
        for name, history in sent.items():
            history.append(now[name])


def _synapses(program: Program, projection: Projection) -> Synapses:
    shape, largest = program.shapes[projection.source], program.largest(projection.source)
    return Synapses(projection.operators, shape, projection.weight_exp, largest)


def _as_spikes(declared: Input, x: Array) -> Array:
    """Give bool where all values are 0 or 1."""
    if declared.max_abs == 1 and x.min(initial=0) >= 0:
        return x.astype(np.bool_)
    return x


def equal_parts(batch: int, most: int) -> list[slice]:
    """Cut a batch into as few parts as can be of nearly the same size, each of ``most`` or 1."""
    parts = -(-batch // max(1, most))
    ends = [batch * part // parts for part in range(parts + 1)]
    return [slice(*pair) for pair in pairwise(ends)]
