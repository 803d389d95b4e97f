"""From judged links to a report: the verdict, in words and as an exit code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from pydantic import TypeAdapter

from snnc import __version__
from snnc.compiler.diagnostics import SnncError
from snnc.compiler.quantization.account import PopulationAccount, with_observed
from snnc.compiler.quantization.guards import data_warnings, overflow_problems
from snnc.compiler.quantization.observed import Observed
from snnc.runtime.environment import environment
from snnc.runtime.findings import Data, Execution, Link, Status, Verdict
from snnc.runtime.links import End, Judge
from snnc.runtime.measures.answers import sample_warning
from snnc.runtime.report import Report
from snnc.runtime.subject import Subject
from snnc.runtime.text import count
from snnc.runtime.verification.identity import program_sha256
from snnc.runtime.verification.tally import Ran
from snnc.targets.artifact import Artifact

INCOMPLETE_CODE = 3
"""Exit code where nothing failed and something is missing (``EnvironmentFault``)."""
_ACCOUNT = TypeAdapter(PopulationAccount)
SILENCE = "No output spiked in any execution: this input shows little of the network."


def conclude(
    subject: Subject,
    data: tuple[Data, ...],
    judge: Judge,
    ends: Mapping[str, End],
    links: tuple[Link, ...],
    command: str,
    seen: Mapping[str, Observed],
) -> Report:
    """Give the report on ``links``.

    Args:
        subject: What was verified.
        data: On which arrays.
        judge: Labels, and what accuracy may be lost.
        ends: Each execution, or why there is none.
        links: What was compared.
        command: What repeats it.
        seen: What each population of the integers did on these data.
    """
    verdict = verdict_of(links)
    artifact = subject.artifact
    executions = tuple(_executions(ends, judge))
    silent = bool(executions) and all(e.output_spikes == 0 for e in executions)
    failures = [run for run in ends.values() if isinstance(run, SnncError)]
    broken = [link for link in links if link.status is Status.BROKEN]
    account = artifact.account
    cost = tuple(_accounts(artifact, seen))
    return Report(
        snnc=__version__,
        verdict=verdict,
        headline=headline(verdict, links, silent=silent),
        exit_code=_exit_code(verdict, failures),
        model=subject.name,
        command=command,
        dt=artifact.network.dt,
        max_drop=judge.max_drop,
        links=links,
        first_divergence=broken[0].parts_at if broken else None,
        outputs=tuple(output.name for output in artifact.network.outputs),
        executions=executions,
        silent=silent,
        choices=artifact.network.choices,
        warnings=(*_warnings(artifact, cost), *_too_few(links, judge.max_drop)),
        lags=dict(account.get("lags", {})),
        populations=tuple(a.as_json() for a in cost),
        relays=tuple(account.get("relays", ())),
        divided=tuple(account.get("divided", ())),
        budget=account.get("budget"),
        mapping=_mapping(artifact),
        problems=tuple(str(d) for failure in failures for d in failure.diagnostics),
        data=data,
        program_sha256=program_sha256(artifact),
        environment=environment(),
    )


def _mapping(artifact: Artifact) -> dict[str, Any] | None:
    """Give what came of the mapping, with a picture; None where there is none."""
    if artifact.mapped is None:
        return None
    from snnc.runtime.mapped import mapping_picture

    account = artifact.account["mapping"]
    return {**account, "picture": mapping_picture(artifact.mapped, account)}


def _accounts(artifact: Artifact, seen: Mapping[str, Observed]) -> Iterator[PopulationAccount]:
    """Yield what the compiler told of each population, with what the data of this run show."""
    for population in artifact.account.get("populations", ()):
        fields = {name: value for name, value in population.items() if name != "headroom"}
        told = _ACCOUNT.validate_python(fields)
        yield with_observed(told, seen[told.name]) if told.name in seen else told


def _warnings(artifact: Artifact, cost: Iterable[PopulationAccount]) -> Iterator[str]:
    """Yield what the compiler warned of, and then what only these data show."""
    given = tuple(artifact.account.get("warnings", ()))
    yield from given
    for w in chain(data_warnings(cost), overflow_problems(cost, ())):
        if (text := w.text("warning")) not in given:
            yield text


def _too_few(links: Iterable[Link], max_drop: float) -> Iterator[str]:
    """Yield a warning for each link that claims more than its samples can show."""
    for link in links:
        if link.statistics is None:
            continue
        warning = sample_warning(link.name, link.statistics, max_drop)
        if warning is not None:
            yield warning.text("warning")


def verdict_of(links: tuple[Link, ...]) -> Verdict:
    """Give the verdict: never ``equivalent`` by what was left out."""
    statuses = {link.status for link in links}
    if Status.BROKEN in statuses:
        return Verdict.NOT_EQUIVALENT
    left_out = any(link.asked and link.status is Status.NOT_RUN for link in links)
    if left_out or Status.HELD not in statuses:
        return Verdict.INCOMPLETE
    return Verdict.EQUIVALENT


def headline(verdict: Verdict, links: tuple[Link, ...], *, silent: bool) -> str:
    """Say what was proven, what was not, what was left out, and where little was to be seen."""
    held, broken, measured, not_run = (
        [link for link in links if link.status is s]
        for s in (Status.HELD, Status.BROKEN, Status.MEASURED, Status.NOT_RUN)
    )
    sentences = [f"{link.name}: {link.reason}." for link in broken]
    if verdict is Verdict.INCOMPLETE and not held:
        sentences.append("No promise could be judged.")
    elif held:
        kept = count(len(held), "promise")
        sentences.append(f"{kept} kept: {', '.join(link.name for link in held)}.")
    sentences += [f"Measured, not judged: {link.name}." for link in measured]
    sentences += [f"Not run: {link.name} ({link.reason})." for link in not_run]
    if silent:
        sentences.append(SILENCE)
    return " ".join(sentences)


def _exit_code(verdict: Verdict, failures: list[SnncError]) -> int:
    if verdict is Verdict.EQUIVALENT:
        return 0
    if verdict is Verdict.NOT_EQUIVALENT:
        return 1
    return max([INCOMPLETE_CODE, *(failure.exit_code for failure in failures)])


def _executions(ends: Mapping[str, End], judge: Judge) -> Iterator[Execution]:
    order = ["framework", *(name for name in ends if name != "framework")]
    for name in order:
        ran = ends[name]
        if not isinstance(ran, Ran):
            continue
        correct, accuracy = None, ()
        if judge.labels is not None and ran.correct is not None:
            correct = int((ran.classes == judge.labels).sum())
            accuracy = tuple((ran.correct / judge.labels.size).tolist())
        yield Execution(
            name=name,
            executor=ran.executor,
            accuracy=None if judge.labels is None else (correct or 0) / judge.labels.size,
            correct=correct,
            accuracy_by_step=accuracy,
            output_spikes=ran.output_spikes,
            latency_steps=ran.latency_steps,
            seconds=ran.seconds,
        )
