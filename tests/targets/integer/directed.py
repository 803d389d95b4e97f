"""Directed cases of the integer arithmetic: each sits where one rule of the document decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedInput, FixedNetwork, FixedReset
from tests import oracle
from tests.builders import fixed_network, fixed_population, fixed_projection, one_fixed

Inputs = Mapping[str, npt.NDArray[np.int32]]
Recorded = Mapping[str, Mapping[str, npt.NDArray[np.integer]]]
Case = tuple[FixedNetwork, Inputs]


def given(*rows: int | tuple[int, ...]) -> Inputs:
    """Make the input ``x`` of one sample: a row of integers for each step."""
    values = np.array([row if isinstance(row, tuple) else (row,) for row in rows], np.int32)
    return {"x": values[:, None, :]}


PUSHES = given(1, 1, 0, -1, -1, -1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0)

CASES: dict[str, Case] = {
    "u remembers": (one_fixed(3, du=1000, dv=300, threshold=9000), PUSHES),
    "u hardly forgets": (one_fixed(100, du=0, dv=0, threshold=9000), PUSHES),
    "v at the threshold": (one_fixed(10, dv=4096, threshold=10), given(1, 1, 0, 1)),
    "r at the threshold": (
        one_fixed(10, dv=0, threshold=10, reset="subtract-delayed"),
        given(1, 0, 1, 0, 0),
    ),
    "v below zero": (one_fixed(-1, dv=3, threshold=10), given(1, 1, 1, 0, 0, 0)),
    "u at 2**23": (
        one_fixed(64, max_abs=16, weight_exp=7, dv=4096, reset="none"),
        given(16, -16, 0, 15),
    ),
    "u beyond 2**23": (
        one_fixed(127, max_abs=255, weight_exp=3, dv=2048, reset="none", threshold=100),
        given(255, 255, -255, 0, 60, -60),
    ),
    "u two ranges out": (
        one_fixed(127, max_abs=255, weight_exp=7, du=2000, dv=4096, reset="none"),
        given(255, 0, -255),
    ),
    "v at its limits": (
        one_fixed(127, max_abs=255, weight_exp=2, dv=0, reset="none", threshold=131071),
        given(255, 255, 0, -255, -255, -255, -255, 0, 255),
    ),
    "bias": (
        one_fixed([[1], [1]], bias_mant=[77, -4095], bias_exp=[5, 7], dv=[100, 4000], threshold=99),
        given(*[0] * 12),
    ),
    "sum before exponent": (
        one_fixed([[1, 1, 1], [-1, -1, -1]], weight_exp=-1, dv=4096, threshold=0),
        given((1, 1, 1), (1, 0, 0), (1, 1, 0), (-1, 0, 0)),
    ),
    "weights to the left": (one_fixed(-3, weight_exp=4, dv=77), PUSHES),
    "delay": (one_fixed(20, delay=3), given(1, 0, 0, 0, 1, 1, 0, 0)),
    "no delay": (one_fixed(20, delay=0), given(1, 0, 0, 0, 1, 1, 0, 0)),
    "graded": (one_fixed(1, max_abs=127, dv=1000), given(-127, 5, 127, 127, 0, 3)),
    "lag": (
        fixed_network(
            [
                fixed_population("a", lag=1, bias_mant=700, dv=0, threshold=10),
                fixed_population("b", lag=3, bias_mant=-5, bias_exp=3, dv=100, threshold=1),
            ],
            [
                fixed_projection("x", "a", 3, delay=1),
                fixed_projection("a", "b", 9, delay=2),
                fixed_projection("x", "b", 2, delay=3),
                fixed_projection("b", "a", -7, delay=1),
            ],
            inputs=[FixedInput("x", (1,))],
        ),
        given(1, 1, 0, 1, 1, 1, 0, 0, 1, 1),
    ),
} | {
    f"reset {reset}": (
        one_fixed([[15], [25], [70], [11]], dv=[0, 100, 700, 3000], threshold=10, reset=reset),
        given(1, 1, 1, 0, 1, 0, 0, 0, -1, -1, 1, 1, 1, 1, 0, 0, 0, 0),
    )
    for reset in FixedReset
}


def first_difference(
    network: FixedNetwork, inputs: Inputs, execute: Callable[[FixedNetwork, Inputs], Recorded]
) -> str:
    """Compare ``execute`` with the oracle over the steps of each population.

    Returns:
        Where they differ first, or nothing.
    """
    wanted = oracle.as_arrays(oracle.run(network, inputs))
    got = execute(network, inputs)
    steps = next(iter(inputs.values())).shape[0]
    for p in network.populations:
        for signal in ("u", "v", "spikes"):
            theirs = got[signal][p.name][p.lag : p.lag + steps].astype(np.int64)
            ours = wanted[signal][p.name][p.lag : p.lag + steps]
            if theirs.shape != ours.shape:
                return f"{p.name}.{signal}: shape {theirs.shape}, oracle {ours.shape}"
            if (theirs != ours).any():
                t, b, i = np.argwhere(theirs != ours)[0]
                return (
                    f"{p.name}.{signal}, step {t}, sample {b}, neuron {i}: "
                    f"{theirs[t, b, i]}, oracle {ours[t, b, i]}"
                )
        if (got["spikes"][p.name] != wanted["spikes"][p.name]).any():
            return f"{p.name}: spikes outside its time"
    return ""
