"""The ``cuda`` target: what it writes, what it needs, how it runs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from snnc.compiler import rules
from snnc.compiler.align import aligned_trace
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.fixed import MAX_DU, FixedAxons, FixedNetwork, FixedPopulation
from snnc.compiler.store import Tensors, to_json
from snnc.compiler.trace import Trace
from snnc.targets.artifact import Artifact
from snnc.targets.base import Target
from snnc.targets.cpu.engine import NARROW_FORGETFUL, NARROW_INPUT
from snnc.targets.cuda.architectures import compiled_ahead
from snnc.targets.cuda.evidence import standing
from snnc.targets.cuda.runner.compilation import source_hash
from snnc.targets.cuda.runner.driver import survey
from snnc.targets.cuda.runner.faults import CudaFault
from snnc.targets.cuda.runner.images import kernels_of
from snnc.targets.cuda.runner.records import Program, program_of
from snnc.targets.cuda.runner.running import Code, run_on_gpu
from snnc.targets.cuda.runner.session import recorded_names
from snnc.targets.cuda.sources import kernel_hash, kernel_sources, runner_sources
from snnc.targets.cuda.trouble import as_diagnostics, told
from snnc.targets.inputs import integer_inputs
from snnc.targets.lava.bounds import largest_inputs
from snnc.targets.options import limited_progress
from snnc.targets.running import Inputs, RunOptions

PLAN = "cuda.json"
"""What the runner is told beside the network: see ``runner/main.py``."""
KERNELS = "kernels/"
"""Where the kernels lie in an artifact."""


class CudaTarget(Target):
    """The integers, in kernels of our own."""

    name = "cuda"
    summary = f"our kernels on an NVIDIA GPU, and a runner of its own; {standing()}"
    fixed = True

    def members(self, fixed: FixedNetwork, options: Mapping[str, Any]) -> Mapping[str, bytes]:
        """Give kernels, as source and as they were compiled ahead of time, and the runner.

        Raises:
            EnvironmentFault: SNN511 or SNN514, they cannot be compiled here.
            KernelFault: SNN516, they do not compile.
        """
        program = program_for(fixed)
        sources = {f"{KERNELS}{name}": text for name, text in kernel_sources().items()}
        images = compiled_ahead(options, kernels_of(program))
        plan = {
            "images": sorted(images),
            "kernels": source_hash(kernel_sources()),
            "narrow": program.narrow,
            "sources": sorted(sources),
        }
        text = json.dumps(plan, indent=1, sort_keys=True) + "\n"
        return {PLAN: text.encode(), **sources, **images, **runner_sources()}

    def missing(self) -> Diagnostic | None:
        """Say what lacks to run on a GPU, or give None."""
        try:
            survey()
        except CudaFault as fault:
            return told(fault)
        return None

    def run(self, artifact: Artifact, inputs: Inputs, options: RunOptions) -> Trace:
        """Run the integers on the first GPU of this machine.

        Raises:
            InputError: SNN502 or SNN503, the inputs do not fit.
            EnvironmentFault: SNN511 to SNN515, SNN517, SNN518, the machine does not run it.
            KernelFault: SNN516, the kernels do not compile.
            TimeLimitExceeded: SNN506.
            MemoryError: The host has too little memory.
        """
        network = artifact.required_fixed
        x = integer_inputs(network, inputs)
        program = program_for(network)
        begin = time.perf_counter()
        with as_diagnostics():
            signals, _ = run_on_gpu(
                program,
                Code(kernel_sources(), _images(artifact)),
                x,
                recorded_names(program, options.record),
                limited_progress(options, self.name),
            )
        return aligned_trace(
            network,
            signals,
            executor=self.name,
            steps=next(iter(x.values())).shape[0],
            record=options.record,
            raw_time=options.raw_time,
            seconds=time.perf_counter() - begin,
        )


def program_for(network: FixedNetwork) -> Program:
    """Give a network as the runner takes it, with the arrays that it has.

    Raises:
        InputError: SNN413, its populations are cut over cores.
    """
    raise_all(map(_cut, network.axons))
    tensors: Tensors = {}
    data = to_json(network, "program", tensors)
    inputs = zip(network.populations, largest_inputs(network), strict=True)
    return program_of(data, tensors, narrow=all(_is_narrow(p, a) for p, a in inputs))


def _is_narrow(p: FixedPopulation, largest: float) -> bool:
    """Say whether 32 bits hold the states of a population (``native/arithmetic.h``).

    Args:
        p: The population.
        largest: Bound of what it gets.
    """
    return largest <= (NARROW_FORGETFUL if (p.du == MAX_DU).all() else NARROW_INPUT)


def _cut(axons: FixedAxons) -> Diagnostic:
    return Diagnostic(
        rule=rules.CUDA_WHOLE,
        node=axons.name,
        found=f"{axons.size} axons, from {', '.join(axons.sources)}",
        limit="inputs and populations",
        remedy="run the network whole, or its parts with --target cpu",
    )


def _images(artifact: Artifact) -> dict[str, bytes]:
    """Give what was compiled ahead of time, if it was from the kernels of this release."""
    try:
        made_of = json.loads(artifact.members[PLAN])["kernels"]
    except (KeyError, TypeError, ValueError):
        return {}
    if made_of != kernel_hash():
        return {}
    kept = (name for name in artifact.members if name.endswith((".cubin", ".ptx")))
    return {name: artifact.members[name] for name in kept}
