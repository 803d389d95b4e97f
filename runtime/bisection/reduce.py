"""``snnc.reduce``: a difference of two executions as a case as small as can be."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InternalError, raise_all
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.trace import SIGNALS
from snnc.runtime.bisection.bench import Bench
from snnc.runtime.bisection.bisect import told_of
from snnc.runtime.bisection.cases import Case
from snnc.runtime.bisection.delta import Items, fewest, one_by_one
from snnc.runtime.bisection.held import synapses_in
from snnc.runtime.bisection.page import page_of
from snnc.runtime.bisection.reals import meant_by
from snnc.runtime.bisection.reproducer import Reproducer
from snnc.runtime.bisection.search import Outcome, search
from snnc.runtime.bisection.seen import Seen, earliest, first_of_each
from snnc.runtime.bisection.sides import Pair, Program, Side, pair_of
from snnc.runtime.bisection.simplify import simplified
from snnc.runtime.data.source import Source, given_inputs
from snnc.runtime.stages import Stages, silent
from snnc.targets.artifact import Artifact, load
from snnc.targets.running import Inputs

Arrays = Mapping[str, npt.NDArray[Any]]


def reduce(
    model: Program,
    x: Inputs | npt.ArrayLike | Source,
    *,
    other: Program | None = None,
    targets: str | Sequence[str] | None = None,
    timeout: float | None = None,
    progress: Stages = silent,
) -> Reproducer:
    """Shrink two executions that differ, and their input, to a case as small as can be.

    It differs in the same neuron, in the same signal and direction, and was run from its files.

    Args:
        model: As for ``bisect``; so are the others.
        x: Input data.
        other: The other artifact.
        targets: Where the two are executed.
        timeout: Seconds for each run.
        progress: Called with the name of each stage as it begins.

    Returns:
        The case: ``save`` writes it as a directory.

    Raises:
        InputError: As ``bisect``; SNN623, nothing differs.
        EnvironmentFault: As ``bisect``.
    """
    pair = pair_of(model, other, targets, timeout)
    inputs = given_inputs(pair.reference.artifact.network, x)
    outcome = search(pair, inputs, progress)
    raise_all(_nothing(pair, inputs, outcome))
    if outcome is None:
        raise InternalError("a difference that is none")
    outcome.bench.begin("making it smaller")
    sides, small = _smaller(pair, outcome)
    progress("running it from its files")
    seen = _run_from_files(sides, small, outcome.bench)
    network = sides[0].required_fixed
    made = Reproducer(
        reference=sides[0],
        other=sides[1],
        inputs=small,
        expected=seen.divergence,
        neurons=sum(p.size for p in network.populations),
        synapses=synapses_in(network),
        whole=told_of(pair, inputs, outcome),
        page="",
    )
    return replace(made, page=page_of(made))


def _smaller(pair: Pair, outcome: Outcome) -> tuple[tuple[Artifact, Artifact], Arrays]:
    """Give two artifacts and an input: parts of the networks, or the networks as they are."""
    bench, narrowed = outcome.bench, outcome.narrowed
    if narrowed is not None and narrowed.case is not None:
        case = simplified(bench, narrowed.case)
        reference, other = (
            artifact_of(side, part.network)
            for side, part in zip(pair.sides, case.parts, strict=True)
        )
        return (reference, other), _inputs(case)
    inputs = outcome.found.inputs
    if not outcome.found.alone:
        inputs = _fewest_samples(bench, inputs)
    return (pair.reference.artifact, pair.other.artifact), inputs


def artifact_of(side: Side, part: FixedNetwork) -> Artifact:
    """Give a part as an artifact that can be saved: with the real numbers that it stands for."""
    lags = {p.name: p.lag for p in part.populations}
    account = {"lags": lags, "latency_steps": part.latency}
    return replace(side.part(part), network=meant_by(part), account=account)


def _inputs(case: Case) -> Arrays:
    values = case.by_input(case.values[:, np.newaxis])
    return {i.name: values[i.name].reshape(len(case.values), 1, *i.shape) for i in case.inputs}


def _fewest_samples(bench: Bench, inputs: Inputs) -> Arrays:
    """Give the fewest samples of a batch that show the difference together."""

    def some(choice: Items) -> Arrays:
        return {name: x[:, choice] for name, x in inputs.items()}

    def fails(choice: Items) -> bool:
        return choice.size > 0 and _shown(bench.pair, some(choice), bench) is not None

    samples = int(next(iter(inputs.values())).shape[1])
    return some(fewest(np.arange(samples), one_by_one(fails)))


def _shown(pair: Pair, inputs: Inputs, bench: Bench) -> Seen | None:
    """Run whole networks; give the first difference if it is the one that is looked for."""
    traces = [side.run(inputs) for side in pair.sides]
    seen = earliest(first_of_each(*traces))
    mark = bench.mark
    same = seen is not None and (seen.divergence.population, seen.neuron, seen.kind) == (
        mark.population,
        mark.neuron,
        mark.kind,
    )
    return seen if same else None


def _run_from_files(artifacts: tuple[Artifact, Artifact], inputs: Arrays, bench: Bench) -> Seen:
    """Write both artifacts, load and run them, and give the first difference.

    Raises:
        InternalError: There is none, or it is of another kind.
    """
    timeouts = [side.timeout for side in bench.pair.sides]
    with tempfile.TemporaryDirectory(prefix="snnc-") as scratch:
        written = (
            load(artifact.save(Path(scratch) / str(k))) for k, artifact in enumerate(artifacts)
        )
        traces = [
            artifact.run(inputs, record=SIGNALS, timeout=timeout)
            for artifact, timeout in zip(written, timeouts, strict=True)
        ]
    seen = earliest(first_of_each(*traces))
    if seen is None or seen.kind != bench.mark.kind:
        raise InternalError(f"the reduced case does not differ as {bench.mark} does: {seen}")
    return seen


def _nothing(pair: Pair, inputs: Inputs, outcome: Outcome | None) -> Iterator[Diagnostic]:
    if outcome is None:
        steps, samples = next(iter(inputs.values())).shape[:2]
        yield Diagnostic(
            rule=rules.RUNS_DIFFER,
            node=f"{pair.reference.name} and {pair.other.name}",
            found=f"the same values in all {samples:,} samples of {steps:,} steps",
            limit="an input on which they differ",
            remedy="give other data with --input; snnc verify compares the whole chain",
        )
