"""A stateless NIR node as operators of a projection."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, cast

import nir
import numpy as np
import numpy.typing as npt

from snnc.compiler.nodes import MaxPool2d
from snnc.compiler.notes import metadata
from snnc.compiler.operators import (
    AveragePooling,
    Convolution,
    Dense,
    MaxPooling,
    Operator,
    Reals,
    Scaling,
    Shape,
    ShapeError,
    SumPooling,
    Window,
)


def operators_of(node: nir.NIRNode, shape: Shape) -> tuple[Operator, ...]:
    """Give what ``node`` does to a value of ``shape``; nothing where it changes only the shape.

    A batch norm is written as a convolution of one element in groups of one channel, or as a
    diagonal matrix, and is executed as what it is (see ``Scaling``). A ``Delay`` is no operator.

    Args:
        node: One of ``nodes.OPERATORS``.
        shape: What it takes.

    Raises:
        ShapeError: It does not take that.
    """
    match node:
        case nir.Linear() | nir.Affine():
            return _of_matrix(node, shape)
        case nir.Conv1d() | nir.Conv2d():
            return _of_convolution(node, shape)
        case nir.AvgPool2d():
            window = _window(node, 2)
            divisors = metadata(node).get("divisors", float(prod(window.kernel)))
            return (AveragePooling(window=window, divisors=_with_axes(divisors, 3)),)
        case nir.SumPool2d():
            return (SumPooling(window=_window(node, 2)),)
        case MaxPool2d():
            return (MaxPooling(window=_window(node, np.size(node.kernel_size))),)
        case nir.Scale():
            factor = _fitted(_reals(node.scale), shape)
            return () if (factor == 1).all() else (_scaling(factor, None),)
        case _:
            return ()


def _of_matrix(node: nir.Linear | nir.Affine, shape: Shape) -> tuple[Operator, ...]:
    weight = _reals(node.weight)
    bias = _reals(node.bias) if isinstance(node, nir.Affine) else None
    n_out = weight.shape[0] if weight.ndim == 2 else 0
    if weight.ndim != 2 or weight.shape[1] != prod(shape):
        raise ShapeError(f"a weight of shape {list(weight.shape)} on {prod(shape)} values")
    if bias is not None and bias.shape != (n_out,):
        raise ShapeError(f"a bias of shape {list(bias.shape)} beside {n_out} rows of weights")
    if n_out == weight.shape[1] > 1 and _is_diagonal(weight):
        factor = np.diagonal(weight).reshape(shape)
        return (_scaling(factor, None if bias is None else bias.reshape(shape)),)
    return (Dense(weight=weight, bias=np.zeros(n_out, np.float32) if bias is None else bias),)


def _is_diagonal(weight: Reals) -> bool:
    return bool(np.count_nonzero(weight) == np.count_nonzero(np.diagonal(weight)))


def _of_convolution(node: nir.Conv1d | nir.Conv2d, shape: Shape) -> tuple[Operator, ...]:
    weight, groups = _reals(node.weight), int(node.groups)
    bias = np.zeros(len(weight), np.float32) if node.bias is None else _reals(node.bias)
    axes = 1 if isinstance(node, nir.Conv1d) else 2
    if weight.ndim != axes + 2 or bias.shape != weight.shape[:1]:
        raise ShapeError(f"weight {list(weight.shape)} and bias {list(bias.shape)}")
    convolution = Convolution(
        weight=weight, bias=bias, window=_window_of_kernel(node, weight.shape[2:]), groups=groups
    )
    result = convolution.result_shape(shape)
    if groups == len(weight) == shape[0] and result == shape and prod(weight.shape[1:]) == 1:
        return (_scaling(_with_axes(weight.ravel(), axes + 1), _with_axes(bias, axes + 1)),)
    count = metadata(node).get("average")
    if count is None:
        return (convolution,)
    divisors = metadata(node).get("divisors", float(np.asarray(count)))
    return (AveragePooling(window=convolution.window, divisors=_with_axes(divisors, axes + 1)),)


def _scaling(factor: Reals, shift: Reals | None) -> Scaling:
    return Scaling(factor=factor, shift=np.zeros_like(factor) if shift is None else shift)


def _fitted(factor: Reals, shape: Shape) -> Reals:
    """Give ``factor`` in the shape of the value: a ``Flatten`` before it changes no number."""
    return factor.reshape(shape) if factor.size == prod(shape) else factor


def _window(node: nir.NIRNode, axes: int) -> Window:
    """Give the window of a pool."""
    pool = cast("Any", node)
    kernel = _numbers(pool.kernel_size, axes)
    dilation = getattr(pool, "dilation", 1)
    return Window(
        kernel=kernel,
        stride=_numbers(pool.stride, axes),
        padding=tuple(_paddings(metadata(node).get("padding", pool.padding), axes)),
        dilation=_numbers(dilation, axes),
    )


def _window_of_kernel(node: nir.Conv1d | nir.Conv2d, kernel: Shape) -> Window:
    axes = len(kernel)
    stride, dilation = _numbers(node.stride, axes), _numbers(node.dilation, axes)
    padding = metadata(node).get("padding", cast("Any", node.padding))
    if isinstance(padding, str):
        # 'same' puts the odd zero behind, as torch does (torch 2.13, nn/modules/conv.py).
        totals = [
            d * (k - 1) if padding == "same" else 0 for k, d in zip(kernel, dilation, strict=True)
        ]
        pairs = [(total // 2, total - total // 2) for total in totals]
    else:
        pairs = list(_paddings(padding, axes))
    return Window(kernel=kernel, stride=stride, padding=tuple(pairs), dilation=dilation)


def _numbers(values: Any, axes: int) -> tuple[int, ...]:
    return tuple(int(n) for n in np.broadcast_to(np.asarray(values).ravel(), (axes,)))


def _paddings(values: Any, axes: int) -> Iterator[tuple[int, int]]:
    """Give padding before and after each axis, of one number, one an axis, or two an axis."""
    numbers: npt.NDArray[Any] = np.asarray(values)
    pairs = numbers if numbers.ndim == 2 else np.broadcast_to(numbers.reshape(-1, 1), (axes, 2))
    for before, after in np.broadcast_to(pairs, (axes, 2)):
        yield int(before), int(after)


def _with_axes(values: Any, axes: int) -> Reals:
    """Give ``values`` with axes of 1 behind them, until there are ``axes`` of them."""
    numbers = np.atleast_1d(np.asarray(values)).astype(np.float32)
    return numbers.reshape(*numbers.shape, *(1,) * (axes - numbers.ndim))


def _reals(values: Any) -> Reals:
    with np.errstate(over="ignore"):  # infinity is refused by check_network
        return np.asarray(values).astype(np.float32)
