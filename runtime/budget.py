"""``--budget``: widths of weights that cost least, by measured sensitivity, and verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic, InputError
from snnc.compiler.fixed import MAX_WEIGHT_BITS
from snnc.compiler.network import Network
from snnc.compiler.quantization.budget import (
    Bits,
    Budget,
    Metric,
    Table,
    memory_text,
    read_budget,
    stored_weights,
)
from snnc.runtime.bench import Bench, Measured, answers, within
from snnc.runtime.labels import labels_of
from snnc.runtime.measures.answers import statistics_of
from snnc.runtime.observe import held
from snnc.runtime.quantization import Quantizer
from snnc.runtime.stages import Stages
from snnc.runtime.statistics import Paired
from snnc.targets import TARGETS, get_target
from snnc.targets.artifact import Artifact

NARROWEST = 2
"""Width from which a search begins where none is named."""
PROBE = 6
"""Width that tells which population is the most sensitive where 8 bits do not suffice."""
SENSITIVITY_SAMPLES = 64
"""Samples on which sensitivities are measured: they only lead the search, and are verified."""
SENSITIVITY_RUNS = 120
"""Runs that the sensitivities may take; with more populations fewer widths are considered."""
BISECTIONS = 10
"""Full runs in search of the error that may be allowed: it is known to a thousandth then."""
NARROWINGS = 32
"""Full runs in which single populations are narrowed at the end."""
EXCHANGES = 12
"""Full runs of choices beside the best of the table, for a budget of memory."""


@dataclass(frozen=True)
class Chosen:
    """What a search found.

    Attributes:
        bits: The widths.
        account: How it was found, and what it costs, as JSON values.
    """

    bits: dict[str, int]
    account: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A choice, and what was tried around it.

    Attributes:
        best: The choice.
        refused: Widths for single populations that were tried beside it, and did not hold.
        complete: False where the search ended at its limit of runs.
    """

    best: Measured
    refused: Mapping[str, int]
    complete: bool = True


def budget_problems(
    budget: str | None, target: str, *, labels: object, calibration: object
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a budget, or with labels that no budget is given for."""
    if budget is None:
        if labels is not None:
            yield Diagnostic(
                rule=rules.OPTION_VALID,
                node="--labels",
                found="labels, and no --budget",
                limit="labels are what a budget of accuracy is measured by",
                remedy='add --budget "top1>=-0.5pt", or leave --labels out',
            )
        return
    read = read_budget(budget)
    if isinstance(read, Diagnostic):
        yield read
    if target in list(TARGETS) and not get_target(target).fixed:
        yield Diagnostic(
            rule=rules.OPTION_VALID,
            node="--budget",
            found=f"target {target}, for which no weight is rounded",
            limit="a target of integers",
            remedy="--target integer, or leave --budget out",
        )
    if calibration is None:
        yield _unmeasured("no calibration data", "--calibrate X.npy, typical input data")
    if labels is None and isinstance(read, Budget) and read.metric is Metric.ACCURACY:
        yield _unmeasured(
            "no labels", "--labels Y.npy, the class of each sample of the calibration data"
        )


def _unmeasured(found: str, remedy: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.BUDGET_MEASURED,
        node="--budget",
        found=found,
        limit="calibration data, and for a budget of accuracy the class of each sample",
        remedy=remedy,
    )


def keep_budget(
    budget: str,
    made: Quantizer,
    typical: Mapping[str, npt.NDArray[np.float32]],
    labels: npt.ArrayLike | None,
    narrowest: Bits,
    progress: Stages,
) -> Chosen:
    """Search the widths that keep a budget that has no ``budget_problems``.

    Args:
        budget: As the user wrote it.
        made: Makes integers of the float network.
        typical: Calibration data of each input, ``[steps, batch, n]``.
        labels: The true class of each sample, or None.
        narrowest: Smallest width of each population to consider.
        progress: Called with the name of each stage.

    Raises:
        InputError: SNN507, the labels do not fit; SNN317 or SNN318, no choice keeps the budget.
    """
    read = read_budget(budget)
    if isinstance(read, Diagnostic):
        raise InputError([read])
    network, data = made.network, held(typical)
    shaped = {
        i.name: data[i.name].reshape(*data[i.name].shape[:2], *i.shape) for i in network.inputs
    }
    classes = network.population(network.outputs[0].source).size
    samples = next(iter(shaped.values())).shape[1]
    truth = None if labels is None else labels_of(labels, samples, classes)
    progress("running the float network")
    real = answers(Artifact(target="float", network=network, fixed=None), shaped)
    bench = Bench(network=network, make=made.mixed, inputs=shaped, labels=truth, real=real)
    return choose_widths(bench, read, narrowest, progress)


def choose_widths(
    bench: Bench,
    budget: Budget,
    narrowest: Bits,
    progress: Stages,
) -> Chosen:
    """Search the widths that keep ``budget``.

    Sensitivities are measured one population at a time, with all others at their widest. The
    cheapest choice by their sums is verified by a run on all samples; as sensitivities do not
    really add up, the sum that is allowed is bisected until the dearest that holds is found.

    Args:
        bench: Runs integers on the labelled calibration data.
        budget: What to keep.
        narrowest: Smallest width of each population.
        progress: Called with the name of each stage.

    Raises:
        InputError: SNN317 or SNN318, no choice keeps the budget.
    """
    told = progress("running 8 bits everywhere")
    widest = bench.measure(dict.fromkeys(narrowest, MAX_WEIGHT_BITS), told)
    weights = stored_weights(bench.make(widest.bits), narrowest)
    if budget.metric is Metric.MEMORY:
        _refuse_size(bench.network, budget, weights, narrowest)
    elif widest.pair is not None and not within(widest.pair, budget.limit):
        raise InputError([_inaccurate(bench, budget, widest.pair, progress)])
    few = bench.part(SENSITIVITY_SAMPLES)
    table = Table(weights, sensitivities(few, narrowest, progress))
    if budget.metric is Metric.ACCURACY:
        found = _for_accuracy(bench, table, budget.limit, widest, progress)
    else:
        _refuse_size(bench.network, budget, weights, table.narrowest())
        found = _for_memory(bench, table, budget.limit, widest, progress)
    counted = {"runs": bench.runs, "sensitivity_runs": few.runs, "sensitivity_samples": few.samples}
    return Chosen(found.best.bits, _account(bench, budget, table, widest, found) | counted)


def sensitivities(few: Bench, narrowest: Bits, progress: Stages) -> dict[str, dict[int, float]]:
    """Measure what each width of each population adds to the error, all others at their widest."""
    told = progress("measuring sensitivities")
    widest = dict.fromkeys(narrowest, MAX_WEIGHT_BITS)
    pairs = [(p, b) for p, least in narrowest.items() for b in considered(least, len(narrowest))]
    base = few.measure(widest).error
    table: dict[str, dict[int, float]] = {p: {MAX_WEIGHT_BITS: 0.0} for p in narrowest}
    for done, (p, b) in enumerate(pairs):
        try:
            table[p][b] = max(0.0, few.measure({**widest, p: b}).error - base)
        except InputError:  # so few bits leave the threshold less than a count
            continue
        finally:
            told(done + 1, len(pairs))
    return table


def considered(least: int, populations: int) -> list[int]:
    """Give the widths below the widest that are considered, few where populations are many."""
    most = max(1, SENSITIVITY_RUNS // populations)
    widths = np.arange(least, MAX_WEIGHT_BITS)
    picked = np.linspace(0, widths.size - 1, min(most, widths.size)).astype(np.int64)
    return [int(widths[i]) for i in picked]


def _for_accuracy(
    bench: Bench, table: Table, drop: float, widest: Measured, progress: Stages
) -> _Found:
    """Give the widths of least memory that lose at most ``drop`` points."""
    best = widest
    high = table.error(table.narrowest())
    low = min((e for w in table.errors.values() for e in w.values() if e), default=0.0)
    told = progress("searching the error that may be allowed")
    tried: dict[tuple[int, ...], Measured | None] = {tuple(widest.bits.values()): widest}
    for done in range(BISECTIONS):
        allowed = high if not done else float(np.sqrt(low * high))
        bits = table.least_memory(allowed) or widest.bits
        key = tuple(bits.values())
        if key not in tried:
            tried[key] = bench.measure_within(bits, drop)
        holds = tried[key]
        if holds is None:
            high = allowed
        else:
            low, best = allowed, min(best, holds, key=lambda m: (table.memory(m.bits), m.error))
        told(done + 1, BISECTIONS)
        if low >= high * 0.999:
            break
    return _narrowed(bench, table, drop, best, progress)


def _narrowed(bench: Bench, table: Table, drop: float, best: Measured, progress: Stages) -> _Found:
    """Narrow single populations, those first that give most memory, for as long as it holds."""
    told = progress("narrowing single populations")
    refused: dict[str, int] = {}
    runs = 0
    for p in sorted(best.bits, key=lambda name: -table.weights[name]):
        while table.weights[p] and (narrower := table.step(p, best.bits[p], -1)) is not None:
            if runs >= NARROWINGS:
                return _Found(best=best, refused=refused, complete=False)
            holds = bench.measure_within({**best.bits, p: narrower}, drop)
            runs += 1
            told(runs, NARROWINGS)
            if holds is None:
                refused[p] = narrower
                break
            best = holds
    return _Found(best=best, refused=refused)


def _for_memory(
    bench: Bench, table: Table, memory: float, widest: Measured, progress: Stages
) -> _Found:
    """Give the widths of least error whose weights take at most ``memory`` bits.

    The choice of the table, the widest of equal widths and the choices near the first are run.
    """
    if table.memory(widest.bits) <= memory:
        return _Found(best=widest, refused={})
    told = progress("running the choices of least error")
    choice = table.least_error(memory) or table.narrowest()
    near = islice(table.exchanges(choice, memory), EXCHANGES)
    choices = {tuple(c.values()): c for c in (choice, *_uniform(table, memory), *near)}
    measured: list[Measured] = []
    for done, bits in enumerate(choices.values()):
        measured.append(bench.measure(bits))
        told(done + 1, len(choices))
    best = min(measured, key=lambda m: (m.error, table.memory(m.bits)))
    return _Found(best=best, refused={})


def _uniform(table: Table, memory: float) -> Iterator[dict[str, int]]:
    """Give the same width for all, the widest that fits and is possible."""
    for b in range(MAX_WEIGHT_BITS, 0, -1):
        bits = dict.fromkeys(table.errors, b)
        if all(b in widths for widths in table.errors.values()) and table.memory(bits) <= memory:
            yield bits
            return


def _refuse_size(network: Network, budget: Budget, weights: Bits, bits: Bits) -> None:
    """Refuse a budget that is smaller than the smallest choice.

    Raises:
        InputError: SNN318.
    """
    least = sum(weights[name] * b for name, b in bits.items())
    if least <= budget.limit:
        return
    largest = max(weights, key=lambda name: weights[name] * bits[name])
    widths = sorted(set(bits.values()))
    raise InputError(
        [
            Diagnostic(
                rule=rules.MEMORY_IN_BUDGET,
                node=" + ".join(network.population(largest).origin),
                found=f"{memory_text(least)} with {' or '.join(map(str, widths))} bits, of which "
                f"{weights[largest]:,} weights here take "
                f"{memory_text(weights[largest] * bits[largest])}",
                limit=f"{memory_text(budget.limit)}: --budget {budget.text}",
                remedy=f'--budget "memory<={_enough(least)}"'
                + (", or a smaller --weight-bits" if widths[0] > NARROWEST else ""),
            )
        ]
    )


def _enough(bits: int) -> str:
    """Give a budget of at least so many bits, as users write it."""
    size = -(-bits // 8)
    return f"{size}B" if size < 2**10 else f"{-(-size * 10 // 2**10) / 10:g}KiB"


def _inaccurate(bench: Bench, budget: Budget, pair: Paired, progress: Stages) -> Diagnostic:
    """Say that even 8 bits everywhere lose too much, and what is the most sensitive to rounding."""
    told = progress("looking for the most sensitive population")
    few = bench.part(SENSITIVITY_SAMPLES)
    names = [p.name for p in bench.network.populations]
    widest = dict.fromkeys(names, MAX_WEIGHT_BITS)
    base, errors = few.measure(widest).error, dict[str, float]()
    for done, name in enumerate(names):
        with suppress(InputError):  # so few bits leave the threshold less than a count
            errors[name] = few.measure({**widest, name: PROBE}).error
        told(done + 1, len(names))
    worst = max(errors, key=lambda name: errors[name], default=names[0])
    kept = -(-round(1e6 * pair.drop) // 10**5) / 10
    return Diagnostic(
        rule=rules.ACCURACY_IN_BUDGET,
        node=" + ".join(bench.network.population(worst).origin),
        found=f"accuracy falls by {pair.drop:.2f} points with {MAX_WEIGHT_BITS} bits everywhere, "
        f"from {pair.correct_reference:,} to {pair.correct_other:,} right of {pair.n:,}; the most "
        f"sensitive is this population, where {PROBE} bits raise the error of the outputs from "
        f"{100 * base:.2f} to {100 * errors.get(worst, base):.2f} %",
        limit=f"{budget.limit:g} points: --budget {budget.text}",
        remedy=f'--budget "top1>=-{kept:g}pt", or train this population with smaller weights '
        "against its threshold",
    )


def _account(
    bench: Bench, budget: Budget, table: Table, widest: Measured, found: _Found
) -> dict[str, Any]:
    return {
        "budget": budget.text,
        "samples": bench.samples,
        "complete": found.complete,
        "memory_bits": table.memory(found.best.bits),
        "memory_bits_widest": table.memory(widest.bits),
        "widest": _as_json(widest, budget),
        "chosen": _as_json(found.best, budget),
        "populations": [
            {
                "name": name,
                "weights": table.weights[name],
                "bits": bits,
                "memory_bits": table.weights[name] * bits,
                "sensitivity": {str(b): table.errors[name][b] for b in sorted(table.errors[name])},
                "refused_bits": found.refused.get(name),
            }
            for name, bits in found.best.bits.items()
        ],
    }


def _as_json(measured: Measured, budget: Budget) -> dict[str, Any]:
    pair = measured.pair
    allowed = budget.limit if budget.metric is Metric.ACCURACY else None
    told = None if pair is None else statistics_of(pair, allowed).model_dump(mode="json")
    return {"error": measured.error, "statistics": told}
