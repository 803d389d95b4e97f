"""How alike two executions are, population by population."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Self

import numpy as np

from snnc.compiler.diagnostics import InternalError
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.trace import SIGNALS, Array, Trace
from snnc.runtime.compare import differs
from snnc.runtime.findings import Disagreement
from snnc.runtime.measures.counts import Counts, counts
from snnc.runtime.measures.distances import Distances, distances
from snnc.runtime.measures.potentials import Potentials, potentials
from snnc.runtime.measures.records import LayerMeasures
from snnc.runtime.record import Record
from snnc.runtime.verification.packed import Packed

CELLS = 64
"""Cells in which the steps of a population are shown at most."""


class LayerTally(Record):
    """What was counted of one population; that of further samples can be added.

    Attributes:
        population: Its name.
        neurons: How many.
        samples: How many.
        differing: Neurons of samples of which a compared signal differs, ``[steps]``.
        counts: Of spikes; None of a read-out.
        distances: Of chosen spike trains.
        potentials: Of those samples of which both recorded them, in units that can be compared.
    """

    population: str
    neurons: int
    samples: int
    differing: Packed
    counts: Counts | None = None
    distances: Distances = Distances()
    potentials: Potentials = Potentials()

    @property
    def steps(self) -> int:
        """Steps of a sample."""
        return int(self.differing.size)

    def __add__(self, more: Self) -> Self:
        """Add what was counted of other samples.

        Raises:
            InternalError: It is of another population, or something else was recorded.
        """
        one, two = ((t.population, t.neurons, t.steps, t.counts is None) for t in (self, more))
        if one != two:
            raise InternalError(f"tallies of {one} and {two} do not add up")
        return type(self)(
            population=self.population,
            neurons=self.neurons,
            samples=self.samples + more.samples,
            differing=self.differing + more.differing,
            counts=self.counts + more.counts if self.counts and more.counts else None,
            distances=self.distances + more.distances,
            potentials=self.potentials + more.potentials,
        )

    @property
    def measures(self) -> LayerMeasures:
        """What the report tells of it."""
        spikes = {} if self.counts is None else _of_spikes(self.counts)
        return LayerMeasures(
            population=self.population,
            neurons=self.neurons,
            samples=self.samples,
            van_rossum=self.distances.van_rossum,
            victor_purpura=self.distances.victor_purpura,
            spike_distance=self.distances.spike_distance,
            trains=self.distances.trains,
            sqnr_db=self.potentials.sqnr_db,
            **spikes,
        )

    @property
    def disagreement(self) -> Disagreement:
        """Where in time it differs."""
        width = -(-self.steps // CELLS) or 1
        first = np.arange(0, self.steps, width)
        last = np.minimum(first + width, self.steps)
        differing = np.add.reduceat(self.differing, first)
        shares = differing / ((last - first) * self.samples * self.neurons)
        return Disagreement(population=self.population, width=width, shares=tuple(shares.tolist()))


def layer_tallies(
    reference: Trace,
    other: Trace,
    signals: Sequence[str],
    first_sample: int = 0,
    fixed: FixedNetwork | None = None,
) -> tuple[LayerTally, ...]:
    """Compare two executions of the same samples, population by population.

    Args:
        reference: What should be.
        other: What is.
        signals: Of ``spikes``, ``u`` and ``v`` those that are compared.
        first_sample: Index of the first of these samples among all.
        fixed: The integers, where they are compared with real numbers: they know the units.

    Returns:
        One for each population of which both recorded spikes or potentials, in the order of the
        network.
    """
    recorded = dict.fromkeys([*reference.v, *reference.spikes])
    return tuple(
        _tally(name, reference, other, signals, first_sample, fixed)
        for name in recorded
        if name in {*other.v, *other.spikes}
    )


def disagreements(tallies: Sequence[LayerTally]) -> tuple[Disagreement, ...]:
    """Give where in time each population differs; nothing where none does."""
    if not any(t.differing.any() for t in tallies):
        return ()
    return tuple(t.disagreement for t in tallies)


def _tally(
    name: str,
    reference: Trace,
    other: Trace,
    signals: Sequence[str],
    first_sample: int,
    fixed: FixedNetwork | None,
) -> LayerTally:
    """Count what two executions of one population have in common."""
    pairs = {
        s: (a[name], b[name])
        for s in SIGNALS
        if name in (a := reference.signal(s)) and name in (b := other.signal(s))
    }
    steps, samples, *shape = next(iter(pairs.values()))[0].shape
    differing = np.zeros((steps, samples, *shape), np.bool_)
    for signal in signals:
        if signal in pairs:
            differing |= differs(*pairs[signal])
    told = LayerTally(
        population=name,
        neurons=prod(shape),
        samples=samples,
        differing=differing.reshape(steps, -1).sum(axis=1),
    )
    if "spikes" in pairs:
        n, m = (x.reshape(steps, samples, -1) for x in pairs["spikes"])
        measured = {"counts": counts(n, m), "distances": distances(n, m, first_sample)}
        told = told.model_copy(update=measured)
    if "v" in pairs and (same := _same_units(name, *pairs["v"], fixed)) is not None:
        told = told.model_copy(update={"potentials": potentials(*same)})
    return told


def _same_units(
    name: str, reference: Array, other: Array, fixed: FixedNetwork | None
) -> tuple[Array, Array] | None:
    """Give the potentials in units of the reference; None where they are not known."""
    if (reference.dtype.kind == "f") == (other.dtype.kind == "f"):
        return reference, other
    if fixed is None or reference.dtype.kind != "f":
        return None
    p = fixed.population(name)
    scale, offset = p.scale.reshape(reference.shape[2:]), p.offset.reshape(reference.shape[2:])
    return reference, other / scale + offset


def _of_spikes(of: Counts) -> dict[str, Any]:
    """Give what the report tells of spikes."""
    n, m, _ = of.spikes
    (dead, dead_other), (saturated, saturated_other) = of.dead, of.saturated
    return {
        "values": of.length * of.reference.size,
        "same": of.same,
        "hamming": of.hamming,
        "spikes_reference": n,
        "spikes_other": m,
        "count_error": of.count_error,
        "rate_error": of.rate_error,
        "precision": of.precision,
        "recall": of.recall,
        "coincidence": of.coincidence,
        "emd_rates": of.emd_rates,
        "rate_cosine": of.rate_cosine,
        "spike_cosine": of.spike_cosine,
        "dead_reference": dead,
        "dead_other": dead_other,
        "saturated_reference": saturated,
        "saturated_other": saturated_other,
    }
