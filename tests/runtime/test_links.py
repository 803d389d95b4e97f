"""The link from the framework to the float network: only ties excuse a spike that differs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snnc.compiler.diagnostics import Diagnostic, TimeLimitExceeded
from snnc.compiler.rules import TIME_LIMIT
from snnc.compiler.trace import Trace
from snnc.runtime.findings import Link, Status
from snnc.runtime.links import Judge, Pair
from snnc.runtime.verification.tally import LISTED, link_tally, ran, replay_tally
from snnc.targets.float.replay import Mismatch, Replay

NAMES = ("framework", "float")
JUDGE = Judge(None, 1.0)


def trace(executor: str, *, flipped: bool = False, spiking: bool = True) -> Trace:
    spikes = np.zeros((3, 2, 4), np.uint8)
    spikes[1, 0, 2] = flipped
    v = {"lif": np.ones((3, 2, 4), np.float32)}
    fields: dict[str, Any] = {"spikes": {"lif": spikes}} if spiking else {}
    outputs = {"output": spikes if spiking else v["lif"]}
    return Trace(executor=executor, outputs=outputs, v=v, **fields)


def replayed(*distances: float, error: float = 0.0) -> Replay:
    mismatches = tuple(
        Mismatch(1, 0, "lif", (i,), 1.0, 1.0, distance) for i, distance in enumerate(distances)
    )
    return Replay(24, mismatches, {"lif.v": error}, {"lif.v": 1.0})


def pair(names: tuple[str, str], reference: Trace, other: Trace) -> Pair:
    tally = link_tally(reference, other, ("spikes",))
    return Pair(names, (ran(reference, None), ran(other, None)), tally)


def judged(found: Replay | None, *, flipped: bool = True, spiking: bool = True) -> Link:
    runs = (trace("snntorch", spiking=spiking), trace("float", flipped=flipped, spiking=spiking))
    return JUDGE.framework(pair(NAMES, *runs), None if found is None else replay_tally(found))


def test_equal_spikes_hold() -> None:
    link = judged(replayed(), flipped=False)
    assert (link.status, link.reason) == (Status.HELD, "all 24 values are equal")
    assert (link.ties, link.n_ties) == ((), 0)


def test_differences_behind_ties_hold() -> None:
    link = judged(replayed(0.5, 4.0))
    assert link.status is Status.HELD
    assert link.reason == (
        "1 of 24 values differ, all of them behind 2 ties: potentials that the order of a float32 "
        "sum puts within 4 ulp of the threshold"
    )
    assert [tie.ulp for tie in link.ties] == [0.5, 4.0]
    assert link.first_divergence is None
    assert link.differing == 1


def test_one_that_is_no_tie_breaks() -> None:
    link = judged(replayed(0.5, 4.1))
    assert (link.status, link.reason) == (Status.BROKEN, "1 of 24 values differ")
    assert link.first_divergence is not None
    assert link.n_ties == 1


def test_no_recorded_states_are_no_excuse() -> None:
    link = judged(None)
    assert (link.status, link.reason) == (Status.BROKEN, "1 of 24 values differ")


def test_no_differing_step_is_no_excuse() -> None:
    """Free-running they part, and no step of the framework's own run explains it."""
    assert judged(replayed()).status is Status.BROKEN


@pytest.mark.parametrize("flipped", [False, True])
def test_a_potential_that_is_another_breaks(flipped: bool) -> None:
    link = judged(replayed(0.5, error=2e-4), flipped=flipped)
    assert link.status is Status.BROKEN
    assert link.reason == "off by more than rounding: lif.v"


def test_read_outs_alone() -> None:
    link = judged(replayed(), spiking=False)
    assert (link.status, link.reason) == (
        Status.HELD,
        "v of every read-out is equal but for rounding",
    )
    assert judged(replayed(error=2e-4), spiking=False).status is Status.BROKEN
    unknown = judged(None, spiking=False)
    assert (unknown.status, unknown.reason) == (Status.NOT_RUN, "no population spikes")


def test_a_missing_run_is_never_green() -> None:
    ends = ("no trained module is at hand", ran(trace("float"), None))
    link = JUDGE.framework(Pair(NAMES, ends, None), None)
    assert (link.status, link.asked) == (Status.NOT_RUN, False)


@pytest.mark.parametrize("spiking", [False, True])
def test_what_was_repeated_of_some_batches_is_no_proof(spiking: bool) -> None:
    """The run of one batch failed: what is known of the others leaves the link as not run."""
    late = TimeLimitExceeded([Diagnostic(TIME_LIMIT, "target float", "step 3 of 9", "1 s", "r")])
    some = pair(NAMES, trace("snntorch", spiking=spiking), trace("float", spiking=spiking))
    link = JUDGE.framework(replace(some, ends=(some.ends[0], late)), replay_tally(replayed()))
    assert (link.status, link.reason) == (Status.NOT_RUN, "float: step 3 of 9")
    assert (link.asked, link.values) == (True, 0)


def test_many_ties_are_counted_and_the_first_listed() -> None:
    link = judged(replayed(*[1.0] * (LISTED + 5)))
    assert (len(link.ties), link.n_ties) == (LISTED, LISTED + 5)


def test_integers_of_read_outs_alone_are_measured_without_labels() -> None:
    runs = (trace("float", spiking=False), trace("integer", spiking=False))
    link = JUDGE.budget(pair(("float", "integer"), *runs))
    assert (link.status, link.reason) == (
        Status.MEASURED,
        "no population spikes, and no labels were given",
    )
