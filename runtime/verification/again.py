"""One sample of a verification once more, with every signal that a stage has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from snnc.compiler.trace import SIGNALS, Trace
from snnc.runtime.stages import Stages, silent
from snnc.runtime.verification.batch import REFERENCE, execute, run_stage
from snnc.runtime.verification.plan import FLOAT, FRAMEWORK, INTEGER, Batch, Plan
from snnc.targets.running import Inputs


@dataclass(frozen=True, eq=False)
class Again:
    """Runs stages again on the sample in which two of them part.

    Attributes:
        plan: What was verified.
        inputs: All samples, of each input ``[steps, batch, *shape]``.
        progress: Told the stages.
    """

    plan: Plan
    inputs: Inputs
    progress: Stages = silent

    def sample(self, index: int) -> dict[str, npt.NDArray[Any]]:
        """Give the inputs of one sample, ``[steps, 1, *shape]``."""
        return {name: x[:, index : index + 1] for name, x in self.inputs.items()}

    def trace(self, stage: str, sample: int) -> Trace:
        """Run a stage and give one sample, with its spikes, ``u`` and ``v``.

        Integers are the same for one sample as for many. What computes in float32 runs on the
        group that the sample was in, since the order of a sum depends on how many there are.

        Args:
            stage: As a link names it: ``framework``, ``float``, ``integer``, ``reference``, ...
            sample: Its index among all.

        Raises:
            SnncError: It could be run before, and cannot now.
        """
        begin, end = sample, sample + 1
        if stage in (FLOAT, FRAMEWORK):
            begin -= sample % self.plan.group
            end = min(begin + self.plan.group, self._whole.samples)
        run = self.traces(stage, self._whole.part(begin, end))
        return run.of_samples(sample - begin, sample - begin + 1)

    def first(self, samples: int) -> Batch:
        """Give the first samples, or all where there are fewer."""
        return self._whole.part(0, min(samples, self._whole.samples))

    def traces(self, stage: str, batch: Batch) -> Trace:
        """Run a stage and give all samples of a batch, with their spikes, ``u`` and ``v``.

        Raises:
            SnncError: It could be run before, and cannot now.
        """
        plan = replace(self.plan, timeout=None)
        if stage == REFERENCE:
            run = execute(plan, INTEGER, INTEGER, batch, SIGNALS, self.progress)
        else:
            run = run_stage(plan, stage, batch, SIGNALS, self.progress)
        if not isinstance(run, Trace):
            raise run
        return run

    @property
    def _whole(self) -> Batch:
        return Batch(first=0, inputs=self.inputs, labels=None)
