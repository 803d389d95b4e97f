"""What is kept of a comparison: numbers of some samples that add up to those of all.

A tally of samples ``a`` to ``b`` plus one of ``b`` to ``c`` is the tally of ``a`` to ``c``, bit for
bit, however the samples are grouped. So a report does not depend on batches, and what a killed run
had counted is not lost. Samples are added in their order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from snnc.compiler.diagnostics import (
    EnvironmentFault,
    InternalError,
    SnncError,
    TimeLimitExceeded,
)
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.trace import Array, Trace
from snnc.runtime.compare import Difference, Divergence, compare, count_difference
from snnc.runtime.measures.layers import LayerTally, layer_tallies
from snnc.runtime.record import Record
from snnc.runtime.statistics import correct_by_step
from snnc.runtime.verification.packed import Packed
from snnc.runtime.verification.told import Told, told
from snnc.targets.float.replay import Mismatch, Replay

LISTED = 100
"""Ties that a report lists one by one; all are counted."""


class Ran(Record):
    """What one execution gave.

    Attributes:
        executor: Who ran.
        classes: Class of each sample, shape ``[n]``.
        correct: Right answers after 1 step, 2 steps, ..., shape ``[steps]``; None without labels.
        output_spikes: Spikes of all outputs that spike; None where all are read-outs.
        latency_steps: Steps by which the last population runs behind the input.
        seconds: Wall time.
    """

    executor: str
    classes: Packed
    correct: Packed | None
    output_spikes: int | None
    latency_steps: int
    seconds: float

    def __add__(self, more: Ran) -> Ran:
        """Add the samples that follow."""
        correct = None
        if self.correct is not None and more.correct is not None:
            correct = self.correct + more.correct
        spikes = None
        if self.output_spikes is not None and more.output_spikes is not None:
            spikes = self.output_spikes + more.output_spikes
        return Ran(
            executor=self.executor,
            classes=np.concatenate([self.classes, more.classes]),
            correct=correct,
            output_spikes=spikes,
            latency_steps=max(self.latency_steps, more.latency_steps),
            seconds=self.seconds + more.seconds,
        )


def ran(trace: Trace, labels: Array | None) -> Ran:
    """Tell what ``trace`` gave; ``labels`` are the classes of its samples."""
    first = next(iter(trace.outputs.values()))
    correct = None
    if labels is not None:
        correct = correct_by_step(first, labels, weights=trace.class_weights)
    return Ran(
        executor=trace.executor,
        classes=trace.predictions,
        correct=correct,
        output_spikes=trace.output_spikes,
        latency_steps=max(trace.lags.values(), default=0),
        seconds=trace.seconds,
    )


class Failed(Record):
    """An execution that could not be done.

    Attributes:
        late: Whether it was ended at its time limit.
        told: Why.
    """

    late: bool
    told: tuple[Told, ...]

    @property
    def error(self) -> SnncError:
        """What is raised for it."""
        kind = TimeLimitExceeded if self.late else EnvironmentFault
        return kind([t.diagnostic for t in self.told])


def failed(error: EnvironmentFault | TimeLimitExceeded) -> Failed:
    """Tell that an execution could not be done."""
    return Failed(late=isinstance(error, TimeLimitExceeded), told=told(error))


class LinkTally(Record):
    """What two executions have of one another.

    Attributes:
        samples: How many.
        spiking: Whether either recorded spikes.
        differences: Values compared and differing, by population and signal.
        first: The value that differs first.
        rank: Place of its population and signal in the order of the network; the earlier of equals
            in step and sample comes first.
        uncompared: ``population.signal`` that only one of the two recorded.
        count_difference: ``sum |n_i - m_i|`` over the spike counts of all neurons and samples.
        count: ``sum n_i`` of the reference.
        layers: How alike each population is.
    """

    samples: int
    spiking: bool
    differences: tuple[Difference, ...] = ()
    first: Divergence | None = None
    rank: int = 0
    uncompared: tuple[str, ...] = ()
    count_difference: int = 0
    count: int = 0
    layers: tuple[LayerTally, ...] = ()

    @property
    def values(self) -> int:
        """Values compared in all."""
        return sum(d.values for d in self.differences)

    @property
    def differing(self) -> int:
        """Values that differ in all."""
        return sum(d.differing for d in self.differences)

    @property
    def count_error(self) -> float | None:
        """``sum |n_i - m_i| / sum n_i``; None where the reference never spikes."""
        return self.count_difference / self.count if self.count else None

    def __add__(self, more: LinkTally) -> LinkTally:
        """Add the samples that follow."""
        first = _earlier(self, more)
        return LinkTally(
            samples=self.samples + more.samples,
            spiking=self.spiking or more.spiking,
            differences=_summed(self.differences, more.differences),
            first=first.first,
            rank=first.rank,
            uncompared=tuple(sorted({*self.uncompared, *more.uncompared})),
            count_difference=self.count_difference + more.count_difference,
            count=self.count + more.count,
            layers=tuple(a + b for a, b in zip(self.layers, more.layers, strict=True)),
        )


def link_tally(
    reference: Trace,
    other: Trace,
    signals: Sequence[str],
    first_sample: int = 0,
    fixed: FixedNetwork | None = None,
) -> LinkTally:
    """Compare two executions of the same samples.

    Args:
        reference: What should be.
        other: What is.
        signals: Of ``spikes``, ``u`` and ``v`` those to compare; none where only classes are.
        first_sample: Index of the first of these samples among all.
        fixed: The integers, where they are compared with real numbers: they know the units.
    """
    samples = len(reference.counts)
    spiking = bool(reference.spikes or other.spikes)
    if not signals:
        return LinkTally(samples=samples, spiking=spiking)
    layers = layer_tallies(reference, other, signals, first_sample, fixed)
    if tuple(signals) == ("spikes",) and not spiking:  # of read-outs alone there are none
        return LinkTally(samples=samples, spiking=spiking, layers=layers)
    found = compare(reference, other, signals)
    difference, count = count_difference(reference, other) if spiking else (0, 0)
    first, rank = found.first, 0
    if first is not None:
        rank = [(d.population, d.signal) for d in found.differences].index(
            (first.population, first.signal)
        )
        first = Divergence(
            step=first.step,
            sample=first.sample + first_sample,
            population=first.population,
            neuron=first.neuron,
            signal=first.signal,
            reference=first.reference,
            other=first.other,
        )
    return LinkTally(
        samples=samples,
        spiking=spiking,
        differences=found.differences,
        first=first,
        rank=rank,
        uncompared=found.uncompared,
        count_difference=difference,
        count=count,
        layers=layers,
    )


def _earlier(one: LinkTally, two: LinkTally) -> LinkTally:
    """Give the one whose first divergence comes first."""
    if one.first is None or two.first is None:
        return one if two.first is None else two
    place, other = ((t.step, t.sample) for t in (one.first, two.first))
    return one if (*place, one.rank) <= (*other, two.rank) else two


def _summed(one: tuple[Difference, ...], two: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """Add what differs, population by population and signal by signal."""
    if [(d.population, d.signal) for d in one] != [(d.population, d.signal) for d in two]:
        raise InternalError("two parts of an execution recorded different signals")
    return tuple(
        Difference(a.population, a.signal, a.values + b.values, a.differing + b.differing)
        for a, b in zip(one, two, strict=True)
    )


class ReplayTally(Record):
    """What the repetition of the framework's run gave, step by step (``targets/float/replay.py``).

    Attributes:
        mismatches: Spikes that differ from the same state.
        n_ties: Those about which rounding decides.
        ties: The first hundred.
        errors: By ``population.v`` and ``population.u`` the largest difference after a step.
        extents: By the same names the largest magnitude.
    """

    mismatches: int
    n_ties: int
    ties: tuple[Mismatch, ...]
    errors: dict[str, float]
    extents: dict[str, float]

    @property
    def strangers(self) -> tuple[str, ...]:
        """Signals that are not what the float network computes, by more than rounding."""
        return Replay(0, (), self.errors, self.extents).strangers

    def __add__(self, more: ReplayTally) -> ReplayTally:
        """Add the samples that follow."""
        order = {name.rpartition(".")[0]: rank for rank, name in enumerate(self.errors)}

        def place(tie: Mismatch) -> tuple[int, int, int, tuple[int, ...]]:
            return tie.step, order[tie.population], tie.sample, tie.neuron

        return ReplayTally(
            mismatches=self.mismatches + more.mismatches,
            n_ties=self.n_ties + more.n_ties,
            ties=tuple(sorted((*self.ties, *more.ties), key=place)[:LISTED]),
            errors={n: max(e, more.errors[n]) for n, e in self.errors.items()},
            extents={n: max(e, more.extents[n]) for n, e in self.extents.items()},
        )


def replay_tally(found: Replay, first_sample: int = 0) -> ReplayTally:
    """Keep of a repetition what adds up; ``first_sample`` is its first among all."""
    ties = found.ties
    return ReplayTally(
        mismatches=len(found.mismatches),
        n_ties=len(ties),
        ties=tuple(_of_sample(t, t.sample + first_sample) for t in ties[:LISTED]),
        errors=dict(found.errors),
        extents=dict(found.extents),
    )


def _of_sample(tie: Mismatch, sample: int) -> Mismatch:
    return Mismatch(tie.step, sample, tie.population, tie.neuron, tie.v, tie.threshold, tie.ulp)


class Tally(Record):
    """What some samples gave.

    Attributes:
        stages: Each execution by its name.
        links: Each comparison by the names of its two executions.
        replay: Of the framework's run; None where it could not be repeated.
    """

    stages: dict[str, Ran | Failed] = Field(default_factory=dict[str, Ran | Failed])
    links: dict[str, LinkTally] = Field(default_factory=dict[str, LinkTally])
    replay: ReplayTally | None = None

    @property
    def failed(self) -> bool:
        """Whether an execution could not be done."""
        return any(isinstance(s, Failed) for s in self.stages.values())

    def __add__(self, more: Tally) -> Tally:
        """Add the samples that follow; what failed of some has failed of all."""
        stages = dict(self.stages)
        for name, stage in more.stages.items():
            before = stages.get(name, stage)
            if name not in self.stages or isinstance(before, Failed):
                stages[name] = before
            elif isinstance(stage, Failed):
                stages[name] = stage
            else:
                stages[name] = before + stage
        links = dict(self.links)
        for name, tally in more.links.items():
            links[name] = links[name] + tally if name in links else tally
        replay = self.replay or more.replay
        if self.replay is not None and more.replay is not None:
            replay = self.replay + more.replay
        return Tally(stages=stages, links=links, replay=replay)
