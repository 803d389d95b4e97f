"""Every step of one population of real numbers by itself, from the states of another execution."""

from __future__ import annotations

from collections.abc import Mapping
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
from snnc.targets.float.replay import STATE_ROUNDING, TIE_ULP, distance, extent

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Steps:
    """What another execution recorded of one population and one sample; arrays ``[steps, n]``.

    Attributes:
        v: Potential after each step.
        u: Synaptic current after each step, None where there is none.
        spikes: 0 or 1; None of a read-out.
    """

    v: Array
    u: Array | None
    spikes: Array | None

    @classmethod
    def of(cls, trace: Trace, p: Population) -> Steps:
        """Take them from a trace whose first sample is meant."""

        def flat(of: Mapping[str, Array]) -> Array:
            values = of[p.name][:, 0]
            return values.reshape(len(values), prod(values.shape[1:]))

        return cls(
            v=flat(trace.v),
            u=flat(trace.u) if p.integration.has_current else None,
            spikes=flat(trace.spikes) if p.spiking else None,
        )

    def before(self, p: Population) -> State:
        """Give the state before every step, each step a sample of its own."""
        start = at_rest(p, 1)
        v = np.concatenate((start.v, self.v[:-1]))
        u = np.zeros_like(v) if self.u is None else np.concatenate((start.i, self.u[:-1]))
        rest = np.zeros(v.shape, np.int32)
        if p.refractory and self.spikes is not None:
            for t in range(1, len(v)):
                rest[t] = refractory_steps(p, rest[t - 1], self.spikes[t - 1])
        return State(v.astype(np.float32), u.astype(np.float32), rest)


@dataclass(frozen=True, eq=False, kw_only=True)
class Stepped:
    """What a population makes of every step; arrays ``[steps, n]``.

    Attributes:
        v: Potential after the step.
        u: Synaptic current after it.
        spikes: 0 or 1.
        tested: The potential that was held against the threshold.
    """

    v: Signal
    u: Signal
    spikes: Signal
    tested: Signal


def arriving(
    network: Network, inputs: Mapping[str, Reals], trace: Trace, population: str
) -> list[Signal]:
    """Give the current of each projection in every step, ``[steps, n]``, in the order of summation.

    Args:
        network: Whose projections.
        inputs: float32 of each input, of one sample: ``[steps, 1, n]``.
        trace: What populations sent.
        population: Where it arrives.
    """
    currents = Currents(network, inputs)
    for p in network.populations:
        sent = trace.spikes[p.name] if p.spiking else trace.v[p.name]
        flat = sent.reshape(*sent.shape[:2], prod(sent.shape[2:]))[:, :1]
        currents.sent[p.name] = flat.astype(np.float32) * (p.spike if p.spiking else 1)
    steps = len(next(iter(inputs.values())))
    rows = [currents.into(population, t) for t in range(steps)]
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def stepped(p: Population, recorded: Steps, currents: list[Signal]) -> Stepped:
    """Advance a population by one step from each of the recorded states."""
    step = neuron_step(p, recorded.before(p), currents)
    return Stepped(v=step.state.v, u=step.state.i, spikes=step.s, tested=step.tested)


def wrong(p: Population, recorded: Steps, made: Stepped) -> Flags:
    """Say which steps of which neurons are not what was recorded, but for rounding."""
    off = _off(made.v, recorded.v)
    if recorded.u is not None:
        off |= _off(made.u, recorded.u)
    if recorded.spikes is None:
        return np.asarray(off)
    differ = made.spikes != recorded.spikes
    return np.asarray((off & ~differ) | (differ & (ulps(p, made.tested) > TIE_ULP)))


def _off(made: Signal, recorded: Array) -> Flags:
    """Say where a signal is off by more than rounding."""
    return np.asarray(distance(made, recorded) > STATE_ROUNDING * (extent(recorded) or 1.0))


def ulps(p: Population, tested: Signal) -> npt.NDArray[np.float64]:
    """Give the distance of a potential from the threshold in units in the last place."""
    unit = np.spacing(np.maximum(np.abs(tested), np.abs(p.threshold)).astype(np.float32))
    return np.abs(tested.astype(np.float64) - p.threshold) / unit
