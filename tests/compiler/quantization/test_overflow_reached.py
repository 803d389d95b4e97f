"""Inputs reach the bounds of ``u`` and ``v``, whatever leads to the neuron: nothing is left over.

A bound that is a tenth smaller is exceeded. That no input exceeds the bounds as they are is tested
on drawn networks in ``test_overflow.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork
from snnc.compiler.operators import FixedOperator, MaxPooling, SumPooling
from snnc.compiler.quantization import overflow
from snnc.compiler.quantization.overflow import bound_states
from tests.builders import (
    fixed_convolution,
    fixed_dense,
    fixed_network,
    fixed_population,
    fixed_projection,
    window,
)
from tests.compiler.quantization.test_overflow import adversarial, extremes

CURRENTS = {"no memory of u": 4095, "memory of u": 800, "long memory of u": 100}
"""``du``."""
ROUTES: dict[str, tuple[FixedOperator, ...]] = {
    "dense": (fixed_dense([[90, -100, 7, -3, 20, -6, 0, 50]]),),
    "convolution": (fixed_convolution([[[60, -50, 9], [-7, 80, -70]]]),),
    "pooled": (SumPooling(window=window(2, stride=2)), fixed_dense([[60, -50, 9, -7]])),
    "largest": (fixed_convolution([[[60, -50], [-7, 80]]]), MaxPooling(window=window(2))),
}
"""From an input of two rows of four. Windows whose sums overlap cannot all be at their largest and
smallest at once: there a bound is larger than what is reached."""
STEADY = ("none", "subtract", "subtract-delayed", "subtract-retest")
"""Resets under which a steady drive upwards comes close; below 0 it does under all."""
DRIVES = [
    *((reset, 1) for reset in STEADY),
    *((reset, -1) for reset in (*STEADY, "zero", "zero-next")),
]


def driven(route: str, current: str, reset: str, towards: int) -> tuple[FixedNetwork, Any]:
    """Give a network whose threshold is small beside its drive, and the input that takes it far."""
    operators = ROUTES[route]
    n = 2 if route in {"convolution", "largest"} else 1
    lif = fixed_population(
        n=n, shape=(1, n), threshold=5, dv=200, du=CURRENTS[current], reset=reset
    )
    q = fixed_projection("x", "lif", None, *operators)
    net = fixed_network([lif], [q], inputs=[FixedInput("x", (2, 4), 1.0, 3)])
    return net, adversarial(net, 400, towards=towards, graded=True)


def shares(net: FixedNetwork, x: Any, name: str = "lif") -> tuple[float, float]:
    """Give how much of the bounds of ``u`` and ``v`` neuron 0 reaches."""
    reached, bounds = extremes(net, x)[name], bound_states(net)[name]
    return reached.largest_u[0] / bounds.u[0], reached.largest_v[0] / bounds.v[0]


@pytest.mark.parametrize(("reset", "towards"), DRIVES)
@pytest.mark.parametrize("current", CURRENTS)
@pytest.mark.parametrize("route", ["dense", "convolution", "pooled"])
def test_a_steady_drive_reaches_both(route: str, current: str, reset: str, towards: int) -> None:
    of_u, of_v = shares(*driven(route, current, reset, towards))
    assert 0.9 < of_u <= 1
    assert 0.9 < of_v <= 1


@pytest.mark.parametrize("current", CURRENTS)
def test_the_largest_under_a_window_reaches_both(current: str) -> None:
    """Upwards one position under the window is enough: the first, which sees two columns."""
    net, _ = driven("largest", current, "none", 1)
    x = np.zeros((400, 2, 4), np.int64)
    x[:, :, :2] = 3 * np.sign([[60, -50], [-7, 80]])
    of_u, of_v = shares(net, {"x": x.reshape(400, 8)})
    assert 0.9 < of_u <= 1
    assert 0.9 < of_v <= 1


@pytest.mark.parametrize("current", CURRENTS)
@pytest.mark.parametrize("reset", ["none", "zero", "zero-next", *STEADY[1:]])
@pytest.mark.parametrize("sign", [1, -1])
def test_loops_reach_both(sign: int, reset: str, current: str) -> None:
    """Four neurons that spike in every step, and a fifth that hears them, and itself."""
    fields: dict[str, Any] = {"dv": 200, "du": CURRENTS[current], "reset": reset, "threshold": 5}
    net = fixed_network(
        [fixed_population("ring", 4, dv=4096, threshold=0), fixed_population("lif", **fields)],
        [
            fixed_projection("x", "ring", 100 * np.eye(4)),
            fixed_projection("ring", "ring", np.roll(20 * np.eye(4), 1, axis=1)),
            fixed_projection("ring", "lif", [[90 * sign] * 4]),
            fixed_projection("lif", "lif", 9 if sign > 0 else 0),
        ],
    )
    x = {"x": np.ones((400, 4), np.int64)}
    for name in ("ring", "lif"):
        of_u, of_v = shares(net, x, name)
        assert 0.9 < of_u <= 1
        assert 0.9 < of_v <= 1


@pytest.mark.parametrize(("signal", "function"), [("u", "drive"), ("v", "bound_potential")])
@pytest.mark.parametrize("route", ["dense", "convolution", "pooled"])
def test_smaller_bounds_are_exceeded(
    monkeypatch: pytest.MonkeyPatch, signal: str, function: str, route: str
) -> None:
    net, x = driven(route, "memory of u", "none", 1)
    assert max(shares(net, x)) <= 1
    right: Callable[..., Any] = getattr(overflow, function)

    def smaller(*args: Any, **fields: Any) -> Any:
        return 0.9 * np.asarray(right(*args, **fields))

    monkeypatch.setattr(overflow, function, smaller)
    of_u, of_v = shares(net, x)
    assert {"u": of_u, "v": of_v}[signal] > 1
