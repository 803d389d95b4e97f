"""Proof: the network that runs on the target is the one that was trained, or where it is not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import (
    Diagnostic,
    EnvironmentFault,
    SnncError,
    TimeLimitExceeded,
    raise_all,
)
from snnc.compiler.names import nearest
from snnc.compiler.network import Network
from snnc.compiler.trace import SIGNALS, Trace
from snnc.runtime.conclude import conclude
from snnc.runtime.data.source import Source, given_inputs
from snnc.runtime.labels import labels_of
from snnc.runtime.links import Judge, Labels, Run
from snnc.runtime.observe import observe_artifact
from snnc.runtime.report import Link, Report, Status
from snnc.runtime.stages import Stages, silent
from snnc.runtime.subject import (
    CompileOptions,
    Subject,
    given_options,
    load_subject,
)
from snnc.runtime.text import count
from snnc.targets import TARGETS, get_target
from snnc.targets.float.replay import Replay, can_replay, replay
from snnc.targets.inputs import real_inputs
from snnc.targets.running import Inputs

if TYPE_CHECKING:
    import nir
    import torch

    from snnc.targets.artifact import Artifact

NO_MODULE = "no trained module is at hand"
MAPPED = "mapped"
"""The stage of a network that is cut over cores: its parts, whoever executes them."""
CHECKED = 16
"""Samples that the reference repeats where the engine executes the integers."""


def verify(
    model: nir.NIRGraph | torch.nn.Module | Artifact | str | os.PathLike[str],
    x: Inputs | npt.ArrayLike | Source,
    *,
    labels: npt.ArrayLike | None = None,
    targets: str | Sequence[str] = ("integer", "lava"),
    framework: torch.nn.Module | str | os.PathLike[str] | None = None,
    max_drop: float = 1.0,
    timeout: float | None = None,
    progress: Stages = silent,
    command: str = "snnc.verify(...)",
    **options: Unpack[CompileOptions],
) -> Report:
    """Run the chain framework -> float -> integer -> targets and judge each link.

    Args:
        model: What ``compile`` takes, or an artifact, or the directory of one.
        x: Input data, ``[steps, batch, *shape]``, or one such array for each input by name, or what
            ``read_data`` gave.
        labels: The true class of each sample, shape ``[batch]``.
        targets: Where to run. The chain goes through ``float``, and through ``integer`` where a
            target executes integers, and through ``mapped`` where they are cut over cores, in any
            case. The integers are executed by the native engine,
            of whose samples the reference repeats the first; by the reference alone where there
            is no engine, or where ``cpu`` is a target to be compared.
        framework: The trained module, ``FILE.py:FUNCTION`` that gives it, or the ``.onnx`` file
            of a network of ReLUs, where ``model`` neither is nor names one.
        max_drop: Accuracy in points of percent that the integers may lose.
        timeout: Seconds for each run, or None for the target's own limit.
        progress: Called with the name of each stage as it begins.
        command: What the report names as the way to repeat it.
        options: What else ``compile`` takes: ``calibration``, ``dt``, ``weight_bits``, ... Not for
            an artifact.

    Returns:
        The report; a link that could not be run makes it ``incomplete`` and is no exception.

    Raises:
        InputError: The model, the data or the options cannot be used.
    """
    targets = (targets,) if isinstance(targets, str) else tuple(targets)
    raise_all(_option_problems(targets, max_drop))
    given = given_options(options)
    subject = load_subject(model, targets, framework, given, progress)
    inputs = given_inputs(subject.artifact.network, x)
    chain = _chain(targets, mapped=subject.artifact.mapped is not None)
    runs = {"float": _run(subject, "float", inputs, ("spikes",), timeout, progress)}
    judge = Judge(None, max_drop)
    if labels is not None:
        judge = Judge(_checked_labels(labels, runs["float"]), max_drop)
    runs["framework"] = _run_framework(subject, inputs, progress)
    if not subject.converted:
        runs["framework"] = _as_network(subject.artifact.network, runs["framework"])
        raise_all(_module_problems(subject.artifact.network, runs["framework"]))
    first = _first_link(subject, inputs, runs, judge, progress)
    wrong: tuple[Link, ...] = ()
    for target in chain[1:]:
        by = _executor(target, chain)
        record = SIGNALS if len(chain) > 2 or by != target else ("spikes",)
        run = _run(subject, target, inputs, record, timeout, progress, by=by)
        if target == "integer" and by != target and isinstance(run, Trace):
            check = _check(subject, inputs, run, progress)
            run = replace(run, executor=f"{run.executor}, {check.reason}")
            wrong = (check,) if check.status is not Status.HELD else ()
        runs[target] = run
    links = (first, *wrong, *_links(chain, runs, judge))
    seen = {}
    if isinstance(runs.get("integer"), Trace):
        progress("comparing population by population")
        seen = observe_artifact(subject.artifact, inputs)
    return conclude(subject, inputs, judge, runs, links, command, seen)


def _chain(targets: Sequence[str], *, mapped: bool) -> tuple[str, ...]:
    """Give ``float``, ``integer`` and the further stages, each once, as far as asked for."""
    fixed = [t for t in TARGETS if t in targets and get_target(t).fixed]
    integers = ["integer", *([MAPPED] if mapped else []), *fixed]
    return ("float", *dict.fromkeys(integers if fixed else []))


def _first_link(
    subject: Subject, inputs: Inputs, runs: dict[str, Run], judge: Judge, progress: Stages
) -> Link:
    """Judge what the float network is worth: the same spikes, or of ReLUs the same classes."""
    names, pair = ("framework", "float"), (runs["framework"], runs["float"])
    if subject.converted:
        return judge.converted(names, pair)
    return judge.framework(names, pair, _replayed(subject.artifact.network, inputs, runs, progress))


def _links(chain: tuple[str, ...], runs: dict[str, Run], judge: Judge) -> Iterator[Link]:
    """Judge the links of the integers: they with the float network, and targets with them."""

    def pair(reference: str, other: str) -> tuple[tuple[str, str], tuple[Run, Run]]:
        return (reference, other), (runs[reference], runs[other])

    if len(chain) > 1:
        yield judge.budget(*pair("float", "integer"))
    for target in chain[2:]:
        yield judge.exact(*pair("integer", target), SIGNALS)


def _executor(stage: str, chain: Sequence[str]) -> str:
    """Give who runs a stage: the native engine the integers, where it is not to be compared."""
    if stage not in ("integer", MAPPED):
        return stage
    return "integer" if "cpu" in chain or get_target("cpu").missing() is not None else "cpu"


def _check(subject: Subject, inputs: Inputs, run: Trace, progress: Stages) -> Link:
    """Repeat the first samples of the engine's run with the reference, and judge its bits."""
    first = {name: x[:, :CHECKED] for name, x in inputs.items()}
    runs = (_run(subject, "integer", first, SIGNALS, None, progress), run.of_samples(CHECKED))
    link = Judge(None, 0).exact(("reference", "integer"), runs, SIGNALS)
    samples = count(run.counts.shape[0], "sample")
    found = f"{min(CHECKED, run.counts.shape[0])} of {samples} repeated by the reference"
    return link.model_copy(update={"reason": f"{found}: {link.reason}"})


def _run(
    subject: Subject,
    stage: str,
    inputs: Inputs,
    record: Sequence[str],
    timeout: float | None,
    progress: Stages,
    *,
    by: str | None = None,
) -> Run:
    """Run one stage; what the machine cannot do is a result, what the user did wrong is not.

    ``by`` names the target that runs it, where that is another one.
    """
    target = by or stage
    told = progress(f"running on {target}")
    try:
        return subject.artifact_for(target, whole=stage == "integer").run(
            inputs, record=record, timeout=timeout, progress=told
        )
    except (EnvironmentFault, TimeLimitExceeded) as error:
        return error


def _run_framework(subject: Subject, inputs: Inputs, progress: Stages) -> Run:
    if subject.framework is None:
        return NO_MODULE
    if isinstance(subject.framework, Path):
        from snnc.frontends.onnx.reference import run_relus

        return run_relus(subject.framework, inputs, progress("running the network of ReLUs"))
    if len(inputs) != 1:
        return "the framework's module takes several inputs"
    from snnc.frontends.importer import run_module

    told = progress("running in the framework")
    (x,) = inputs.values()
    try:
        return run_module(subject.framework, x, progress=told)
    except EnvironmentFault as error:
        return error


def _as_network(network: Network, run: Run) -> Run:
    """Give a framework's trace with what only the network knows: read-outs, and sizes of spikes.

    A layer of weights at the end of a module is no population there, and a read-out here.
    """
    if not isinstance(run, Trace):
        return run
    silent = {p.name for p in network.populations if not p.spiking}
    given = {o.source: run.outputs[o.name] for o in network.outputs if o.name in run.outputs}
    v = dict(run.v) | {n: v for n, v in given.items() if n in silent - {*run.v}}
    return replace(run, v=v, class_weights=network.class_weights)


def _replayed(
    network: Network, inputs: Inputs, runs: Mapping[str, Run], progress: Stages
) -> Replay | None:
    """Repeat the framework's run step by step, where it recorded all states."""
    run, free = runs["framework"], runs["float"]
    if not (isinstance(run, Trace) and isinstance(free, Trace) and can_replay(network, run)):
        return None
    told = progress("repeating each step")
    return replay(network, real_inputs(network, inputs), run, free, told)


def _module_problems(network: Network, run: Run) -> Iterator[Diagnostic]:
    """Tell where the populations of the trained module are not those of the network."""
    if not isinstance(run, Trace):
        return
    wanted = {(p.name, p.shape) for p in network.populations}
    given = {(name, v.shape[2:]) for name, v in run.v.items()}
    if wanted != given:
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--model",
            found=f"a module of other populations: {_populations(given - wanted)}",
            limit=f"the module that the network was made from: {_populations(wanted - given)}",
            remedy="name the trained module itself with --model, or compile this one",
        )


def _populations(of: Iterable[tuple[str, tuple[int, ...]]]) -> str:
    return ", ".join(f"{name} {list(shape)}" for name, shape in sorted(of)) or "none of these"


def _option_problems(targets: Sequence[str], max_drop: float) -> Iterator[Diagnostic]:
    unknown = [t for t in targets if t not in TARGETS]
    if unknown or not targets:
        meant = [nearest(t, TARGETS) or "" for t in targets]
        known = meant and all(meant)
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--targets",
            found=", ".join(unknown) or "none",
            limit=", ".join(TARGETS),
            remedy=f"--targets {','.join(meant)}" if known else "snnc targets lists them",
        )
    if not 0 <= max_drop <= 100:
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--max-drop",
            found=f"{max_drop:g}",
            limit="points of percent, 0 to 100",
            remedy="--max-drop 1.0",
        )


def _checked_labels(labels: npt.ArrayLike, run: Run) -> Labels | None:
    """Give the labels of a batch.

    Raises:
        InputError: SNN507, they are not one class index for each sample.
        SnncError: The float network could not be run.
    """
    if isinstance(run, SnncError):
        raise run
    return labels_of(labels, *run.counts.shape) if isinstance(run, Trace) else None
