"""How far a verification is: samples that are done, and the stages of the batch that is not."""

from __future__ import annotations

from snnc.runtime.stages import Stages
from snnc.runtime.verification.plan import FRAMEWORK, Batch, Plan
from snnc.targets.running import Progress

PARTS = 1000
"""Parts of a sample in which work is told."""


class Bar:
    """Tells how many samples are done, in parts of them."""

    def __init__(self, plan: Plan, told: Progress, samples: int) -> None:
        self._plan = plan
        self._told = told
        self._samples = samples
        self._done = 0

    def begin(self, done: int) -> None:
        """Begin with so many samples done."""
        self._done = done
        self._tell(0)

    def add(self, samples: int) -> None:
        """Count samples that are done."""
        self.begin(self._done + samples)

    def within(self, batch: Batch) -> Stages:
        """Give what is told of the stages of a batch, each of which counts for the same."""
        groups = -(-batch.samples // self._plan.group)
        float32 = 1 if FRAMEWORK in self._plan.absent else 3  # with the framework it is repeated
        stages = len(self._plan.chain) - 1 + groups * float32
        begun = -1

        def stage(name: str) -> Progress:
            nonlocal begun
            del name
            begun += 1
            before = begun

            def told(done: int, total: int) -> None:
                share = min(1.0, (before + done / total) / stages)
                self._tell(batch.samples * share)

            return told

        return stage

    def _tell(self, more: float) -> None:
        self._told(int(PARTS * (self._done + more)), PARTS * self._samples)
