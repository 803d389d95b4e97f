"""What a run gave: spikes and states, in the time of the framework or of the hardware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

SIGNALS = ("spikes", "u", "v")
"""What can be recorded of a population."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Trace:
    """Arrays of one run, each of shape ``[steps, batch, *shape]``.

    Step ``t`` of every array belongs to step ``t`` of the input, as the framework would give it,
    unless the run was asked for raw time: then it is hardware step ``t``, in outputs and recorded
    signals alike, and there are as many steps more as the network has latency.

    Attributes:
        executor: Who ran: the name of a target or of a framework.
        outputs: Of each output, in the order of the network, its spikes (0 or 1, uint8), or the
            potential of its read-out (float32, in the units of the model).
        spikes: Spikes of each recorded population; of integers in the order of the network, as
            ``u`` and ``v``.
        u: Synaptic current of each recorded population: int32 of fixed networks, float32 else, and
            then only of populations whose current has a memory.
        v: Membrane potential after the reset of the step: int32 of fixed networks, float32 else.
        class_weights: What a spike of each neuron of the first output counts for, shape ``[n]``:
            the size of a spike, snnTorch's ``graded_spikes_factor``; None where all count the same.
        lags: Hardware steps by which each population ran behind the input.
        seconds: Wall time of the run.
    """

    executor: str
    outputs: Mapping[str, Array]
    spikes: Mapping[str, Array] = field(default_factory=dict[str, Array])
    u: Mapping[str, Array] = field(default_factory=dict[str, Array])
    v: Mapping[str, Array] = field(default_factory=dict[str, Array])
    class_weights: Array | None = None
    lags: Mapping[str, int] = field(default_factory=dict[str, int])
    seconds: float = 0.0

    @property
    def output_spikes(self) -> int | None:
        """Spikes of all outputs that spike; None where all are read-outs."""
        spiking = [values for values in self.outputs.values() if values.dtype == np.uint8]
        return sum(int(np.count_nonzero(values)) for values in spiking) if spiking else None

    def signal(self, name: str) -> Mapping[str, Array]:
        """Give ``spikes``, ``u`` or ``v`` by name."""
        return {"spikes": self.spikes, "u": self.u, "v": self.v}[name]

    def of_samples(self, begin: int, end: int) -> Trace:
        """Give the samples from ``begin`` up to ``end``, with their share of the time."""

        def part(arrays: Mapping[str, Array]) -> dict[str, Array]:
            return {name: values[:, begin:end] for name, values in arrays.items()}

        samples = next(iter(self.outputs.values())).shape[1]
        return replace(
            self,
            outputs=part(self.outputs),
            spikes=part(self.spikes),
            u=part(self.u),
            v=part(self.v),
            seconds=self.seconds * len(range(*slice(begin, end).indices(samples))) / samples,
        )

    @property
    def counts(self) -> Array:
        """What the first output gives, summed over time, shape ``[batch, n]``."""
        first = next(iter(self.outputs.values()))
        given = first.reshape(first.shape[0], first.shape[1], -1)
        return np.asarray(
            given.sum(axis=0, dtype=np.float64 if given.dtype.kind == "f" else np.int64)
        )

    @property
    def predictions(self) -> Array:
        """Class of each sample: the neuron of the first output with most spikes, or largest sum.

        A spike counts for its size. Among equals the first.
        """
        weights = 1 if self.class_weights is None else self.class_weights
        return np.asarray((self.counts * weights).argmax(axis=1))
