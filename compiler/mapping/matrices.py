"""Which elements of a source reach which neurons, as matrices of 0 and 1."""

from __future__ import annotations

from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snnc.compiler.operators import (
    FixedConvolution,
    FixedDense,
    FixedOperator,
    FixedScaling,
    FixedSparse,
    MaxPooling,
    Shape,
    SumPooling,
    Window,
)

Sparse: TypeAlias = Any
"""A matrix of scipy, which has no types."""


def pooling_matrices(pooling: tuple[SumPooling | MaxPooling, ...], shape: Shape) -> list[Sparse]:
    """Give the matrix ``[pooled, elements]`` of each pooling of a source of ``shape``."""
    found: list[Sparse] = []
    for operator in pooling:
        found.append(_window_matrix(operator.window, None, 1, shape))
        shape = operator.result_shape(shape)
    return found


def unrolled(operators: tuple[FixedOperator, ...], shape: Shape) -> Sparse:
    """Give all synapses of a projection as a matrix ``[targets, sources]`` of 0 and 1."""
    sparse = scipy_sparse()
    whole = sparse.eye_array(prod(shape), dtype=np.int32, format="csr")
    for operator in operators:
        whole = ((_matrix_of(operator, shape) @ whole) != 0).astype(np.int32)
        shape = operator.result_shape(shape)
    return whole


def _matrix_of(operator: FixedOperator, shape: Shape) -> Sparse:
    sparse = scipy_sparse()
    match operator:
        case FixedDense():
            return sparse.csr_array((operator.weight != 0).astype(np.int32))
        case FixedSparse():
            used = (operator.weight != 0).astype(np.int32)
            lists = (used, operator.target, operator.begin)
            return sparse.csc_array(lists, shape=operator.shape).tocsr()
        case FixedScaling():
            return sparse.eye_array(operator.weight.size, dtype=np.int32, format="csr")
        case FixedConvolution():
            return _window_matrix(operator.window, operator.weight, operator.groups, shape)
        case _:
            return _window_matrix(operator.window, None, 1, shape)


def _window_matrix(
    window: Window, weight: npt.NDArray[Any] | None, groups: int, shape: Shape
) -> Sparse:
    """Give which neurons each element reaches: the product of the channels and of every axis."""
    sparse = scipy_sparse()
    if weight is None:
        total: Sparse = sparse.eye_array(shape[0], dtype=np.int32)
    else:
        used = weight.reshape(*weight.shape[:2], -1).any(axis=2).astype(np.int32)
        parts = [sparse.coo_array(part) for part in np.split(used, groups)]
        total = sparse.block_diag(parts, format="csr")
    for axis, count in enumerate(window.positions(shape[1:])):
        offset = np.arange(window.kernel[axis]) * window.dilation[axis]
        first = np.arange(count) * window.stride[axis] - window.padding[axis][0]
        under = first[:, None] + offset
        row = np.repeat(np.arange(count), offset.size)
        inside = ((under >= 0) & (under < shape[1 + axis])).reshape(-1)
        pairs = row[inside], under.reshape(-1)[inside]
        one = sparse.coo_array((np.ones(pairs[0].size, np.int32), pairs), (count, shape[1 + axis]))
        total = sparse.kron(total, one, format="csr")
    return total


def scipy_sparse() -> Any:
    """Give the module of scipy, which takes long to load."""
    from scipy import sparse

    module: Any = sparse
    return module
