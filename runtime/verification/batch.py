"""One batch of samples through all stages: executed, compared, and told as a tally."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from snnc.compiler.diagnostics import (
    EnvironmentFault,
    InternalError,
    TimeLimitExceeded,
    raise_all,
)
from snnc.compiler.network import Network
from snnc.compiler.trace import SIGNALS, Trace
from snnc.runtime.modules import module_problems
from snnc.runtime.stages import Stages, silent
from snnc.runtime.verification.plan import FLOAT, FRAMEWORK, INTEGER, Batch, Plan
from snnc.runtime.verification.tally import (
    Failed,
    LinkTally,
    Ran,
    ReplayTally,
    Tally,
    failed,
    link_tally,
    ran,
    replay_tally,
)
from snnc.targets.float.replay import can_replay, replay
from snnc.targets.inputs import real_inputs
from snnc.targets.running import Progress

REFERENCE = "reference"
"""The NumPy reference beside the engine that executes the integers."""
CHECKED = 16
"""Samples that the reference repeats where the engine executes the integers."""
Executed = Trace | EnvironmentFault | TimeLimitExceeded


def tally_batch(plan: Plan, batch: Batch, progress: Stages = silent) -> Tally:
    """Run all stages of ``plan`` on ``batch`` and compare them.

    The integers run on the whole batch, framework and float network on group after group of it.

    Raises:
        InputError: The data or the trained module cannot be used.
    """
    whole = {
        stage: run_stage(plan, stage, batch, plan.recorded(stage), progress)
        for stage in plan.chain[1:]
        if stage not in plan.absent and stage not in batch.without
    }
    total: Tally | None = None
    for group in batch.groups(plan.group):
        begin = group.first - batch.first
        runs = {s: _part(run, begin, begin + group.samples) for s, run in whole.items()}
        found = _tally_group(plan, group, runs, progress)
        total = found if total is None else total + found
    return total or Tally()


def _part(run: Executed, begin: int, end: int) -> Executed:
    return run.of_samples(begin, end) if isinstance(run, Trace) else run


def _tally_group(
    plan: Plan, group: Batch, integers: Mapping[str, Executed], progress: Stages
) -> Tally:
    """Run what computes in float32, and compare all."""
    runs = dict(integers)
    for stage in (FLOAT, FRAMEWORK):
        if stage not in plan.absent and stage not in group.without:
            runs[stage] = run_stage(plan, stage, group, plan.recorded(FLOAT), progress)
    stages: dict[str, Ran | Failed] = {
        name: ran(run, group.labels) if isinstance(run, Trace) else failed(run)
        for name, run in runs.items()
    }
    traces = {name: run for name, run in runs.items() if isinstance(run, Trace)}
    fixed = plan.subject.artifact.fixed
    links = {
        f"{a} -> {b}": link_tally(traces[a], traces[b], signals, group.first, fixed)
        for a, b, signals in pairs(plan)
        if a in traces and b in traces
    }
    if group.first < CHECKED and checks(plan) and INTEGER in traces:
        links[f"{REFERENCE} -> {INTEGER}"] = _checked(plan, group, traces[INTEGER], progress)
    tally = Tally(stages=stages, links=links)
    return tally.model_copy(update={"replay": _replayed(plan, group, traces, progress)})


def _checked(plan: Plan, group: Batch, run: Trace, progress: Stages) -> LinkTally:
    """Repeat the first samples of the engine's run with the reference, and compare their bits."""
    few = group.part(0, min(CHECKED - group.first, group.samples))
    told = progress("running on integer")
    reference = plan.artifact(INTEGER, INTEGER).run(few.inputs, record=SIGNALS, progress=told)
    return link_tally(reference, run.of_samples(0, few.samples), SIGNALS, few.first)


def pairs(plan: Plan) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Give what is compared with what, by which signals."""
    yield FRAMEWORK, FLOAT, () if plan.subject.converted else ("spikes",)
    if len(plan.chain) > 1:
        yield FLOAT, INTEGER, ("spikes",)
    for stage in plan.chain[2:]:
        yield INTEGER, stage, SIGNALS


def checks(plan: Plan) -> bool:
    """Say whether the reference repeats what another executes."""
    return INTEGER in plan.chain and plan.executor(INTEGER) != INTEGER


def run_stage(
    plan: Plan, stage: str, batch: Batch, record: tuple[str, ...], progress: Stages
) -> Executed:
    """Run one stage; what the machine cannot do is a result, what the user did wrong is not.

    Args:
        plan: What is verified.
        stage: Its name.
        batch: The samples.
        record: Signals to keep; of a framework all that it has are kept.
        progress: Told the stage.
    """
    if stage == FRAMEWORK:
        return _run_framework(plan, batch, progress)
    return execute(plan, stage, plan.executor(stage), batch, record, progress)


def execute(
    plan: Plan, stage: str, by: str, batch: Batch, record: tuple[str, ...], progress: Stages
) -> Executed:
    """Run a stage by a target."""
    told = progress(f"running on {by}")
    try:
        return plan.artifact(stage, by).run(
            batch.inputs, record=record, timeout=plan.timeout, progress=told
        )
    except (EnvironmentFault, TimeLimitExceeded) as error:
        return error


def _run_framework(plan: Plan, batch: Batch, progress: Stages) -> Executed:
    module, inputs = plan.subject.framework, batch.inputs
    if isinstance(module, Path):
        from snnc.frontends.onnx.reference import run_relus

        return run_relus(module, inputs, progress("running the network of ReLUs"))
    from snnc.frontends.importer import run_module
    from snnc.frontends.torch.alike import one_thread

    if module is None:
        raise InternalError("there is no module to run")
    told = progress("running in the framework")
    (x,) = inputs.values()
    try:
        with one_thread():
            trace = run_module(module, x, progress=told)
    except EnvironmentFault as error:
        return error
    trace = _as_network(plan.network, trace)
    raise_all(module_problems(plan.network, trace))
    return trace


def _as_network(network: Network, run: Trace) -> Trace:
    """Give a framework's trace with what only the network knows: read-outs, and sizes of spikes.

    A layer of weights at the end of a module is no population there, and a read-out here.
    """
    silent_ones = {p.name for p in network.populations if not p.spiking}
    given = {o.source: run.outputs[o.name] for o in network.outputs if o.name in run.outputs}
    v = dict(run.v) | {n: v for n, v in given.items() if n in silent_ones - {*run.v}}
    return replace(run, v=v, class_weights=network.class_weights)


def _replayed(
    plan: Plan, group: Batch, traces: Mapping[str, Trace], progress: Stages
) -> ReplayTally | None:
    """Repeat the framework's run step by step, where it recorded all states."""
    if plan.subject.converted or FRAMEWORK not in traces or FLOAT not in traces:
        return None
    run, free = traces[FRAMEWORK], traces[FLOAT]
    if not can_replay(plan.network, run):
        return None
    told: Progress = progress("repeating each step")
    inputs = real_inputs(plan.network, group.inputs)
    return replay_tally(replay(plan.network, inputs, run, free, told), group.first)
