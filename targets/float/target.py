"""The ``float`` target: the network in real numbers, as its framework would execute it."""

from __future__ import annotations

import time
from collections.abc import Mapping

from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.trace import Array, Trace
from snnc.targets.artifact import Artifact
from snnc.targets.base import Target
from snnc.targets.float.executor import execute
from snnc.targets.inputs import real_inputs
from snnc.targets.options import limited_progress
from snnc.targets.running import Inputs, RunOptions


class FloatTarget(Target):
    """The float network, executed in float32 in the framework's order of operations."""

    name = "float"
    summary = "the network in float32, step by step as its framework computes it"
    fixed = False

    def missing(self) -> Diagnostic | None:
        """Give None: NumPy is always there."""
        return None

    def run(self, artifact: Artifact, inputs: Inputs, options: RunOptions) -> Trace:
        """Run the float network on ``inputs``; it has no latency.

        Raises:
            InputError: SNN502 or SNN503, the inputs do not fit.
        """
        network = artifact.network
        x = real_inputs(network, inputs)
        begin = time.perf_counter()
        recording = execute(network, x, limited_progress(options, self.name))
        shapes = {p.name: p.shape for p in network.populations}

        def shaped(arrays: Mapping[str, Array]) -> dict[str, Array]:
            return {n: a.reshape(*a.shape[:2], *shapes[n]) for n, a in arrays.items()}

        spikes, v = shaped(recording.spikes), shaped(recording.v)
        signals = {"spikes": spikes, "u": shaped(recording.u), "v": v}
        kept = {name: signals[name] for name in options.record}
        given = {p.name: spikes[p.name] if p.spiking else v[p.name] for p in network.populations}
        return Trace(
            executor=self.name,
            outputs={o.name: given[o.source] for o in network.outputs},
            spikes=kept.get("spikes", {}),
            u=kept.get("u", {}),
            v=kept.get("v", {}),
            lags=dict.fromkeys(shapes, 0),
            seconds=time.perf_counter() - begin,
        )
