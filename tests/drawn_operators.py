"""Hypothesis strategies of operators: pooling, one or more layers of weights, pooling."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from snnc.compiler.operators import (
    AveragePooling,
    Convolution,
    Dense,
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    MaxPooling,
    Operator,
    Scaling,
    Shape,
    SumPooling,
    Window,
    result_shape,
)

Rng = np.random.Generator


def drawn_shapes() -> st.SearchStrategy[Shape]:
    """Draw the shape of an input: flat, or one to three channels on one or two axes."""
    flat = st.tuples(st.integers(1, 4))
    line = st.tuples(st.integers(1, 3), st.integers(2, 6))
    plane = st.tuples(st.integers(1, 3), st.integers(2, 5), st.integers(2, 4))
    return flat | line | plane


@st.composite
def windows(draw: st.DrawFn, extent: Shape) -> Window:
    """Draw a window that fits on ``extent``, with an element of it at every position."""
    axes: list[tuple[int, int, tuple[int, int], int]] = []
    for n in extent:
        k = draw(st.integers(1, min(3, n)))
        dilation = draw(st.integers(1, 2)) if 2 * (k - 1) < n else 1
        reach = dilation * (k - 1)
        padding = (draw(st.integers(0, reach)), draw(st.integers(0, reach)))
        axes.append((k, draw(st.integers(1, 2)), padding, dilation))
    kernel, stride, padding_of_each, dilation_of_each = zip(*axes, strict=True)
    return Window(kernel, stride, padding_of_each, dilation_of_each)


# --- real --------------------------------------------------------------------------------------


@st.composite
def real_operators(draw: st.DrawFn, rng: Rng, shape: Shape) -> tuple[Operator, ...]:
    """Draw operators on values of ``shape`` that make one layer of weights."""
    if len(shape) == 1:
        return _on_flat(draw, rng, shape)
    before = draw(_pooling(shape, rng)) if draw(st.booleans()) else ()
    pooled = result_shape(before, shape)
    kind = draw(st.sampled_from(("dense", "convolution", "convolution", "two", "factors", "none")))
    if kind == "dense":
        return *before, dense_onto(rng, pooled, draw(st.integers(1, 4)))
    if kind == "factors":
        return *before, _scaling(rng, pooled)
    if kind == "none":
        return before
    convolution = draw(_convolutions(rng, pooled))
    shape = convolution.result_shape(pooled)
    if kind == "two":
        return *before, convolution, dense_onto(rng, shape, draw(st.integers(1, 4)))
    norm = (_norm(rng, shape),) if draw(st.booleans()) else ()
    behind = draw(_pooling(shape, rng)) if draw(st.booleans()) else ()
    return *before, convolution, *norm, *behind


def dense_onto(rng: Rng, shape: Shape, n: int) -> Dense:
    """Make weights from values of ``shape`` onto ``n``, every second one with a bias."""
    n_in = int(np.prod(shape))
    return Dense(
        weight=rng.normal(0, 1 / np.sqrt(n_in), (n, n_in)).astype(np.float32),
        bias=_bias(rng, n),
    )


def _on_flat(draw: st.DrawFn, rng: Rng, shape: Shape) -> tuple[Operator, ...]:
    kind = draw(st.sampled_from(("dense", "dense", "two", "factors", "none")))
    if kind == "factors":
        return (_scaling(rng, shape),)
    if kind == "none":
        return ()
    first = dense_onto(rng, shape, draw(st.integers(1, 4)))
    if kind == "dense":
        return (first,)
    return first, dense_onto(rng, first.bias.shape, draw(st.integers(1, 4)))


@st.composite
def _pooling(draw: st.DrawFn, shape: Shape, rng: Rng) -> tuple[Operator, ...]:
    window = draw(windows(shape[1:]))
    kind = draw(st.sampled_from(("average", "sum", "max")))
    if kind == "max":
        return (MaxPooling(window=window),)
    if kind == "sum":
        return (SumPooling(window=window),)
    divisors = rng.uniform(1, 4, (draw(st.integers(1, 2)), *(1 for _ in shape[1:])))
    return (AveragePooling(window=window, divisors=divisors.astype(np.float32)),)


@st.composite
def _convolutions(draw: st.DrawFn, rng: Rng, shape: Shape) -> Convolution:
    window = draw(windows(shape[1:]))
    groups = draw(st.sampled_from([g for g in (1, 2, 3) if shape[0] % g == 0]))
    channels = groups * draw(st.integers(1, 2))
    size = (channels, shape[0] // groups, *window.kernel)
    weight = rng.normal(0, 1 / np.sqrt(np.prod(size[1:])), size)
    return Convolution(
        weight=weight.astype(np.float32), bias=_bias(rng, channels), window=window, groups=groups
    )


def _bias(rng: Rng, n: int) -> npt.NDArray[np.float32]:
    return (rng.normal(0, 0.1, n) * (rng.random() < 0.5)).astype(np.float32)


def _scaling(rng: Rng, shape: Shape) -> Scaling:
    factor, shift = rng.normal(0, 1, shape), rng.normal(0, 0.1, shape)
    return Scaling(factor=factor.astype(np.float32), shift=shift.astype(np.float32))


def _norm(rng: Rng, shape: Shape) -> Scaling:
    """Make a batch norm of positive factors."""
    channels = (shape[0], *(1 for _ in shape[1:]))
    factor, shift = rng.uniform(0.5, 2, channels), rng.normal(0, 0.1, channels)
    return Scaling(factor=factor.astype(np.float32), shift=shift.astype(np.float32))


# --- integers ----------------------------------------------------------------------------------


@st.composite
def fixed_operators(
    draw: st.DrawFn, shape: Shape, n: int | None = None
) -> tuple[FixedOperator, ...]:
    """Draw integer operators on values of ``shape``.

    Args:
        draw: Given by hypothesis.
        shape: Of what the source sends.
        n: Values that they must give; any number where it is None.
    """
    before = draw(_fixed_pooling(shape)) if len(shape) > 1 else ()
    pooled = result_shape(before, shape)
    size = int(np.prod(pooled))
    kinds = ["dense"] + ["factors"] * (n in (None, size))
    kinds += ["convolution"] * (2 * (n is None and len(shape) > 1))
    kind = draw(st.sampled_from(kinds))
    if kind == "dense":
        return *before, FixedDense(weight=draw(drawn_weights(n or draw(st.integers(1, 3)), size)))
    if kind == "factors":
        weighted: FixedOperator = FixedScaling(weight=draw(drawn_weights(size)))
    else:
        weighted = draw(_fixed_convolutions(pooled))
    after = weighted.result_shape(pooled)
    behind = draw(_fixed_pooling(after)) if n is None and len(after) > 1 else ()
    return *before, weighted, *behind


@st.composite
def _fixed_pooling(draw: st.DrawFn, shape: Shape) -> tuple[FixedOperator, ...]:
    kind = draw(st.sampled_from((None, None, SumPooling, MaxPooling)))
    return () if kind is None else (kind(window=draw(windows(shape[1:]))),)


@st.composite
def _fixed_convolutions(draw: st.DrawFn, shape: Shape) -> FixedConvolution:
    window = draw(windows(shape[1:]))
    groups = draw(st.sampled_from([g for g in (1, 2, 3) if shape[0] % g == 0]))
    channels = groups * draw(st.integers(1, 2))
    weight = draw(drawn_weights(channels, shape[0] // groups, *window.kernel))
    return FixedConvolution(weight=weight, window=window, groups=groups)


@st.composite
def drawn_weights(draw: st.DrawFn, *shape: int) -> npt.NDArray[np.int8]:
    """Draw integer weights: one by one where they are few, else from a drawn seed."""
    n = int(np.prod(shape))
    if n <= 12:
        element = st.sampled_from((-128, -1, 0, 1, 127)) | st.integers(-128, 127)
        flat: Any = draw(st.lists(element, min_size=n, max_size=n))
    else:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        flat = np.where(rng.random(n) < 0.2, rng.choice([-128, 127], n), rng.integers(-128, 128, n))
    return np.array(flat, np.int8).reshape(shape)
