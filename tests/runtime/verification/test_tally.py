"""Tallies add up to the same bits, however samples are grouped, and survive being written."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnc.compiler.diagnostics import (
    Diagnostic,
    EnvironmentFault,
    InternalError,
    TimeLimitExceeded,
)
from snnc.compiler.rules import PACKAGE_PRESENT, TIME_LIMIT
from snnc.compiler.trace import SIGNALS, Trace
from snnc.runtime.verification import tally as tallies
from snnc.runtime.verification.packed import packed, unpacked
from snnc.runtime.verification.tally import (
    Failed,
    Ran,
    Tally,
    failed,
    link_tally,
    ran,
    replay_tally,
)
from snnc.targets.float.replay import Mismatch, Replay

STEPS, BATCH = 5, 7


def trace(seed: int, *, v: bool = True) -> Trace:
    random = np.random.default_rng(seed)

    def spikes(n: int) -> Any:
        return (random.random((STEPS, BATCH, n)) < 0.3).astype(np.uint8)

    populations = {"one": spikes(4), "two": spikes(3)}
    potentials = {n: random.integers(-9, 9, s.shape, np.int32) for n, s in populations.items()}
    return Trace(
        executor="x",
        outputs={"out": populations["two"]},
        spikes=populations,
        v=potentials if v else {},
        lags={"one": 1, "two": 2},
        seconds=3.5,
    )


LABELS = np.array([0, 1, 2, 0, 1, 2, 0])


def tally_of(reference: Trace, other: Trace, begin: int, end: int) -> Tally:
    a, b = (t.of_samples(begin, end) for t in (reference, other))
    return Tally(
        stages={"a": ran(a, LABELS[begin:end]), "b": ran(b, LABELS[begin:end])},
        links={"a -> b": link_tally(a, b, SIGNALS, begin)},
    )


def comparable(tally: Tally) -> str:
    stages = {n: s.model_copy(update={"seconds": 0.0}) for n, s in tally.stages.items()}
    return tally.model_copy(update={"stages": stages}).model_dump_json()


@settings(max_examples=15)
@given(st.lists(st.integers(1, BATCH - 1), unique=True), st.integers(0, 30))
def test_any_grouping_gives_the_same(cuts: list[int], seed: int) -> None:
    reference = trace(seed)
    values = {n: s.copy() for n, s in reference.spikes.items()}
    values["two"][3, seed % BATCH, 1] ^= 1
    values["one"][3, (seed * 3) % BATCH, 2] ^= 1
    other = replace(reference, spikes=values)
    whole = tally_of(reference, other, 0, BATCH)
    ends = [0, *sorted(cuts), BATCH]
    total = Tally()
    for begin, end in pairwise(ends):
        total = total + tally_of(reference, other, begin, end)
    assert comparable(total) == comparable(whole)
    assert whole.links["a -> b"].first is not None
    assert whole.links["a -> b"].first.step == 3


def test_the_earlier_population_comes_first() -> None:
    """In step and sample equal, ``one`` is before ``two`` whatever was added first."""
    reference = trace(1)
    spoiled = {n: s.copy() for n, s in reference.spikes.items()}
    for values in spoiled.values():
        values[2, 0, 0] ^= 1
    only_two = replace(reference, spikes={**reference.spikes, "two": spoiled["two"]})
    both = link_tally(reference, replace(reference, spikes=spoiled), SIGNALS)
    late = link_tally(reference, only_two, SIGNALS)
    for total in (both + late, late + both):
        assert total.first is not None
        assert total.first.population == "one"


def test_other_signals_do_not_add_up() -> None:
    one, two = trace(1), trace(1, v=False)
    with pytest.raises(InternalError, match="recorded different signals"):
        _ = link_tally(one, one, SIGNALS) + link_tally(two, two, SIGNALS)


def test_what_ran_adds_up() -> None:
    a, b = (ran(trace(2).of_samples(*part), None) for part in ((0, 3), (3, 7)))
    total = a + b
    assert total.classes.tolist() == trace(2).predictions.tolist()
    assert total.correct is None
    assert total.seconds == pytest.approx(3.5)
    assert (total.latency_steps, total.executor) == (2, "x")
    assert total.output_spikes == int(trace(2).outputs["out"].sum())


def test_what_failed_once_has_failed() -> None:
    missing = Diagnostic(PACKAGE_PRESENT, "n", "f", "l", "r")
    late = Diagnostic(TIME_LIMIT, "n", "f", "l", "r")
    good: dict[str, Ran | Failed] = {"a": ran(trace(2), None)}
    bad: dict[str, Ran | Failed] = {"a": failed(EnvironmentFault([missing]))}
    worse: dict[str, Ran | Failed] = {"a": failed(TimeLimitExceeded([late]))}
    assert (Tally(stages=good) + Tally(stages=bad)).stages == bad
    assert (Tally(stages=bad) + Tally(stages=good)).stages == bad
    assert (Tally(stages=bad) + Tally(stages=worse)).stages == bad
    assert (Tally(stages=worse) + Tally(stages=bad)).stages == worse
    assert (Tally(stages=bad) + Tally()).failed


@pytest.mark.parametrize("kind", [EnvironmentFault, TimeLimitExceeded])
def test_an_error_survives(kind: Any) -> None:
    error = kind([Diagnostic(PACKAGE_PRESENT, "node", "found", "limit", "remedy")])
    read = Failed.model_validate_json(failed(error).model_dump_json()).error
    assert (type(read), read.diagnostics, read.exit_code) == (
        kind,
        error.diagnostics,
        error.exit_code,
    )


def mismatch(step: int, sample: int, ulp: float) -> Mismatch:
    return Mismatch(step, sample, "one", (0,), 1.0, 1.0, ulp)


def test_replays_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "LISTED", 3)
    one = Replay(9, (mismatch(1, 0, 1), mismatch(4, 1, 9)), {"one.v": 0.5}, {"one.v": 2.0})
    two = Replay(
        9, (mismatch(0, 1, 1), mismatch(1, 0, 2), mismatch(3, 0, 3)), {"one.v": 0.25}, {"one.v": 4}
    )
    total = replay_tally(one) + replay_tally(two, 2)
    assert (total.mismatches, total.n_ties) == (5, 4)
    assert [(t.step, t.sample) for t in total.ties] == [(0, 3), (1, 0), (1, 2)]
    assert (total.errors, total.extents) == ({"one.v": 0.5}, {"one.v": 4.0})
    assert total.strangers == ("one.v",)


@pytest.mark.parametrize("kind", ["<f4", "<f8", "|u1", "<i4", "|b1", "<i8"])
def test_arrays_survive(kind: str) -> None:
    values = (np.arange(12).reshape(2, 2, 3) / 7).astype(kind)
    read = unpacked(packed(values[:, :, ::2]))
    assert (read.dtype, read.shape) == (values.dtype, (2, 2, 2))
    assert read.tobytes() == values[:, :, ::2].tobytes()


@pytest.mark.parametrize(
    "damaged",
    [5, {}, {"dtype": "<f4", "shape": [2], "zlib": "!"}, packed(np.zeros(3)) | {"shape": [2]}],
)
def test_damaged_arrays_are_refused(damaged: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpacked(damaged)


def test_potentials_of_read_outs_are_no_spikes() -> None:
    spiking = trace(2)
    v = spiking.v["two"].astype(np.float32)
    read_out = replace(spiking, outputs={"out": v})
    both = replace(spiking, outputs={"out": v, "spikes": spiking.spikes["one"]})
    assert (ran(read_out, None) + ran(read_out, None)).output_spikes is None
    assert ran(both, None).output_spikes == int(spiking.spikes["one"].sum())
