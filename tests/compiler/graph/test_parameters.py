"""Numbers that nobody can compute with are refused, whatever a node is meant to compute."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from snnc.compiler.semantics.dialect_table import DIALECTS
from tests.builders import chain, lif, linear
from tests.compiler.neurons import cuba, fed, leaky_read_out, threshold
from tests.compiler.semantics.noted import PARAMETER, STEP, message, noted, plain, text

FINITE = "finite numbers"
MOST = "3.40282e+38, the largest float32"
FOR_EVER = "above v_reset: the neuron would fire for ever"


def not_finite(value: str) -> str:
    return f"1 of 1 are not finite ({value})"


@pytest.mark.parametrize(
    ("neuron", "field", "found", "limit"),
    [
        ({"tau": 0.0}, "tau", "0", "above 0"),
        ({"tau": -0.01}, "tau", "-0.01", "above 0"),
        ({"tau": np.nan}, "tau", not_finite("nan"), FINITE),
        ({"tau": np.inf}, "tau", not_finite("inf"), FINITE),
        ({"r": np.nan}, "r", not_finite("nan"), FINITE),
        ({"r": np.array([1e300])}, "r", "1e+300", MOST),
        ({"v_leak": -np.inf}, "v_leak", not_finite("-inf"), FINITE),
        ({"v_threshold": 0.0}, "v_threshold", "0 with a reset to 0", FOR_EVER),
        ({"v_threshold": -1.5}, "v_threshold", "-1.5 with a reset to 0", FOR_EVER),
        ({"v_threshold": np.nan}, "v_threshold", not_finite("nan"), FINITE),
        ({"v_threshold": np.inf}, "v_threshold", not_finite("inf"), FINITE),
        ({"v_reset": np.nan}, "v_reset", not_finite("nan"), FINITE),
        ({"v_reset": 1.0}, "v_threshold", "1 with a reset to 1", FOR_EVER),
        ({"v_reset": 1.5}, "v_threshold", "1 with a reset to 1.5", FOR_EVER),
    ],
)
@pytest.mark.parametrize("dialect", [None, *sorted(set(DIALECTS) - {"lava-dl"})])
def test_numbers_of_neurons(
    neuron: dict[str, Any], field: str, found: str, limit: str, dialect: str | None
) -> None:
    options = {"dt": None if dialect == "sinabs" else STEP, "dialect": dialect}
    wanted = text("SNN105", f"1.{field}", found, limit, PARAMETER)
    assert message(plain(**neuron), **options) == wanted


@pytest.mark.parametrize(
    ("neuron", "field", "found", "limit"),
    [
        ({"tau_syn": 0.0}, "tau_syn", "0", "above 0"),
        ({"tau_mem": -0.01}, "tau_mem", "-0.01", "above 0"),
        ({"tau_syn": np.inf}, "tau_syn", not_finite("inf"), FINITE),
        ({"w_in": np.nan}, "w_in", not_finite("nan"), FINITE),
        ({"v_threshold": 0.0}, "v_threshold", "0 with a reset to 0", FOR_EVER),
    ],
)
@pytest.mark.parametrize("dialect", [None, "snntorch", "norse", "rockpool", "lava-dl"])
def test_numbers_of_currents(
    neuron: dict[str, Any], field: str, found: str, limit: str, dialect: str | None
) -> None:
    wanted = text("SNN105", f"1.{field}", found, limit, PARAMETER)
    assert message(fed(cuba(**neuron)), dialect=dialect) == wanted


def test_numbers_of_a_read_out() -> None:
    wanted = text("SNN105", "1.tau", "-1", "above 0", PARAMETER)
    assert message(fed(leaky_read_out(tau=-1.0))) == wanted


@pytest.mark.parametrize("value", [0.0, -0.5])
def test_a_threshold_that_silence_is_above(value: float) -> None:
    wanted = text("SNN105", "1", f"threshold: {value:g}", "above 0", PARAMETER)
    assert message(fed(threshold(value))) == wanted


def test_numbers_of_noted_neurons() -> None:
    g = noted()
    node: Any = g.nodes["lif"]
    node.tau[1] = np.inf
    found = "1 of 2 are not finite (inf)"
    assert message(g, dt=None) == text("SNN105", "lif.tau", found, FINITE, PARAMETER)


@pytest.mark.parametrize("field", ["weight", "bias"])
@pytest.mark.parametrize(
    ("bad", "found", "limit"),
    [
        (np.nan, not_finite("nan"), FINITE),
        (-np.inf, not_finite("-inf"), FINITE),
        (-1e300, "1e+300", MOST),
    ],
)
def test_numbers_of_weights(field: str, bad: float, found: str, limit: str) -> None:
    values = {"weight": np.ones((1, 1)), "bias": np.ones(1)}
    values[field].flat[0] = bad
    g = chain(nir.Affine(weight=values["weight"], bias=values["bias"]), lif())
    assert message(g) == text("SNN105", f"0.{field}", found, limit, PARAMETER)


@pytest.mark.parametrize(
    ("node", "n"),
    [
        (nir.Linear(np.array([[3e38, -3e38], [1, 1]])), 2),
        (nir.Linear(np.array([[[1, 1], [3e38, 3e38]]])), 2),
        (
            nir.Conv1d(None, np.full((1, 2, 1), 3e38), 1, 0, 1, 1, np.zeros(1)),
            (2, 1),
        ),
    ],
)
def test_a_sum_that_float32_cannot_hold(node: nir.NIRNode, n: int | tuple[int, int]) -> None:
    g = chain(node, lif(2) if n == 2 else lif())
    g.nodes["input"] = nir.Input({"input": np.atleast_1d(n)})
    found = "weights of one neuron that add up to 6e+38"
    limit = "3.40282e+38: a sum of inputs must stay a float32"
    assert message(g) == text("SNN105", "0.weight", found, limit, PARAMETER)


def test_a_delay_below_0() -> None:
    g = chain(nir.Delay(np.array([0.001, -0.5])), lif(2), n=2)
    assert message(g) == text("SNN105", "0.delay", "-0.5", "0 or more", PARAMETER)


def test_what_is_no_number() -> None:
    g = plain(v_leak=np.array(["low"]), v_threshold=np.array([1j]))
    weights: Any = g.nodes["0"]
    weights.weight = np.array([[True]])
    assert message(g) == "\n\n".join(
        text("SNN104", place, f"{kind} values", "real numbers", PARAMETER)
        for place, kind in (
            ("0.weight", "bool"),
            ("1.v_leak", "<U3"),
            ("1.v_threshold", "complex128"),
        )
    )


def test_all_at_once() -> None:
    """Of each node first whether its numbers are any, and then their range."""
    g = chain(linear([[np.nan]]), lif(tau=-1.0, v_threshold=-2.0), lif(tau=-1.0, r=np.nan))
    assert [line for line in message(g).split("\n") if "-->" in line] == [
        f"  --> {place}" for place in ("0.weight", "1.tau", "1.v_threshold", "2.r")
    ]
