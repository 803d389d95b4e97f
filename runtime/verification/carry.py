"""All batches of a verification, and what they give together."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from snnc.runtime.stages import Stages, silent
from snnc.runtime.text import count
from snnc.runtime.verification.batch import tally_batch
from snnc.runtime.verification.plan import Batch, Plan, batch_size
from snnc.runtime.verification.tally import Failed, Tally
from snnc.targets.running import Inputs


def carry_out(
    plan: Plan, inputs: Inputs, labels: npt.NDArray[Any] | None, progress: Stages = silent
) -> Tally:
    """Run all samples through all stages.

    Args:
        plan: What is done.
        inputs: Of each input, ``[steps, batch, *shape]``.
        labels: The true class of each sample, or None.
        progress: Told the stages of a single batch, or the samples done of several.
    """
    steps, samples = next(iter(inputs.values())).shape[:2]
    whole = Batch(first=0, inputs=inputs, labels=labels)
    size = batch_size(plan, samples, steps, 1)
    if samples <= size:
        return tally_batch(plan, whole, progress)
    told = progress(f"verifying {count(samples, 'sample')}")
    total = Tally()
    for batch in whole.groups(size):
        failed = [name for name, stage in total.stages.items() if isinstance(stage, Failed)]
        total = total + tally_batch(plan, batch.skipping(failed))
        told(batch.first + batch.samples, samples)
    return total
