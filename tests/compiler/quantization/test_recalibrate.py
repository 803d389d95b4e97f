"""Thresholds that move until neurons spike as often as they should, and those that stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from snnc.compiler.fixed import FixedPopulation
from snnc.compiler.network import Network, Reset
from snnc.compiler.operators import FixedDense
from snnc.compiler.quantization.account import account_for
from snnc.compiler.quantization.overflow import bound_states
from snnc.compiler.quantization.quantize import quantize
from snnc.compiler.quantization.recalibrate import FEW_SPIKES, recalibrated
from snnc.runtime.observe import recalibrate_on, refer
from snnc.targets.integer import reference as integers
from tests.builders import convolution, network, one_neuron, population, projection, spikes

Counts = npt.NDArray[np.int64]
NET = one_neuron([[1.0]], threshold=1.0)
"""What stands for a network: counts below come from functions of the threshold."""


def moved(share: float, *, samples: int = 4, spikes_each: int = 100, judged: float = 1.0) -> float:
    """Give the factor of a threshold where a neuron spikes too often by ``share``.

    Args:
        share: Of the spikes that it should have.
        samples: As many.
        spikes_each: That each should have.
        judged: What the spikes of the samples that judge are times those that choose.
    """
    fixed = quantize(NET)
    base = int(fixed.populations[0].threshold[0])
    wanted = np.full((samples, 1), spikes_each)
    factor = np.where(np.arange(samples) % 2, judged, 1.0)[:, None]

    def count(p: FixedPopulation) -> Counts:
        return np.rint(wanted * share * factor * base / p.threshold).astype(np.int64)

    found = recalibrated(NET, fixed, {"lif": wanted}, {"lif": count})
    return float(found.populations[0].threshold[0] / base)


@pytest.mark.parametrize("share", [0.6, 0.9, 1.1, 1.5])
def test_a_threshold_moves_until_counts_agree(share: float) -> None:
    assert moved(share) == pytest.approx(share, rel=0.01)


def test_a_threshold_that_is_right_stays() -> None:
    assert moved(1.0) == 1
    assert moved(1.004) == 1  # within one spike


def test_thin_evidence_moves_nothing() -> None:
    assert moved(1.5, samples=2, spikes_each=FEW_SPIKES) > 1
    assert moved(1.5, samples=2, spikes_each=FEW_SPIKES - 1) == 1


def test_samples_that_judge_have_to_agree() -> None:
    assert moved(1.2, judged=1 / 1.2) == 1


def test_a_threshold_moves_by_a_factor_of_two_at_most() -> None:
    assert moved(5.0) == pytest.approx(2, rel=0.001)
    assert moved(0.1) == pytest.approx(0.5, rel=0.01)


def layer() -> Network:
    """60 neurons with a loop, of weights that 3 bits hold badly, and a read-out."""
    rng = np.random.default_rng(0)
    return network(
        [
            population("lif", 60, decay=0.9, reset=Reset.SUBTRACT),
            population("out", 3, decay=0.9, spiking=False),
        ],
        [
            projection("x", "lif", rng.normal(0.1, 0.3, (60, 20))),
            projection("lif", "lif", rng.normal(0, 0.1, (60, 60)), delay=1),
            projection("lif", "out", rng.normal(0, 1, (3, 60))),
        ],
    )


def test_counts_come_nearer_on_data_that_chose_nothing() -> None:
    net = layer()
    reference = refer(net, {"x": spikes((50, 32, 20), seed=1)})
    fixed = quantize(net, weight_bits=3)
    found = recalibrate_on(net, fixed, reference)
    other = refer(net, {"x": spikes((50, 32, 20), seed=2)})
    wanted = other.signals.spikes["lif"].sum(axis=0, dtype=int)
    x = {"x": other.inputs["x"].astype(np.int32)}
    before, after = (
        np.abs(integers.execute(f, x).spikes["lif"].sum(axis=0, dtype=int) - wanted).sum()
        for f in (fixed, found)
    )
    assert after < 0.8 * before
    assert all(b.proven.all() for b in bound_states(found).values())
    assert found.populations[1] is fixed.populations[1]
    again = recalibrate_on(net, fixed, reference)
    assert found.populations[0].threshold.tobytes() == again.populations[0].threshold.tobytes()


def test_counts_are_those_of_forced_runs() -> None:
    """The bisection ends at what the whole network, teacher-forced, says of it."""
    net = layer()
    reference = refer(net, {"x": spikes((50, 32, 20), seed=1)})
    fixed = quantize(net, weight_bits=3)
    found = recalibrate_on(net, fixed, reference)
    x = {"x": reference.inputs["x"].astype(np.int32)}
    wanted = reference.signals.spikes["lif"][:, ::2].sum(axis=(0, 1), dtype=int)
    before, after = (
        integers.execute(f, x, forced=reference.signals.spikes)
        .spikes["lif"][:, ::2]
        .sum(axis=(0, 1), dtype=int)
        for f in (fixed, found)
    )
    changed = found.populations[0].threshold != fixed.populations[0].threshold
    assert changed.sum() > 30
    assert (np.abs(after - wanted)[changed] < np.abs(before - wanted)[changed]).all()
    factor = found.populations[0].threshold / fixed.populations[0].threshold
    inside = changed & (np.abs(np.log2(factor)) < 0.9)  # a factor of 2 is the most there is
    assert inside.sum() > 30
    assert np.median(np.abs(after - wanted)[inside]) == 0
    assert np.abs(after - wanted)[inside].max() <= 2


def test_neurons_of_a_channel_move_together_and_the_account_says_so() -> None:
    kernels = np.random.default_rng(1).normal(0.2, 0.5, (2, 1, 3))
    net = network(
        [population("lif", 12, shape=(2, 6), decay=0.8)],
        [projection("x", "lif", None, convolution(kernels))],
        inputs={"x": (1, 8)},
    )
    reference = refer(net, {"x": spikes((60, 32, 8), seed=1)})
    fixed = quantize(net, weight_bits=2)
    found = recalibrate_on(net, fixed, reference)
    threshold = found.populations[0].threshold.reshape(2, 6)
    assert (threshold == threshold[:, :1]).all()
    (before,), (after,) = account_for(net, fixed), account_for(net, found)
    assert (before.thresholds_moved, before.threshold_move) == (0, 0)
    moves = threshold[:, 0] / fixed.populations[0].threshold.reshape(2, 6)[:, 0] - 1
    assert after.thresholds_moved == 6 * np.count_nonzero(moves) > 0
    assert after.threshold_move == pytest.approx(np.abs(moves).max())
    assert after.threshold_error == before.threshold_error


def test_a_threshold_that_would_overflow_stays() -> None:
    """The bound of a reset to 0 is the threshold and a step's drive: 2^23 leaves room for both."""
    net = one_neuron(np.full((1, 2), 1.0), threshold=1.0)
    fixed = quantize(net)
    (p,), (q,) = fixed.populations, fixed.projections
    (operator,) = q.operators
    assert isinstance(operator, FixedDense)
    room = 2**17 - int(operator.weight.sum()) * 2**q.weight_exp
    wanted = np.full((4, 1), 100)

    def threshold_from(start: int) -> int:
        high = replace(p, threshold=np.array([start], np.int32))

        def count(now: FixedPopulation) -> Counts:
            return np.where(now.threshold > start + 20, wanted, 2 * wanted)

        given = replace(fixed, populations=(high,))
        assert bound_states(given)["lif"].proven.all()
        found = recalibrated(net, given, {"lif": wanted}, {"lif": count})
        assert bound_states(found)["lif"].proven.all()
        return int(found.populations[0].threshold[0])

    assert threshold_from(room - 30) == room - 9
    assert threshold_from(room - 10) == room - 10
