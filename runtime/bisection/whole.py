"""The whole networks on all samples: the first difference, and whether it stays by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault
from snnc.compiler.trace import Array, Trace
from snnc.runtime.bisection.seen import Seen, earliest, first_of_each
from snnc.runtime.bisection.sides import Pair
from snnc.runtime.stages import Stages
from snnc.targets.inputs import integer_inputs, narrow_inputs
from snnc.targets.running import Inputs

VALUES = 2**25
"""Values of one signal that a batch of samples records."""


@dataclass(frozen=True, eq=False)
class Found:
    """A difference of the whole networks.

    Attributes:
        seen: The first one.
        alone: Whether the sample shows it when it is run by itself.
        inputs: What shows it: that sample up to that step, or the batch that it is in.
        sent: Of each input the integers that enter, of each population the spikes of the
            reference, for that sample in all steps; shape ``[steps, n]``.
        sample: Data of that sample in all steps.
        other: What the other execution gave of it.
    """

    seen: Seen
    alone: bool
    inputs: Inputs
    sent: Mapping[str, npt.NDArray[np.int32]]
    sample: Inputs
    other: Trace


def first_difference(pair: Pair, inputs: Inputs, told: Stages) -> Found | None:
    """Find the first difference: batch by batch of samples, the first of which that differs.

    Args:
        pair: Who executes the networks.
        inputs: Of each input ``[steps, batch, *shape]``.
        told: Of each stage.

    Raises:
        InputError: The inputs do not fit.
        EnvironmentFault: A target cannot run, or SNN624: it does not give the same twice.
    """
    narrow_inputs(pair.reference.network, inputs)  # all of them fit, before the first is run
    steps, batch = next(iter(inputs.values())).shape[:2]
    at_once = max(
        1, VALUES // max(1, steps * sum(p.size for p in pair.reference.network.populations))
    )
    for start in range(0, batch, at_once):
        some = {name: x[:, start : start + at_once] for name, x in inputs.items()}
        traces = _run(pair, some, told)
        seen = earliest(first_of_each(*traces))
        if seen is not None:
            found = _found(pair, some, seen, traces, told)
            return replace(found, seen=_placed(seen, start + seen.divergence.sample))
    return None


def _found(
    pair: Pair, batch: Inputs, seen: Seen, traces: tuple[Trace, Trace], told: Stages
) -> Found:
    """Run the sample by itself, up to the step of the difference.

    Raises:
        EnvironmentFault: SNN624, not even the whole batch gives the same again.
    """
    d = seen.divergence
    one = {name: x[: d.step + 1, d.sample : d.sample + 1] for name, x in batch.items()}
    (again,) = first_of_each(*_run(pair, one, told))
    alone = again is not None and _placed(again, d.sample) == seen
    if not alone and earliest(first_of_each(*_run(pair, batch, told))) != seen:
        raise EnvironmentFault([_unsteady(pair, seen)])
    sample = {name: x[:, d.sample : d.sample + 1] for name, x in batch.items()}
    reference, other = (_of_sample(trace, d.sample) for trace in traces)
    return Found(
        seen=seen,
        alone=alone,
        inputs=one if alone else batch,
        sent=_sent(pair, sample, reference),
        sample=sample,
        other=other,
    )


def _of_sample(trace: Trace, sample: int) -> Trace:
    """Give one sample of a trace."""

    def one(arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {name: values[:, sample : sample + 1] for name, values in arrays.items()}

    return replace(
        trace,
        outputs=one(trace.outputs),
        spikes=one(trace.spikes),
        u=one(trace.u),
        v=one(trace.v),
    )


def _sent(pair: Pair, sample: Inputs, reference: Trace) -> dict[str, npt.NDArray[np.int32]]:
    """Give what inputs and populations send in one sample."""
    entering = integer_inputs(pair.reference.network, sample)
    sent = {name: x[:, 0] for name, x in entering.items()}
    for name, spikes in reference.spikes.items():
        sent[name] = spikes.reshape(spikes.shape[0], -1).astype(np.int32)
    return sent


def _placed(seen: Seen, sample: int) -> Seen:
    return replace(seen, divergence=replace(seen.divergence, sample=sample))


def _run(pair: Pair, inputs: Inputs, told: Stages) -> tuple[Trace, Trace]:
    reference, other = (side.run(inputs, told(f"running {side.name}")) for side in pair.sides)
    return reference, other


def _unsteady(pair: Pair, seen: Seen) -> Diagnostic:
    return Diagnostic(
        rule=rules.RUNS_REPEAT,
        node=f"{pair.reference.name} and {pair.other.name}",
        found=f"a difference that did not come again: {seen.divergence}",
        limit="the same values of the same input each time",
        remedy="find out what is random, or not initialized, in the execution that changes: run it "
        "twice and compare",
    )
