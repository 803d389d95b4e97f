"""Why an execution of integers parts from another: hypotheses, tried with the exact arithmetic.

What the other execution is made of need not be known: it is what its signals show. Each hypothesis
says what comes out of every step of the population, of the state and the spikes that the other
had itself; the best is the one that leaves least unexplained with the fewest numbers chosen for it
(minimum description length: Rissanen 1978, Modeling by shortest data description, Automatica 14).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.trace import Trace
from snnc.runtime.compare import Divergence
from snnc.runtime.divergence.evidence import (
    Course,
    Evidence,
    Mask,
    Place,
    differing,
    differing_at,
    evidence_of,
    made,
    made_at,
)
from snnc.runtime.divergence.explanation import Candidate, Cause
from snnc.runtime.divergence.hypotheses import Trial, delays, latencies, rules
from snnc.runtime.divergence.known import known
from snnc.runtime.divergence.parameters import Solver
from snnc.runtime.divergence.solved import solved
from snnc.runtime.divergence.weights import changes
from snnc.runtime.text import count
from snnc.targets.running import Inputs

LISTED = 8
"""Candidates that are told."""
SCREENED = 256
"""Values that differ on which a hypothesis is tried first."""
WORTH = 0.2
"""Share of these that it has to explain to be tried on all."""


ENOUGH = 0.5
"""Share of all values that differ that a cause has to explain."""
NOTHING = "no single fault of these gives half of the values that differ, the first among them: "


def classify(
    network: FixedNetwork,
    inputs: Inputs,
    other: Trace,
    divergence: Divergence,
    *,
    executed: FixedNetwork | None = None,
) -> tuple[Candidate, ...]:
    """Tell why the other execution parts from what ``network`` says, best hypothesis first.

    Args:
        network: What should have been executed, not cut over cores.
        inputs: Data of each input, ``[steps, batch, *shape]``.
        other: The other execution, in the time of the input: spikes of whatever sends to the
            population, and of the population spikes, ``u`` and ``v``, or those that there are.
        divergence: The value that differs first.
        executed: What the other execution was of, where that is known: a network of the same
            topology, whose numbers are then tried, item by item, before anything else.

    Returns:
        Hypotheses that explain something. The first gives the value that differs first, and half
        of all that differ at least; where none does, it is ``UNKNOWN``, and names what was tried.
    """
    if missing := _unrecorded(network, other, divergence):
        return (_unknown(f"no spikes of {missing} were recorded"),)
    evidence = evidence_of(network, inputs, other, divergence)
    base = made(evidence, Course(dynamics=evidence.dynamics))
    wrong = differing(evidence, base)
    if not wrong.any():
        return (_unknown("each step follows from what was recorded"),)
    solver = Solver(evidence, base, wrong)
    place = _screen(wrong, evidence.place)
    trials = chain(
        known(evidence, executed) if executed else (),
        rules(evidence),
        delays(evidence),
        latencies(evidence),
        solver.trials(),
        changes(evidence, place),
        solved(evidence, base),
    )
    outcomes = sorted(_outcomes(evidence, wrong, trials, place), key=lambda o: o.rank)
    found = tuple(o.candidate for o in outcomes[:LISTED])
    if outcomes and outcomes[0].enough:
        return found
    return (_unknown(NOTHING + ", ".join(_tried(evidence))), *found)


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        candidate: As it is told.
        enough: Whether it gives the value that differs first, and half of all.
        bounds: Whether it only bounds them.
        numbers: How many were chosen for it.
        order: When it was tried.
    """

    candidate: Candidate
    enough: bool
    bounds: bool
    numbers: int
    order: int

    @property
    def rank(self) -> tuple[bool, bool, float, int, int]:
        """What the best has least of."""
        explains = -round(self.candidate.explains, 3)
        return not self.enough, self.bounds, explains, self.numbers, self.order


def _outcomes(
    evidence: Evidence, wrong: Mask, trials: Iterable[Trial], place: Place
) -> Iterator[Outcome]:
    """Give the outcome of each trial that explains something."""
    for order, trial in enumerate(trials):
        if trial.left is None and evidence.forced and not trial.course.idle:
            fails = differing_at(evidence, made_at(evidence, trial.course, place), place)
            if 1 - fails.mean() < WORTH and fails[0]:
                continue
        left = trial.left
        if left is None:
            left = differing(evidence, made(evidence, trial.course))
        yield from _outcome(evidence, wrong, trial, left, order)


def _outcome(
    evidence: Evidence, wrong: Mask, trial: Trial, left: Mask, order: int
) -> Iterator[Outcome]:
    """Give the outcome, of all neurons, or of those of which something is wrong alone."""
    affected = wrong.any(axis=(0, 1))
    n_wrong, n_left = int(wrong.sum()), int(left[..., affected].sum())
    elsewhere = int(left.sum()) - n_left
    what, numbers = trial.what, trial.numbers
    if elsewhere:
        what += f", in {count(int(affected.sum()), 'neuron')} of {affected.size}"
        numbers += 2
    explains = max(0.0, 1 - n_left / n_wrong)
    if explains > 0:
        candidate = Candidate(cause=trial.cause, what=what, explains=explains)
        enough = explains >= ENOUGH and not left[evidence.place]
        yield Outcome(candidate, enough, trial.left is not None, numbers, order)


def _screen(wrong: Mask, first: tuple[int, int, int]) -> Place:
    """Give the value that differs first, and others all over the window."""
    places = np.argwhere(wrong)
    chosen = places[np.linspace(0, len(places) - 1, min(SCREENED, len(places))).astype(np.intp)]
    steps, samples, neurons = np.concatenate(([first], chosen)).T
    return steps, samples, neurons


def _tried(evidence: Evidence) -> Iterator[Cause]:
    """Give the classes of which there are hypotheses about a population."""
    never = {Cause.UNKNOWN, Cause.INPUT_ROUNDING}
    if not evidence.dynamics.spiking:
        never |= {Cause.TIE, Cause.RESET}
    if not evidence.arrivals:
        never |= {Cause.DELAY, Cause.WEIGHT_ROUNDING, Cause.WEIGHT_CLIP, Cause.FLOAT_ORDER}
    yield from (cause for cause in Cause if cause not in never)


def _unrecorded(network: FixedNetwork, other: Trace, divergence: Divergence) -> str:
    sources = {q.source for q in network.incoming(divergence.population)}
    populations = {p.name for p in network.populations}
    return ", ".join(sorted((sources & populations) - other.spikes.keys()))


def _unknown(what: str) -> Candidate:
    return Candidate(cause=Cause.UNKNOWN, what=what, explains=0.0)
