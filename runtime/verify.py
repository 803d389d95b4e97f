"""Proof: the network that runs on the target is the one that was trained, or where it is not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Unpack

import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, raise_all
from snnc.compiler.names import nearest
from snnc.runtime.conclude import conclude
from snnc.runtime.data.source import Source, given_inputs
from snnc.runtime.labels import labels_of
from snnc.runtime.links import End, Judge, Labels
from snnc.runtime.observe import observe_artifact
from snnc.runtime.report import Report
from snnc.runtime.stages import Stages, silent
from snnc.runtime.subject import CompileOptions, given_options, load_subject
from snnc.runtime.verification.again import Again
from snnc.runtime.verification.batch import REFERENCE
from snnc.runtime.verification.carry import carry_out
from snnc.runtime.verification.explained import explained
from snnc.runtime.verification.identity import data_of, opened_journal
from snnc.runtime.verification.judged import judged, repeated
from snnc.runtime.verification.plan import FLOAT, FRAMEWORK, INTEGER, Plan, check_inputs, plan_of
from snnc.runtime.verification.tally import Failed, Ran, Tally
from snnc.runtime.verification.workers import worker_problems, workers_of
from snnc.targets import TARGETS
from snnc.targets.inputs import input_problems
from snnc.targets.running import Inputs

if TYPE_CHECKING:
    import nir
    import torch

    from snnc.targets.artifact import Artifact


def verify(
    model: nir.NIRGraph | torch.nn.Module | Artifact | str | os.PathLike[str],
    x: Inputs | npt.ArrayLike | Source,
    *,
    labels: npt.ArrayLike | None = None,
    targets: str | Sequence[str] = ("integer", "lava"),
    framework: torch.nn.Module | str | os.PathLike[str] | None = None,
    max_drop: float = 1.0,
    timeout: float | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    journal: str | os.PathLike[str] | None = None,
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
        timeout: Seconds for each run of a batch, or None for the target's own limit.
        jobs: Processes that run batches of samples at once; 1 for this one alone.
        scheduler: Address of a Dask scheduler whose workers run them.
        journal: File in which batches are kept that are done; where it is there already, the run
            that began it goes on. Remove it when the report is saved. None keeps none.
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
    raise_all([*_option_problems(targets, max_drop), *worker_problems(jobs, scheduler)])
    given = given_options(options)
    subject = load_subject(model, targets, framework, given, progress)
    inputs = given_inputs(subject.artifact.network, x)
    raise_all(input_problems(subject.artifact.network, inputs))
    plan = plan_of(subject, targets, inputs, timeout)
    check_inputs(plan, inputs)
    judge = Judge(None if labels is None else _labels(plan, labels, inputs), max_drop)
    data = data_of(inputs, judge.labels)
    with opened_journal(journal, plan, inputs, data) as kept:
        workers = workers_of(jobs, scheduler)
        tally = carry_out(plan, inputs, judge.labels, kept, workers, progress)
    ends = _ends(plan, tally)
    links = explained(judged(plan, tally, ends, judge), Again(plan, inputs, progress))
    seen = {}
    if isinstance(ends.get(INTEGER), Ran):
        progress("comparing population by population")
        seen = observe_artifact(subject.artifact, inputs)
    return conclude(subject, data, judge, ends, links, command, seen)


def _ends(plan: Plan, tally: Tally) -> dict[str, End]:
    """Give what became of each execution."""
    ends: dict[str, End] = {}
    for stage in (FLOAT, FRAMEWORK, *plan.chain[1:]):
        found = tally.stages.get(stage)
        if found is None:
            ends[stage] = plan.absent[stage]
        else:
            ends[stage] = found.error if isinstance(found, Failed) else found
    integer, checked = ends.get(INTEGER), tally.links.get(f"{REFERENCE} -> {INTEGER}")
    if isinstance(integer, Ran) and checked is not None:
        told = f"{integer.executor}, {repeated(integer, checked)}"
        ends[INTEGER] = integer.model_copy(update={"executor": told})
    return ends


def _labels(plan: Plan, labels: npt.ArrayLike, inputs: Inputs) -> Labels:
    """Give the labels of all samples.

    Raises:
        InputError: SNN507, they are not one class index for each sample.
    """
    first = plan.network.outputs[0].source
    classes = next(p.size for p in plan.network.populations if p.name == first)
    return labels_of(labels, next(iter(inputs.values())).shape[1], classes)


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
