"""Operations as NIR nodes, or why one cannot be."""
# torch types its functions in part:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import nir
import numpy as np

from snnc.compiler import rules
from snnc.compiler.diagnostics import Diagnostic
from snnc.compiler.graph.nodes import MaxPool1d, MaxPool2d
from snnc.frontends.torch.layers import Reals, axis_problems, number_problems, reals
from snnc.frontends.torch.values import (
    Add,
    AvgPool,
    Concatenate,
    Constant,
    Convolve,
    Dense,
    MaxPool,
    Multiply,
    Normalize,
    Operation,
    Pairs,
    Reshape,
    Shape,
    Shift,
    is_constant,
)

Notes = dict[str, Any]


def node_of(operation: Operation, notes: Notes) -> nir.NIRNode:
    """Give the node of an operation that has no problems.

    Args:
        operation: Of a concatenation, the sum of its parts.
        notes: What goes into the node's metadata.
    """
    return _NODES[type(operation.operator)](operation, operation.operator, notes)


def scale_node(factor: Reals, notes: Notes) -> nir.Scale:
    """Give a product with each value."""
    return nir.Scale(scale=factor, metadata={"snnc": notes})


def placing_nodes(operation: Operation, notes: Notes) -> Iterator[nir.NIRNode]:
    """Give for each part of a concatenation the weights of 0 and 1 that put it in its place."""
    total, start = operation.shape[0], 0
    for source in operation.sources:
        channels = source.shape[0]
        weight = np.zeros((total, channels), np.float32)
        weight[start : start + channels] = np.eye(channels, dtype=np.float32)
        start += channels
        if len(operation.shape) == 1:
            yield _matrix(weight, None, dict(notes))
            continue
        axes = len(operation.shape) - 1
        yield conv_node(
            weight.reshape(total, channels, *(1,) * axes), None, source.shape[1:], dict(notes)
        )


def conv_node(
    weight: Reals,
    bias: Reals | None,
    extent: Shape,
    notes: Notes,
    *,
    stride: Shape = (1, 1),
    padding: Pairs = ((0, 0), (0, 0)),
    dilation: Shape = (1, 1),
    groups: int = 1,
) -> nir.Conv1d | nir.Conv2d:
    """Give a convolution over one or two axes.

    Args:
        weight: Shape ``[c_out, c_in / groups, *kernel]``.
        bias: Shape ``[c_out]``, or None.
        extent: Shape of the input behind the channels.
        notes: What goes into the node's metadata.
        stride: Elements from one position to the next.
        padding: Zeros before and after, of each axis.
        dilation: Elements from one under the kernel to the next.
        groups: Channels are convolved in so many independent groups.
    """
    axes = weight.ndim - 2
    even = all(before == after for before, after in padding[:axes])
    before = tuple(pair[0] for pair in padding[:axes])
    fields: Any = {
        "weight": weight,
        "bias": np.zeros(len(weight), np.float32) if bias is None else bias,
        "groups": groups,
        "metadata": {"snnc": notes},
    }
    if axes == 1:
        return nir.Conv1d(
            input_shape=extent[0],
            stride=stride[0],
            padding=before[0] if even else "same",
            dilation=dilation[0],
            **fields,
        )
    return nir.Conv2d(
        input_shape=(extent[0], extent[1]),
        stride=(stride[0], stride[1]),
        padding=(before[0], before[1]) if even else "same",
        dilation=(dilation[0], dilation[1]),
        **fields,
    )


def _values(constant: Constant | None) -> Reals | None:
    return None if constant is None else reals(constant.tensor)


def _matrix(weight: Reals, bias: Reals | None, notes: Notes) -> nir.Linear | nir.Affine:
    metadata = {"snnc": notes}
    if bias is None:
        return nir.Linear(weight=weight, metadata=metadata)
    return nir.Affine(weight=weight, bias=bias, metadata=metadata)


def _dense(operation: Operation, dense: Dense, notes: Notes) -> nir.NIRNode:
    del operation
    return _matrix(reals(dense.weight.tensor), _values(dense.bias), notes)


def _convolution(operation: Operation, convolve: Convolve, notes: Notes) -> nir.NIRNode:
    return conv_node(
        reals(convolve.weight.tensor),
        _values(convolve.bias),
        operation.sources[0].shape[1:],
        notes,
        stride=convolve.stride,
        padding=convolve.padding,
        dilation=convolve.dilation,
        groups=convolve.groups,
    )


def _max_pool(operation: Operation, pool: MaxPool, notes: Notes) -> nir.NIRNode:
    del operation
    kind = MaxPool1d if len(pool.kernel) == 1 else MaxPool2d
    node = kind(
        kernel_size=np.array(pool.kernel),
        stride=np.array(pool.stride),
        padding=np.array(pool.padding),
        dilation=np.array(pool.dilation),
    )
    node.metadata = {"snnc": notes}
    return node


def _avg_pool(operation: Operation, pool: AvgPool, notes: Notes) -> nir.NIRNode:
    """Give an average; over one axis a convolution of each channel, as NIR has no such pool."""
    shape = operation.sources[0].shape
    if pool.divisors is not None:
        notes["divisors"] = reals(pool.divisors.tensor)
    if any(before != after for before, after in pool.padding):
        notes["padding"] = np.array(pool.padding)
    before = tuple(before for before, _ in pool.padding)
    if len(pool.kernel) == 2:
        return nir.AvgPool2d(
            kernel_size=np.array(pool.kernel),
            stride=np.array(pool.stride),
            padding=np.array(before),
            metadata={"snnc": notes},
        )
    size = pool.kernel[0]
    notes["average"] = size
    return conv_node(
        np.full((shape[0], 1, size), 1 / size, np.float32),
        None,
        shape[1:],
        notes,
        stride=pool.stride,
        padding=((before[0], before[0]),),
        dilation=(1,),
        groups=shape[0],
    )


def _normalized(operation: Operation, normalize: Normalize, notes: Notes) -> nir.NIRNode:
    factor, shift = reals(normalize.factor.tensor), reals(normalize.shift.tensor)
    return _elementwise(factor, shift, operation.shape, notes)


def _multiplied(operation: Operation, multiply: Multiply, notes: Notes) -> nir.NIRNode:
    factor = np.broadcast_to(reals(multiply.factor.tensor), operation.shape)
    return scale_node(factor.copy(), notes)


def _shifted(operation: Operation, shift: Shift, notes: Notes) -> nir.NIRNode:
    values = np.broadcast_to(reals(shift.shift.tensor), operation.shape)
    per_channel = values.reshape(len(values), -1)[:, 0].copy()
    return _elementwise(np.ones_like(per_channel), per_channel, operation.shape, notes)


def _summed(operation: Operation, operator: Add | Concatenate, notes: Notes) -> nir.NIRNode:
    """Give the node in which edges are summed; a sum of one value with itself has one edge."""
    first, *others = operation.sources
    twice = isinstance(operator, Add) and others[0] is first
    return scale_node(np.full(operation.shape, 2 if twice else 1, np.float32), notes)


def _elementwise(factor: Reals, shift: Reals, shape: Shape, notes: Notes) -> nir.NIRNode:
    """Give ``factor * x + shift`` of each channel."""
    if len(shape) == 1:
        return _matrix(np.diag(factor), shift, notes)
    weight = factor.reshape(-1, *(1,) * len(shape))
    return conv_node(weight, shift, shape[1:], notes, groups=len(factor))


_NODES: dict[type, Callable[[Operation, Any, Notes], nir.NIRNode]] = {
    Dense: _dense,
    Convolve: _convolution,
    MaxPool: _max_pool,
    AvgPool: _avg_pool,
    Normalize: _normalized,
    Multiply: _multiplied,
    Shift: _shifted,
    Add: _summed,
    Concatenate: _summed,
}


def operation_problems(operation: Operation) -> Iterator[Diagnostic]:
    """Tell why an operation cannot be a node."""
    shape, where = operation.sources[0].shape, operation.origin
    path = where.path if where.packaged else where.place
    if any(map(is_constant, operation.sources)):
        found = f"{where.function} of a tensor that depends on no input"
        yield _unlike(path, found, "weights, pooling and sums of what neurons send")
    match operation.operator:
        case Dense(weight, bias) | Convolve(weight, bias):
            if isinstance(operation.operator, Dense):
                kind = "nn.Linear" if where.packaged else where.function
                yield from axis_problems(path, kind, shape)
            yield from _weight_problems(path, weight, bias)
        case Normalize(factor, shift):
            yield from _weight_problems(path, factor, shift)
        case Multiply(numbers):
            yield from number_problems(path, numbers.tensor)
        case Shift(numbers):
            yield from number_problems(path, numbers.tensor)
            yield from _shift_problems(where.place, numbers, shape)
        case Reshape() if len(operation.shape) > 1 or prod(operation.shape) != prod(shape):
            found = f"makes {list(operation.shape)} of {list(shape)}"
            yield _unlike(path, found, "the same shape, or all in one axis as nn.Flatten gives it")
        case _:
            return


def _shift_problems(place: str, shift: Constant, shape: Shape) -> Iterator[Diagnostic]:
    each = np.broadcast_to(reals(shift.tensor), shape).reshape(shape[0], -1)
    if (each != each[:, :1]).any():
        found = f"adds other numbers within a channel of {list(shape)}"
        yield _unlike(place, found, "one number for each channel")


def _weight_problems(path: str, weight: Constant, bias: Constant | None) -> Iterator[Diagnostic]:
    yield from number_problems(f"{path}.weight", weight.tensor)
    if bias is not None:
        yield from number_problems(f"{path}.bias", bias.tensor)


def _unlike(node: str, found: str, limit: str) -> Diagnostic:
    return Diagnostic(
        rule=rules.MODEL_TRACEABLE,
        node=node,
        found=found,
        limit=limit,
        remedy="change the model; of an input the shape can be given with --input-shape",
    )
