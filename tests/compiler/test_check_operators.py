"""Operators, ranges and synaptic input of integers: what the compiler's own check finds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snnc.compiler.fixed import FixedInput, FixedNetwork, SignMode
from snnc.compiler.operators import (
    FixedOperator,
    FixedScaling,
    MaxPooling,
    SumPooling,
    result_shape,
)
from tests.builders import (
    fixed_convolution,
    fixed_dense,
    fixed_network,
    fixed_population,
    fixed_projection,
    network,
    one_fixed,
    population,
    projection,
    window,
)
from tests.compiler.checked import said, text


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("du", 0, 4095),
        ("dv", 0, 4096),
        ("threshold", 0, 131071),
        ("bias_mant", -4095, 4095),
        ("bias_exp", 0, 7),
    ],
)
def test_fixed_ranges(field: str, low: int, high: int) -> None:
    within: dict[str, Any] = {field: [low, high]}
    beyond: dict[str, Any] = {field: [low - 1, high + 1]}
    assert said(one_fixed([[1], [1]], **within)) == []
    found = f"{field}: {low - 1} to {high + 1}"
    limit = f"{low} to {high}"
    assert said(one_fixed([[1], [1]], **beyond)) == [text("SNN105", "lif", found, limit)]
    net = one_fixed()
    square: dict[str, Any] = {field: np.zeros((2, 2), np.int32)}
    broken = replace(net.populations[0], **square)
    wanted = text("SNN104", "lif", f"{field} of shape [2, 2]", "shape [1]")
    assert said(replace(net, populations=(broken,))) == [wanted]


def test_initial_potentials_have_24_bits() -> None:
    most = 2**23 - 1
    assert said(one_fixed([[1], [1]], initial=[-most, most])) == []
    wanted = text("SNN105", "lif", "initial: 0 to 8.38861e+06", "-8388607 to 8388607")
    assert said(one_fixed([[1], [1]], initial=[0, most + 1])) == [wanted]


def test_fixed_projections() -> None:
    for good in (-7, 7):
        assert said(one_fixed(weight_exp=good)) == []
    for bad in (-8, 8):
        found = f"weight_exp: {bad} to {bad}"
        assert said(one_fixed(weight_exp=bad)) == [text("SNN105", "fc", found, "-7 to 7")]
    assert said(one_fixed(delay=100_000)) == []
    for bad in (-1, 100_001):
        found = f"delay: {bad} to {bad}"
        assert said(one_fixed(delay=bad)) == [text("SNN105", "fc", found, "0 to 100000")]


KINDS = [
    (bits, mode, low, high)
    for bits in range(1, 9)
    for mode, low, high in (
        (SignMode.MIXED, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1),
        (SignMode.EXCITATORY, 0, 2**bits - 1),
        (SignMode.INHIBITORY, 1 - 2**bits, 0),
    )
    if bits > 1 or mode is not SignMode.MIXED
]


@pytest.mark.parametrize(("bits", "mode", "low", "high"), KINDS)
def test_weights_of_each_width_and_mode(bits: int, mode: SignMode, low: int, high: int) -> None:
    kind: dict[str, Any] = {"weight_bits": bits, "sign_mode": mode}
    spare = 8 - bits
    for exponent in (spare - 7, spare + 7):
        assert said(one_fixed([[low], [high]], weight_exp=exponent, **kind)) == []
    assert said(one_fixed([[low - 1]], weight_exp=spare, **kind)) == [
        text("SNN105", "fc", f"weight: {low - 1} to 0", f"{low} to {high}")
    ]
    assert said(one_fixed([[high + 1]], weight_exp=spare, **kind)) == [
        text("SNN105", "fc", f"weight: 0 to {high + 1}", f"{low} to {high}")
    ]
    for exponent in (spare - 8, spare + 8):
        found = f"weight_exp: {exponent} to {exponent}"
        limit = f"{spare - 7} to {spare + 7}"
        assert said(one_fixed(0, weight_exp=exponent, **kind)) == [
            text("SNN105", "fc", found, limit)
        ]


@pytest.mark.parametrize(
    ("bits", "mode", "limit"),
    [
        (0, SignMode.EXCITATORY, "1 to 8"),
        (9, SignMode.INHIBITORY, "1 to 8"),
        (1, SignMode.MIXED, "2 to 8"),
        (9, SignMode.MIXED, "2 to 8"),
    ],
)
def test_widths(bits: int, mode: SignMode, limit: str) -> None:
    broken = one_fixed(0, weight_bits=bits, sign_mode=mode)
    found = f"weight_bits: {bits} to {bits}"
    assert said(broken) == [text("SNN105", "fc", found, limit)]


def test_weights_of_kernels_and_factors_have_a_width() -> None:
    kernels = fixed_convolution(np.full((1, 2, 1, 1), 8))
    factors = FixedScaling(weight=np.full(24, 8, np.int8))
    for operator, n in ((kernels, 12), (factors, 24)):
        q = fixed_projection("x", "lif", None, operator, weight_bits=4, weight_exp=0, name="fc")
        net = fixed_network([fixed_population(n=n)], [q], inputs=[FixedInput("x", (2, 3, 4))])
        assert said(net) == [text("SNN105", "fc", "weight: 0 to 8", "-8 to 7")]


def on_plane(*operators: FixedOperator, n: int = 12, **more: Any) -> FixedNetwork:
    """Make ``lif`` behind ``operators`` on an input of two channels of 3 by 4."""
    lif, q = fixed_population(n=n), fixed_projection("x", "lif", None, *operators, name="fc")
    return fixed_network([lif], [q], inputs=[FixedInput("x", (2, 3, 4), **more)])


DENSE = fixed_dense(np.ones((12, 24)))
POOL = SumPooling(window=window(2, 2))
KERNELS = fixed_convolution(np.ones((2, 1, 2, 2)), groups=2)


@pytest.mark.parametrize(
    "operators",
    [
        (DENSE,),
        (KERNELS,),
        (POOL, FixedScaling(weight=np.ones(12, np.int8))),
        (FixedScaling(weight=np.ones(24, np.int8)), POOL),
        (MaxPooling(window=window(3, 4, padding=(1, 2))), KERNELS, POOL),
    ],
)
def test_fixed_operators(operators: tuple[FixedOperator, ...]) -> None:
    n = int(np.prod(result_shape(operators, (2, 3, 4))))
    assert said(on_plane(*operators, n=n)) == []


@pytest.mark.parametrize(
    ("operators", "found", "limit"),
    [
        ((POOL,), "0 operators with weights", "exactly one"),
        (
            (DENSE, FixedScaling(weight=np.ones(12, np.int8))),
            "2 operators with weights",
            "exactly one",
        ),
        (
            (fixed_dense(np.ones((12, 23))),),
            "a weight of shape [12, 23] on 24 values",
            "what x sends, [2, 3, 4], through the operators",
        ),
        (
            (POOL, DENSE),
            "a weight of shape [12, 24] on 12 values",
            "what x sends, [2, 3, 4], through the operators",
        ),
        (
            (FixedScaling(weight=np.ones(9, np.int8)),),
            "[9] weights on [2, 3, 4]",
            "what x sends, [2, 3, 4], through the operators",
        ),
        (
            (fixed_convolution(np.ones((2, 1, 4, 1)), groups=2),),
            "a window of [4, 1] does not fit on [3, 4]",
            "what x sends, [2, 3, 4], through the operators",
        ),
        ((fixed_dense(np.ones((11, 24))),), "values of shape [11]", "lif, [12]"),
    ],
)
def test_fixed_operators_that_do_not_fit(
    operators: tuple[FixedOperator, ...], found: str, limit: str
) -> None:
    assert said(on_plane(*operators)) == [text("SNN104", "fc", found, limit)]


def pooled(**fields: Any) -> tuple[FixedOperator, ...]:
    return MaxPooling(window=replace(window(2, 2), **fields)), DENSE


@pytest.mark.parametrize(
    ("operators", "found", "limit"),
    [
        (pooled(kernel=(0, 2)), "kernel: [0, 2]", "1 or more"),
        (pooled(stride=(1, 0)), "stride: [1, 0]", "1 or more"),
        (pooled(dilation=(-1, 1)), "dilation: [-1, 1]", "1 or more"),
        (pooled(padding=((0, 0), (-1, 0))), "padding: [0, 0, -1, 0]", "0 or more"),
        (pooled(stride=(1,)), "window: of 1 or 2 axes", "one entry for each axis"),
        (pooled(padding=((1, 0), (1,))), "padding: [[1, 0], [1]]", "before and after each axis"),
        (pooled(padding=((2, 0), (0, 0))), "padding: a window of nothing else", "an element"),
        ((replace(KERNELS, groups=0),), "groups: 0", "1 or more"),
    ],
)
def test_windows_without_sense(
    operators: tuple[FixedOperator, ...], found: str, limit: str
) -> None:
    assert said(on_plane(*operators)) == [text("SNN105", "fc", found, limit)]


def test_fixed_ends() -> None:
    read_out = fixed_population("a", spiking=False, reset="none")
    net = fixed_network(
        [read_out, fixed_population("b")], [fixed_projection("x", "a", 1), FROM_READ_OUT]
    )
    wanted = text("SNN106", "a->b", "weights from 'a', a read-out", "an input or spikes")
    assert said(net) == [wanted]
    net = replace(one_fixed(), projections=(fixed_projection("lif", "x", 1),))
    assert said(net) == [text("SNN106", "lif->x", "weights into the input 'x'", "a population")]


FROM_READ_OUT = fixed_projection("a", "b", 1)


def test_fixed_read_outs_do_not_reset() -> None:
    assert said(one_fixed(spiking=False, reset="none")) == []
    limit = "none: a read-out has no spikes"
    assert said(one_fixed(spiking=False)) == [text("SNN105", "lif", "reset: zero", limit)]


@pytest.mark.parametrize(
    ("field", "value", "found", "limit"),
    [
        ("scale", np.nan, "scale: a value that is not finite", "finite numbers"),
        ("offset", np.inf, "offset: a value that is not finite", "finite numbers"),
        ("scale", 0.0, "scale: 0", "above 0"),
        ("scale", -2.5, "scale: -2.5", "above 0"),
        ("refractory", -1, "refractory: -1", "0 or more"),
    ],
)
def test_fixed_units(field: str, value: float, found: str, limit: str) -> None:
    fields: dict[str, Any] = {field: value}
    assert said(one_fixed(**fields)) == [text("SNN105", "lif", found, limit)]


def test_fixed_lag_and_scale() -> None:
    assert said(one_fixed(lag=-1)) == [text("SNN105", "lif", "lag: -1", "0 or more")]
    net = one_fixed()
    for field in ("scale", "offset"):
        two: dict[str, Any] = {field: np.ones(2)}
        p = replace(net.populations[0], **two)
        wanted = text("SNN104", "lif", f"{field} of shape [2]", "shape [1]")
        assert said(replace(net, populations=(p,))) == [wanted]


@pytest.mark.parametrize(
    ("step", "max_abs", "found", "limit"),
    [
        (0.0, 1, "step: 0", "above 0"),
        (-1.0, 1, "step: -1", "above 0"),
        (np.nan, 1, "step: nan", "above 0"),
        (np.inf, 1, "step: inf", "above 0"),
        (1.0, 0, "max_abs: 0", "1 or more"),
    ],
)
def test_fixed_inputs(step: float, max_abs: int, found: str, limit: str) -> None:
    net = replace(one_fixed(), inputs=(FixedInput("x", (1,), step, max_abs),))
    assert said(net) == [text("SNN105", "x", found, limit)]


def test_order_of_evaluation() -> None:
    limit = "a step, or a population further on"
    real = network(
        [population("a"), population("b")],
        [projection("x", "a", 1), projection("b", "a", 1), projection("b", "b", 1)],
    )
    fixed = fixed_network(
        [fixed_population("a"), fixed_population("b")],
        [
            fixed_projection("x", "a", 1, delay=0),
            fixed_projection("b", "a", 1, delay=0),
            fixed_projection("b", "b", 1, delay=0),
        ],
    )
    wanted = [
        text("SNN106", "b->a", "no delay from b to a", limit),
        text("SNN106", "b->b", "no delay from b to b", limit),
    ]
    assert said(real) == wanted
    assert said(fixed) == wanted


def wide(n: int, weight: int, weight_exp: int, max_abs: int) -> FixedNetwork:
    return one_fixed(np.full((1, n), weight), weight_exp=weight_exp, max_abs=max_abs)


def test_synaptic_input_stays_in_32_bits() -> None:
    """64 * 128 * 2**7 * 2**11 is 2**31, one too many."""
    limit = "2147483647: Lava's ports are 32 bits wide"
    assert said(wide(8, -128, 7, 255)) == []
    found = "synaptic input: up to 2.15e+09"
    assert said(wide(8, -128, 7, 256)) == [text("SNN105", "lif", found, limit)]
    assert said(wide(1, -128, 7, 2**11)) == [text("SNN105", "lif", found, limit)]
    assert said(wide(1, -128, 6, 2**11)) == []


def test_synaptic_input_before_a_negative_exponent() -> None:
    """``2 W x`` takes 32 bits in Lava's Dense, whatever the shift leaves of it."""
    limit = "2147483647: Lava's ports are 32 bits wide"
    assert said(wide(1, 127, -7, 2**23)) == []
    found = "synaptic input: up to 2.15e+09"
    assert said(wide(1, -128, -7, 2**23)) == [text("SNN105", "lif", found, limit)]


def test_synaptic_input_of_all_projections_together() -> None:
    def pair(max_abs: int) -> FixedNetwork:
        queues = [
            fixed_projection(name, "lif", -128, weight_exp=7, name=name) for name in ("x", "y")
        ]
        inputs = [FixedInput(name, (1,), 1.0, max_abs) for name in ("x", "y")]
        return fixed_network([fixed_population()], queues, inputs=inputs)

    limit = "2147483647: Lava's ports are 32 bits wide"
    assert said(pair(1023)) == []
    found = "synaptic input: up to 2.15e+09"
    assert said(pair(1024)) == [text("SNN105", "lif", found, limit)]


def test_synaptic_input_of_pooled_sums() -> None:
    """Sums of (1) count before a max pooling and behind a sum; every element may be the largest."""
    limit = "2147483647: Lava's ports are 32 bits wide"
    kernels = fixed_convolution(np.full((2, 1, 1, 1), -128), groups=2)
    small = replace(
        on_plane(kernels, POOL, max_abs=2**21 - 1), populations=(fixed_population(n=12),)
    )
    assert said(replace(small, projections=(replace(small.projections[0], weight_exp=-5),))) == []
    wide = on_plane(kernels, POOL, max_abs=2**21)
    wide = replace(wide, projections=(replace(wide.projections[0], weight_exp=-5),))
    found = "synaptic input: up to 2.15e+09"
    assert said(wide) == [text("SNN105", "lif", found, limit)]
    alone = np.zeros(24, np.int8)
    alone[1] = -128  # a sum that no window looks at
    hidden = FixedScaling(weight=alone), MaxPooling(window=window(1, 1, stride=2))
    assert said(on_plane(*hidden, n=8, max_abs=2**18 - 1)) == []
    assert said(on_plane(*hidden, n=8, max_abs=2**18)) == [text("SNN105", "lif", found, limit)]
    largest = on_plane(kernels, MaxPooling(window=window(2, 2)), max_abs=2**23 - 1)
    largest = replace(largest, projections=(replace(largest.projections[0], weight_exp=-5),))
    assert said(largest) == []
