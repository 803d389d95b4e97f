"""A population of real numbers beside what another execution recorded of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from snnc.compiler.network import Network, Population
from snnc.compiler.operators import Reals
from snnc.compiler.trace import Trace
from snnc.runtime.divergence.explanation import Cause
from snnc.runtime.divergence.single_steps import Flags, Stepped, Steps, arriving, stepped, wrong
from snnc.targets.float.operators import Signal


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """A population beside what another execution recorded of it.

    Attributes:
        network: What should have been computed.
        inputs: float32 of each input, of one sample: ``[steps, 1, n]``.
        trace: What the other execution recorded, of that sample.
        p: The population.
        steps: What was recorded of it.
        currents: What arrives in each step, projection by projection.
        made: What the population makes of each step.
    """

    network: Network
    inputs: Mapping[str, Reals]
    trace: Trace
    p: Population
    steps: Steps
    currents: list[Signal]
    made: Stepped

    @classmethod
    def of(
        cls, network: Network, inputs: Mapping[str, Reals], trace: Trace, population: str
    ) -> Case:
        """Step a population through a recorded run."""
        p = network.population(population)
        steps, currents = Steps.of(trace, p), arriving(network, inputs, trace, population)
        return cls(
            network=network,
            inputs=inputs,
            trace=trace,
            p=p,
            steps=steps,
            currents=currents,
            made=stepped(p, steps, currents),
        )

    @cached_property
    def sent(self) -> dict[str, Signal]:
        """What inputs and spiking populations sent, ``[steps, *shape]``: spikes as 0 or 1."""
        shapes = self.network.shapes
        x = {n: a[:, 0].reshape(-1, *shapes[n]) for n, a in self.inputs.items()}
        return {**x, **{n: s[:, 0] for n, s in self.trace.spikes.items()}}

    def flags(self) -> Flags:
        """Say which steps of which neurons are not what was recorded, ``[steps, n]``."""
        return wrong(self.p, self.steps, self.made)

    def wrong(self, p: Population | None = None, currents: list[Signal] | None = None) -> int:
        """Count them, with another population or other currents."""
        p, currents = p or self.p, self.currents if currents is None else currents
        with np.errstate(all="ignore"):
            return int(wrong(p, self.steps, stepped(p, self.steps, currents)).sum())


@dataclass(frozen=True)
class Supposed:
    """A supposition that was tried, and how many values it leaves wrong."""

    cause: Cause
    what: str
    left: int
