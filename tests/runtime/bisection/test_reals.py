"""The real numbers that integers stand for: a network that holds, and that spikes as they do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from snnc.compiler.check import check_network
from snnc.compiler.fixed import FixedNetwork
from snnc.compiler.network import Integration
from snnc.runtime.bisection.reals import meant_by
from snnc.targets.float.executor import execute as execute_real
from snnc.targets.integer.reference import execute
from tests.builders import fixed_network, fixed_population, fixed_projection
from tests.drawn.fixed import fixed_networks
from tests.runtime.bisection.faulty import spikes


@settings(max_examples=15)
@given(fixed_networks())
def test_any_network_has_one(network: FixedNetwork) -> None:
    assert not tuple(check_network(meant_by(network)))


CASES: dict[str, tuple[dict[str, Any], Integration]] = {
    "no current": ({"dv": 2048}, Integration.DECAY),
    "a bias": ({"dv": 2048, "bias_mant": 64, "bias_exp": 2}, Integration.DECAY),
    "a current": ({"du": 1023, "dv": 2048}, Integration.CURRENT_DECAY),
    "a current and a bias": (
        {"du": 1023, "dv": 2048, "bias_mant": 64, "bias_exp": 2},
        Integration.CURRENT_EULER,
    ),
    "a reset by subtraction": ({"dv": 2048, "reset": "subtract"}, Integration.DECAY),
    "refractory steps": ({"dv": 2048, "refractory": 2}, Integration.DECAY),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_computes_what_the_integers_do(case: tuple[dict[str, Any], Integration]) -> None:
    """Up to rounding: large weights let the potentials of 24 bits stand for real ones."""
    fields, integration = case
    random = np.random.default_rng(2)
    lif = fixed_population("lif", 6, threshold=9000, scale=64 * 9000.0, **fields)
    weight = random.integers(-90, 120, (6, 10))
    fixed = fixed_network([lif], [fixed_projection("x", "lif", weight, weight_exp=6, delay=0)])
    real = meant_by(fixed)
    (population,) = real.populations
    assert population.integration is integration
    x = spikes(40, 3, 10, rate=0.3)
    wanted = execute(fixed, {"x": x.astype(np.int32)})
    found = execute_real(real, {"x": x})
    assert wanted.spikes["lif"].sum() > 20
    assert (found.spikes["lif"] == wanted.spikes["lif"]).mean() > 0.98
    gap = np.abs(found.v["lif"] - wanted.v["lif"] / (64 * 9000.0))
    assert np.median(gap) < 1e-3


def test_what_has_no_place_is_told() -> None:
    """A current with a memory, a potential that never decays, and a bias."""
    lif = fixed_population("lif", 1, du=100, dv=0, bias_mant=3)
    real = meant_by(fixed_network([lif], [fixed_projection("x", "lif", [[1]])]))
    assert real.choices == (
        "the real numbers were made from the integers",
        "the bias of lif is in the integers alone",
    )
