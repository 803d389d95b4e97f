"""What a user is told before trusting the integers: when, and the whole text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from snnc.compiler.quantization.account import Overflow, PopulationAccount, account_for
from snnc.compiler.quantization.guards import overflow_problems, warnings_of
from snnc.compiler.quantization.quantize import quantize
from tests.builders import SEEN, one_neuron

CLEAN = PopulationAccount(
    name="lif",
    origin=("net.fc", "net.lif"),
    neurons=1,
    weight_bits=8,
    weight_exp=(0,),
    threshold_min=32,
    threshold_max=99,
    weights=1,
    weights_rounded_to_zero=0,
    weight_sqnr_db=None,
    bias_error=0.0,
    time_constant_error=0.05,
    overflow=Overflow.PROVEN,
    u_bound=0.5,
    v_bound=0.5,
    width=4,
)


def warnings(**fields: Any) -> list[str]:
    return [w.text("warning") for w in warnings_of((replace(CLEAN, **fields),))]


def test_no_warnings() -> None:
    assert warnings() == []


@pytest.mark.parametrize(("error", "found"), [(0.0512, "5.1 % off"), (None, "no decay at all")])
def test_time_constant_warning(error: float | None, found: str) -> None:
    assert warnings(time_constant_error=error) == [
        "warning[SNN302]: a time constant keeps its value to 5 % when its decay is rounded to 12 "
        "bits\n"
        "  --> net.fc + net.lif\n"
        f"   found: {found}\n"
        "   limit: 5 %; the decay is a fraction of 4096\n"
        "  remedy: use a longer step, or a shorter time constant"
    ]


def test_few_counts_warning() -> None:
    assert warnings(threshold_min=31) == [
        "warning[SNN304]: a threshold is at least 32 counts\n"
        "  --> net.fc + net.lif\n"
        "   found: a threshold of 31 counts\n"
        "   limit: 32 counts\n"
        "  remedy: train with smaller weights against the threshold"
    ]


def test_lost_weights_warning() -> None:
    assert warnings(weights=100, weights_rounded_to_zero=50) == []
    assert warnings(weights=100, weights_rounded_to_zero=51) == [
        "warning[SNN305]: rounding leaves at least half of a population's weights\n"
        "  --> net.fc + net.lif\n"
        "   found: 51 of 100 weights became zero\n"
        "   limit: 50 %\n"
        "  remedy: allow wider weights with --weight-bits, or train with more even ones"
    ]


@pytest.mark.parametrize(
    "fields", [{"weights": 9, "weights_rounded_to_zero": 9}, {"dead_sources": 1}]
)
def test_no_wider_weights_where_there_are_none(fields: dict[str, int]) -> None:
    (text,) = warnings(width=8, **fields)
    assert text.endswith(
        "  remedy: weights have the 8 bits that there are; train with more even ones"
    )


@pytest.mark.parametrize(("v_bound", "found"), [(1.234, "123 %"), (None, "an unknown share")])
def test_overflow_warning(v_bound: float | None, found: str) -> None:
    assert warnings(overflow=Overflow.NOT_PROVEN, v_bound=v_bound) == [
        "warning[SNN303]: u and v are proven never to leave their 24 bits\n"
        "  --> net.fc + net.lif\n"
        f"   found: |u| up to 50 %, |v| up to {found} of the range\n"
        "   limit: less than the range of 24 bits, whatever the input\n"
        "  remedy: verify on typical data; u would wrap and v stick at its limit, as on Loihi: "
        "--overflow clip accepts it"
    ]
    both = warnings(overflow=Overflow.NOT_PROVEN, u_bound=None, v_bound=v_bound)
    assert "--overflow wrap,clip accepts it" in both[0]


def test_warnings_of_a_real_network() -> None:
    """Tau of 10,000 steps, inhibition and a weight of 30 thresholds: all three at once."""
    real = one_neuron([[30, -30]], decay=0.9999)
    codes = [w.rule.code for w in warnings_of(account_for(real, quantize(real)))]
    assert codes == ["SNN302", "SNN304", "SNN303"]


def test_dead_source_warning() -> None:
    assert warnings(sources=64, dead_sources=3) == [
        "warning[SNN311]: what a population receives has a weight that rounding leaves\n"
        "  --> net.fc + net.lif\n"
        "   found: all weights of 3 of 64 sources became zero\n"
        "   limit: one weight of each at least\n"
        "  remedy: allow wider weights with --weight-bits, or train with more even ones"
    ]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"spikes": 0, "error": 1.0}, "no spike, 100 in the float network"),
        ({"spikes": 950}, "950 of 1,000 possible spikes, 100 in the float network"),
        ({"spikes": 121}, "121 spikes, 100 in the float network"),
        ({"spikes": 79}, "79 spikes, 100 in the float network"),
        ({"error": 0.51}, "spike counts of its neurons 51 % off"),
    ],
)
def test_signals_warning(fields: dict[str, Any], found: str) -> None:
    assert warnings(observed=replace(SEEN, error_local=0.02, **fields)) == [
        "warning[SNN310]: a population does on typical data what it does in the float network\n"
        "  --> net.fc + net.lif\n"
        f"   found: {found}; 100 spikes and 2 % error where it receives what the float network "
        "sends\n"
        "   limit: 20 % more or fewer spikes, 50 % error, on 4 samples of the data\n"
        "  remedy: it is right by itself: look at what drives it, populations before it or its "
        "own spikes"
    ]


@pytest.mark.parametrize("fields", [{"spikes_local": 79}, {"error_local": 0.26}])
def test_bad_by_itself(fields: dict[str, Any]) -> None:
    (text,) = warnings(observed=replace(SEEN, error=0.6, **fields))
    assert text.endswith(
        "  remedy: its own rounding does it: allow wider weights with --weight-bits, or train "
        "with more even ones"
    )


def test_readout_warning() -> None:
    readout = replace(SEEN, possible=0, reference=0, spikes=0, spikes_local=0)
    assert warnings(observed=replace(readout, error=0.5)) == []
    (text,) = warnings(observed=replace(readout, error=0.51, error_local=0.3))
    assert "found: its potentials 51 % off; 30 % error where it receives" in text


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"spikes": 120},
        {"spikes": 80},
        {"error": 0.5},
        {"reference": 20, "spikes": 40},
        {"reference": 49, "spikes": 49, "error": 0.9},
        {"reference": 960, "spikes": 970},
    ],
)
def test_no_signals_warning(fields: dict[str, Any]) -> None:
    assert warnings(observed=replace(SEEN, **fields)) == []


def test_observed_in_the_overflow_warning() -> None:
    fields: dict[str, Any] = {"overflow": Overflow.OBSERVED, "v_bound": None, "observed": SEEN}
    (text,) = warnings(**fields)
    assert (
        "found: |u| up to 50 %, |v| up to an unknown share of the range; 25 % and 50 % on 4 "
        "samples of the data\n"
    ) in text
    account = replace(CLEAN, **fields)
    assert not list(warnings_of((account,), ("clip",)))
    assert list(warnings_of((account,), ("wrap",)))


@pytest.mark.parametrize(
    ("field", "signal", "accept"), [("u_seen", "u", "wrap"), ("v_seen", "v", "clip")]
)
def test_violation(field: str, signal: str, accept: str) -> None:
    over: dict[str, Any] = {field: 1.5}
    seen = replace(SEEN, **over)
    account = replace(CLEAN, overflow=Overflow.VIOLATED, observed=seen)
    (problem,) = overflow_problems((account,), ())
    assert problem.text() == (
        "error[SNN307]: u and v stay within their 24 bits on the calibration data\n"
        "  --> net.fc + net.lif\n"
        f"   found: |{signal}| up to 12,582,912\n"
        "   limit: 8,388,607, which 24 bits hold, on 4 samples of the data\n"
        "  remedy: give it a leak or a reset, or data of fewer steps, or accept what the target "
        f"does then with --overflow {accept}"
    )
    assert not list(overflow_problems((account,), (accept,)))
    assert list(overflow_problems((account,), ({"wrap", "clip"} - {accept})))


def test_silent_data() -> None:
    silent = replace(SEEN, reference=0, spikes=0, spikes_local=0, error=None, error_local=None)
    read_out = replace(CLEAN, observed=replace(silent, possible=0))
    accounts = (replace(CLEAN, observed=silent), read_out)
    (warning,) = warnings_of(accounts)
    assert warning.text("warning") == (
        "warning[SNN308]: calibration data make neurons spike\n"
        "  --> net.fc + net.lif\n"
        "   found: no spike here or behind it, in the float network and in the integers\n"
        "   limit: a spike of any population, on 4 samples of the data\n"
        "  remedy: give typical data with --calibrate, or none"
    )
    assert not list(warnings_of((*accounts, replace(CLEAN, observed=SEEN))))
    assert not list(warnings_of((read_out,)))
