"""The step that hypotheses change is the reference's as long as none does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings

from snnc.compiler.fixed import FixedNetwork
from snnc.runtime.compare import Divergence
from snnc.runtime.divergence.dynamics import Overflow, Range, Rounding, quotient
from snnc.runtime.divergence.evidence import Course, differing, evidence_of, made, made_at
from snnc.runtime.divergence.synapses import synapses_of, way
from tests.runtime.divergence.test_causes import trace
from tests.targets.cpu.equality import Array, integer_runs


def _as_given(fixed: FixedNetwork, x: dict[str, Array]) -> dict[str, Array]:
    """Give what a user would for these integers."""
    return {
        i.name: x[i.name].reshape(*x[i.name].shape[:2], *i.shape) * i.step for i in fixed.inputs
    }


@settings(max_examples=40, phases=[Phase.explicit, Phase.generate])
@given(integer_runs())
def test_each_step_of_the_reference_follows_from_the_one_before(
    run: tuple[FixedNetwork, dict[str, Array]],
) -> None:
    fixed, x = run[0], _as_given(*run)
    if fixed.axons:
        return
    other = trace(fixed, run[1])
    for p in fixed.populations:
        place = Divergence(0, 0, p.name, (0,) * len(p.shape), "v", 0, 0)
        evidence = evidence_of(fixed, x, other, place)
        course = Course(dynamics=evidence.dynamics)
        result = made(evidence, course)
        assert not differing(evidence, result).any()
        steps, samples, neurons = (i.ravel() for i in np.indices(evidence.shape))
        few = made_at(evidence, course, (steps, samples, neurons))
        assert (few.v == result.v.ravel()).all()
        for arrival in evidence.arrivals:
            synapses = synapses_of(arrival, (steps, samples, neurons))
            if synapses is not None:
                weights = way(arrival.projection.operators).weighted.weight.astype(np.int64)
                y = (synapses.brought * weights.ravel()[synapses.index]).sum(axis=1)
                e = arrival.projection.weight_exp
                assert ((y << e if e > 0 else y >> -e) == arrival.late().ravel()).all()


@pytest.mark.parametrize(
    ("rounding", "wanted"),
    [
        (Rounding.ZERO, [-1, -1, 0, 0, 0, 0, 0, 1, 1]),
        (Rounding.AWAY, [-2, -1, -1, -1, 0, 1, 1, 1, 2]),
        (Rounding.FLOOR, [-2, -1, -1, -1, 0, 0, 0, 1, 1]),
        (Rounding.CEILING, [-1, -1, 0, 0, 0, 1, 1, 1, 2]),
        (Rounding.NEAREST, [-1, -1, 0, 0, 0, 0, 1, 1, 2]),
        (Rounding.EVEN, [-2, -1, 0, 0, 0, 0, 0, 1, 2]),
        (Rounding.HALF_AWAY, [-2, -1, -1, 0, 0, 0, 1, 1, 2]),
    ],
)
def test_roundings(rounding: Rounding, wanted: list[int]) -> None:
    x = np.array([-6, -4, -2, -1, 0, 1, 2, 4, 6])
    assert quotient(x, 2, rounding).tolist() == wanted


@pytest.mark.parametrize(
    ("overflow", "wanted"),
    [
        (Overflow.NONE, [-9, -8, -7, 7, 8, 9, 30]),
        (Overflow.WRAP, [7, -8, -7, 7, -8, -7, -2]),
        (Overflow.LAVA, [7, 8, -7, 7, 8, -7, 14]),
        (Overflow.SATURATE, [-8, -8, -7, 7, 7, 7, 7]),
        (Overflow.SYMMETRIC, [-7, -7, -7, 7, 7, 7, 7]),
    ],
)
def test_ranges(overflow: Overflow, wanted: list[int]) -> None:
    x = np.array([-9, -8, -7, 7, 8, 9, 30])
    assert Range(overflow, 4).held(x).tolist() == wanted
