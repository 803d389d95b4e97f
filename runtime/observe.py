"""Typical data through the float network and the integers, population by population."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedNetwork, FixedPopulation
from snnc.compiler.network import Network
from snnc.compiler.quantization.observed import Observed, Signals, observe
from snnc.compiler.quantization.recalibrate import Counting, recalibrated
from snnc.compiler.retime import unretimed
from snnc.targets.artifact import Artifact
from snnc.targets.float import executor as real
from snnc.targets.inputs import integer_inputs, real_inputs
from snnc.targets.integer import reference as integers
from snnc.targets.running import Inputs

SAMPLES = 32
"""Samples on which integers are observed: some hundreds of spikes of each population tell a rate to
a few percent."""
FITTED = 256
"""Most samples that weights and thresholds are fitted to."""
NUMBERS = 2**26
"""Potentials that the run of these samples may record, beyond those of ``SAMPLES``."""
RECORDED = 2**27
"""Values of inputs and populations that these runs may record in any case: of long data and many
neurons fewer samples than ``SAMPLES`` are taken, and one at least. Some 4 GiB."""
COUNTED = 2**23
"""Potentials that a population may take to count its spikes, beyond those of ``SAMPLES``."""
HELD_STEPS = 32
"""Steps for which data of one step are held."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reference:
    """What the float network makes of typical data.

    Attributes:
        inputs: The first samples, float32 of each input, shape ``[steps, batch, n]``: as many as
            weights are fitted to.
        signals: What they make every population do.
    """

    inputs: Mapping[str, npt.NDArray[np.float32]]
    signals: Signals

    @property
    def sent(self) -> dict[str, npt.NDArray[Any]]:
        """What each input and each spiking population sends, shape ``[steps, batch, n]``."""
        return {**self.inputs, **self.signals.spikes}

    def first(self, samples: int) -> Reference:
        """Give the same of the first samples."""

        def few(of: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
            return {name: values[:, :samples] for name, values in of.items()}

        signals = self.signals
        recorded = real.FloatRecording(few(signals.spikes), few(signals.u), few(signals.v))
        return Reference(inputs=few(self.inputs), signals=recorded)


def refer(network: Network, typical: Mapping[str, npt.NDArray[np.float32]]) -> Reference:
    """Run ``network`` on the first samples of ``typical``, ``[steps, batch, n]`` of each input."""
    steps = max(len(next(iter(typical.values()))), 1)
    steps = HELD_STEPS if steps == 1 else steps
    neurons = sum(p.size for p in network.populations)
    values = neurons + sum(i.size for i in network.inputs)
    samples = min(FITTED, max(SAMPLES, NUMBERS // (steps * neurons)))
    samples = min(samples, max(1, RECORDED // (steps * values)))
    inputs = held({name: values[:, :samples] for name, values in typical.items()})
    return Reference(inputs=inputs, signals=real.execute(network, inputs))


def held(typical: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[np.float32]]:
    """Give data ``[steps, batch, n]`` as they are run: a single step is held for some."""
    return {n: np.repeat(x, HELD_STEPS, 0) if len(x) == 1 else x for n, x in typical.items()}


def observe_artifact(artifact: Artifact, data: Inputs) -> dict[str, Observed]:
    """Compare the float network and the integers of ``artifact`` on the first samples of ``data``.

    Args:
        artifact: With integers.
        data: Of each input, ``[steps, batch, *shape]``; they fit.
    """
    network, fixed = artifact.network, unretimed(artifact.required_fixed)
    first = {name: values[:, :SAMPLES] for name, values in data.items()}
    return observe_on(network, fixed, refer(network, real_inputs(network, first)))


def observe_on(network: Network, fixed: FixedNetwork, reference: Reference) -> dict[str, Observed]:
    """Run the integers on the same data: as they are, and each population by itself.

    Args:
        network: The float network.
        fixed: Its integers, not retimed.
        reference: What ``network`` did.
    """
    reference = reference.first(SAMPLES)
    x = _entering(fixed, reference)
    wanted = reference.signals
    return observe(
        network,
        fixed,
        wanted,
        integers.execute(fixed, x),
        integers.execute(fixed, x, forced=wanted.spikes),
    )


def recalibrate_on(network: Network, fixed: FixedNetwork, reference: Reference) -> FixedNetwork:
    """Move the thresholds of ``fixed`` until populations spike as often as they did.

    Args:
        network: The float network.
        fixed: Its integers, not retimed.
        reference: What ``network`` did.
    """
    steps = len(next(iter(reference.inputs.values())))
    most = max(p.size for p in fixed.populations)
    reference = reference.first(max(SAMPLES, COUNTED // (steps * most)))
    spikes = reference.signals.spikes
    x: dict[str, npt.NDArray[Any]] = {**_entering(fixed, reference), **spikes}
    wanted = {name: s.sum(axis=0, dtype=np.int64) for name, s in spikes.items()}
    counting = {name: _counting(fixed, name, x) for name in spikes}
    return recalibrated(network, fixed, wanted, counting)


def _counting(fixed: FixedNetwork, name: str, sent: Mapping[str, npt.NDArray[Any]]) -> Counting:
    """Give what counts the spikes of a population that receives ``sent``.

    What arrives is the same whatever its threshold, and computed once, when it is first asked for.
    """
    steps, batch = sent[name].shape[:2]
    always = np.ones((steps, batch, 1), np.int32)  # the neuron of a bias

    @cache
    def arriving() -> npt.NDArray[np.int32]:
        a = np.zeros((steps, batch, fixed.population(name).size), np.int32)
        for q in fixed.incoming(name):
            values = sent.get(q.source, always)
            for t in range(q.delay, steps):
                y = values[t - q.delay].astype(np.int64).reshape(batch, *fixed.shapes[q.source])
                a[t] += integers.synaptic_input(q, y).astype(np.int32)
        return a

    def count(p: FixedPopulation) -> npt.NDArray[np.int64]:
        state = integers.at_rest(p, batch)
        total = np.zeros((batch, p.size), np.int64)
        for a in arriving():
            step = integers.neuron_step(p, *state, a.astype(np.int64))
            state = step.u, step.v, step.rho
            total += step.spikes
        return total

    return count


def _entering(fixed: FixedNetwork, reference: Reference) -> dict[str, npt.NDArray[np.int32]]:
    """Give the data of ``reference`` as the integers that enter."""
    shaped = {
        i.name: reference.inputs[i.name].reshape(*reference.inputs[i.name].shape[:2], *i.shape)
        for i in fixed.inputs
    }
    return integer_inputs(fixed, shaped)
