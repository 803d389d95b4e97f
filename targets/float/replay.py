"""A recorded run of the framework, repeated step by step from the states that it recorded.

A float32 sum of many products depends on its order, and the matrix products of torch and NumPy
have different ones. Where such a sum puts a potential within rounding of the threshold, one of the
two spikes and the other does not, and from there on they part. Here every step of every population
starts from what the framework recorded, so each such tie is seen by itself, and whatever is no tie
cannot hide behind one. Rounding also adds up from step to step: where the network, run by itself,
parts from the framework, the place is looked at, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from snnc.compiler.network import Network, Population
from snnc.compiler.operators import Reals
from snnc.compiler.trace import Array, Trace
from snnc.targets.float.currents import Currents
from snnc.targets.float.neuron import State, at_rest, neuron_step, refractory_steps
from snnc.targets.float.operators import Signal
from snnc.targets.running import Progress, no_progress

TIE_ULP = 4
"""Units in the last place of the threshold within which rounding decides about a spike."""
STATE_ROUNDING = 1e-4
"""Difference of ``u`` or ``v`` in one step, as a share of the largest, that rounding explains: a
float32 sum of ``m`` terms is off by up to ``m * 2**-24`` of the sum of their magnitudes, and ``m``
is some thousands (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 4.2)."""
NO_NUMBER = float(np.finfo(np.float32).max)
"""The difference between a number and none: more than any rounding."""


@dataclass(frozen=True)
class Mismatch:
    """A spike that one of the two has and the other has not.

    Attributes:
        step: Step of the input.
        sample: Index on the batch axis.
        population: Name of the population.
        neuron: Index in the population, one number for each of its axes.
        v: The potential that the float network held against the threshold.
        threshold: The threshold.
        ulp: Distance of the two in units in the last place of the larger.
    """

    step: int
    sample: int
    population: str
    neuron: tuple[int, ...]
    v: float
    threshold: float
    ulp: float

    @property
    def is_tie(self) -> bool:
        """Whether rounding decides."""
        return self.ulp <= TIE_ULP

    def __str__(self) -> str:
        neuron = ", ".join(map(str, self.neuron))
        return (
            f"step {self.step}, sample {self.sample}, population {self.population}, neuron "
            f"{neuron}: v {self.v:.9g} at a threshold of {self.threshold:.9g}, {self.ulp:.3g} ulp"
        )


@dataclass(frozen=True)
class Replay:
    """What the repetition gave.

    Attributes:
        spikes: Spikes compared.
        mismatches: Those that differ, in the order of steps: from the same state and inputs, or
            as the first of a sample where the network ran by itself.
        errors: By ``population.v`` and ``population.u``, where there is a current, the largest
            difference after a step; of ``v`` where the spike is the same.
        extents: By the same names the largest magnitude that was recorded.
    """

    spikes: int
    mismatches: tuple[Mismatch, ...]
    errors: Mapping[str, float]
    extents: Mapping[str, float]

    @property
    def state_errors(self) -> dict[str, float]:
        """Each error as a share of the largest value of its signal."""
        return {n: error / (self.extents[n] or 1.0) for n, error in self.errors.items()}

    @property
    def ties(self) -> tuple[Mismatch, ...]:
        """The mismatches about which rounding decides."""
        return tuple(m for m in self.mismatches if m.is_tie)

    @property
    def strangers(self) -> tuple[str, ...]:
        """Signals that are not what the float network computes, by more than rounding."""
        return tuple(n for n, error in self.state_errors.items() if error > STATE_ROUNDING)


def can_replay(network: Network, recorded: Trace) -> bool:
    """Tell whether the states of every population were recorded."""
    return all(
        p.name in recorded.v
        and (not p.spiking or p.name in recorded.spikes)
        and (not p.integration.has_current or p.name in recorded.u)
        for p in network.populations
    )


def replay(
    network: Network,
    inputs: Mapping[str, Reals],
    recorded: Trace,
    free: Trace | None = None,
    progress: Progress = no_progress,
) -> Replay:
    """Repeat each step of ``recorded`` from the states before it.

    Args:
        network: What the framework should have computed.
        inputs: float32 of each input, shape ``[steps, batch, n]``.
        recorded: Spikes, ``v`` and, where there is a synaptic current, ``u`` of every population.
        free: Spikes of the network, run by itself; None where they are of no interest.
        progress: Told the steps done.
    """
    steps, batch = next(iter(inputs.values())).shape[:2]
    currents = Currents(network, inputs)
    for p in network.populations:
        sent = recorded.spikes[p.name] if p.spiking else recorded.v[p.name]
        currents.sent[p.name] = _flat(sent).astype(np.float32) * (p.spike if p.spiking else 1)
    found: list[Mismatch] = []
    off = {f"{name}.{signal}": 0.0 for name, signal, _ in _states(network, recorded)}
    rest = {p.name: at_rest(p, batch).rest for p in network.populations}
    together = np.full((batch, 1), free is not None)  # until the first difference of a sample
    for t in range(steps):
        for p in network.populations:
            before = _state(p, recorded, t, rest[p.name])
            step = neuron_step(p, before, currents.into(p.name, t))
            differ = np.zeros(step.s.shape, np.bool_)
            if p.spiking:
                wanted = _flat(recorded.spikes[p.name])[t]
                differ = step.s != wanted
                rest[p.name] = refractory_steps(p, rest[p.name], wanted)
                parting = np.zeros_like(differ)
                if free is not None:
                    parting = together & (_flat(free.spikes[p.name])[t] != wanted)
                    together = together & ~parting.any(axis=1, keepdims=True)
                found += _mismatches(p, t, step.tested, differ | parting)
            apart = distance(step.state.v, _flat(recorded.v[p.name])[t])[~differ]
            off[f"{p.name}.v"] = max(off[f"{p.name}.v"], float(apart.max(initial=0)))
            if p.integration.has_current:
                apart = distance(step.state.i, _flat(recorded.u[p.name])[t])
                off[f"{p.name}.u"] = max(off[f"{p.name}.u"], float(apart.max(initial=0)))
        progress(t + 1, steps)
    compared = sum(p.size for p in network.populations if p.spiking) * steps * batch
    extents = {f"{name}.{signal}": extent(x) for name, signal, x in _states(network, recorded)}
    return Replay(compared, tuple(found), off, extents)


def distance(a: Array, b: Array) -> npt.NDArray[np.float64]:
    """Give ``|a - b|``; of equal ones, and of two that are no numbers, 0."""
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(a.astype(np.float64) - b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0.0, np.nan_to_num(apart, nan=NO_NUMBER, posinf=NO_NUMBER))


def extent(values: Array) -> float:
    """Give the largest magnitude of a signal, of what is a number in it."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0))


def _states(network: Network, recorded: Trace) -> Iterator[tuple[str, str, Array]]:
    """Yield what was recorded of the state of each population: its name, the signal, the values."""
    for p in network.populations:
        yield p.name, "v", recorded.v[p.name]
        if p.integration.has_current:
            yield p.name, "u", recorded.u[p.name]


def _state(p: Population, recorded: Trace, t: int, rest: npt.NDArray[np.int32]) -> State:
    start = at_rest(p, rest.shape[0])
    if t == 0:
        return start
    i = _flat(recorded.u[p.name])[t - 1] if p.integration.has_current else start.i
    return State(_flat(recorded.v[p.name])[t - 1], i, rest)


def _flat(values: Array) -> Array:
    return values.reshape(*values.shape[:2], prod(values.shape[2:]))


def _mismatches(p: Population, t: int, tested: Signal, differ: Array) -> Iterator[Mismatch]:
    for sample, neuron in np.argwhere(differ):
        v, threshold = tested[sample, neuron], p.threshold[neuron]
        unit = np.spacing(np.maximum(np.abs(v), np.abs(threshold)))
        index = tuple(map(int, np.unravel_index(int(neuron), p.shape)))
        ulp = float(np.abs(v.astype(np.float64) - threshold) / unit)
        yield Mismatch(t, int(sample), p.name, index, float(v), float(threshold), ulp)
