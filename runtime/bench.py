"""Choices of widths on the user's data: what they answer, beside what the float network does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.check import check_fixed, ensure
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.network import Network
from snnc.compiler.quantization.budget import Bits
from snnc.compiler.retime import retime
from snnc.runtime.statistics import Paired, paired
from snnc.targets.artifact import Artifact
from snnc.targets.running import Progress, no_progress

Array = npt.NDArray[Any]
Labels = npt.NDArray[np.integer]
Doubles = npt.NDArray[np.float64]

CHUNK = 128
"""Samples that are run at once; between them a run can be ended."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network answers.

    Attributes:
        sums: Of each output its spikes, or the potentials of a read-out, summed over time,
            shape ``[batch, n]``.
        predictions: The class of each sample, shape ``[batch]``.
    """

    sums: Mapping[str, Doubles]
    predictions: Labels


@dataclass(frozen=True)
class Measured:
    """What rounding with some widths costs.

    Attributes:
        bits: The widths.
        error: Power of the error of all outputs over the power of the outputs: each output summed
            over time, over all neurons and samples; the mean over the outputs.
        pair: Right and wrong answers of the float network and of the integers; None without
            labels.
    """

    bits: dict[str, int]
    error: float
    pair: Paired | None


class _TooManyLost(Exception):
    """More right answers are lost than may be, whatever is still to come."""


@dataclass(eq=False, kw_only=True)
class Bench:
    """Runs integers of any widths beside what the float network answers.

    Attributes:
        network: The float network.
        make: Gives the integers of widths for each population.
        inputs: Data of each input, ``[steps, batch, *shape]``.
        labels: The true class of each sample, or None.
        real: What the float network answers.
        runs: Runs of integers so far.
    """

    network: Network
    make: Callable[[Bits], FixedNetwork]
    inputs: Mapping[str, Array]
    labels: Labels | None
    real: Answers
    runs: int = 0

    @property
    def samples(self) -> int:
        """How many there are."""
        return self.real.predictions.size

    def part(self, samples: int) -> Bench:
        """Give the same on fewer samples, spread evenly over all."""
        picked = np.unique(np.linspace(0, self.samples - 1, samples).astype(np.int64))
        sums = {name: values[picked] for name, values in self.real.sums.items()}
        return replace(
            self,
            inputs={name: x[:, picked] for name, x in self.inputs.items()},
            labels=None if self.labels is None else self.labels[picked],
            real=Answers(sums, self.real.predictions[picked]),
            runs=0,
        )

    def measure(self, bits: Bits, progress: Progress = no_progress) -> Measured:
        """Run the integers of ``bits`` on all samples.

        Raises:
            InputError: SNN301, a population fits at no scale with so few bits.
        """
        return self._measure(bits, 100.0, progress)

    def measure_within(self, bits: Bits, drop: float) -> Measured | None:
        """Do the same, and give None where accuracy falls by more than ``drop`` points.

        The run is ended as soon as it does, even if all answers to come were right.
        """
        try:
            return self._measure(bits, drop, no_progress)
        except _TooManyLost:
            return None

    def _measure(self, bits: Bits, drop: float, progress: Progress) -> Measured:
        fixed = retime(self.make(bits))
        ensure(check_fixed(fixed), after="retime")
        self.runs += 1

        def judge(classes: Labels) -> None:
            progress(classes.size, self.samples)
            if self._lost(classes) > _allowed(drop, self.samples):
                raise _TooManyLost

        artifact = Artifact(target="integer", network=self.network, fixed=fixed)
        given = answers(artifact, self.inputs, judge)
        errors = [_error(self.real.sums[name], given.sums[name]) for name in given.sums]
        pair = None
        if self.labels is not None:
            pair = paired(self.labels, self.real.predictions, given.predictions)
        return Measured(bits=dict(bits), error=float(np.mean(errors)), pair=pair)

    def _lost(self, classes: Labels) -> int:
        """Count the right answers that are lost even if all that are to come are right."""
        if self.labels is None:
            return 0
        right = int((self.real.predictions == self.labels).sum())
        now = int((classes == self.labels[: classes.size]).sum())
        return right - now - (self.samples - classes.size)


def answers(
    artifact: Artifact,
    inputs: Mapping[str, Array],
    judge: Callable[[Labels], None] | None = None,
) -> Answers:
    """Run ``artifact``, some samples at a time.

    Args:
        artifact: For any target.
        inputs: Data of each input, ``[steps, batch, *shape]``.
        judge: Called with the classes of the samples so far, ``[done]``.
    """
    samples = next(iter(inputs.values())).shape[1]
    sums: dict[str, list[Doubles]] = {o.name: [] for o in artifact.network.outputs}
    classes: list[Labels] = []
    for begin in range(0, samples, CHUNK):
        trace = artifact.run({name: x[:, begin : begin + CHUNK] for name, x in inputs.items()})
        for name, values in trace.outputs.items():
            over_time = values.sum(axis=0, dtype=np.float64)
            sums[name].append(over_time.reshape(over_time.shape[0], -1))
        classes.append(trace.predictions)
        if judge is not None:
            judge(np.concatenate(classes))
    return Answers(
        {name: np.concatenate(parts) for name, parts in sums.items()}, np.concatenate(classes)
    )


def within(pair: Paired, drop: float) -> bool:
    """Say whether accuracy falls by at most ``drop`` points."""
    return pair.only_reference - pair.only_other <= _allowed(drop, pair.n)


def _allowed(drop: float, samples: int) -> float:
    """Give the answers that may be lost; a hair more, since 0.1 points are no binary fraction."""
    return drop * samples / 100 + 1e-9


def _error(real: Doubles, integers: Doubles) -> float:
    power = float(np.square(real).sum())
    return float(np.square(integers - real).sum()) / (power or 1.0)
