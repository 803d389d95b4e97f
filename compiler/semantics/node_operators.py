"""A stateless NIR node as operators of a projection."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, cast

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.graph.nodes import Convolved, MaxPool2d, Pooled
from snnc.compiler.graph.notes import metadata
from snnc.compiler.graph.windows import window_of
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
    result_shape,
)


def operators_along(
    nodes: Mapping[str, nir.NIRNode], shape: Shape
) -> tuple[Operator, ...] | Diagnostic:
    """Give what ``nodes`` do, one after the other, to a value of ``shape``.

    Returns:
        Why not, where a node does not take what the one before gives: ``infer_shapes`` lets nodes
        take a value with other axes of length 1, and knows nothing of notes.
    """
    operators: list[Operator] = []
    for name, node in nodes.items():
        try:
            made = operators_of(node, shape)
            shape = result_shape(made, shape)
        except ShapeError as error:
            return Diagnostic(
                rule=rules.NODE_COMPLETE,
                node=name,
                found=str(error),
                limit=f"what takes {list(shape)}, as it arrives",
                remedy="correct the node in the model",
            )
        operators += made
    return tuple(operators)


def operators_of(node: nir.NIRNode, shape: Shape) -> tuple[Operator, ...]:
    """Give what ``node`` does to a value of ``shape``; nothing where it changes only the shape.

    A batch norm is written as a convolution of one element in groups of one channel, or as a
    diagonal matrix, and is executed as what it is (see ``Scaling``). A ``Delay`` is no operator.

    Args:
        node: One of ``nodes.OPERATORS``.
        shape: What it takes.

    Raises:
        ShapeError: It does not take that, or its own fields do not fit each other.
    """
    match node:
        case nir.Linear() | nir.Affine():
            return (_of_matrix(node, shape),)
        case nir.Conv1d() | nir.Conv2d():
            return (_of_convolution(node, shape),)
        case nir.AvgPool2d() | nir.SumPool2d() | MaxPool2d():
            return (_of_pool(node),)
        case nir.Scale():
            factor = _reals(node.scale)
            scaling = _scaling(factor.reshape(shape) if factor.size == prod(shape) else factor)
            result_shape((scaling,), shape)  # also of one that is left out
            return () if (factor == 1).all() else (scaling,)
        case _:
            return ()


def _of_matrix(node: nir.Linear | nir.Affine, shape: Shape) -> Operator:
    given = _reals(node.weight)
    weight = given.reshape(given.shape[-2], given.shape[-1])  # axes of length 1 may stand before
    none = np.zeros(weight.shape[:1], np.float32)
    bias = _reals(node.bias).ravel() if isinstance(node, nir.Affine) else none
    dense = Dense(weight=weight, bias=bias)
    if dense.result_shape(shape) == weight.shape[1:] != (1,) and _is_diagonal(weight):
        return _scaling(np.diagonal(weight).reshape(shape), dense.bias.reshape(shape))
    return dense


def _is_diagonal(weight: Reals) -> bool:
    return bool(np.count_nonzero(weight) == np.count_nonzero(np.diagonal(weight)))


def _of_convolution(node: Convolved, shape: Shape) -> Operator:
    window, weight, groups = (
        window_of(node),
        _reals(node.weight),
        int(np.asarray(node.groups).item()),
    )
    given = cast("Any", node.bias)  # None where there is none, whatever its annotation says
    bias = np.zeros(len(weight), np.float32) if given is None else _reals(given)
    convolution = Convolution(weight=weight, bias=bias, window=window, groups=groups)
    result = convolution.result_shape(shape)
    each = groups == len(weight) == shape[0]
    count = metadata(node).get("average")
    if count is not None and each:
        divisors = metadata(node).get("divisors", float(np.asarray(count)))
        return AveragePooling(window=window, divisors=_with_axes(divisors, len(shape)))
    if result == shape and each and prod(weight.shape[1:]) == 1:
        return _scaling(_with_axes(weight.ravel(), len(shape)), _with_axes(bias, len(shape)))
    return convolution


def _of_pool(node: Pooled) -> Operator:
    window = window_of(node)
    if isinstance(node, nir.SumPool2d):
        return SumPooling(window=window)
    if isinstance(node, MaxPool2d):
        return MaxPooling(window=window)
    divisors = metadata(node).get("divisors", float(prod(window.kernel)))
    return AveragePooling(window=window, divisors=_with_axes(divisors, 3))


def _scaling(factor: Reals, shift: Reals | None = None) -> Scaling:
    return Scaling(factor=factor, shift=np.zeros_like(factor) if shift is None else shift)


def _with_axes(values: Any, axes: int) -> Reals:
    """Give ``values`` with axes of 1 behind them, until there are ``axes`` of them."""
    numbers = np.atleast_1d(np.asarray(values)).astype(np.float32)
    return numbers.reshape(*numbers.shape, *(1,) * (axes - numbers.ndim))


def _reals(values: Any) -> Reals:
    with np.errstate(over="ignore"):  # infinity is refused by check_network
        return np.asarray(values).astype(np.float32)
