"""Directed cases of the integer arithmetic: each sits where one rule of the document decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snnc.compiler.fixed import FixedAxons, FixedInput, FixedNetwork, FixedReset
from snnc.compiler.operators import (
    FixedConvolution,
    FixedOperator,
    FixedScaling,
    MaxPooling,
    SumPooling,
    Window,
    result_shape,
)
from tests import oracle
from tests.builders import (
    fixed_convolution,
    fixed_dense,
    fixed_network,
    fixed_population,
    fixed_projection,
    integers_for,
    one_fixed,
    window,
)

Inputs = Mapping[str, npt.NDArray[np.int32]]
Recorded = Mapping[str, Mapping[str, npt.NDArray[np.integer]]]
Case = tuple[FixedNetwork, Inputs]


def given(*rows: int | tuple[int, ...]) -> Inputs:
    """Make the input ``x`` of one sample: a row of integers for each step."""
    values = np.array([row if isinstance(row, tuple) else (row,) for row in rows], np.int32)
    return {"x": values[:, None, :]}


def behind(
    shape: tuple[int, ...],
    *operators: FixedOperator,
    max_abs: int = 9,
    weight_exp: int = 0,
    seed: int = 0,
    **fields: Any,
) -> Case:
    """Make neurons that keep nothing behind ``operators``, on eight steps of random integers."""
    after = result_shape(operators, shape)
    defaults: dict[str, Any] = {"dv": 4096, "threshold": 2, "reset": "none"}
    lif = fixed_population(n=prod(after), shape=after, **(defaults | fields))
    q = fixed_projection("x", "lif", None, *operators, weight_exp=weight_exp)
    net = fixed_network([lif], [q], inputs=[FixedInput("x", shape, 1.0, max_abs)])
    return net, integers_for(net, steps=8, batch=2, seed=seed)


def numbered(*shape: int) -> npt.NDArray[np.int8]:
    """Give weights that all differ, of both signs."""
    values = np.arange(prod(shape)) * 7 % 61 - 29
    return values.reshape(shape).astype(np.int8)


PUSHES = given(1, 1, 0, -1, -1, -1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0)

_NEURONS: dict[str, Case] = {
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

UNEVEN = Window((2, 3), (1, 2), ((1, 0), (0, 2)), (2, 1))
"""A window that is different on both axes, before and behind, in all that it has."""
SIGNED = FixedScaling(weight=numbered(2 * 4 * 5).ravel())

_OPERATORS: dict[str, Case] = {
    "factors": behind((2, 4, 5), SIGNED),
    "convolution": behind(
        (3, 4, 5), FixedConvolution(weight=numbered(4, 3, 2, 3), window=UNEVEN, groups=1)
    ),
    "convolution in groups": behind(
        (4, 4, 5), FixedConvolution(weight=numbered(6, 2, 2, 3), window=UNEVEN, groups=2)
    ),
    "convolution of a line": behind(
        (2, 9), fixed_convolution(numbered(3, 2, 3), stride=2, padding=(2, 1), dilation=2)
    ),
    "sums, then weights": behind(
        (2, 4, 5), SumPooling(window=UNEVEN), fixed_dense(numbered(3, 18))
    ),
    "weights, then sums": behind((2, 4, 5), SIGNED, SumPooling(window=UNEVEN)),
    "largest, then weights": behind(
        (2, 4, 5), MaxPooling(window=UNEVEN), fixed_dense(numbered(3, 18))
    ),
    "weights, then largest": behind((2, 4, 5), SIGNED, MaxPooling(window=UNEVEN)),
    "largest of what is below zero": (
        fixed_network(
            [fixed_population(n=4, shape=(1, 4), reset="none", dv=4096)],
            [
                fixed_projection(
                    "x",
                    "lif",
                    None,
                    fixed_convolution([[[-3]]]),
                    MaxPooling(window=window(2, padding=1, stride=1)),
                )
            ],
            inputs=[FixedInput("x", (1, 3), 1.0, 9)],
        ),
        given((5, 6, 7), (7, 6, 5), (1, 1, 1), (0, 9, 0)),
    ),
    "exponent behind pooling": behind((2, 4, 5), SIGNED, SumPooling(window=UNEVEN), weight_exp=-3),
    "a sum of more than 24 bits": (
        one_fixed([[127, 1]], max_abs=2**18 + 1, weight_exp=-7, dv=4096, reset="none"),
        given((2**18 + 1, 0), (2**18 + 1, 1), (-(2**18) - 1, 0), (2**18, 127)),
    ),
    "axons of an input and a population": (
        replace(
            fixed_network(
                [
                    fixed_population("a", 3, lag=1),
                    fixed_population("b", 2, shape=(1, 2), dv=4096, reset="none", lag=2),
                ],
                [
                    fixed_projection("x", "a", numbered(3, 4)),
                    fixed_projection(
                        "both", "b", None, fixed_convolution(numbered(1, 2, 2)), delay=2
                    ),
                ],
                inputs=[FixedInput("x", (4,), 1.0, 9)],
            ),
            axons=(
                FixedAxons(
                    name="both",
                    shape=(2, 3),
                    sources=("a", "x"),
                    member=np.array([1, 0, 1, 0, 0, 1], np.int32),
                    element=np.array([3, 2, 0, 1, 0, 2], np.int32),
                ),
            ),
        ),
        given((1, 2, 3, 4), (0, -5, 9, 0), (7, 0, 0, 1), (0, 0, 0, 8), (1, 1, 1, 1)),
    ),
    "initial": (
        one_fixed([[9], [1], [1]], dv=[5, 100, 4096], threshold=10, initial=[639, 5000, -700]),
        given(0, 0, 1, 1, 0, 0, 1),
    ),
    "initial and a lag": (
        one_fixed([[9]], dv=5, threshold=10, initial=600, lag=3, delay=4),
        given(1, 0, 0, 1, 1, 0),
    ),
    "read-out": (
        one_fixed(
            [[15], [127]],
            dv=[100, 0],
            threshold=[10, 0],
            reset="none",
            spiking=False,
            initial=[-50, 2**23 - 1],
            bias_mant=3,
        ),
        given(1, 1, 1, 0, 1, -1, -1, 0),
    ),
} | {
    f"refractory, reset {reset}": (
        one_fixed(
            [[15], [25], [70], [11]],
            du=[4095, 4095, 2000, 0],
            dv=[0, 100, 700, 3000],
            threshold=10,
            reset=reset,
            refractory=steps,
        ),
        given(1, 1, 1, 0, 1, 0, 0, 0, -1, -1, 1, 1, 1, 1, 0, 0, 0, 0),
    )
    for reset, steps in zip(FixedReset, (1, 2, 3, 1, 2, 3), strict=True)
}


CASES = _NEURONS | _OPERATORS


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
