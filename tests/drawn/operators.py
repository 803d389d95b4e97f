"""Hypothesis strategies of real operators."""

from __future__ import annotations

from math import prod

from hypothesis import strategies as st

from snnc.compiler.operators import (
    AveragePooling,
    Convolution,
    Dense,
    MaxPooling,
    Operator,
    Scaling,
    Shape,
    SumPooling,
    Window,
    result_shape,
)
from tests.drawn.numbers import Numbers


def shapes() -> st.SearchStrategy[Shape]:
    """Draw a shape: flat, or one to three channels on one or two axes."""
    flat = st.tuples(st.integers(1, 4))
    line = st.tuples(st.integers(1, 3), st.integers(2, 6))
    plane = st.tuples(st.integers(1, 3), st.integers(2, 5), st.integers(2, 4))
    return flat | line | plane


@st.composite
def windows(draw: st.DrawFn, extent: Shape, *, spare: int = 0) -> Window:
    """Draw a window that fits on ``extent``.

    Args:
        draw: Given by hypothesis.
        extent: Of a value.
        spare: Padding beyond that with which there is an element under it at every position.
    """
    axes: list[tuple[int, int, tuple[int, int], int]] = []
    for n in extent:
        k = draw(st.integers(1, min(3, n)))
        dilation = draw(st.integers(1, 2)) if 2 * (k - 1) < n else 1
        most = dilation * (k - 1) + spare
        padding = (draw(st.integers(0, most)), draw(st.integers(0, most)))
        axes.append((k, draw(st.integers(1, 2)), padding, dilation))
    kernel, stride, padding_of_each, dilation_of_each = zip(*axes, strict=True)
    return Window(kernel, stride, padding_of_each, dilation_of_each)


# --- one layer of weights ----------------------------------------------------------------------


@st.composite
def layers(draw: st.DrawFn, numbers: Numbers, shape: Shape) -> tuple[Operator, ...]:
    """Draw operators on values of ``shape`` that make one layer of weights."""
    kinds = ["dense", "two", "factors", "none", *(["convolution"] * 2 if len(shape) > 1 else [])]
    pools = len(shape) > 1 and draw(st.booleans())
    before = (draw(_pooling(numbers, shape)),) if pools else ()
    pooled = result_shape(before, shape)
    kind = draw(st.sampled_from(kinds))
    if kind == "none":
        return before
    if kind == "factors":
        return *before, _scaling(numbers, pooled)
    if kind == "dense" or len(shape) == 1:
        first: Dense | Convolution = dense_onto(numbers, pooled, draw(st.integers(1, 4)))
    else:
        first = draw(_convolutions(numbers, pooled))
    after = first.result_shape(pooled)
    if kind == "two":
        return *before, first, dense_onto(numbers, after, draw(st.integers(1, 4)))
    if kind == "dense":
        return *before, first
    norm = (_norm(numbers, after),) if draw(st.booleans()) else ()
    behind = (draw(_pooling(numbers, after)),) if draw(st.booleans()) else ()
    return *before, first, *norm, *behind


def dense_onto(numbers: Numbers, shape: Shape, n: int) -> Dense:
    """Make weights from values of ``shape`` onto ``n``."""
    return Dense(weight=numbers.weights(n, prod(shape)), bias=numbers.biases(n))


# --- anything ----------------------------------------------------------------------------------


@st.composite
def operators_between(
    draw: st.DrawFn, numbers: Numbers, shape: Shape, target: Shape
) -> tuple[Operator, ...]:
    """Draw any operators, and weights behind them that make the size of ``target``."""
    operators: list[Operator] = []
    here = shape
    for _ in range(draw(st.integers(0, 2)) if len(shape) > 1 else 0):
        operators.append(draw(_any_operator(numbers, here)))
        here = operators[-1].result_shape(here)
    if prod(here) != prod(target) or draw(st.booleans()):
        operators.append(dense_onto(numbers, here, prod(target)))
    return tuple(operators)


@st.composite
def _any_operator(draw: st.DrawFn, numbers: Numbers, shape: Shape) -> Operator:
    kind = draw(st.sampled_from(("convolution", "channels", "elements", "pooling", "pooling")))
    if kind == "convolution":
        return draw(_convolutions(numbers, shape, spare=1))
    if kind == "channels":
        return _norm(numbers, shape)
    if kind == "elements":
        return _scaling(numbers, shape)
    return draw(_pooling(numbers, shape, spare=1, each=draw(st.booleans())))


# --- of each kind ------------------------------------------------------------------------------


@st.composite
def _pooling(
    draw: st.DrawFn, numbers: Numbers, shape: Shape, *, spare: int = 0, each: bool = False
) -> Operator:
    """Draw pooling; an average has divisors for all positions, or for ``each``."""
    kind = draw(st.sampled_from(("average", "sum", "max")))
    window = draw(windows(shape[1:], spare=0 if kind == "max" else spare))
    if kind == "max":
        return MaxPooling(window=window)
    if kind == "sum":
        return SumPooling(window=window)
    positions = window.positions(shape[1:]) if each else (1,) * len(window.kernel)
    divisors = numbers.divisors(draw(st.integers(1, 2)), *positions)
    return AveragePooling(window=window, divisors=divisors)


@st.composite
def _convolutions(
    draw: st.DrawFn, numbers: Numbers, shape: Shape, *, spare: int = 0
) -> Convolution:
    window = draw(windows(shape[1:], spare=spare))
    groups = draw(st.sampled_from([g for g in (1, 2, 3) if shape[0] % g == 0]))
    channels = groups * draw(st.integers(1, 2))
    weight = numbers.weights(channels, shape[0] // groups, *window.kernel)
    return Convolution(weight=weight, bias=numbers.biases(channels), window=window, groups=groups)


def _scaling(numbers: Numbers, shape: Shape) -> Scaling:
    return Scaling(factor=numbers.factors(*shape), shift=numbers.shifts(*shape))


def _norm(numbers: Numbers, shape: Shape) -> Scaling:
    """Make a batch norm of positive factors."""
    channels = (shape[0], *(1 for _ in shape[1:]))
    factor = numbers.factors(*channels, positive=True)
    return Scaling(factor=factor, shift=numbers.shifts(*channels))
