"""The Lava target: what it writes, what it needs, how it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.align import aligned_trace
from snnc.compiler.diagnostics import Diagnostic, EnvironmentFault
from snnc.compiler.fixed import FixedNetwork, FixedProjection
from snnc.compiler.mapping.mapped import MappedNetwork
from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    SumPooling,
)
from snnc.compiler.trace import Array, Trace
from snnc.targets.artifact import Artifact
from snnc.targets.directory import cannot_write
from snnc.targets.inputs import integer_inputs
from snnc.targets.lava.child import Limit, run_lava
from snnc.targets.lava.forms import Form, form_of
from snnc.targets.lava.groups import (
    Groups,
    Runnable,
    group_problems,
    grouped,
    plan_of,
    program_files,
    runnable,
)
from snnc.targets.lava.held import held_problems
from snnc.targets.lava.plan import Plan, make_plan
from snnc.targets.lava.runner import packages
from snnc.targets.lava.runner.arrays import save_array
from snnc.targets.lava.runner.program import PLAN
from snnc.targets.lava.scratch import scratch_folder
from snnc.targets.lava.stock import stock_problems
from snnc.targets.running import Inputs, RunOptions

INSTALL = (
    "pip install 'snnc[lava]' and then "
    f"pip install --no-deps --ignore-requires-python lava-nc=={packages.LAVA_VERSION}"
)
START_SECONDS = 60.0
PROCESS_SECONDS = 0.01
"""For a process and a step; Lava takes 0.0002 on an idle machine (docs/lava.md)."""
SYNAPSE_SECONDS = 1e-7
"""For a synapse and a step; Lava takes up to 8e-9 (docs/lava.md)."""


class LavaTarget:
    """Lava processes, one for each input, population, projection and output."""

    name = "lava"
    summary = "Intel Lava on its CPU simulation: bit-accurate processes, and a runner of its own"
    fixed = True
    by_core = True

    def problems(self, fixed: FixedNetwork, options: Mapping[str, Any]) -> Iterator[Diagnostic]:
        """Yield what Lava's own processes cannot do, where no others may be used."""
        if form_of(options) is Form.STOCK:
            yield from stock_problems(fixed)
            yield from held_problems(fixed)

    def mapped_problems(
        self, mapped: MappedNetwork, options: Mapping[str, Any]
    ) -> Iterator[Diagnostic]:
        """Yield what they cannot do with a network that is cut over cores, beside the above."""
        if form_of(options) is Form.STOCK:
            yield from group_problems(grouped(mapped).network)

    def members(self, fixed: FixedNetwork, options: Mapping[str, Any]) -> Mapping[str, bytes]:
        """Give ``lava.json`` and the source of the runner, readable and complete."""
        return {PLAN: make_plan(fixed, form_of(options)).to_bytes(), **_runner()}

    def mapped_members(
        self, mapped: MappedNetwork, options: Mapping[str, Any]
    ) -> Mapping[str, bytes]:
        """Give the same of a network that is cut over cores, and its parts for the runner."""
        groups = grouped(mapped)
        plan = groups.plan(form_of(options)).to_bytes()
        return {PLAN: plan, **groups.files(), **_runner()}

    def missing(self) -> Diagnostic | None:
        """Say what lacks to run Lava, without importing any of it."""
        problem = packages.problem()
        return None if problem is None else _not_installed(problem)

    def run(self, artifact: Artifact, inputs: Inputs, options: RunOptions) -> Trace:
        """Run the integers on Lava, in a guarded process of its own.

        Raises:
            InputError: SNN502 or SNN503, the inputs do not fit.
            EnvironmentFault: SNN501, Lava is not installed; SNN505, Lava failed.
            TimeLimitExceeded: SNN506.
        """
        program = runnable(artifact)
        network = program.network if isinstance(program, Groups) else program
        x = integer_inputs(network, inputs)
        missing = self.missing()
        if missing is not None:
            raise EnvironmentFault([missing])
        plan = plan_of(program, form_of(artifact.options))
        steps, batch = next(iter(x.values())).shape[:2]
        limit = _limit(network, plan, batch * (steps + plan.gap), options)
        begin = time.perf_counter()
        with scratch_folder() as directory:
            try:
                write_run(directory, program, plan, x)
            except OSError as error:
                raise EnvironmentFault([cannot_write(directory, error, "TMPDIR")]) from error
            run_lava(directory, options.record, limit, options.progress)
            signals = _read(directory, network, plan, options.record)
        return aligned_trace(
            network,
            signals,
            executor=self.name,
            steps=steps,
            record=options.record,
            raw_time=options.raw_time,
            seconds=time.perf_counter() - begin,
        )


def _runner() -> dict[str, bytes]:
    """Give the source of the runner."""
    here = Path(__file__).resolve().parent
    sources = (here / "run.py", *sorted((here / "runner").glob("*.py")))
    return {path.relative_to(here).as_posix(): path.read_bytes() for path in sources}


def write_run(
    directory: Path, program: Runnable, plan: Plan, x: Mapping[str, npt.NDArray[np.int32]]
) -> None:
    """Write the program and its inputs, each ``[steps, batch, n]``, for the runner to serve."""
    write_program(directory, program, plan)
    for row in plan.processes:
        if row.role == "input":
            save_array(directory / f"{row.id}.npy", x[row.of])


def write_program(directory: Path, program: Runnable, plan: Plan) -> None:
    """Write the three files that ``runner/program.py`` reads."""
    for name, content in (program_files(program) | {PLAN: plan.to_bytes()}).items():
        (directory / name).write_bytes(content)


def _read(
    directory: Path, network: FixedNetwork, plan: Plan, record: tuple[str, ...]
) -> dict[str, dict[str, Array]]:
    """Read every signal that was recorded, in hardware time, by signal and population."""
    sources = {o.name: network.population(o.source) for o in network.outputs}
    signals: dict[str, dict[str, Array]] = {"spikes": {}, "u": {}, "v": {}}
    for row in plan.processes:
        if row.role == "output":
            source = sources[row.of]
            signal = "spikes" if source.spiking else "v"
            signals[signal][source.name] = np.load(directory / f"{row.id}.{signal}.npy")
        elif row.role == "population":
            spiking = network.population(row.of).spiking
            for signal in (s for s in record if spiking or s != "spikes"):
                signals[signal][row.of] = np.load(directory / f"{row.id}.{signal}.npy")
    return signals


def _limit(network: FixedNetwork, plan: Plan, hardware_steps: int, options: RunOptions) -> Limit:
    if options.timeout is not None:
        return Limit(options.timeout, "--timeout")
    synapses = sum(_synapses(network, p) for p in network.projections)
    step = PROCESS_SECONDS * len(plan.processes) + SYNAPSE_SECONDS * synapses
    return Limit(START_SECONDS + hardware_steps * step, "derived from steps and size")


def _synapses(network: FixedNetwork, projection: FixedProjection) -> int:
    """Count the products and sums of a step."""
    shape, count = network.shapes[projection.source], 0
    for operator in projection.operators:
        shape = operator.result_shape(shape)
        match operator:
            case FixedDense(weight=weight) | FixedConvolution(weight=weight):
                count += weight.size * prod(shape[1:])
            case FixedSparse(weight=weight):
                count += weight.size
            case SumPooling(window=window) | MaxPooling(window=window):
                count += prod(shape) * prod(window.kernel)
            case FixedScaling():
                count += prod(shape)
    return count


def _not_installed(found: str) -> Diagnostic:
    others = ", ".join(name for name in packages.NEEDS if name != "lava-nc")
    return Diagnostic(
        rule=rules.PACKAGE_PRESENT,
        node="target lava",
        found=found,
        limit=f"lava-nc {packages.LAVA_VERSION} with {others}",
        remedy=INSTALL,
    )
