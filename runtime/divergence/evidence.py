"""What another execution made of one population: each step from the state and input it had itself.

Every step, sample and neuron is an experiment of its own: the state before, what arrived, and the
state after are known, whatever went wrong earlier. A hypothesis has to give what came out of all
of them (teacher forcing: Williams and Zipser 1989, Neural Computation 1:270).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork, FixedPopulation, FixedProjection
from snnc.compiler.retime import unretimed
from snnc.compiler.trace import SIGNALS, Trace
from snnc.runtime.compare import Divergence
from snnc.runtime.divergence.dynamics import Dynamics, Made, dynamics_of
from snnc.targets.inputs import integer_inputs
from snnc.targets.integer.reference import Integers, synaptic_input
from snnc.targets.running import Inputs

MOST = 2**20
"""Elements (steps x samples x neurons) that are looked at, at most."""
MARGIN = 16
"""Steps by which a delay is supposed to be off, at most."""

Mask = npt.NDArray[np.bool_]
Place = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]
"""Steps, samples and neurons of some elements."""


@dataclass(frozen=True, eq=False)
class Arrival:
    """What one projection brought.

    Attributes:
        projection: Its delay counts steps of the input: the network is not retimed.
        shape: Of its source.
        sent: What arrives, ``MARGIN`` steps before the window to as many behind it; shape
            ``[steps + 2 * MARGIN, batch, n of the source]``.
    """

    projection: FixedProjection
    shape: tuple[int, ...]
    sent: Integers

    def through(self, projection: FixedProjection) -> Integers:
        """Give the synaptic input if the projection were another, shape of ``sent`` but ``n``."""
        steps, batch = self.sent.shape[:2]
        x = self.sent.reshape(steps * batch, *self.shape)
        return synaptic_input(projection, x).reshape(steps, batch, -1)

    @cached_property
    def wide(self) -> Integers:
        """The synaptic input, with its margins."""
        return self.through(self.projection)

    def late(self, steps: int = 0) -> Integers:
        """Give the synaptic input of each step of the window, delivered ``steps`` later."""
        return windowed(self.wide, steps)


def windowed(wide: Integers, late: int = 0) -> Integers:
    """Cut the margins off what arrives, if it came ``late`` steps later."""
    return wide[MARGIN - late : wide.shape[0] - MARGIN - late]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the other execution made of a population, shape ``[steps, batch, n]`` throughout.

    Attributes:
        population: What it should be.
        begin: Step of the input with which the window begins.
        arrivals: What each projection brought.
        after: Of each recorded signal what the other had after each step.
        first: ``u``, ``v`` and ``rho`` before the first step, shape ``[batch, n]``.
        place: Step in the window, sample and neuron of the value that differs first.
    """

    population: FixedPopulation
    begin: int
    arrivals: tuple[Arrival, ...]
    after: Mapping[str, Integers]
    first: tuple[Integers, Integers, Integers]
    place: tuple[int, int, int]
    _resting: dict[int, Integers] = field(default_factory=dict[int, Integers])

    @cached_property
    def dynamics(self) -> Dynamics:
        """What its neurons should do."""
        return dynamics_of(self.population)

    @cached_property
    def a(self) -> Integers:
        """The synaptic input that should be."""
        return sum((arrival.late() for arrival in self.arrivals), self.nothing)

    @cached_property
    def nothing(self) -> Integers:
        """Zeros; nobody writes them."""
        return np.zeros(self.shape, np.int64)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Steps, samples, neurons."""
        steps, batch, n = next(iter(self.after.values())).shape
        return steps, batch, n

    @cached_property
    def forced(self) -> bool:
        """Whether every step can begin with the state that the other recorded."""
        forgets = not self.dynamics.keep_u.any()
        held = self.population.refractory > 0 and "spikes" not in self.after
        return "v" in self.after and ("u" in self.after or forgets) and not held

    def before(self, signal: str, first: Integers) -> Integers:
        """Give ``u`` or ``v`` with which each step began."""
        if signal not in self.after:  # nothing is kept of it
            return self.nothing
        start = self._starts[signal]
        if start[0] is not first and (start[0] != first).any():
            start = np.concatenate((first[None], start[1:]))
        return start

    @cached_property
    def _starts(self) -> dict[str, Integers]:
        first = dict(zip(("u", "v"), self.first, strict=False))
        return {
            s: np.concatenate((x[None], self.after[s][:-1]))
            for s, x in first.items()
            if s in self.after
        }

    def resting(self, refractory: int) -> Integers:
        """Give the refractory steps that were left before each step, by the other's spikes."""
        if refractory not in self._resting:
            rho, left = np.zeros(self.shape, np.int64), self.first[2]
            for t, spikes in enumerate(self.after.get("spikes", self.nothing)):
                rho[t] = left
                left = np.where(spikes > 0, refractory, np.maximum(left - 1, 0))
            self._resting[refractory] = rho
        return self._resting[refractory]


@dataclass(frozen=True, eq=False, kw_only=True)
class Course:
    """What is supposed of a population: its dynamics, what arrives, and when it begins.

    Attributes:
        dynamics: Of its neurons.
        a: Synaptic input of each step; None where it is as it should be.
        first: ``u`` and ``v`` before the first step; None where they are as they should be.
        idle: Steps of the input before the population's first.
    """

    dynamics: Dynamics
    a: Integers | None = None
    first: tuple[Integers, Integers] | None = None
    idle: int = 0


def made(evidence: Evidence, course: Course) -> Made:
    """Give what ``course`` makes of each step, from the other's own states where it has them."""
    first = course.first or evidence.first[:2]
    a = evidence.a if course.a is None else course.a
    if not evidence.forced:
        return _by_itself(evidence, course, a, first)
    result = course.dynamics.step(
        evidence.before("u", first[0]),
        evidence.before("v", first[1]),
        evidence.resting(course.dynamics.refractory),
        a,
    )
    return _idle(evidence, course, result)


def made_at(evidence: Evidence, course: Course, place: Place) -> Made:
    """Give the same of some elements alone; every step has to begin with a recorded state."""
    a = evidence.a if course.a is None else course.a
    return stepped_at(evidence, course, place, a[place])


def stepped_at(evidence: Evidence, course: Course, place: Place, a: Integers) -> Made:
    """Give the same of some elements, and their synaptic input ``a``, shape ``[m]``."""
    first = course.first or evidence.first[:2]
    return course.dynamics.at(place[2]).step(
        evidence.before("u", first[0])[place],
        evidence.before("v", first[1])[place],
        evidence.resting(course.dynamics.refractory)[place],
        a,
    )


def differing(evidence: Evidence, result: Made) -> Mask:
    """Tell where a recorded signal is not what ``result`` has."""
    after = evidence.after.items()
    return np.asarray(np.any([getattr(result, _FIELDS[s]) != x for s, x in after], axis=0))


def differing_at(evidence: Evidence, result: Made, place: Place) -> Mask:
    """Tell the same of some elements."""
    after = evidence.after.items()
    fields = ((getattr(result, _FIELDS[s]), x[place]) for s, x in after)
    return np.asarray(np.any([field != x for field, x in fields], axis=0))


_FIELDS = {"spikes": "s", "u": "u", "v": "v"}


def _by_itself(
    evidence: Evidence, course: Course, a: Integers, first: tuple[Integers, Integers]
) -> Made:
    """Run one step after the other; each begins with whatever was recorded of the one before."""
    u, v = first
    rho, refractory = evidence.first[2], course.dynamics.refractory
    steps: list[Made] = []
    for t in range(evidence.shape[0]):
        step = course.dynamics.step(u, v, rho, a[t])
        if t < course.idle:
            step = Made(u, v, np.zeros_like(v), v)
        steps.append(step)
        u = evidence.after["u"][t] if "u" in evidence.after else step.u
        v = evidence.after["v"][t] if "v" in evidence.after else step.v
        s = evidence.after["spikes"][t] if "spikes" in evidence.after else step.s
        rho = np.where(s > 0, refractory, np.maximum(rho - 1, 0))
    return Made(*(np.stack(signal) for signal in zip(*steps, strict=True)))


def _idle(evidence: Evidence, course: Course, result: Made) -> Made:
    """Leave the population at rest before its first step."""
    if not course.idle:
        return result
    u, v = evidence.first[:2]
    for signal, rest in ((result.u, u), (result.v, v), (result.s, np.zeros_like(v))):
        signal[: course.idle] = rest
    return result


def evidence_of(
    network: FixedNetwork, inputs: Inputs, other: Trace, divergence: Divergence
) -> Evidence:
    """Gather what the other execution made of the population that parts first.

    Args:
        network: What should have been executed.
        inputs: Data of each input, ``[steps, batch, *shape]``.
        other: Signals of the other execution, in the time of the input.
        divergence: The value that differs first.

    Raises:
        KeyError: Spikes of a population that sends to it were not recorded.
    """
    network = unretimed(network)
    p = network.population(divergence.population)
    given = {s: _flat(other.signal(s)[p.name]) for s in SIGNALS if p.name in other.signal(s)}
    steps, batch = next(iter(given.values())).shape[:2]
    samples = range(batch) if steps * batch * p.size <= MOST else [divergence.sample]
    length = max(1, min(steps, MOST // (len(samples) * p.size)))
    begin = min(max(0, divergence.step - length // 2), steps - length)
    window = slice(begin, begin + length)
    rest = np.zeros((len(samples), p.size), np.int64)
    first = {"u": rest, "v": rest + p.initial, "spikes": rest}
    if begin:
        first |= {s: x[begin - 1][samples] for s, x in given.items()}
    rho = _left(p, given, begin, samples) if begin else rest
    given_in = integer_inputs(network, inputs).items()
    sent: dict[str, npt.NDArray[np.integer]] = {name: x[:, samples] for name, x in given_in}
    sources = {q.source for q in network.incoming(p.name)} - sent.keys()
    sent |= {name: _flat(other.spikes[name])[:, samples] for name in sources}
    neuron = int(np.ravel_multi_index(divergence.neuron, p.shape)) if p.shape else 0
    return Evidence(
        population=p,
        begin=begin,
        arrivals=tuple(_arrivals(network, p.name, sent, range(begin, begin + length))),
        after={s: x[window][:, samples] for s, x in given.items()},
        first=(first["u"], first["v"], rho),
        place=(divergence.step - begin, list(samples).index(divergence.sample), neuron),
    )


def _left(
    p: FixedPopulation, given: Mapping[str, Integers], begin: int, samples: range | list[int]
) -> Integers:
    """Give the refractory steps that are left as the window begins."""
    rho = np.zeros((len(samples), p.size), np.int64)
    for spikes in given.get("spikes", np.zeros((0, 0, 0), np.int64))[:begin]:
        rho = np.where(spikes[samples] > 0, p.refractory, np.maximum(rho - 1, 0))
    return rho


def _arrivals(
    network: FixedNetwork, name: str, sent: Mapping[str, npt.NDArray[np.integer]], window: range
) -> Iterator[Arrival]:
    shapes = network.shapes
    for q in network.incoming(name):
        x = np.asarray(sent[q.source], np.int64)
        steps = np.arange(window.start - MARGIN, window.stop + MARGIN) - q.delay
        there = (steps >= 0) & (steps < len(x))
        cut = np.zeros((len(steps), *x.shape[1:]), np.int64)
        cut[there] = x[steps[there]]
        yield Arrival(q, shapes[q.source], cut)


def _flat(values: npt.NDArray[np.integer]) -> Integers:
    return np.asarray(values.reshape(*values.shape[:2], -1), np.int64)
