"""The ``integer`` target: the NumPy reference as a place to run."""

from __future__ import annotations

import time

from snnc.compiler.align import aligned_trace
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.trace import Trace
from snnc.targets.artifact import Artifact
from snnc.targets.base import Target
from snnc.targets.inputs import integer_inputs
from snnc.targets.integer.reference import execute
from snnc.targets.options import limited_progress
from snnc.targets.running import Inputs, RunOptions


class IntegerTarget(Target):
    """The integers, executed by the NumPy reference."""

    name = "integer"
    summary = (
        "NumPy reference of the integer arithmetic: slow, plain, what others are compared with"
    )
    fixed = True
    by_core = True

    def missing(self) -> Diagnostic | None:
        """Give None: NumPy is always there."""
        return None

    def run(self, artifact: Artifact, inputs: Inputs, options: RunOptions) -> Trace:
        """Run the integers on ``inputs``.

        Raises:
            InputError: SNN502 or SNN503, the inputs do not fit.
        """
        network = artifact.required_fixed
        x = integer_inputs(network, inputs)
        begin = time.perf_counter()
        recording = execute(network, x, limited_progress(options, self.name))
        return aligned_trace(
            network,
            {"spikes": recording.spikes, "u": recording.u, "v": recording.v},
            executor=self.name,
            steps=next(iter(x.values())).shape[0],
            record=options.record,
            raw_time=options.raw_time,
            seconds=time.perf_counter() - begin,
        )
