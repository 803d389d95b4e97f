"""Reports made by hand, with all that a report can tell: no execution takes part."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snnc.runtime.compare import Difference, Divergence
from snnc.runtime.divergence.explanation import (
    Candidate,
    Cause,
    Course,
    Explanation,
    LocalError,
    Operand,
    Raster,
    State,
)
from snnc.runtime.findings import Disagreement, Link, Statistics, Status, Verdict
from snnc.runtime.measures.records import Claim, Confusion, Interval, LayerMeasures
from snnc.runtime.report import Report

HOSTILE = "<script>alert('x')</script>\"&\x1b[31m\u202e\x00\ufffe{{ 1234 * 8765 }}"
SHOWN = r"<script>alert('x')</script>\"&\x1b[31m\u202e\x00\ufffe{{ 1234 * 8765 }}".replace(
    r"\"", '"'
)
"""What a user can name, at its worst, and how it is shown."""
LONG = f"encoder.{'a_layer_with_a_long_name.' * 12}lif\n"
"""Another: more than 300 characters without a space."""
FIRST, STEPS, AT, ROWS, THRESHOLD = 8, 32, 20, 6, 4096
"""Steps of the rasters, the step in which the two part, rows, and the threshold of the neuron."""

Integers = npt.NDArray[np.int64]


def explained(
    report: Report, population: str = "net.lif1", source: str = "input", other: str = "lava"
) -> Report:
    """Give ``report`` with a link that broke, and everything that can be told of it."""
    broken = broken_link(population, source, other)
    links = (*(link for link in report.links), broken)
    return report.model_copy(
        update={
            "verdict": Verdict.NOT_EQUIVALENT,
            "exit_code": 1,
            "headline": f"integer -> {other}: {broken.reason}. 1 promise kept: float -> integer. "
            "Not run: framework -> float (no trained module is at hand).",
            "model": "examples/digits.py:network",
            "command": "snnc verify examples/digits.py:network --input x.npy --labels y.npy "
            "--targets integer,lava --report report",
            "links": links,
            "first_divergence": broken.first_divergence,
        }
    )


def hostile_report(report: Report, name: str = HOSTILE) -> Report:
    """Give a report of a broken link in which every text that a user can name is ``name``."""
    divergence = Divergence(3, 1, name, (0, 2), "v", 64, float("nan"))
    link = Link(
        reference="integer",
        other="lava",
        promise="the same spikes, u and v, bit for bit",
        status=Status.BROKEN,
        reason=f"1 value of 20 differ {name}",
        signals=("v",),
        values=20,
        differing=1,
        differences=(Difference(name, "v", 20, 1),),
        uncompared=(name,),
        first_divergence=divergence,
        count_error=None,
        agreement=0.5,
    )
    skipped = Link(
        reference="framework",
        other="float",
        promise="p",
        status=Status.NOT_RUN,
        reason=name,
        asked=False,
    )
    failed = skipped.model_copy(update={"asked": True})
    measured = link.model_copy(update={"status": Status.MEASURED})
    made = broken_link(name, name, name)
    told = made.explanation
    assert told is not None
    worse = {"layer": name, "because": name, "remedy": name, "parameters": {name: 1.0}}
    explained = made.model_copy(update={"explanation": told.model_copy(update=worse)})
    account = {**report.populations[0], "name": name, "weight_sqnr_db": None}
    return report.model_copy(
        update={
            "verdict": Verdict.NOT_EQUIVALENT,
            "headline": name,
            "model": name,
            "command": name,
            "links": (skipped, failed, measured, explained, link),
            "first_divergence": divergence,
            "choices": (name,),
            "warnings": (f"warning[SNN303]: x\n  --> {name}",),
            "problems": (f"error[SNN501]: x\n  --> {name}",),
            "populations": (account,),
            "lags": {name: 2},
            "environment": {name: name},
        }
    )


def broken_link(population: str, source: str, other: str = "lava") -> Link:
    """Give a link that broke in one population, its explanation and its measures."""
    populations = (population, "net.lif2", "net.head")
    differences = tuple(
        Difference(name, signal, 31_104, count)
        for name, counts in zip(populations, ((14, 0, 391), (5, 0, 160), (2, 0, 77)), strict=True)
        for signal, count in zip(("spikes", "u", "v"), counts, strict=True)
    )
    return Link(
        reference="integer",
        other=other,
        promise="the same spikes, u and v, bit for bit",
        status=Status.BROKEN,
        reason="649 values of 279,936 differ",
        signals=("spikes", "u", "v"),
        values=279_936,
        differing=649,
        differences=differences,
        first_divergence=divergence(population),
        count_error=0.0042,
        agreement=0.9889,
        statistics=statistics(),
        layers=tuple(map(measures, populations, (14, 5, 0))),
        disagreement=tuple(map(disagreement, populations, (AT, AT + 1, 99))),
        confusion=(
            Confusion(reference=3, other=8, samples=4),
            Confusion(reference=9, other=4, samples=1),
        ),
        local=local(population),
        explanation=explanation(population, source, other),
    )


def divergence(population: str) -> Divergence:
    """Give the place where they part."""
    return Divergence(AT, 12, population, (2, 7), "spikes", 0.0, 1.0)


def explanation(population: str, source: str, other: str = "lava") -> Explanation:
    """Give what made it: the other's threshold is one lower than it should be."""
    v, v_other, u = courses()
    at = AT - FIRST
    return Explanation(
        reference="integer",
        other=other,
        divergence=divergence(population),
        layer="net.lif1",
        cause=Cause.BIAS_OR_THRESHOLD_ROUNDING,
        because="The potential 4,096 is held against a threshold of 4,096 by integer, which sends "
        f"nothing, and against 4,032 by {other}, which sends a spike: its mantissa is 63 and not "
        "64. With 63, all 31,104 values of the population come out as there.",
        candidates=(
            Candidate(
                cause=Cause.BIAS_OR_THRESHOLD_ROUNDING,
                what="threshold mantissa 63 and not 64",
                explains=1.0,
            ),
            Candidate(cause=Cause.TIE, what="a spike at the threshold, >= for >", explains=0.857),
            Candidate(
                cause=Cause.DECAY_ROUNDING, what="decay of v 409 and not 410", explains=0.071
            ),
        ),
        operands=(
            Operand(source=source, neuron=(0, 3), sent=1, sent_other=None, weight=1920, step=AT),
            Operand(source=source, neuron=(1, 5), sent=1, sent_other=0, weight=-704, step=AT),
            Operand(source=source, neuron=(4, 4), sent=1, sent_other=None, weight=448, step=AT - 1),
        ),
        n_operands=5,
        states=(
            State(a=1664, u=2310, u_before=718, v_before=1984, compared=4096, spike=0, v=4096),
            State(a=1664, u=2310, u_before=718, v_before=1984, compared=4096, spike=1, v=64),
        ),
        parameters={"du": 1024, "dv": 410, "vth": 64, "bias": -12},
        threshold=THRESHOLD,
        distance=0.0,
        courses=(
            _course(population, "v", v, v_other, THRESHOLD),
            _course(population, "u", u, u, None),
        ),
        rasters=(raster(source, 0), raster(population, at)),
        local=local(population),
        remedy="Compile with --max-thresholds 64, or round the thresholds of net.lif1 as the "
        "reference does (docs/accuracy_dropped.md#thresholds).",
    )


def courses() -> tuple[Integers, Integers, Integers]:
    """Give ``v`` of both and ``u``: a neuron that leaks and integrates, with two thresholds."""
    current = np.random.default_rng(5).integers(-200, 1100, STEPS)
    current[AT - FIRST] = 900
    v, v_other = np.zeros(STEPS, np.int64), np.zeros(STEPS, np.int64)
    for k in range(STEPS):
        for values, threshold in ((v, THRESHOLD), (v_other, THRESHOLD - 64)):
            before = values[k - 1] if k else 0
            values[k] = before - before * 410 // 4096 + current[k]
            if values is v and k == AT - FIRST:
                values[k] = v_other[k] = THRESHOLD
            if values[k] > threshold:
                values[k] -= threshold
    v_other[AT - FIRST] = 64
    return v, v_other, np.asarray(current, np.int64)


def _course(
    population: str, signal: str, reference: Integers, other: Integers, threshold: float | None
) -> Course:
    return Course(
        population=population,
        neuron=(2, 7),
        signal=signal,
        first_step=FIRST,
        reference=tuple(map(float, reference)),
        other=tuple(map(float, other)),
        threshold=threshold,
    )


def raster(population: str, parts_at: int) -> Raster:
    """Give spikes that part at a step of the raster, or never with 0."""
    random = np.random.default_rng(len(population) + parts_at)
    spikes = random.random((STEPS, ROWS)) < 0.18
    other = spikes.copy()
    if parts_at:
        spikes[parts_at, 2], other[parts_at, 2] = False, True
        other[parts_at + 1 :] ^= random.random((STEPS - parts_at - 1, ROWS)) < 0.06
    return Raster(
        population=population,
        neurons=tuple((2, 5 + k) for k in range(ROWS)),
        first_step=FIRST,
        steps=STEPS,
        reference=_spikes(spikes),
        other=_spikes(other),
    )


def _spikes(values: npt.NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    return tuple((FIRST + int(step), int(row)) for step, row in np.argwhere(values))


def local(population: str) -> tuple[LocalError, ...]:
    """Give what the populations do wrong by themselves: only the first does."""
    return (
        _local(population, 3, divergence(population)),
        _local("net.lif2", 0, None),
        _local("net.head", 0, None),
    )


def _local(population: str, differing: int, first: Divergence | None) -> LocalError:
    return LocalError(
        population=population,
        signal="spikes",
        values=31_104,
        differing=differing,
        samples=16,
        first=first,
    )


def disagreement(population: str, begins: int) -> Disagreement:
    """Give where a population differs: nowhere before ``begins``, then ever more."""
    grows = [0.0003 * 1.6**k for k in range(40)]
    shares = tuple(0.0 if k < begins else min(0.9, grows[k - begins]) for k in range(48))
    return Disagreement(population=population, width=1, shares=shares)


def measures(population: str, hamming: int) -> LayerMeasures:
    """Give measures with a value in every field."""
    return LayerMeasures(
        population=population,
        neurons=96,
        samples=270,
        values=31_104,
        same=270 - hamming,
        hamming=hamming,
        spikes_reference=2_431,
        spikes_other=2_436,
        count_error=0.0021,
        rate_error=0.00206,
        precision=0.9975,
        recall=0.9963,
        coincidence=0.9958,
        van_rossum=0.0312,
        victor_purpura=0.25,
        spike_distance=0.00418,
        emd_rates=0.000161,
        rate_cosine=0.99998,
        spike_cosine=0.99712,
        dead_reference=3,
        dead_other=2,
        saturated_reference=0,
        saturated_other=0,
        sqnr_db=41.28,
        trains=256,
    )


def statistics() -> Statistics:
    """Give statistics of too few samples."""
    return Statistics(
        n=270,
        accuracy_reference=0.9704,
        accuracy_other=0.9667,
        only_reference=3,
        only_other=2,
        drop_points=0.37,
        drop_bound_points=1.94,
        mcnemar_p=1.0,
        interval_reference=Interval(share=0.9704, low=0.9425, high=0.9871),
        interval_other=Interval(share=0.9667, low=0.9378, high=0.9847),
        claim=Claim.OPEN,
        enough=False,
        needed=1_340,
    )
